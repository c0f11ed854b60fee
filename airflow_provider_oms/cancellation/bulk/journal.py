"""What a task records about its orders so that its next attempt can go on, whatever ended this one.

An intent is on record before its cancel is sent, and an outcome soon after it is known. Where
records are kept is behind :class:`Store`; what is sent, and when, is decided in ``run.py``.

The records are pages, each a map from order to its state. An attempt rewrites the page it is on
until that is full, and never one of an earlier attempt, so that a recorded time stays what it was.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from airflow_provider_oms.cancellation.outcomes import CancellationResult, ConfirmedBy, Outcome

__all__ = ["PERMIT_SECONDS", "Journal", "JournalError", "Recorded", "Store"]

# A cancel may begin this long after its intent was recorded, and no later: so the next attempt
# knows from the record alone when the last cancel can have left.
PERMIT_SECONDS = 2.0
# At ten characters an order, the most that an id takes, a page stays under half of the 64 KiB that
# Airflow's task_state_store takes for a value.
_ORDERS_PER_PAGE = 3000
_HEAD = "oms_journal"
_VERSION = 2
_INTENT = "?"
_DAMAGE = (KeyError, TypeError, ValueError, zlib.error)


class Store(Protocol):
    """Keep small JSON values between the attempts of one task."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, or the default.

        :param key: the key.
        :param default: what to return where there is none.
        """

    def set(self, key: str, value: Any) -> None:
        """Keep a value under a key, in place of an older one.

        :param key: the key.
        :param value: the value.
        """


class JournalError(Exception):
    """Report that the store could not be written: no cancel may be sent on its account."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Hold what an earlier attempt recorded about one order.

    :param outcome: how it ended; ``None`` for an intent without an outcome.
    :param confirmed_by: what that was read from.
    :param posted_by: seconds since the epoch at which its cancel can have left at the latest;
        known where there is no outcome, or one that leaves the order in doubt.
    """

    outcome: Outcome | None
    confirmed_by: ConfirmedBy | None = None
    posted_by: float | None = None

    @property
    def is_in_doubt(self) -> bool:
        """Tell whether a cancel may have been acted on without anyone having seen it."""
        return self.outcome in (None, Outcome.UNKNOWN, Outcome.NOT_CANCELED)


class Journal:
    """Keep the record of one task; every attempt opens it anew.

    :param store: where it is kept; ``None`` keeps nothing, and then every order of a later attempt
        is in doubt.
    :param attempt: which attempt of the task this is, from 1.
    :param leeway: seconds that a cancel which has begun can still take to leave, to connect say.
    :param tenant: where the orders are; what is on record of another tenant says nothing of them.
    :param order_ids: the set. An order that an earlier attempt's set did not have may have been
        another task's, so that a record which does not name it proves nothing.
    :param clock: seconds since the epoch.
    """

    def __init__(
        self,
        store: Store | None,
        *,
        attempt: int = 1,
        leeway: float = 0.0,
        tenant: str = "",
        order_ids: Iterable[int] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._tenant = tenant
        self._order_set = _digest(order_ids)
        #: Seconds that a cancel which has begun can still take to leave.
        self.leeway = leeway
        self._clock = clock
        self._page: dict[int, str] = {}
        self._page_is_new = True
        self._open: set[int] = set()
        self.earlier: Mapping[int, Recorded] = {}
        #: When the first attempt began, in seconds since the epoch; ``None`` where nobody knows.
        self.begun_at: float | None = None
        self._first_page = self._pages = 0
        #: Whether an order that is not in the record was certainly never sent.
        self.is_whole = attempt == 1
        if store is not None:
            self._open_record(store, attempt)

    @property
    def is_kept(self) -> bool:
        """Tell whether the record outlives this attempt."""
        return self._store is not None

    def is_current(self) -> bool:
        """Tell whether this attempt may still speak for the task.

        Airflow takes no value from an attempt that it has given up, whether or not that has ended.

        :return: whether the store takes a value; ``True`` where nothing is kept.
        """
        if self._store is None:
            return True
        try:
            with _store_failures():
                self._write_head(self._store, self._pages)
        except JournalError:
            return False
        return True

    def write(self, intents: Iterable[int], ended: Iterable[CancellationResult]) -> None:
        """Record intents and outcomes at once.

        :param intents: orders whose cancels may leave within :data:`PERMIT_SECONDS` from now.
        :param ended: orders that have come to their end.
        :raises JournalError: when the store could not be written; then neither is recorded.
        """
        now = self._clock()
        posted_by = now + PERMIT_SECONDS + self.leeway
        changes = dict.fromkeys(intents, f"{_INTENT}{posted_by:.3f}")
        results = {result.order_id: result for result in ended}
        for order_id, result in results.items():
            # What was neither sent nor about to be needs no record: it is not there, and that says
            # it all.
            if result.outcome is not Outcome.NOT_ATTEMPTED or order_id in self._open:
                changes[order_id] = _state_of(self._what_stands(result), now)
        if changes and self._store is not None:
            self._write_page(self._store, changes)
        self._open |= changes.keys()
        self._open -= results.keys()

    def _what_stands(self, result: CancellationResult) -> CancellationResult:
        # An earlier refusal stays known, so that the order is looked at before anything is sent.
        earlier = self.earlier.get(result.order_id)
        if result.outcome is not Outcome.NOT_ATTEMPTED or earlier is None:
            return result
        outcome = earlier.outcome or result.outcome
        return CancellationResult(result.order_id, outcome, earlier.confirmed_by)

    def _write_page(self, store: Store, changes: dict[int, str]) -> None:
        if self._page and len(self._page | changes) > _ORDERS_PER_PAGE:
            self._page, self._page_is_new = {}, True
        page = self._page | changes
        number = self._pages if self._page_is_new else self._pages - 1
        is_new, self._page_is_new = self._page_is_new, True
        with _store_failures():
            store.set(f"{_HEAD}_{number}", _encode(page))
            if is_new:
                # After its page: a head that names a page which is not there would say that
                # something is lost.
                self._write_head(store, number + 1)
        self._page, self._page_is_new, self._pages = page, False, number + 1

    def _write_head(self, store: Store, pages: int) -> None:
        store.set(
            _HEAD,
            {
                "version": _VERSION,
                "first": self._first_page,
                "pages": pages,
                "begun_at": self.begun_at,
                "whole": self.is_whole,
                "tenant": self._tenant,
                "orders": self._order_set,
            },
        )

    def _open_record(self, store: Store, attempt: int) -> None:
        with _store_failures():
            head = store.get(_HEAD)
        if head is None and attempt == 1:
            self.begun_at = self._clock()
            with _store_failures():
                self._write_head(store, 0)
            return
        try:
            self._read(store, head)
        except _DAMAGE:
            # Gone, cut or of another version: what it says counts, what it does not say may have
            # been sent all the same.
            self.is_whole = False

    def _read(self, store: Store, head: Any) -> None:
        self._pages = int(head["pages"])
        begun_at = head["begun_at"]
        self.begun_at = None if begun_at is None else float(begun_at)
        if head["version"] != _VERSION:
            raise ValueError("written by another version")
        earlier: dict[int, Recorded] = {}
        self.earlier = earlier
        # What was lost once stays lost for every later attempt.
        self.is_whole = bool(head["whole"]) and head["orders"] == self._order_set
        self._first_page = int(head["first"])
        if head["tenant"] != self._tenant:
            self.is_whole, self._first_page = False, self._pages
        for number in range(self._first_page, self._pages):
            with _store_failures():
                page = store.get(f"{_HEAD}_{number}")
            try:
                states = {_recorded(state): ids for state, ids in _decode(page).items()}
            except _DAMAGE:
                self.is_whole = False
                continue
            for recorded, order_ids in states.items():
                earlier.update(dict.fromkeys(order_ids, recorded))


@contextmanager
def _store_failures() -> Iterator[None]:
    # Whatever a store raises means the same: it is not known to hold what it was given.
    try:
        yield
    except Exception as error:
        raise JournalError(f"{type(error).__name__}: {error}") from error


def _digest(order_ids: Iterable[int]) -> str:
    text = ",".join(map(str, sorted(order_ids)))
    return hashlib.blake2b(text.encode("ascii"), digest_size=16).hexdigest()


def _state_of(result: CancellationResult, now: float) -> str:
    confirmed_by = result.confirmed_by.value if result.confirmed_by else ""
    doubt = Recorded(result.outcome).is_in_doubt
    return f"{result.outcome.value}:{confirmed_by}{f':{now:.3f}' if doubt else ''}"


def _recorded(state: str) -> Recorded:
    if state.startswith(_INTENT):
        return Recorded(None, None, float(state.removeprefix(_INTENT)))
    outcome, confirmed_by, *moment = state.split(":")
    return Recorded(
        Outcome(outcome),
        ConfirmedBy(confirmed_by) if confirmed_by else None,
        float(moment[0]) if moment else None,
    )


def _encode(page: Mapping[int, str]) -> dict[str, str]:
    """Return a page as JSON, the orders of each state packed into one text."""
    by_state: dict[str, list[int]] = defaultdict(list)
    for order_id, state in page.items():
        by_state[state].append(order_id)
    return {state: _pack(sorted(order_ids)) for state, order_ids in by_state.items()}


def _pack(order_ids: list[int]) -> str:
    # Neighbors differ by little, and what repeats is packed away.
    steps = itertools.chain(order_ids[:1], map(int.__sub__, order_ids[1:], order_ids))
    text = ",".join(map(str, steps)).encode("ascii")
    return base64.b85encode(zlib.compress(text, 1)).decode("ascii")


def _decode(page: Any) -> dict[str, list[int]]:
    return {
        state: list(
            itertools.accumulate(map(int, zlib.decompress(base64.b85decode(packed)).split(b",")))
        )
        for state, packed in dict(page).items()
    }
