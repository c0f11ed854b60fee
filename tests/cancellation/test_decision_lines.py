"""The log of one order: a line for each decision, with the response and the next step."""

from __future__ import annotations

import pytest

from airflow_provider_oms.api.errors import OmsNotSentError
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.validation import CancelRequest, OrderId
from airflow_provider_oms.cancellation.decision import Call, Done, Step, Wait
from airflow_provider_oms.cancellation.history import (
    Action,
    Event,
    History,
    Policy,
    Reply,
)
from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.cancellation.runner import (
    Runtime,
    cancel_order,
    describe_decision,
    deviates,
)

NAMED = "Order 7, attempt 1"


@pytest.mark.parametrize(
    ("doubt_since", "beginning"),
    [(None, "new"), (0.0, "in doubt from an earlier attempt"), (-9.0, "in doubt from an earlier")],
)
@pytest.mark.parametrize(
    ("decision", "upcoming"),
    [
        (Call(Action.POST), "send the cancel"),
        (Call(Action.READ), "read the order"),
        (Done(Outcome.NOT_ATTEMPTED), "done, not_attempted"),
    ],
)
def test_the_first_line_says_how_an_order_begins(
    doubt_since: float | None, beginning: str, decision: Step, upcoming: str
) -> None:
    history = History(Policy(), started_at=0.0, doubt_since=doubt_since)
    line = describe_decision(NAMED, history, decision, 10.0)
    assert line.startswith(f"{NAMED}: {beginning}")
    assert line.endswith(f". Next: {upcoming}.")


@pytest.mark.parametrize(
    ("policy", "doubt_since", "upcoming"),
    [
        (Policy(), None, ", then send the cancel"),
        (Policy(look_first=True), None, ", then read the order"),
        (Policy(), 0.0, ", then read whether it is canceled by now"),
    ],
)
def test_a_wait_says_what_it_is_for(
    policy: Policy, doubt_since: float | None, upcoming: str
) -> None:
    history = History(policy, started_at=0.0, doubt_since=doubt_since)
    line = describe_decision(NAMED, history, Wait(12.26), 10.0)
    assert line.endswith(f". Next: wait 2.3 s{upcoming}.")


def test_what_a_call_was_taken_for_is_said_in_the_words_of_the_troubleshooting_page() -> None:
    assert {kind: Reply(kind).taken_as for kind in Evidence} == {
        Evidence.CANCELED: "canceled",
        Evidence.OPEN: "not canceled",
        Evidence.NOT_FOUND: "not found",
        Evidence.CONFLICT: "refused in its present state",
        Evidence.REFUSED: "refused",
        Evidence.FORBIDDEN: "forbidden",
        Evidence.WRONG_SERVER: "not from the tenant's OMS",
        Evidence.THROTTLED: "throttled",
        Evidence.UNAUTHENTICATED: "token refused",
        Evidence.DENIED: "forbidden, or its token has expired",
        Evidence.LOCKED: "locked, it was not acted on",
        Evidence.MISDIRECTED: "misdirected, it was not acted on",
        Evidence.NEVER_SENT: "never sent",
        Evidence.AMBIGUOUS: "ambiguous, it may have been acted on",
    }


AMBIGUOUS = {
    Action.POST: "ambiguous, it may have been acted on",
    # A read acts on nothing.
    Action.READ: "ambiguous, it proves nothing",
}


@pytest.mark.parametrize("message", ["It failed", "It failed.", "It failed...", "..It failed"])
@pytest.mark.parametrize("action", Action)
def test_every_other_line_says_what_came_back_from_which_call(message: str, action: Action) -> None:
    history = History(Policy(), started_at=0.0)
    upcoming = {Action.POST: "read whether it is canceled by now", Action.READ: "send the cancel"}
    for number in range(2):
        reply = Reply(Evidence.AMBIGUOUS, message)
        history = history.with_event(Event(action, float(number), float(number), reply))
    assert describe_decision(NAMED, history, Wait(3.0), 2.0) == (
        f"{NAMED}, call 2, {action}: {message.rstrip('.')}. "
        f"Taken as: {AMBIGUOUS[action]}. Next: wait 1.0 s, then {upcoming[action]}."
    )


