"""What is left to do for a set of orders, given what earlier attempts have recorded.

How that was recorded is the business of ``journal.py``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import Enum, auto

from airflow_provider_oms.cancellation.bulk.desk import Case
from airflow_provider_oms.cancellation.bulk.journal import Journal, Recorded
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet
from airflow_provider_oms.cancellation.bulk.tally import OrderEnd
from airflow_provider_oms.cancellation.clock import seconds
from airflow_provider_oms.cancellation.history import Event, History, Policy
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome

__all__ = ["Backlog"]


_AS_BEFORE = "An earlier attempt ended so, and this one did not come to it"


class _Kind(Enum):
    SETTLED = auto()
    IN_DOUBT = auto()
    UNTOUCHED = auto()
    REFUSED = auto()


class Backlog:
    """Sort the orders of a set by what earlier attempts have recorded about them.

    :param orders: the set.
    :param policy: how long to try and how to read.
    :param journal: the record, opened for this attempt.
    :param clock: monotonic seconds.
    :param wall_clock: seconds since the epoch.
    """

    def __init__(
        self,
        orders: OrderSet,
        policy: Policy,
        journal: Journal,
        *,
        clock: Callable[[], float] = seconds,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._orders = orders
        self._policy = policy
        # Someone may have mended what it was refused for, and even have canceled it.
        self._looking_first = replace(policy, look_first=True)
        self._journal = journal
        self._now = clock()
        self._wall_now = wall_clock()
        self._shown: dict[int, Event] = {}

    def _kind(self, order_id: int) -> _Kind:
        recorded = self._journal.earlier.get(order_id)
        if recorded is not None and recorded.is_in_doubt:
            return _Kind.IN_DOUBT
        if recorded is not None and recorded.outcome is not None and recorded.outcome.is_success:
            return _Kind.SETTLED
        if not self._journal.is_whole:
            # What is lost may be newer than what is left: that a cancel was sent since.
            return _Kind.IN_DOUBT
        if recorded is not None and recorded.outcome is not Outcome.NOT_ATTEMPTED:
            return _Kind.REFUSED
        is_named = order_id in self._orders.in_doubt
        return _Kind.IN_DOUBT if is_named else _Kind.UNTOUCHED

    def _of(self, kind: _Kind) -> Iterator[int]:
        return (order_id for order_id in self._orders.requests if self._kind(order_id) is kind)

    def settled(self) -> Iterator[OrderEnd]:
        """Return the orders that an earlier attempt has seen canceled."""
        for order_id in self._of(_Kind.SETTLED):
            yield OrderEnd(_as_recorded(order_id, self._journal.earlier[order_id]))

    def has_shown(self, order_id: int, read: Event) -> None:
        """Keep a read that has shown an order canceled, so that its case begins with it.

        :param order_id: the order.
        :param read: the read.
        """
        self._shown[order_id] = read

    def cases(self) -> Iterator[Case]:
        """Return a case for each other order: those in doubt, those refused, those untouched."""
        for order_id in self._of(_Kind.IN_DOUBT):
            yield self._case(order_id, self._policy, self._doubt_since(order_id))
        # What stopped the last attempt stops this one, too, before it begins on the rest.
        for order_id in self._of(_Kind.REFUSED):
            yield self._case(order_id, self._looking_first)
        for order_id in self._of(_Kind.UNTOUCHED):
            yield self._case(order_id, self._policy)

    def _case(self, order_id: int, policy: Policy, doubt_since: float | None = None) -> Case:
        case = Case(self._orders.requests[order_id], policy, doubt_since)
        if read := self._shown.get(order_id):
            started_at = min(read.sent_at, self._now)
            case.history = History(policy, started_at, doubt_since).with_event(read)
            case.begun_at = self._wall_now
        return case

    def untouched(self, order_id: int, why: str) -> OrderEnd:
        """Return the end of an order that this attempt did not come to.

        :param order_id: the order.
        :param why: why it did not, in one sentence.
        """
        kind = self._kind(order_id)
        if kind is _Kind.REFUSED:
            return OrderEnd(_as_recorded(order_id, self._journal.earlier[order_id]))
        outcome = Outcome.UNKNOWN if kind is _Kind.IN_DOUBT else Outcome.NOT_ATTEMPTED
        return OrderEnd(CancellationResult(order_id, outcome, reason=why))

    def describe(self) -> str:
        """Return how many orders there are of each kind, in one line."""
        counts = dict.fromkeys(_Kind, 0)
        for order_id in self._orders.requests:
            counts[self._kind(order_id)] += 1
        return (
            f"{counts[_Kind.SETTLED]} are canceled already, {counts[_Kind.IN_DOUBT]} are in doubt "
            f"and read first, {counts[_Kind.REFUSED]} were refused and are looked at again, "
            f"{counts[_Kind.UNTOUCHED]} are untouched"
        )

    def strangers(self) -> dict[int, Recorded]:
        """Return what is recorded about orders that are not in the set; nothing is done to them."""
        earlier = self._journal.earlier
        return {id_: earlier[id_] for id_ in earlier if id_ not in self._orders.requests}

    def _doubt_since(self, order_id: int) -> float:
        recorded = self._journal.earlier.get(order_id)
        if recorded is None or recorded.posted_by is None or not self._journal.is_whole:
            return self._now
        # Another machine's clock may be ahead of this one's.
        return self._now - max(0.0, self._wall_now - recorded.posted_by)


def _as_recorded(order_id: int, recorded: Recorded) -> CancellationResult:
    return CancellationResult(
        order_id,
        recorded.outcome or Outcome.UNKNOWN,
        recorded.confirmed_by,
        reason="" if recorded.outcome and recorded.outcome.is_success else _AS_BEFORE,
    )
