"""Carry out the decisions for one order: call, wait, log one line for each decision.

``decision.py`` decides the next step; the client makes the call.
"""

from __future__ import annotations

import logging
import random
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol, Self

from airflow_provider_oms.api.errors import (
    OmsConfigError,
    OmsError,
    OmsInputError,
    OmsNoResponseError,
)
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.values import CancelRequest, OrderId
from airflow_provider_oms.cancellation.clock import seconds
from airflow_provider_oms.cancellation.decision import (
    Call,
    Done,
    Step,
    Wait,
    step,
    when_interrupted,
    when_stopped,
)
from airflow_provider_oms.cancellation.history import (
    Action,
    Event,
    History,
    Policy,
    Reply,
)
from airflow_provider_oms.cancellation.outcomes import CancellationResult
from airflow_provider_oms.cancellation.termination import sleep_until

__all__ = [
    "INTERRUPTED",
    "TOLD_TO_END",
    "OmsCalls",
    "Runtime",
    "SearchCalls",
    "cancel_order",
    "describe_decision",
    "deviates",
    "replies_of",
    "reply_of",
    "result_of",
]

_logger = logging.getLogger(__name__)

TOLD_TO_END = "The task was told to end, and sent nothing more"
INTERRUPTED = "The task was interrupted, and sent nothing more"


class OmsCalls(Protocol):
    """Name the two calls that a cancellation needs from a client."""

    def get_order(self, order_id: OrderId, /) -> Order:
        """Read one order.

        :param order_id: the order.
        """

    def post_cancel(
        self, request: CancelRequest, /, *, may_send: Callable[[], bool] | None = None
    ) -> Order:
        """Send one cancel, unless it may not be sent any more when all is ready for it.

        :param request: the cancellation.
        :param may_send: returns whether it may; called more than once.
        """


class SearchCalls(Protocol):
    """Name the call that reads many orders."""

    def find_orders(self, order_ids: Iterable[OrderId], /) -> Mapping[OrderId, Order]:
        """Read orders by one search.

        :param order_ids: the orders.
        """


@dataclass(frozen=True, slots=True)
class Runtime:
    """Hold the surroundings of a cancellation other than the client.

    :param clock: monotonic seconds; a wall clock that jumps would cut the settling short.
    :param sleep: waits for a number of seconds, or less when it is time to stop.
    :param is_stopping: returns whether nothing more may be done.
    :param draw: draws the jitter, from 0 to 1.
    """

    clock: Callable[[], float] = seconds
    sleep: Callable[[float], object] = time.sleep
    is_stopping: Callable[[], bool] = lambda: False
    draw: Callable[[], float] = random.SystemRandom().random

    @classmethod
    def until(cls, is_stopping: Callable[[], bool]) -> Self:
        """Return the real world of a task that is told when to end.

        :param is_stopping: returns whether nothing more may be done.
        """
        return cls(sleep=partial(sleep_until, is_stopping), is_stopping=is_stopping)


class _Log(Protocol):
    def info(self, message: str, /, *args: object) -> object: ...


