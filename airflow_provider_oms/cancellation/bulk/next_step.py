"""The next step of one order of a set: the step of ``decision.py``, as far as the run allows it.

When it happens is decided in ``engine.py``.
"""

from __future__ import annotations

from airflow_provider_oms.cancellation.bulk.circuit_breaker import CircuitBreaker
from airflow_provider_oms.cancellation.bulk.rate_limiter import RateLimiter
from airflow_provider_oms.cancellation.bulk.work_item import LEASE_SECONDS
from airflow_provider_oms.cancellation.decision import (
    Call,
    Done,
    Step,
    Wait,
    step,
    when_posting_is_over,
    when_stopped,
)
from airflow_provider_oms.cancellation.history import Action, History

__all__ = ["next_step", "why_it_stopped"]

# How long a cancel may rest on a read. An order waits for two writes at most, each shorter than a
# lease: were its read old by then, it would be read again without end.
_FRESH_FOR = 2 * LEASE_SECONDS


def next_step(history: History, breaker: CircuitBreaker, limiter: RateLimiter, now: float) -> Step:
    """Decide the next step for an order.

    :param history: the calls made so far.
    :param breaker: says whether cancels may leave.
    :param limiter: says when the run was paused.
    :param now: the present moment.
    """
    if breaker.is_probing and not history.events:
        return Call(Action.READ)
    decision = step(history, now)
    if isinstance(decision, Done):
        return decision
    is_post = isinstance(decision, Call) and decision.action is Action.POST
    if breaker.stopped is not None:
        if is_post:
            return when_posting_is_over(history, why_it_stopped(breaker))
        due = decision.until if isinstance(decision, Wait) else now
        if due > breaker.settle_by:
            return when_stopped(history, why_it_stopped(breaker))
    elif is_post and (breaker.is_probing or _rests_on_old_read(history, limiter, now)):
        return Call(Action.READ)
    return decision


def why_it_stopped(breaker: CircuitBreaker) -> str:
    """Return why the run stopped, in one sentence.

    :param breaker: the breaker that stopped it.
    """
    return f"The run stopped: {breaker.stopped}"


def _rests_on_old_read(history: History, limiter: RateLimiter, now: float) -> bool:
    last = history.last
    if last is None or last.action is not Action.READ:
        return False
    is_old = now > last.at + _FRESH_FOR
    return is_old or limiter.paused_at >= last.as_of