@pytest.mark.parametrize("action", Action)
def test_a_look_up_that_failed_is_not_called_a_cancel_or_a_read(action: Action) -> None:
    failed = Reply(Evidence.NEVER_SENT, "No such search", is_of_look_up=True)
    history = History(Policy(), started_at=0.0).with_event(Event(action, 0.0, 0.0, failed))
    line = describe_decision(NAMED, history, Wait(1.0), 0.0)
    assert line.startswith(f"{NAMED}, call 1, look-up: No such search. ")


SHOWN_OPEN, SHOWN_CANCELED = Reply(Evidence.OPEN), Reply(Evidence.CANCELED)
READ, POST = Action.READ, Action.POST


@pytest.mark.parametrize(
    ("calls", "decision", "is_worth_a_line"),
    [
        ([], Call(POST), False),
        ([(READ, SHOWN_OPEN)], Call(POST), False),
        ([(POST, SHOWN_CANCELED)], Done(Outcome.CANCELED), False),
        ([(READ, SHOWN_OPEN), (POST, SHOWN_CANCELED)], Done(Outcome.CANCELED), False),
        ([(READ, SHOWN_CANCELED)], Done(Outcome.ALREADY_CANCELED), False),
        ([(READ, SHOWN_OPEN)], Done(Outcome.WOULD_CANCEL), False),
        ([(READ, SHOWN_OPEN)], Done(Outcome.NOT_CANCELABLE), True),
        ([], Done(Outcome.NOT_ATTEMPTED), True),
        ([(POST, SHOWN_OPEN)], Wait(9.0), True),
        ([(POST, SHOWN_OPEN), (READ, SHOWN_CANCELED)], Done(Outcome.CANCELED), True),
        *(
            ([(action, Reply(kind))], Wait(9.0), True)
            for action in Action
            for kind in Evidence
            if kind not in (Evidence.CANCELED, Evidence.OPEN)
        ),
    ],
)
def test_an_order_of_a_set_gets_a_line_where_it_fails_or_goes_another_way_than_most(
    calls: list[tuple[Action, Reply]], decision: Step, *, is_worth_a_line: bool
) -> None:
    history = History(Policy(), started_at=0.0)
    for action, reply in calls:
        history = history.with_event(Event(action, 0.0, 0.0, reply))
    assert deviates(history, decision) is is_worth_a_line


class Down:
    """A client that is not connected, a log, and a clock that stops the task while it waits."""

    def __init__(self, stops_at: float) -> None:
        self.now = 0.0
        self.stops_at = stops_at
        self.lines: list[str] = []

    def get_order(self, order_id: OrderId) -> Order:
        raise OmsNotSentError("refused")

    def post_cancel(self, request: CancelRequest, **_: object) -> Order:
        raise OmsNotSentError("refused")

    def info(self, message: str, *values: object) -> None:
        self.lines.append(message % values)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("stops_at", [0.0, 0.5, 3.0])
def test_the_last_line_says_how_an_order_ends_that_is_given_up(stops_at: float) -> None:
    down = Down(stops_at)
    around = Runtime(lambda: down.now, down.sleep, lambda: down.now >= down.stops_at, lambda: 0.0)
    result = cancel_order(
        down,
        CancelRequest(7, "created_by_mistake"),
        Policy(),
        log=down,
        surroundings=around,
    )
    assert result.outcome is Outcome.NOT_ATTEMPTED
    assert down.lines[-1].endswith("Next: done, not_attempted.")
    assert sum("Next: done" in line for line in down.lines) == 1
    assert not any("Next: done" in line for line in down.lines[:-1])
