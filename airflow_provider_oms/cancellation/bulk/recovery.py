"""The work left for a set of orders, given the records of earlier attempts.

How that was recorded is decided in ``journal.py``.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.cancellation.bulk.adaptive_limit import Learned
from airflow_provider_oms.cancellation.bulk.journal import Recorded
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet
from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd
from airflow_provider_oms.cancellation.bulk.work_item import LEASE_SECONDS, WorkItem
from airflow_provider_oms.cancellation.history import Policy
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome

__all__ = ["Queued", "Record", "Recovery"]

_AS_BEFORE = "An earlier attempt ended so, and this one did not come to it"
_MOST_STRATA = 10


class _Kind(Enum):
    CANCELED_BEFORE = auto()
    IN_DOUBT = auto()
    NOT_STARTED = auto()
    REFUSED = auto()


@dataclass(frozen=True, slots=True)
class Record:
    """Hold what earlier attempts of the task have recorded, as the journal was opened.

    :param earlier: the record of each order.
    :param is_whole: whether an order that is not on record was certainly never sent.
    :param is_kept: whether records outlive an attempt.
    :param leeway: seconds that a cancel which has begun can still take to leave.
    :param learned: the limits of the tenant, if an earlier attempt has met any.
    """

    earlier: Mapping[OrderId, Recorded]
    is_whole: bool
    is_kept: bool
    leeway: float
    learned: Learned | None

    @property
    def longest_lease(self) -> float:
        """Return for how long after its intent was recorded a cancel can leave, in seconds."""
        return LEASE_SECONDS + self.leeway


class Queued:
    """Hold the orders that are not tried yet, in the sequence in which they will be.

    :param order_ids: the orders.
    """

    def __init__(self, order_ids: list[OrderId]) -> None:
        self._order_ids = order_ids
        self._next = 0
        self._taken_ahead: set[int] = set()
        # Orders that were taken and put back, each with its stratum.
        self._back: deque[tuple[OrderId, int]] = deque()
        #: Into how many parts the orders are divided.
        self.strata = min(_MOST_STRATA, len(order_ids))

    def __len__(self) -> int:
        """Return how many orders are left."""
        return len(self._order_ids) - self._next - len(self._taken_ahead) + len(self._back)

    def take(self) -> tuple[OrderId, int] | None:
        """Return the next order and its stratum, if one is left."""
        if self._back:
            return self._back.popleft()
        return self._take_next()

    def take_while(
        self, matches: Callable[[OrderId], bool], most: int
    ) -> list[tuple[OrderId, int]]:
        """Return the next orders and their strata, of those that were never taken.

        :param matches: tells of an order whether it may be taken; the first that may not ends it.
        :param most: how many.
        """
        taken: list[tuple[OrderId, int]] = []
        while len(taken) < most and (next_id := self.never_taken) is not None and matches(next_id):
            if (one := self._take_next()) is not None:
                taken.append(one)
        return taken

    def put_back(self, taken: Iterable[tuple[OrderId, int]]) -> None:
        """Let orders be taken again, before all others.

        :param taken: the orders, as they were taken.
        """
        self._back.extend(taken)

    def _take_next(self) -> tuple[OrderId, int] | None:
        if self.never_taken is None:
            return None
        self._next += 1
        return self._at(self._next - 1)

    @property
    def next_id(self) -> OrderId | None:
        """Return the order that :meth:`take` would return."""
        return self._back[0][0] if self._back else self.never_taken

    @property
    def has_put_back(self) -> bool:
        """Return whether an order is left that was put back."""
        return bool(self._back)

    @property
    def never_taken(self) -> OrderId | None:
        """Return the next order of those that were never taken."""
        while self._next in self._taken_ahead:
            self._taken_ahead.remove(self._next)
            self._next += 1
        return self._order_ids[self._next] if self._next < len(self._order_ids) else None

    def take_outside(self, strata: Container[int]) -> tuple[OrderId, int] | None:
        """Return an order of another stratum than those named, if one is left there.

        :param strata: the strata to leave out.
        """
        put_back = next((one for one in self._back if one[1] not in strata), None)
        if put_back is not None:
            self._back.remove(put_back)
            return put_back
        index = next(self._outside(strata), None)
        if index is None:
            return None
        self._taken_ahead.add(index)
        return self._at(index)

    def has_outside(self, strata: Container[int]) -> bool:
        """Return whether an order of another stratum than those named is left.

        :param strata: the strata to leave out.
        """
        is_put_back = any(stratum not in strata for _, stratum in self._back)
        return is_put_back or next(self._outside(strata), None) is not None

    def _outside(self, strata: Container[int]) -> Iterator[int]:
        size = len(self._order_ids)
        for stratum in range(self.strata):
            if stratum in strata:
                continue
            # The first index of this stratum and of the next, by the same division as in _at().
            begin, end = (-(-each * size // self.strata) for each in (stratum, stratum + 1))
            first = max(begin, self._next)
            yield from (i for i in range(first, end) if i not in self._taken_ahead)

    def _at(self, index: int) -> tuple[OrderId, int]:
        return self._order_ids[index], index * self.strata // len(self._order_ids)


class Recovery:
    """Sort the orders of a set by what earlier attempts have recorded about them.

    :param orders: the set.
    :param policy: how long to try and how to read.
    :param record: the record.
    :param now: the present moment, by the clock of the attempt.
    :param wall_now: the same moment, in seconds since the epoch.
    """

    def __init__(
        self, orders: OrderSet, policy: Policy, record: Record, *, now: float, wall_now: float
    ) -> None:
        self._orders = orders
        #: How long to try and how to read.
        self.policy = policy
        #: The record.
        self.record = record
        # A person may have removed the reason for the refusal, or even canceled the order.
        self._looking_first = replace(policy, look_first=True)
        # Only the end of the doubt shows that the order is open. A batch shows whether it has been
        # canceled since.
        self._in_doubt = replace(policy, early_reads=0)
        self._now = now
        self._wall_now = wall_now
        # No order of the set can have been sent.
        self._is_new = record.is_whole and not record.earlier and not orders.in_doubt

    def _kind(self, order_id: OrderId) -> _Kind:
        if self._is_new:
            return _Kind.NOT_STARTED
        recorded = self.record.earlier.get(order_id)
        if recorded is not None and recorded.is_in_doubt:
            return _Kind.IN_DOUBT
        if recorded is not None and recorded.outcome is not None and recorded.outcome.is_success:
            return _Kind.CANCELED_BEFORE
        if not self.record.is_whole:
            # The lost part may be newer than the part that is left: a cancel was sent since.
            return _Kind.IN_DOUBT
        if recorded is not None and recorded.outcome is not Outcome.NOT_ATTEMPTED:
            return _Kind.REFUSED
        is_named = order_id in self._orders.in_doubt
        return _Kind.IN_DOUBT if is_named else _Kind.NOT_STARTED

    def wall_at(self, moment: float) -> float:
        """Return a moment of the attempt's clock in seconds since the epoch.

        :param moment: the moment.
        """
        return self._wall_now + moment - self._now

    def settled(self) -> Iterator[OrderEnd]:
        """Return the end of each order that an earlier attempt has seen canceled."""
        for order_id in self._orders.requests:
            if self._kind(order_id) is _Kind.CANCELED_BEFORE:
                yield OrderEnd(self._as_recorded(order_id))

    def queued(self) -> Queued:
        """Return every other order: those in doubt, those refused, those not started."""
        by_kind: dict[_Kind, list[OrderId]] = {kind: [] for kind in _Kind}
        for order_id in self._orders.requests:
            by_kind[self._kind(order_id)].append(order_id)
        # The reason why the last attempt stopped stops this one, too, before it begins the rest.
        sequence = (_Kind.IN_DOUBT, _Kind.REFUSED, _Kind.NOT_STARTED)
        return Queued([order_id for kind in sequence for order_id in by_kind[kind]])

    def item(self, order_id: OrderId, stratum: int) -> WorkItem:
        """Return an order as it is taken up.

        :param order_id: the order.
        :param stratum: the part of the set that it belongs to.
        """
        kind = self._kind(order_id)
        policies = {_Kind.REFUSED: self._looking_first, _Kind.IN_DOUBT: self._in_doubt}
        policy = policies.get(kind, self.policy).for_order(order_id)
        if approval := self._orders.approval_of(order_id):
            policy = replace(policy, approval=approval)
        return WorkItem(
            self._orders.requests[order_id],
            policy,
            stratum,
            self._doubt_since(order_id) if kind is _Kind.IN_DOUBT else None,
        )

    @property
    def may_search(self) -> bool:
        """Return whether a search can end any order of the set."""
        return self.policy.only_looks or not self._is_new

    def may_be_settled_by_search(self, order_id: OrderId) -> bool:
        """Return whether a batch can end an order: it is canceled, or nothing else is wanted.

        :param order_id: the order.
        """
        if self.policy.only_looks:
            return True
        return self._kind(order_id) in (_Kind.IN_DOUBT, _Kind.REFUSED)

    def was_refused(self, order_id: OrderId) -> bool:
        """Return whether an earlier attempt ended with a refusal of an order.

        :param order_id: the order.
        """
        return self._kind(order_id) is _Kind.REFUSED

    def not_started(self, order_id: OrderId, why: str) -> OrderEnd:
        """Return the end of an order that this attempt did not come to.

        :param order_id: the order.
        :param why: why it did not, in one sentence.
        """
        kind = self._kind(order_id)
        if kind is _Kind.REFUSED:
            return OrderEnd(self._as_recorded(order_id))
        outcome = Outcome.UNKNOWN if kind is _Kind.IN_DOUBT else Outcome.NOT_ATTEMPTED
        return OrderEnd(CancellationResult(order_id, outcome, reason=why))

    def describe(self) -> str:
        """Return how many orders there are of each kind, in one line."""
        counts = Counter(self._kind(order_id) for order_id in self._orders.requests)
        return (
            f"{counts[_Kind.CANCELED_BEFORE]} are canceled already, "
            f"{counts[_Kind.IN_DOUBT]} are in doubt and read first, "
            f"{counts[_Kind.REFUSED]} were refused and are looked at again, "
            f"{counts[_Kind.NOT_STARTED]} were not started"
        )

    def orphaned(self) -> dict[OrderId, Recorded]:
        """Return the records of orders that are not in the set; nothing is done to them."""
        earlier = self.record.earlier
        known = frozenset(self._orders.journal_ids)
        return {id_: earlier[id_] for id_ in earlier if id_ not in known}

    def _doubt_since(self, order_id: OrderId) -> float:
        """Return when an earlier cancel for an order can have left at the latest.

        That can be in the future: an attempt that still runs may use a lease until it ends.
        """
        record, longest = self.record, self.record.longest_lease
        recorded = record.earlier.get(order_id)
        if recorded is None or recorded.posted_by is None or not record.is_whole:
            # A lost record may have been written just now; a caller's word speaks of the past.
            return self._now + (longest if record.is_kept and not record.is_whole else 0.0)
        # Another machine's clock may be ahead of this one's: no lease lasts longer than that.
        return self._now + min(recorded.posted_by - self._wall_now, longest)

    def _as_recorded(self, order_id: OrderId) -> CancellationResult:
        recorded = self.record.earlier[order_id]
        return CancellationResult(
            order_id,
            recorded.outcome or Outcome.UNKNOWN,
            recorded.confirmed_by,
            reason="" if recorded.outcome and recorded.outcome.is_success else _AS_BEFORE,
        )