def cancel_order(
    calls: OmsCalls,
    request: CancelRequest,
    policy: Policy,
    *,
    attempt: int = 1,
    in_doubt_for: float | None = None,
    named: str | None = None,
    log: _Log | None = None,
    on_interrupt: Callable[[CancellationResult], object] | None = None,
    surroundings: Runtime | None = None,
) -> CancellationResult:
    """Cancel one order and determine the result.

    :param calls: the client.
    :param request: the validated cancellation.
    :param policy: how long to try and how to read.
    :param attempt: which attempt of the task this is, from 1; before a later one, an earlier one
        may have sent a cancel for this order.
    :param in_doubt_for: seconds since that may have been, where it is known; ``None`` for just now.
    :param named: how the log calls it; by default by order and attempt.
    :param log: receives one line for each decision.
    :param on_interrupt: told how the order stands when an exception breaks in, before it goes on.
    :param surroundings: time, chance and the end; by default the real ones.
    :return: how it ended; nothing the OMS or the network does raises.
    """
    log = log or _logger
    around = surroundings or Runtime()
    started_at = around.clock()
    in_doubt = attempt > 1 or in_doubt_for is not None
    doubt_since = started_at - max(0.0, in_doubt_for or 0.0) if in_doubt else None
    named = named or f"Order {request.order_id}, attempt {attempt}"
    history = History(policy.for_order(request.order_id), started_at, doubt_since)
    waited = False
    calling: Action | None = None
    calls_before = 0

    def may_send() -> bool:
        return not around.is_stopping() and around.clock() < history.deadline_at

    try:
        while True:
            decision = step(history, around.clock())
            if around.is_stopping() and not isinstance(decision, Done):
                decision, waited = when_stopped(history, TOLD_TO_END), False
            if not waited:  # what follows a wait was decided with it
                log.info("%s", describe_decision(named, history, decision, around.clock()))
            waited = isinstance(decision, Wait)
            if isinstance(decision, Done):
                return result_of(request.order_id, history, decision)
            if isinstance(decision, Wait):
                around.sleep(max(0.0, decision.until - around.clock()))
                continue
            calls_before = len(history.events)
            sent_at, calling = around.clock(), decision.action
            reply = reply_of(calls, calling, request, may_send)
            history = history.with_event(
                Event(calling, sent_at, around.clock(), reply, around.draw())
            )
    except BaseException:
        # Airflow's execution_timeout is one, and the order's result must be seen then too.
        if on_interrupt is not None:
            under_way = calling if len(history.events) == calls_before else None
            done = when_interrupted(history, under_way, around.clock(), INTERRUPTED)
            on_interrupt(result_of(request.order_id, history, done))
        raise


def reply_of(
    calls: OmsCalls,
    action: Action,
    request: CancelRequest,
    may_send: Callable[[], bool] | None = None,
) -> Reply:
    """Make one call and return its reply, with its evidence.

    :param calls: the client.
    :param action: which call.
    :param request: the cancellation it belongs to.
    :param may_send: asked when a cancel's token is there, and again directly before it leaves; if
        it returns false, the cancel is never sent.
    :return: the reply, without any of the shopper's data.
    """
    try:
        if action is Action.POST:
            order = calls.post_cancel(request, may_send=may_send)
        else:
            order = calls.get_order(request.order_id)
    except (OmsInputError, OmsConfigError):
        # No response, but a fault of the caller's.
        raise
    except OmsError as error:
        return Reply(
            error.evidence,
            error.message,
            http_status=error.http_status,
            oms_code=error.oms_code,
            correlation_id=error.correlation_id,
            retry_after=error.retry_after,
            age=error.age,
            left=error.was_sent,
            is_of_another_tenant=error.is_of_another_tenant,
            looked_up_id=error.looked_up_id,
            is_of_look_up=error.is_of_look_up,
        )
    except Exception as error:  # noqa: BLE001 - one order's fault must not end a run
        return _fault_of(error)
    return _reply_from(order, request.order_id)


def replies_of(
    calls: SearchCalls, order_ids: Iterable[OrderId]
) -> Mapping[OrderId, Reply] | OmsError:
    """Search for orders once, and return a reply for each.

    :param calls: the client.
    :param order_ids: the orders.
    :return: a reply for each order that was found, or why the search failed.
    """
    try:
        found = calls.find_orders(order_ids)
    except (OmsInputError, OmsConfigError):
        raise
    except OmsError as error:
        return error
    except Exception as error:  # noqa: BLE001 - the orders can be read one by one
        return OmsNoResponseError(_fault_of(error).message)
    return {order_id: _reply_from(order, order_id) for order_id, order in found.items()}


def _reply_from(order: Order, name: OrderId) -> Reply:
    kept = f", kept by a cache for {order.age:g} s" if order.age else ""
    return Reply(
        order.evidence,
        f"{order.statement} "
        f"(HTTP {order.http_status}, correlation id {order.correlation_id}{kept})",
        order_state=order.order_state,
        order_status=order.order_status,
        http_status=order.http_status,
        correlation_id=order.correlation_id,
        is_unclear=order.is_unclear,
        age=order.age,
        is_cancelable=order.is_cancelable,
        obstacle=order.obstacle,
        looked_up_id=None if order.order_id == name else order.order_id,
    )


