"""A folder of object storage in a story: objects that are created only once, and lists that lag."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Collection

from airflow_provider_oms.cancellation.object_log import ObjectLog
from tests.simulation.store import StoreFailedError


class Bucket:
    """Keep the objects of a task.

    :param draw: separate chance, for how far a list lags.
    """

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self.objects: dict[str, bytes] = {}
        self._lags = draw.random() < 0.5

    def open(
        self,
        attempt: int,
        will_fail: Callable[[], str | None],
        later: Callable[[Callable[[], object]], object],
    ) -> ObjectLog:
        """Return the journal's store of an attempt, which takes over from the ones before."""
        objects = _Objects(self, will_fail, later)
        return ObjectLog(objects, task="t", attempt=attempt, token=str(attempt))

    def lose(self, draw: random.Random) -> str | None:
        """Lose one record, if there is one other than the newest; after that, lists do not lag.

        A claim that is lost would let an older attempt write again.
        """
        names = sorted(self.objects)[:-1]
        records = [name for name in names if "key" in json.loads(self.objects[name])]
        if not records:
            return None
        name = draw.choice(records)
        del self.objects[name]
        self._lags = False
        return name

    def names(self) -> Collection[str]:
        """Return the names, but for some of the newest where lists lag."""
        names = list(self.objects)
        if self._lags:
            del names[len(names) - self._draw.randint(0, min(3, len(names))) :]
        return names

    def create(self, name: str, data: bytes) -> None:
        if name in self.objects:
            raise FileExistsError(name)
        self.objects[name] = data


class _Objects:
    """One attempt's view of the objects; see :class:`tests.simulation.store.Store`."""

    def __init__(
        self,
        bucket: Bucket,
        will_fail: Callable[[], str | None],
        later: Callable[[Callable[[], object]], object],
    ) -> None:
        self._bucket = bucket
        self._will_fail = will_fail
        self._later = later

    def names(self) -> Collection[str]:
        return self._bucket.names()

    def read(self, name: str) -> bytes | None:
        return self._bucket.objects.get(name)

    def create(self, name: str, data: bytes) -> None:
        how = self._will_fail()
        if how == "late":
            self._later(lambda: self._arrive(name, data))
        if how in ("late", "gone"):
            raise StoreFailedError(how)
        self._bucket.create(name, data)
        if how == "taken":
            raise StoreFailedError(how)

    def _arrive(self, name: str, data: bytes) -> None:
        if name not in self._bucket.objects:
            self._bucket.create(name, data)
