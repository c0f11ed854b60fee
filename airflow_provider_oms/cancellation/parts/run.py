"""Cancel parts of one order: make the plan, put it on record, and cancel part after part.

``decision.py`` decides the next step for one part, as for a whole order. The plan is made
in ``plan.py``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from airflow_provider_oms.api.errors import OmsNamedTwiceError, OmsNotSentError
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.parts import Flags, OrderParts
from airflow_provider_oms.api.values import CancelRequest, OrderId
from airflow_provider_oms.cancellation.history import Policy
from airflow_provider_oms.cancellation.outcomes import CancellationResult, ConfirmedBy, Outcome
from airflow_provider_oms.cancellation.parts.adapter import (
    PartCalls,
    PartPolicy,
    PlanReader,
    TakenApart,
)
from airflow_provider_oms.cancellation.parts.assessment import cancel_of
from airflow_provider_oms.cancellation.parts.plan import Part, Plan
from airflow_provider_oms.cancellation.parts.record import Begun, PartsRecord
from airflow_provider_oms.cancellation.parts.results import (
    PartResult,
    PartsResult,
    goes_on_after,
    lines_of,
    outcome_of,
)
from airflow_provider_oms.cancellation.parts.wanted import Wanted
from airflow_provider_oms.cancellation.runner import INTERRUPTED, Runtime, cancel_order
from airflow_provider_oms.cancellation.store import JournalError

__all__ = ["LEASE", "PartsTask", "cancel_parts"]

#: Seconds that a cancel takes at most to leave, from when its intent is written.
LEASE = 15.0
_logger = logging.getLogger(__name__)
_PLANNED = frozenset({Outcome.WOULD_CANCEL, Outcome.CANCELED, Outcome.ALREADY_CANCELED})
_REPEATED = (
    "An earlier attempt may have canceled the quantity already, and no record shows the quantity "
    "canceled before it, so nothing was sent. Look at the order in the OMS, and give keep_quantity "
    "instead of quantity: the number that is to be left"
)


@dataclass(frozen=True, slots=True)
class PartsTask:
    """Hold the lines or the shipment to cancel, and how.

    :param order_id: the order, as the tenant's dialect has checked it.
    :param wanted: the lines, or the one shipment.
    :param plan: makes the plan from a read.
    :param flags: the flags of each cancel.
    :param is_shipment: whether it is a shipment that is wanted.
    :param is_relative: whether a quantity is to be canceled in addition to earlier ones.
    :param allow_whole_order: whether nothing else of the order need be open.
    """

    order_id: OrderId
    wanted: tuple[Wanted, ...]
    plan: Callable[[OrderParts], Plan]
    flags: Flags
    is_shipment: bool = False
    is_relative: bool = False
    allow_whole_order: bool = False


def cancel_parts(  # noqa: PLR0913 - as of cancel_order, and the record
    calls: PartCalls,
    task: PartsTask,
    policy: Policy,
    *,
    begun: Begun | None,
    record: PartsRecord | None = None,
    attempt: int = 1,
    log: Any = None,
    on_interrupt: Callable[[PartsResult], object] | None = None,
    surroundings: Runtime | None = None,
    wall: Callable[[], float] = time.time,
) -> PartsResult:
    """Cancel parts of an order and determine the result of each.

    :param calls: the client.
    :param task: the lines or the shipment to cancel, and how.
    :param policy: how long each part is tried, and how it is read; with ``dry_run`` none is sent.
    :param begun: what earlier attempts have recorded; ``None`` where one may have sent something
        that is not on record.
    :param record: where this attempt keeps its record; ``None`` for nowhere.
    :param attempt: which attempt this is, for the log; 0 where it is unknown.
    :param log: receives one line for each decision.
    :param on_interrupt: told how the parts stand when an exception breaks in, before it goes on.
    :param surroundings: time, chance and the end; by default the real ones.
    :param wall: seconds since the epoch.
    :return: how they ended; nothing the OMS or the network does raises.
    """
    around = surroundings or Runtime()
    run = _Run(calls, task, policy, begun, record, log or _logger, around, wall)
    run.suffix = f", attempt {attempt or 'unknown'}"
    try:
        return run.to_its_end()
    except BaseException:
        if on_interrupt is not None:
            on_interrupt(run.result(INTERRUPTED))
        raise


class _Run:
    """Hold one attempt at the parts of an order."""

    def __init__(
        self,
        calls: PartCalls,
        task: PartsTask,
        policy: Policy,
        begun: Begun | None,
        record: PartsRecord | None,
        log: Any,
        around: Runtime,
        wall: Callable[[], float],
    ) -> None:
        self._calls = calls
        self._task = task
        self._policy = policy
        self._begun = begun
        self._record = record
        self._log = log
        self._around = around
        self._wall = wall
        self._reasons = {one.name: one.reason for one in task.wanted}
        self._plan = begun.plan if begun is not None else None
        # Whether each part of the plan may have been canceled by an earlier attempt: each of its
        # cancels was on record before it left.
        self._is_repeated = begun is not None and begun.may_have_sent
        self._doubt_since = around.clock()
        self._order: Order | None = None
        order_id = self._plan.order_id if self._plan else task.order_id
        self._looked_up_id = None if order_id == task.order_id else order_id
        # Of the read from which the plan is made.
        self._correlation_id: str | None = None
        #: What follows the name of an order, or of a part, in the log.
        self.suffix = ""
        self._done: dict[str, PartResult] = dict(begun.ended) if begun is not None else {}

    def to_its_end(self) -> PartsResult:
        """Make the plan if there is none, and cancel its parts in turn."""
        if self._begun is None and self._task.is_relative and not self._policy.dry_run:
            return self._all_end(Outcome.UNKNOWN, _REPEATED, is_final=True)
        if self._plan is None:
            unplanned = self._make_plan()
            if unplanned is not None:
                return unplanned
        else:
            if named_twice := self._is_named_twice(self._plan):
                return self.result(named_twice)
            self._wait_for_the_last_lease()
        why = ""
        for part in self._plan.parts if self._plan else ():
            if part.key in self._done or why:
                continue
            result = PartResult.of(part, self._cancel(part))
            self._take(part, result)
            if not goes_on_after(result.outcome):
                why = f"{result.name} ended {result.outcome}, and nothing more was sent after that"
        return self.result(why)

    def result(self, why: str) -> PartsResult:
        """Return how the parts stand.

        :param why: why those that were not begun were not.
        """
        if self._plan is None:
            may_have_acted = self._begun is None
            return self._all_end(Outcome.UNKNOWN if may_have_acted else Outcome.NOT_ATTEMPTED, why)
        parts = [self._reached(name) for name in self._plan.reached]
        for part in self._plan.parts:
            left = Outcome.UNKNOWN if self._is_repeated else Outcome.NOT_ATTEMPTED
            not_begun = PartResult(left, lines_of(part), part.shipment, reason=why)
            parts.append(self._done.get(part.key, not_begun))
        return self._of(tuple(parts), outcome_of(parts))

    def _make_plan(self) -> PartsResult | None:
        """Read the order and make the plan; return how all ends where nothing is to be sent."""
        task = self._task
        names = [one.name for one in task.wanted]
        shipments = [int(name) for name in names] if task.is_shipment else []
        lines = [] if task.is_shipment else names
        reader = PlanReader(self._calls, task.order_id, lines, shipments, task.plan)
        read = cancel_order(
            reader,
            CancelRequest(task.order_id, ""),
            replace(self._policy, dry_run=True),
            # The base of each part must include quantities that an earlier attempt may have
            # canceled.
            in_doubt_for=0.0 if self._begun is None and not self._policy.dry_run else None,
            named=f"Order {task.order_id}{self.suffix}",
            log=self._log,
            surroundings=self._around,
        )
        self._order = reader.order
        self._looked_up_id, self._correlation_id = read.looked_up_id, read.correlation_id
        plan = reader.plan
        if read.outcome not in _PLANNED or plan is None:
            return self._all_end(read.outcome, read.reason, read)
        if plan.refusals:
            return self._refused(plan)
        if named_twice := self._is_named_twice(plan):
            return self._all_end(Outcome.REFUSED, named_twice)
        if self._policy.dry_run:
            return self._of_dry_run(plan)
        if self._record is not None and plan.parts:
            try:
                self._record.keep_plan(plan)
            except JournalError as error:
                reason = f"The plan could not be recorded, so nothing was sent: {error}"
                return self._all_end(Outcome.NOT_ATTEMPTED, reason)
        self._plan = plan
        return None

    def _is_named_twice(self, plan: Plan) -> str:
        """Return why the order may not be canceled under this name; empty if it may."""
        try:
            self._calls.claim(plan.order_id, self._task.order_id, is_dry_run=self._policy.dry_run)
        except OmsNamedTwiceError as error:
            return error.explain()
        return ""

    def _cancel(self, part: Part) -> CancellationResult:
        doubt_since = self._doubt_since if self._is_repeated else None
        return cancel_order(
            TakenApart(
                self._calls,
                part,
                self._task.order_id,
                partial(cancel_of, reasons=self._reasons, flags=self._task.flags),
                self._before_sending,
                may_have_acted=self._is_repeated,
                others=None if self._task.allow_whole_order else self._others_than(part),
            ),
            # The order's name: a reply says which id was looked up for it.
            CancelRequest(self._task.order_id, ""),
            PartPolicy.like(self._policy),
            in_doubt_for=None if doubt_since is None else self._around.clock() - doubt_since,
            named=f"Order {part.key}{self.suffix}",
            log=self._log,
            on_interrupt=lambda result: self._take(part, PartResult.of(part, result)),
            surroundings=self._around,
        )

    def _others_than(self, part: Part) -> list[Part]:
        """Return the other parts of the plan that are not canceled, and so may still be open."""
        parts = self._plan.parts if self._plan else ()
        canceled = {key for key, result in self._done.items() if result.outcome.is_success}
        return [one for one in parts if one != part and one.key not in canceled]

    def _before_sending(self) -> Callable[[], bool]:
        """Record that a cancel is about to leave; return a function that tells if it still may."""
        ends_at = self._around.clock() + LEASE
        if self._record is not None:
            try:
                self._record.keep_intent(self._wall() + LEASE)
            except JournalError as error:
                message = f"The cancel could not be recorded, so it was not sent: {error}"
                raise OmsNotSentError(message) from None
        return lambda: self._around.clock() < ends_at

    def _wait_for_the_last_lease(self) -> None:
        """Wait until no cancel of an earlier attempt, which may still run, can leave any more."""
        left = (self._begun.posted_by if self._begun else 0.0) - self._wall()
        parts = self._plan.parts if self._plan else ()
        if left > 0 and any(part.key not in self._done for part in parts):
            self._around.sleep(min(left, LEASE))
        self._doubt_since = self._around.clock()

    def _take(self, part: Part, result: PartResult) -> None:
        self._done[part.key] = result
        if self._record is not None:
            self._record.keep_end(part, result)

    def _reached(self, name: Any) -> PartResult:
        # With an attempt before this one that is not on record, it may be that one's doing.
        outcome = Outcome.CANCELED if self._begun is None else Outcome.ALREADY_CANCELED
        return self._whole(name, outcome, ConfirmedBy.READ)

    def _whole(
        self, name: Any, outcome: Outcome, by: ConfirmedBy | None = None, reason: str = ""
    ) -> PartResult:
        """Return the result of a line or shipment that no part of a plan is about."""
        if self._task.is_shipment:
            return PartResult(outcome, (), int(name), by, self._correlation_id, reason)
        wanted = next((one.quantity for one in self._task.wanted if one.name == name), None)
        return PartResult(outcome, ((name, wanted),), None, by, self._correlation_id, reason)

    def _refused(self, plan: Plan) -> PartsResult:
        """Return how all ends where a line or shipment cannot be canceled: nothing is sent."""
        refused = {one.name: one for one in plan.refusals}
        parts = []
        for one in self._task.wanted:
            refusal = refused.get(one.name)
            if one.name in plan.reached:
                parts.append(self._reached(one.name))
            elif refusal is None:
                why = "Nothing was sent, because another one cannot be canceled"
                parts.append(self._whole(one.name, Outcome.NOT_ATTEMPTED, reason=why))
            else:
                by = ConfirmedBy.READ
                parts.append(self._whole(one.name, refusal.outcome, by, refusal.reason))
        return self._of(tuple(parts), outcome_of(parts), is_final=True, reason="Nothing was sent")

    def _of_dry_run(self, plan: Plan) -> PartsResult:
        read = ConfirmedBy.READ
        parts = [self._whole(name, Outcome.ALREADY_CANCELED, read) for name in plan.reached]
        parts += [
            PartResult(
                Outcome.WOULD_CANCEL, lines_of(part), part.shipment, read, self._correlation_id
            )
            for part in plan.parts
        ]
        return self._of(tuple(parts), outcome_of(parts))

    def _all_end(
        self,
        outcome: Outcome,
        reason: str,
        read: CancellationResult | None = None,
        *,
        is_final: bool = False,
    ) -> PartsResult:
        """Return that each line or shipment ended in the same way, without a plan."""
        by = read.confirmed_by if read is not None else None
        parts = tuple(self._whole(one.name, outcome, by) for one in self._task.wanted)
        return self._of(parts, outcome, is_final=is_final, reason=reason)

    def _of(
        self,
        parts: tuple[PartResult, ...],
        outcome: Outcome,
        *,
        is_final: bool = False,
        reason: str = "",
    ) -> PartsResult:
        return PartsResult(
            self._task.order_id,
            outcome,
            parts,
            looked_up_id=self._looked_up_id,
            order_state=self._order.order_state if self._order else None,
            order_status=self._order.order_status if self._order else None,
            reason=reason,
            is_final=is_final,
        )
