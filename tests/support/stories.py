"""An order's story, told reply by reply, with its own clock."""

from __future__ import annotations

from typing import Any

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.models import is_canceled_state
from airflow_provider_oms.cancellation.decision import Call, Done, Step, Wait, step
from airflow_provider_oms.cancellation.history import (
    Action,
    Event,
    History,
    Policy,
    Reply,
)
from airflow_provider_oms.cancellation.outcomes import ConfirmedBy, Outcome

POST, READ = Call(Action.POST), Call(Action.READ)


def order(state: str = "READY", status: str | None = None) -> Reply:
    return Reply(evidence_of(state), "order", order_state=state, order_status=status or state)


def evidence_of(state: str) -> Evidence:
    return Evidence.CANCELED if is_canceled_state(state) else Evidence.OPEN


CANCELED = order("CANCELED")
OPEN = order("READY")


def reply(kind: Evidence, **more: Any) -> Reply:
    return Reply(kind, kind.value, **more)


AMBIGUOUS = reply(Evidence.AMBIGUOUS)
NEVER_SENT = reply(Evidence.NEVER_SENT)
UNAUTHENTICATED = reply(Evidence.UNAUTHENTICATED)
CONFLICT = reply(Evidence.CONFLICT)
NOT_FOUND = reply(Evidence.NOT_FOUND)
REFUSED = reply(Evidence.REFUSED)
FORBIDDEN = reply(Evidence.FORBIDDEN)


def throttled(seconds: float | None) -> Reply:
    return reply(Evidence.THROTTLED, retry_after=seconds)


class Story:
    """Play an order's story: the OMS's replies, and the decision after each."""

    def __init__(self, *, doubt_for: float | None = None, **policy: Any) -> None:
        doubt_since = None if doubt_for is None else -doubt_for
        self.history = History(Policy(**policy), started_at=0.0, doubt_since=doubt_since)
        self.now = 0.0

    def next(self) -> Step:
        return step(self.history, self.now)

    def then(self, answer: Reply, *, after: float = 0.0, jitter: float = 0.0) -> Step:
        """Make the call that is due, let its reply come, and return the next decision."""
        due = self.next()
        while isinstance(due, Wait):
            assert due.until > self.now, "a wait must lead into the future"
            self.now = due.until
            due = self.next()
        assert isinstance(due, Call), due
        sent_at, self.now = self.now, self.now + after
        event = Event(due.action, sent_at, self.now, answer, jitter)
        self.history = self.history.with_event(event)
        return self.next()

    @property
    def posts(self) -> int:
        return sum(event.action is Action.POST for event in self.history.events)

    @property
    def reads_at(self) -> list[float]:
        return [e.sent_at for e in self.history.events if e.action is Action.READ]


def assert_done(decision: Step, outcome: Outcome, confirmed_by: ConfirmedBy | None = None) -> None:
    assert isinstance(decision, Done), decision
    assert (decision.outcome, decision.confirmed_by) == (outcome, confirmed_by)
