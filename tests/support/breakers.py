"""A circuit breaker and its input, at a moment that the test sets."""

from __future__ import annotations

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.validation import CancelRequest
from airflow_provider_oms.cancellation.bulk.circuit_breaker import CircuitBreaker
from airflow_provider_oms.cancellation.bulk.outcome_counts import OutcomeCounts
from airflow_provider_oms.cancellation.bulk.recovery import Queued
from airflow_provider_oms.cancellation.bulk.work_item import WorkItem
from airflow_provider_oms.cancellation.decision import Done
from airflow_provider_oms.cancellation.history import Action, Event, History, Policy, Reply
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome

NOW = 100.0
POLICY = Policy()
OPEN = Reply(Evidence.OPEN, "open", order_state="READY")
CANCELED = Reply(Evidence.CANCELED, "canceled", order_state="CANCELED")
SILENCE = Reply(Evidence.AMBIGUOUS, "no response")
SHIPPED = Reply(Evidence.CONFLICT, "shipped")
FORBIDDEN = Reply(Evidence.FORBIDDEN, "no permission")


def breaker_of(
    limit: int | None = None,
    *accepts: Outcome,
    strata: int = 10,
    settle_seconds: float = 15.0,
) -> CircuitBreaker:
    queued = Queued(list(range(1000 if strata == 10 else strata)))
    assert queued.strata == strata
    policy, tally = Policy(settle_seconds=settle_seconds), OutcomeCounts(frozenset(accepts))
    return CircuitBreaker(policy, limit, queued, tally, NOW)


def answering(limit: int | None = None, *accepts: Outcome) -> CircuitBreaker:
    """Return the breaker of a run whose tenant has answered a read and let a cancel through."""
    breaker = breaker_of(limit, *accepts)
    reply_to(breaker, 0, OPEN, Action.READ)
    reply_to(breaker, 0, CANCELED, Action.POST)
    return breaker


def narrowed(action: Action = Action.READ) -> CircuitBreaker:
    """Return the breaker of a run that makes one request at a time."""
    breaker = answering()
    for order_id in range(20):
        reply_to(breaker, order_id, SILENCE, action)
    return breaker


def item_of(order_id: int, stratum: int = 0) -> WorkItem:
    return WorkItem(CancelRequest(order_id, "other", "Fraud"), POLICY, stratum)


def reply_to(
    breaker: CircuitBreaker,
    order_id: int,
    reply: Reply,
    action: Action = Action.READ,
    *,
    stratum: int = 0,
    now: float = NOW,
    sent_at: float | None = None,
) -> float:
    event = Event(action, now if sent_at is None else sent_at, now, reply)
    return breaker.on_reply(item_of(order_id, stratum), event)


def end(
    breaker: CircuitBreaker,
    order_id: int,
    outcome: Outcome,
    reply: Reply | None = None,
    action: Action = Action.POST,
    *,
    stratum: int = 0,
) -> None:
    item = item_of(order_id, stratum)
    if reply is not None:
        item.history = History(POLICY, NOW, None, (Event(action, NOW, NOW, reply),))
    breaker._tally.add(CancellationResult(order_id, outcome))
    breaker.on_end(item, Done(outcome, None, reply), NOW)


def why(breaker: CircuitBreaker) -> str:
    """Return why a run is stopped; empty while it is not."""
    return breaker.stopped or ""
