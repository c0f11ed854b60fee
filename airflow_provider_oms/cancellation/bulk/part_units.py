"""Cancel parts of the orders of a set, one order after the other, once its whole orders are done.

``cancellation/parts/run.py`` decides how parts of one order are canceled. This module decides
which orders come next, and until when. Each has a separate record; the journal of the set names
those begun.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from airflow_provider_oms.api.errors import OmsInputError, OmsNamedTwiceError
from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.cancellation.bulk.journal import Journal
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet
from airflow_provider_oms.cancellation.bulk.outcome_counts import (
    OF_PARTS,
    OrderEnd,
    OutcomeCounts,
    too_many_failed,
)
from airflow_provider_oms.cancellation.bulk.part_entries import WantedParts
from airflow_provider_oms.cancellation.bulk.rate_limiter import RateLimiter
from airflow_provider_oms.cancellation.history import Policy
from airflow_provider_oms.cancellation.outcomes import CancellationResult, ConfirmedBy, Outcome
from airflow_provider_oms.cancellation.parts.adapter import PartCalls
from airflow_provider_oms.cancellation.parts.record import Begun, PartsRecord, begin, planned_order
from airflow_provider_oms.cancellation.parts.results import PartResult, PartsResult
from airflow_provider_oms.cancellation.parts.run import LEASE, PartsTask, cancel_parts
from airflow_provider_oms.cancellation.runner import INTERRUPTED, Runtime
from airflow_provider_oms.cancellation.store import JournalError, Store

__all__ = ["Host", "PartUnits", "paced"]

# An order takes up to the deadline for each of its parts: where none comes to a result, a few tell.
_MOST_WITHOUT_RESULT = 3
_SAYS_EVERY = 5.0
_TOLD_TO_END = "the task was told to end"
_AS_BEFORE = "An earlier attempt ended so, and this one did not come to it"


class Host(Protocol):
    """Declare the run over the whole orders of the set, as far as parts need it."""

    @property
    def tally(self) -> OutcomeCounts:
        """Return the counts of how orders ended."""

    @property
    def stopped(self) -> str | None:
        """Return why the run stopped before its end, in a few words; ``None`` if it did not."""

    def note(self, end: OrderEnd) -> None:
        """Keep the end of an order.

        :param end: the end.
        """

    def note_stop(self, why: str) -> None:
        """Note why the run stops before its end; the first reason stays.

        :param why: in a few words.
        """


@dataclass(frozen=True, slots=True)
class _StoreOfOrder:
    """Keep the values of one order beside those of the others."""

    store: Store
    name: str

    def get(self, key: str, default: Any = None) -> Any:
        return self.store.get(f"{key}_{self.name}", default)

    def set(self, key: str, value: Any) -> None:
        self.store.set(f"{key}_{self.name}", value)


class _Lines:
    """Hold back the lines about an order until it is known whether they are worth reading."""

    def __init__(self) -> None:
        self._lines: list[tuple[str, tuple[object, ...]]] = []

    def info(self, message: str, /, *args: object) -> None:
        self._lines.append((message, args))

    def say(self, log: Any) -> None:
        for message, args in self._lines:
            log.info(message, *args)
        self._lines.clear()


def paced(limiter: RateLimiter, around: Runtime) -> Callable[[], None]:
    """Return a function that waits until the next request may leave, and counts it.

    :param limiter: the limiter of the run.
    :param around: clock and sleep.
    """

    def wait() -> None:
        around.sleep(max(0.0, limiter.opens_at - around.clock()))
        limiter.take_slot(around.clock())

    return wait


class PartUnits:
    """Work through the orders of a set of which parts are to be canceled.

    :param calls: the client, paced.
    :param orders: the set.
    :param tasks: the parts to cancel of each order, and how.
    :param policy: how long each part is tried, and how it is read.
    :param journal: the record of the set, whose store keeps the record of each order, too.
    :param tenant: where the orders are.
    :param host: the run over the whole orders.
    :param attempt: which attempt of the task this is, from 1.
    :param stop_after_failures: failed orders after which none is begun; ``None`` for any.
    :param log: receives progress, and the decisions about orders that deviate.
    :param around: time, chance and the end.
    :param wall: seconds since the epoch.
    """

    def __init__(  # noqa: PLR0913 - as of a run over whole orders
        self,
        calls: PartCalls,
        orders: OrderSet,
        tasks: Mapping[OrderId, PartsTask],
        policy: Policy,
        journal: Journal,
        *,
        tenant: str,
        host: Host,
        attempt: int,
        stop_after_failures: int | None,
        log: Any,
        around: Runtime,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._calls = calls
        self._orders = orders
        self._tasks = tasks
        self._policy = policy
        self._journal = journal
        self._tenant = tenant
        self._host = host
        self._attempt = attempt
        self._limit = stop_after_failures
        self._log = log
        self._around = around
        self._wall = wall
        self._ended: set[OrderId] = set()
        self._without_result = 0
        self._journal_failure = ""
        self._says_next_at = self._around.clock() + _SAYS_EVERY

    def run(self) -> None:
        """Work through them; afterwards each has its end.

        :raises BaseException: whatever breaks in; :meth:`close` gives the others their ends then.
        """
        try:
            self._claim_begun()
            for order_id, task in self._tasks.items():
                if why := self._why_it_stops():
                    self._host.note_stop(why)
                    break
                if not self._is_canceled_before(order_id):
                    self._cancel(order_id, task)
                self._say_how_far()
        except BaseException as error:
            is_told = self._around.is_stopping() or not isinstance(error, Exception)
            why = _TOLD_TO_END if is_told else f"{type(error).__name__} in the task"
            self._host.note_stop(why)
            raise
        self.close()

    def close(self) -> None:
        """Give each order that was not begun its end."""
        why = f"The run stopped: {stopped}" if (stopped := self._host.stopped) else INTERRUPTED
        for order_id in self._tasks:
            if order_id not in self._ended:
                self._keep(order_id, self._not_begun(order_id, why))

    def _why_it_stops(self) -> str:
        if self._host.stopped:
            return self._host.stopped
        if self._around.is_stopping():
            return _TOLD_TO_END
        if self._journal_failure:
            return f"the journal cannot be written: {self._journal_failure}"
        failures = self._host.tally.failures
        if self._limit is not None and failures >= self._limit:
            return too_many_failed(failures, self._limit)
        if self._without_result >= _MOST_WITHOUT_RESULT:
            return f"parts of {self._without_result} orders in a row came to no result"
        return ""

    def _claim_begun(self) -> None:
        """Keep the orders that an earlier attempt began from being canceled by another name.

        Before any order, because those that are canceled have no turn, and because the set may
        come in another sequence.
        """
        if not self._calls.may_share_orders(self._tasks):
            return
        for order_id in self._tasks:
            store = self._store_of(order_id)
            if store is None or self._key(order_id) not in self._journal.earlier:
                continue
            try:
                found = planned_order(store)
                if found is not None:
                    self._calls.claim(found, order_id)
            except JournalError as error:
                self._journal_failure = str(error)
                return
            except OmsNamedTwiceError:
                # An order that two names had begun belongs to the first.
                continue

    def _store_of(self, order_id: OrderId) -> Store | None:
        kept_in = self._journal.store
        return None if kept_in is None else _StoreOfOrder(kept_in, _name_of(order_id))

    def _cancel(self, order_id: OrderId, task: PartsTask) -> None:
        started_at = self._wall()
        lines = _Lines()

        def note(result: PartsResult) -> None:
            if not result.outcome.is_success:
                lines.say(self._log)
            self._note(order_id, result, started_at)

        opened = self._open(order_id, task)
        if isinstance(opened, PartsResult):
            note(opened)
            return
        record, begun = opened
        approval = self._orders.approval_of(order_id)
        result = cancel_parts(
            self._calls,
            task,
            self._policy if approval is None else replace(self._policy, approval=approval),
            begun=begun,
            record=record,
            attempt=self._attempt,
            log=lines,
            on_interrupt=note,
            surroundings=self._around,
            wall=self._wall,
        )
        note(result)

    def _open(
        self, order_id: OrderId, task: PartsTask
    ) -> tuple[PartsRecord | None, Begun | None] | PartsResult:
        """Open the record of an order, and note in the journal that it is begun.

        In this sequence: an order that the journal does not name has sent nothing, whatever is on
        its own record; one that it names has a record, or that is lost.
        """
        is_first = self._is_untouched(order_id)
        store = self._store_of(order_id)
        try:
            record, begun = begin(store, self._tenant, order_id, task.wanted, is_first=is_first)
            # When its cancels can have left is on its own record.
            now = self._wall()
            self._journal.write([self._key(order_id)], [], posted_by=now + LEASE, now=now)
        except JournalError as error:
            self._journal_failure = str(error)
            reason = f"This attempt could not be recorded, so nothing was sent: {error}"
            return self._unsent(order_id, self._left(order_id), reason)
        except OmsInputError as error:
            reason = f"{error.field} must be {error.rule}; got {error.kind}. Nothing was sent"
            return self._unsent(order_id, Outcome.REFUSED, reason)
        return record, begun

    def _unsent(self, order_id: OrderId, outcome: Outcome, reason: str) -> PartsResult:
        parts = _parts_of(self._orders.parts[order_id], outcome)
        return PartsResult(order_id, outcome, parts, reason=reason)

    def _note(self, order_id: OrderId, result: PartsResult, started_at: float) -> None:
        has_result = result.outcome.is_definite or result.outcome is Outcome.PARTIALLY_CANCELED
        self._without_result = 0 if has_result else self._without_result + 1
        posts = sum(part.posts for part in result.parts)
        end = OrderEnd(
            _as_of_an_order(result),
            self._attempt,
            posts,
            started_at,
            self._wall(),
            result.parts,
            is_final=not result.may_be_retried,
        )
        self._keep(order_id, end)
        try:
            named = replace(end.result, order_id=self._key(order_id))
            self._journal.write([], [named], posted_by=0.0, now=self._wall())
        except JournalError as error:
            # Its own record says more.
            self._log.warning("The end of an order could not be recorded: %s", error)
            self._journal_failure = str(error)

    def _keep(self, order_id: OrderId, end: OrderEnd) -> None:
        self._ended.add(order_id)
        self._host.note(end)

    def _key(self, order_id: OrderId) -> str:
        return self._orders.parts[order_id].key

    def _is_untouched(self, order_id: OrderId) -> bool:
        """Return whether no attempt can have sent anything for an order."""
        is_begun = self._key(order_id) in self._journal.earlier
        return self._journal.is_whole and not is_begun and order_id not in self._orders.in_doubt

    def _left(self, order_id: OrderId) -> Outcome:
        return Outcome.NOT_ATTEMPTED if self._is_untouched(order_id) else Outcome.UNKNOWN

    def _is_canceled_before(self, order_id: OrderId) -> bool:
        """Return whether an earlier attempt has canceled all of it, and keep that."""
        recorded = self._journal.earlier.get(self._key(order_id))
        if recorded is None or recorded.outcome is None or not recorded.outcome.is_success:
            return False
        self._keep(order_id, self._as_recorded(order_id, recorded.outcome, recorded.confirmed_by))
        return True

    def _not_begun(self, order_id: OrderId, why: str) -> OrderEnd:
        recorded = self._journal.earlier.get(self._key(order_id))
        if recorded is not None and recorded.outcome is not None and not recorded.is_in_doubt:
            return self._as_recorded(order_id, recorded.outcome, recorded.confirmed_by, _AS_BEFORE)
        return self._as_recorded(order_id, self._left(order_id), None, why)

    def _as_recorded(
        self, order_id: OrderId, outcome: Outcome, by: ConfirmedBy | None, reason: str = ""
    ) -> OrderEnd:
        told = "" if outcome.is_success else reason
        parts = _parts_of(self._orders.parts[order_id], outcome)
        return OrderEnd(CancellationResult(order_id, outcome, by, reason=told), parts=parts)

    def _say_how_far(self) -> None:
        now = self._around.clock()
        if now >= self._says_next_at:
            self._says_next_at = now + _SAYS_EVERY
            done, orders = len(self._ended), len(self._tasks)
            self._log.info("Parts of %d of %d orders are done", done, orders)


def _name_of(order_id: OrderId) -> str:
    # A name may have any characters, and a key may not.
    return hashlib.blake2b(str(order_id).encode(), digest_size=12).hexdigest()


def _parts_of(parts: WantedParts, outcome: Outcome) -> tuple[PartResult, ...]:
    """Return the lines or shipments of an order, where no plan has split them."""
    if outcome is Outcome.PARTIALLY_CANCELED:
        return ()
    if parts.is_shipment:
        return tuple(PartResult(outcome, (), int(one.name)) for one in parts.wanted)
    return tuple(PartResult(outcome, ((one.name, one.quantity),)) for one in parts.wanted)


class _ResultOfParts(CancellationResult):
    """Hold how parts of an order ended; what to do is in the reason of each."""

    __slots__ = ()

    @property
    def remark(self) -> str:
        """Return where the remedy is."""
        is_success = self.outcome.is_success or self.outcome is Outcome.PARTIALLY_CANCELED
        return self.outcome.remark if is_success else OF_PARTS


def _as_of_an_order(result: PartsResult) -> CancellationResult:
    """Return how parts of an order ended, in the form of the result of an order."""
    by = {part.confirmed_by for part in result.parts if part.confirmed_by}
    worst_first = sorted(result.parts, key=lambda part: part.outcome.is_success)
    is_success = result.outcome.is_success
    return _ResultOfParts(
        result.order_id,
        result.outcome,
        # An answer to a cancel is a proof of that part alone.
        ConfirmedBy.READ if ConfirmedBy.READ in by else next(iter(by), None),
        result.order_state,
        result.order_status,
        next((part.correlation_id for part in worst_first if part.correlation_id), None),
        "" if is_success else result.explanation,
        sum(part.posts for part in result.parts),
        looked_up_id=result.looked_up_id,
    )