_faults_shown: set[str] = set()


def _fault_of(error: Exception) -> Reply:
    """Return the reply for a fault of this program during a call, which proves nothing."""
    # Its text may quote a response, and so a shopper's data; where it happened does not.
    where = "".join(traceback.format_tb(error.__traceback__))
    if where not in _faults_shown:
        _faults_shown.add(where)
        _logger.error(
            "A fault of this program, %s; please report these lines: %s",
            type(error).__name__,
            f"\n{where}",
        )
    return Reply(Evidence.AMBIGUOUS, f"A fault of this program, {type(error).__name__}")


def result_of(order_id: OrderId, history: History, done: Done) -> CancellationResult:
    """Build the result of an order that has come to its end.

    :param order_id: the order.
    :param history: all that happened, but for a cancel that ``done`` names as lost.
    :param done: the last decision.
    :return: the result.
    """
    if done.lost is not None:
        history = history.with_event(done.lost)
    decisive = done.reply
    seen = history.last_seen()
    replies = [decisive, *(event.reply for event in reversed(history.events))]
    correlation_ids = (reply.correlation_id for reply in replies if reply)
    looked_up = (reply.looked_up_id for reply in replies if reply and reply.looked_up_id)
    return CancellationResult(
        order_id,
        done.outcome,
        done.confirmed_by,
        order_state=seen.order_state if seen else None,
        order_status=seen.order_status if seen else None,
        correlation_id=next(filter(None, correlation_ids), None),
        reason=decisive.message if decisive and not done.outcome.is_success else "",
        posts=history.posts,
        http_status=decisive.http_status if decisive else None,
        oms_code=decisive.oms_code if decisive else None,
        looked_up_id=next(looked_up, None),
        held_back_by=done.held_back_by,
    )


def describe_decision(named: str, history: History, decision: Step, now: float) -> str:
    """Return the log line of one decision: the response, its interpretation, and the next step.

    :param named: the order and the attempt.
    :param history: all that happened.
    :param decision: the next step.
    :param now: the present moment, in seconds of the history's clock.
    :return: one line.
    """
    if isinstance(decision, Done):
        upcoming = f"done, {decision.outcome}"
    elif isinstance(decision, Wait):
        upcoming = f"wait {decision.until - now:.1f} s{_after_wait(history, decision.until)}"
    else:
        upcoming = "read the order" if decision.action is Action.READ else "send the cancel"
    last = history.last
    if last is None:
        came_back = "in doubt from an earlier attempt" if history.doubt_since is not None else "new"
        return f"{named}: {came_back}. Next: {upcoming}."
    call = "look-up" if last.reply.is_of_look_up else last.action.value
    taken_as = last.reply.taken_as
    if last.action is Action.READ and last.reply.evidence is Evidence.AMBIGUOUS:
        # A read acts on nothing, and neither does a look-up.
        taken_as = "ambiguous, it proves nothing"
    return (
        f"{named}, call {len(history.events)}, {call}: {last.reply.message.rstrip('.')}. "
        f"Taken as: {taken_as}. Next: {upcoming}."
    )


def _after_wait(history: History, until: float) -> str:
    """Return what a wait is for: the call that is due when it is over, if nothing else happens."""
    upcoming = step(history, until)
    if not isinstance(upcoming, Call):
        return ""
    if upcoming.action is Action.POST:
        return ", then send the cancel"
    has_posted = history.last_decisive_post is not None or history.doubt_since is not None
    return ", then read whether it is canceled by now" if has_posted else ", then read the order"


def deviates(history: History, decision: Step) -> bool:
    """Return whether a decision about an order of a set is worth a line of the log.

    :param history: all that happened.
    :param decision: the next step.
    """
    if isinstance(decision, Done) and not decision.outcome.is_success:
        return True
    return any(
        not event.reply.holds_order
        or (event.action is Action.POST and not event.reply.says_canceled)
        for event in history.events
    )
