"""A task's record of its orders, from which its next attempt can go on, whatever ended this one.

An intent is on record before its cancel is sent, and an outcome soon after it is known. What goes
on record, and when, is decided in ``leasing.py``; a :class:`Store` keeps the values.

The records are pages, each a map from order to its state. An attempt rewrites the page it is on
until that is full, and never one of an earlier attempt, so that a recorded time never changes.

A write that failed may still arrive later, and would replace the page's content of that time. So
it is repeated with the same content until it is taken, and the page is not written again after
that.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import astuple, dataclass
from typing import Any

from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.cancellation.bulk.adaptive_limit import Learned
from airflow_provider_oms.cancellation.bulk.packing import longest_packed, pack, unpack
from airflow_provider_oms.cancellation.outcomes import CancellationResult, ConfirmedBy, Outcome
from airflow_provider_oms.cancellation.store import JournalError, Store, store_failures

__all__ = ["Journal", "JournalError", "Recorded", "Store"]

# A page stays under half of the 64 KiB that Airflow's task_state_store takes for a value.
_LARGEST_PAGE = 30_000
_HEAD = "oms_journal"
_VERSION = 3
_INTENT = "?"
# How many pages may be missing in a row before no later one is looked for.
_LOOK_AHEAD = 2
_DAMAGE = (KeyError, TypeError, ValueError, zlib.error)


@dataclass(frozen=True, slots=True)
class Recorded:
    """Hold an earlier attempt's record of one order.

    :param outcome: how it ended; ``None`` for an intent without an outcome.
    :param confirmed_by: the source of that.
    :param posted_by: seconds since the epoch at which its cancel can have left at the latest;
        known where there is no outcome, or one that leaves the order in doubt.
    """

    outcome: Outcome | None
    confirmed_by: ConfirmedBy | None = None
    posted_by: float | None = None

    @property
    def is_in_doubt(self) -> bool:
        """Return whether a cancel may have taken effect unseen."""
        return self.outcome in (None, Outcome.UNKNOWN, Outcome.NOT_CANCELED)


class Journal:
    """Keep the record of one task; every attempt opens it.

    :param store: where it is kept; ``None`` keeps nothing, and then every order of a later attempt
        is in doubt.
    :param now: the present moment, in seconds since the epoch.
    :param attempt: which attempt of the task this is, from 1.
    :param tenant: where the orders are; a record of another tenant proves nothing about them.
    :param order_ids: the set. An order that an earlier attempt's set did not have may have been
        another task's, so that a record which does not name it proves nothing.
    """

    def __init__(
        self,
        store: Store | None,
        *,
        now: float,
        attempt: int = 1,
        tenant: str = "",
        order_ids: Iterable[OrderId] = (),
    ) -> None:
        by_text = {str(order_id): order_id for order_id in order_ids}
        self._store = store
        self._tenant = tenant
        self._order_set = _digest(by_text)
        self._orders_per_page = _LARGEST_PAGE // longest_packed(by_text)
        self._page: dict[str, str] = {}
        # The last write, where it is not known whether the store has taken it.
        self._unconfirmed: dict[str, str] | None = None
        # The bounds of the intents that have no outcome yet.
        self._open: dict[OrderId, float] = {}
        self.earlier: Mapping[OrderId, Recorded] = {}
        #: The limits of the tenant, if an attempt has met any.
        self.learned: Learned | None = None
        #: Why the last write failed, where :meth:`confirm_ownership` has returned that it did.
        self.failure = ""
        #: When the first attempt began, in seconds since the epoch; ``None`` where it is not known.
        self.begun_at: float | None = None
        # How many pages there are, the one that is written now among them.
        self._first_page = self._pages = 0
        #: Whether an order that is not in the record was certainly never sent.
        self.is_whole = attempt == 1
        if store is not None:
            self._open_record(store, attempt, now, by_text)

    @classmethod
    def opened_to_look_at(cls, store: Store) -> Journal | None:
        """Return a record of whatever tenant and set it is, without writing anything.

        :param store: where it is kept.
        :return: the journal, whose ``earlier`` names each order by its text, and whose ``is_whole``
            shows whether nothing of it is lost; ``None`` where there is none.
        :raises JournalError: when the store cannot be read.
        """
        with store_failures():
            head = store.get(_HEAD)
        if head is None:
            return None
        journal = cls(None, now=0.0, attempt=2)
        try:
            journal._tenant, journal._order_set = head["tenant"], head["orders"]
            journal._read(store, head, {})
        except _DAMAGE:
            journal.is_whole = False
        return journal

    @property
    def store(self) -> Store | None:
        """Return the store, for other records of the task; ``None`` where nothing is kept."""
        return self._store

    @property
    def is_kept(self) -> bool:
        """Return whether the record outlives this attempt."""
        return self._store is not None

    def confirm_ownership(self) -> bool:
        """Write the head once more, and return whether the store took it.

        Airflow takes no value from an attempt that it has given up, whether or not that has ended:
        only an attempt whose values are taken may still speak for the task.

        :return: whether the store took the value; ``True`` where nothing is kept.
        """
        if self._store is None:
            return True
        try:
            with store_failures():
                is_new = self._unconfirmed is not None and not self._page
                self._write_head(self._store, self._pages - is_new)
        except JournalError as error:
            self.failure = str(error)
            return False
        return True

    def write(
        self,
        intents: Iterable[OrderId],
        ended: Iterable[CancellationResult],
        *,
        posted_by: float,
        now: float,
        learned: Learned | None = None,
    ) -> None:
        """Record intents and outcomes at once.

        :param intents: orders whose cancels may leave from now on.
        :param ended: orders that have come to their end.
        :param posted_by: when the cancels of the intents can have left at the latest, in seconds
            since the epoch.
        :param now: the present moment, in seconds since the epoch.
        :param learned: the limits of the tenant, if the run has met any.
        :raises JournalError: when the store could not be written; then neither is recorded.
        """
        if self._store is not None and self._unconfirmed is not None:
            self._write_page(self._store, self._unconfirmed)
            self._page = {}
        opened = dict.fromkeys(intents, posted_by)
        changes = dict.fromkeys(opened, f"{_INTENT}{posted_by:.3f}")
        results = {result.order_id: result for result in ended}
        for order_id, result in results.items():
            # An order that was neither sent nor about to be sent needs no record: that it is not
            # there says that.
            if result.outcome is not Outcome.NOT_ATTEMPTED or order_id in self._open:
                changes[order_id] = self._state_of(result, now)
        # Also where the write fails: it may arrive nevertheless.
        self._open |= opened
        if changes and self._store is not None:
            by_text = {str(order_id): state for order_id, state in changes.items()}
            if len(self._page | by_text) > self._orders_per_page:
                self._page = {}
            self._pages += not self._page
            self._write_page(self._store, self._page | by_text)
        for order_id in results:
            self._open.pop(order_id, None)
        if learned is not None and learned.differs_from(self.learned):
            self.learned = learned
            # Nothing depends on it: the next head says it too.
            with suppress(JournalError), store_failures():
                if self._store is not None:
                    self._write_head(self._store, self._pages)

    def _state_of(self, result: CancellationResult, now: float) -> str:
        earlier = self.earlier.get(result.order_id)
        outcome, confirmed_by = result.outcome, result.confirmed_by
        if outcome is Outcome.NOT_ATTEMPTED and earlier is not None:
            # An earlier refusal stays known, so that the order is read before anything is sent.
            outcome, confirmed_by = earlier.outcome or outcome, earlier.confirmed_by
        state = f"{outcome.value}:{confirmed_by.value if confirmed_by else ''}"
        if not Recorded(outcome).is_in_doubt:
            return state
        # A bound never moves backwards: a lease that is on record may still be used, by a call that
        # hangs or by an earlier attempt that still runs.
        bounds = [now, self._open.get(result.order_id, now)]
        if earlier is not None and earlier.posted_by is not None:
            bounds.append(earlier.posted_by)
        return f"{state}:{max(bounds):.3f}"

    def _write_page(self, store: Store, page: dict[str, str]) -> None:
        self._unconfirmed = page
        with store_failures():
            store.set(f"{_HEAD}_{self._pages - 1}", _encode(page))
            if not self._page:
                # After its page: a head that names a page which is not there would say that
                # something is lost.
                self._write_head(store, self._pages)
        self._page, self._unconfirmed = page, None

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
                "learned": self.learned and [*astuple(self.learned)],
            },
        )

    def _open_record(
        self, store: Store, attempt: int, now: float, by_text: Mapping[str, OrderId]
    ) -> None:
        with store_failures():
            head = store.get(_HEAD)
        if head is None and attempt == 1:
            self.begun_at = now
            with store_failures():
                self._write_head(store, 0)
            return
        try:
            self._read(store, head, by_text)
        except _DAMAGE:
            # Gone, cut or of another version: the records in it count, and cancels missing from it
            # may still have been sent.
            self.is_whole = False

    def _read(self, store: Store, head: Any, by_text: Mapping[str, OrderId]) -> None:
        self._pages = int(head["pages"])
        begun_at = head["begun_at"]
        self.begun_at = None if begun_at is None else float(begun_at)
        if head["version"] != _VERSION:
            raise ValueError("written by another version")
        earlier: dict[OrderId, Recorded] = {}
        self.earlier = earlier
        # A lost record stays lost for every later attempt.
        self.is_whole = bool(head["whole"]) and head["orders"] == self._order_set
        self._first_page = int(head["first"])
        for page in self._read_pages(store):
            try:
                states = {_recorded(state): texts for state, texts in _decode(page).items()}
            except _DAMAGE:
                self.is_whole = False
                continue
            for recorded, texts in states.items():
                # An order that is not in the set keeps its text.
                earlier.update((by_text.get(text, text), recorded) for text in texts)
        if head["tenant"] != self._tenant:
            self.is_whole, self._first_page = False, self._pages
            earlier.clear()
        else:
            self.learned = _learned(head.get("learned"))

    def _read_pages(self, store: Store) -> Iterator[Any]:
        """Return the pages that the head names, and those beyond it.

        A head that arrived late, or was not written any more, does not name the newest pages.
        """
        number, beyond = self._first_page, 0
        while number < self._pages or beyond < _LOOK_AHEAD:
            with store_failures():
                page = store.get(f"{_HEAD}_{number}")
            if page is None and number >= self._pages:
                beyond += 1
            else:
                # Pages follow each other without a gap: one in between is lost.
                self.is_whole = self.is_whole and not beyond
                self._pages, beyond = max(self._pages, number + 1), 0
                yield page
            number += 1


def _digest(texts: Iterable[str]) -> str:
    return hashlib.blake2b(",".join(sorted(texts)).encode(), digest_size=16).hexdigest()


def _learned(values: Any) -> Learned | None:
    """Return the head's limits; impossible values do not damage the record."""
    match values:
        case [float() | int() | None as rate, int() | None as at_a_time]:
            is_usable = (rate is None or 0 < rate < math.inf) and (
                at_a_time is None or at_a_time > 0
            )
            if is_usable:
                return Learned(rate, at_a_time)
    return None


def _recorded(state: str) -> Recorded:
    if state.startswith(_INTENT):
        return Recorded(None, None, float(state.removeprefix(_INTENT)))
    outcome, confirmed_by, *moment = state.split(":")
    return Recorded(
        Outcome(outcome),
        ConfirmedBy(confirmed_by) if confirmed_by else None,
        float(moment[0]) if moment else None,
    )


def _encode(page: Mapping[str, str]) -> dict[str, str]:
    """Return a page as JSON, the orders of each state packed into one text."""
    by_state: dict[str, list[str]] = {}
    for text, state in page.items():
        by_state.setdefault(state, []).append(text)
    return {state: pack(texts) for state, texts in by_state.items()}


def _decode(page: Any) -> dict[str, list[str]]:
    return {state: unpack(packed) for state, packed in dict(page).items()}
