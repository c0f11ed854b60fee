"""A store of small values in object storage, to which an older attempt of the task cannot add.

It is an append-only log of numbered objects. The storage must be able to create an object only if
there is none of that name. The invariant:

An attempt creates number n + 1 only after it has itself created number n, and no object is ever
removed or replaced. An attempt that begins claims the first free number, which is the number that
an older attempt would create next. So each record of an older attempt either comes before the
claim, where the younger attempt reads it, or is refused. After a lost response, the object itself
shows whether it was created, because no two attempts write the same bytes.

A list only shows where to begin. If it lags, each object that it lacks costs one refused write.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Collection
from typing import Any, Protocol

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.cancellation.store import TakenOverError, store_failures

__all__ = ["RULE", "ObjectLog", "Objects"]

RULE = (
    "in S3, Google Cloud Storage, Azure Blob Storage or a folder, where a write can be refused if "
    "the object is there already"
)
_VERSION = 1
_NAME = re.compile(r"(\d{8,})\.json")
# Far more than a list can lack, or an older attempt can write while it is overtaken.
_MOST_UNLISTED = 1000
# So many records a later attempt reads at most to find the newest value of each key.
_INDEX_EVERY = 32
# A run that has ended does not wait for a write that hangs.
_LONGEST_WAIT = 2.0


class Objects(Protocol):
    """Keep the objects of one task."""

    def names(self) -> Collection[str]:
        """Return the names of the objects; some that were created just now may be missing."""

    def read(self, name: str) -> bytes | None:
        """Return an object; ``None`` if there is none.

        :param name: its name.
        """

    def create(self, name: str, data: bytes) -> None:
        """Create an object, and fail if there is one of that name.

        :param name: its name.
        :param data: its content.
        """


class _FencedOffError(TakenOverError):
    def __init__(self) -> None:
        super().__init__("another attempt of this task has taken over")


class _TooLateError(Exception):
    def __init__(self, own: int, other: int) -> None:
        super().__init__(
            f"this is attempt {own} of the task, and attempt {other} has taken over; if its run "
            f"was deleted and made again, remove the objects of the old one"
        )


class ObjectLog:
    """Keep values for one attempt, which takes over from all older ones; a ``Store``.

    :param objects: the objects of the task.
    :param task: which task that is, for a person who looks at the objects.
    :param attempt: its number, for the same purpose.
    :param token: a text that no other attempt has.
    :raises JournalError: when the storage fails, or holds something else.
    :raises OmsInputError: when the storage replaces an object that should only be created.
    """

    def __init__(self, objects: Objects, *, task: str, attempt: int, token: str) -> None:
        self._objects = objects
        self._token = token
        self._attempt = attempt
        # The driver's thread may still write while the caller's asks whether it owns the record.
        self._lock = threading.Lock()
        self._is_fenced_off = False
        # The last write, where it is not known whether the storage has taken it.
        self._unconfirmed: tuple[str, bytes] | None = None
        # The number of the newest record, and that of the newest for each key.
        self._number = 0
        self._index: dict[str, int] = {}
        with store_failures():
            claim = self._take_over(task)
            is_refused = self._refuses_to_replace(claim)
        if not is_refused:
            raise OmsInputError("journal_path", RULE, "a storage that replaces the object")

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key as it was when this attempt took over, or has set it since.

        :param key: the key.
        :param default: what to return where there is none, or where its object is lost.
        """
        if (number := self._index.get(key)) is not None:
            match self._read(number):
                case {"value": value}:
                    return value
        return default

    def set(self, key: str, value: Any) -> None:
        """Keep a value under a key.

        :param key: the key.
        :param value: a JSON value.
        :raises Exception: when it is not known to be kept: it may be kept nevertheless, as of the
            record's place in the log, but after no later one.
        """
        if not self._lock.acquire(timeout=_LONGEST_WAIT):
            raise TimeoutError("an earlier write does not come to its end")
        try:
            if self._unconfirmed is not None:
                self._append(*self._unconfirmed)
            record: dict[str, Any] = {"key": key, "value": value}
            number = self._number + 1
            if number % _INDEX_EVERY == 0:
                record["index"] = {**self._index, key: number}
            self._append(key, self._encoded(**record))
        finally:
            self._lock.release()

    def _append(self, key: str, data: bytes) -> None:
        if self._is_fenced_off:
            raise _FencedOffError
        self._unconfirmed = key, data
        if not self._creates(self._number + 1, data):
            self._is_fenced_off = True
            raise _FencedOffError
        self._number += 1
        self._index[key] = self._number
        self._unconfirmed = None

    def _creates(self, number: int, data: bytes, *, reads_if_there: bool = True) -> bool:
        """Create an object, and return whether it is ours; fail where that is not known."""
        name = _name(number)
        try:
            self._objects.create(name, data)
        except Exception as error:
            if isinstance(error, FileExistsError) and not reads_if_there:
                return False
            found = self._objects.read(name)
            if found is None:
                raise
            return found == data
        return True

    def _take_over(self, task: str) -> bytes:
        names = map(_NAME.fullmatch, self._objects.names())
        newest = max((int(name[1]) for name in names if name), default=0)
        if newest:
            # So that an attempt that comes too late does not even stop the younger one.
            self._refuse_if_younger(self._read(newest))
        claim = self._encoded(task=task)
        for self._number in range(newest + 1, newest + _MOST_UNLISTED + 1):
            # An older attempt that writes all the time stays ahead of one that reads in between. If
            # the object is this claim, as after a retry of the library, a second one does no harm.
            if self._creates(self._number, claim, reads_if_there=False):
                self._index = self._index_before(self._number)
                return claim
        raise OSError(f"{_MOST_UNLISTED} objects that the storage does not list are there already")

    def _index_before(self, claim: int) -> dict[str, int]:
        newest: dict[str, int] = {}
        for number in range(claim - 1, 0, -1):
            self._refuse_if_younger(record := self._read(number))
            match record:
                case {"version": int(version), "key": str(key), **rest} if version == _VERSION:
                    newest.setdefault(key, number)
                    if isinstance(index := rest.get("index"), dict):
                        return {**index, **newest}
                case {"version": int(version), "task": _} if version == _VERSION:
                    pass
                case None:
                    # Nothing says which value is lost.
                    return {}
                case _:
                    raise ValueError(f"{_name(number)} is no record of a journal")
        return newest

    def _refuse_if_younger(self, record: Any) -> None:
        match record:
            case {"attempt": int(attempt)} if attempt > self._attempt:
                raise _TooLateError(self._attempt, attempt)

    def _refuses_to_replace(self, claim: bytes) -> bool:
        name = _name(self._number)
        try:
            self._objects.create(name, self._encoded(replaces=self._number))
        except Exception:  # noqa: BLE001 - the storage's own, and the object shows the result
            found = self._objects.read(name)
            if found is None:
                raise OSError(f"{name} was written, and is not there") from None
            return found == claim
        return False

    def _read(self, number: int) -> Any:
        """Return a record; ``None`` if it is lost, and anything else if it is no record."""
        data = self._objects.read(_name(number))
        try:
            return None if data is None else json.loads(data)
        except ValueError:
            return data

    def _encoded(self, **content: Any) -> bytes:
        record = {
            "version": _VERSION,
            "by": self._token,
            "attempt": self._attempt,
            **content,
        }
        return json.dumps(record, separators=(",", ":")).encode()


def _name(number: int) -> str:
    return f"{number:08d}.json"
