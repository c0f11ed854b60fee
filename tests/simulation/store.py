"""The store of a story: the records of a task's attempts, and how its writes fail."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from airflow_provider_oms.cancellation.store import TakenOverError


class StoreFailedError(Exception):
    """Say that a value was not taken, or that it is not known whether it was."""


class Values:
    """Keep the records of a task's attempts; only the newest attempt may write."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.newest_attempt = 0

    def open(
        self,
        attempt: int,
        will_fail: Callable[[], str | None],
        later: Callable[[Callable[[], object]], object],
    ) -> Store:
        """Return the journal's store of an attempt; those before may not write any more."""
        self.newest_attempt = attempt
        return Store(self, attempt, will_fail, later)

    def lose(self, draw: random.Random) -> str | None:
        """Lose one value, if there is one."""
        if not self.values:
            return None
        key = draw.choice(sorted(self.values))
        del self.values[key]
        return key


class Store:
    """One attempt's view of the values.

    :param values: the values of the task.
    :param attempt: which attempt this is.
    :param will_fail: tells of each value how its write fails: not at all (``None``), without a
        trace (``"gone"``), after it was taken (``"taken"``), or so that it arrives later
        (``"late"``).
    :param later: does something after a while.
    """

    def __init__(
        self,
        values: Values,
        attempt: int,
        will_fail: Callable[[], str | None],
        later: Callable[[Callable[[], object]], object],
    ) -> None:
        self._values = values
        self._attempt = attempt
        self._will_fail = will_fail
        self._later = later

    def get(self, key: str, default: Any = None) -> Any:
        text = self._values.values.get(key)
        return default if text is None else json.loads(text)

    def set(self, key: str, value: Any) -> None:
        text = json.dumps(value)
        how = self._will_fail()
        if how == "late":
            self._later(lambda: self._take(key, text))
        if how in ("late", "gone"):
            raise StoreFailedError(how)
        if not self._take(key, text):
            raise TakenOverError("another attempt has taken over")
        if how == "taken":
            raise StoreFailedError(how)

    def _take(self, key: str, text: str) -> bool:
        if self._values.newest_attempt != self._attempt:
            return False
        self._values.values[key] = text
        return True
