"""The loop for one order: the calls it makes, the waits it keeps, the result it builds."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType

import pytest

from airflow_provider_oms.api.errors import (
    OmsConflictError,
    OmsCredentialsError,
    OmsInputError,
    OmsNoResponseError,
    OmsNotFoundError,
    OmsNotSentError,
    OmsServerError,
)
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.validation import CancelRequest, OrderId
from airflow_provider_oms.cancellation import runner
from airflow_provider_oms.cancellation.history import Policy
from airflow_provider_oms.cancellation.outcomes import CancellationResult, ConfirmedBy, Outcome
from airflow_provider_oms.cancellation.runner import Runtime, cancel_order

REQUEST = CancelRequest(7, "created_by_mistake")
SHOPPER = "jane@example.com"


def order(state: str, correlation_id: str | None = None) -> Order:
    return Order(7, state, state, MappingProxyType({"customer": SHOPPER}), correlation_id)


@dataclass
class World:
    """A client, a clock and a log in one; each call takes a second."""

    replies: list[Order | BaseException]
    now: float = 100.0
    stops_at: float = 1e9
    token_takes: float = 0
    calls: list[tuple[str, float]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    interrupted: list[CancellationResult] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def info(self, message: str, *values: object) -> None:
        self.lines.append(message % values)

    def get_order(self, order_id: OrderId) -> Order:
        assert order_id == REQUEST.order_id
        return self._call("GET")

    def post_cancel(
        self, request: CancelRequest, *, may_send: Callable[[], bool] | None = None
    ) -> Order:
        assert request is REQUEST
        self.now += self.token_takes
        if may_send is not None and not may_send():
            raise OmsNotSentError("it was too late")
        return self._call("POST")

    def _call(self, method: str) -> Order:
        self.calls.append((method, self.now - 100))
        self.now += 1
        if not self.replies:
            pytest.fail("one call more than there are replies")
        reply = self.replies.pop(0)
        if isinstance(reply, BaseException):
            raise reply
        return reply

    def is_stopping(self) -> bool:
        return self.now >= self.stops_at

    def run(
        self, policy: Policy | None = None, *, doubt: float | None = None, attempt: int = 1
    ) -> CancellationResult:
        return cancel_order(
            self,
            REQUEST,
            policy or Policy(),
            attempt=attempt,
            in_doubt_for=doubt,
            log=self,
            on_interrupt=self.interrupted.append,
            surroundings=Runtime(self.clock, self.sleep, self.is_stopping, lambda: 0.0),
        )


def test_the_plain_path_is_one_post() -> None:
    world = World([order("CANCELED", "c1")])
    result = world.run()
    assert world.calls == [("POST", 0)]
    assert result.as_dict() == {
        "order_id": 7,
        "looked_up_id": None,
        "outcome": "canceled",
        "confirmed_by": "answer",
        "order_state": "CANCELED",
        "order_status": "CANCELED",
        "correlation_id": "c1",
    }
    assert result.posts == 1


def test_a_timeout_is_followed_by_reads_and_not_by_a_post() -> None:
    world = World([OmsNoResponseError("no answer"), order("READY"), order("CANCELED", "c3")])
    result = world.run()
    assert world.calls == [("POST", 0), ("GET", 2), ("GET", 4)]
    assert (result.outcome, result.confirmed_by) == (Outcome.CANCELED, ConfirmedBy.READ)
    assert result.posts == 1


@pytest.mark.parametrize("settle_seconds", [0.25, 0.5, 1.5, 3.25, 15.0])
@pytest.mark.parametrize("doubt", [None, 0.0, 0.75, 3.0])
def test_each_wait_takes_as_long_as_the_log_says(
    settle_seconds: float, doubt: float | None
) -> None:
    lost: list[Order | BaseException] = [OmsNoResponseError("no answer")]
    read: list[Order | BaseException] = [order("READY")]
    world = World([*lost, *read * 3, *lost, *read * 23])
    world.run(Policy(settle_seconds=settle_seconds, deadline=12.0), doubt=doubt)
    waits = re.findall(r"Next: wait ([0-9.]+ s), then ", "\n".join(world.lines))
    assert [f"{seconds:.1f} s" for seconds in world.slept] == waits
    assert waits


def test_a_refusal_keeps_status_code_and_correlation_id_of_what_decided() -> None:
    refusal = OmsConflictError("shipped", http_status=409, oms_code="9", correlation_id="c1")
    result = World([refusal, order("SHIPPED", "c1"), order("SHIPPED", "c2")]).run()
    assert result.outcome is Outcome.NOT_CANCELABLE
    assert (result.order_state, result.correlation_id) == ("SHIPPED", "c2")
    not_found = OmsNotFoundError("none", http_status=404, oms_code="5002", correlation_id="c1")
    result = World([not_found, not_found]).run()
    assert (result.http_status, result.oms_code, result.correlation_id) == (404, "5002", "c1")
    assert "HTTP 404" in result.describe()


def test_a_later_attempt_reads_before_it_posts() -> None:
    world = World([order("READY"), order("CANCELED")])
    world.run(doubt=3600)
    assert [method for method, _ in world.calls] == ["GET", "POST"]


def test_a_later_attempt_waits_for_an_order_to_settle_before_it_believes_it_open() -> None:
    world = World([order("READY"), order("READY"), order("CANCELED")])
    world.run(Policy(settle_seconds=3), attempt=2)
    assert world.calls == [("GET", 1), ("GET", 3), ("POST", 4)]
    assert world.lines[0] == (
        "Order 7, attempt 2: in doubt from an earlier attempt. Next: wait 1.0 s, "
        "then read whether it is canceled by now."
    )


def test_an_unknown_end_says_so_and_keeps_the_last_correlation_id() -> None:
    server_error = OmsServerError("down", http_status=503, correlation_id="c1")
    world = World([server_error, *[OmsNoResponseError("no answer")] * 20])
    result = world.run(Policy(settle_seconds=3, deadline=10))
    assert result.outcome is Outcome.UNKNOWN
    assert "may or may not" in result.describe()
    assert result.correlation_id == "c1"


def test_there_is_one_log_line_for_each_decision() -> None:
    world = World([OmsNoResponseError("no answer"), order("CANCELED", "c2")])
    world.run()
    expected = """
        Order 7, attempt 1: new. Next: send the cancel.
        Order 7, attempt 1, call 1, cancel: no answer. Taken as: ambiguous, it may have been \
acted on. Next: wait 1.0 s, then read whether it is canceled by now.
        Order 7, attempt 1, call 2, read: The OMS says orderState CANCELED, orderStatus CANCELED \
(HTTP 200, correlation id c2). Taken as: canceled. Next: done, canceled.
    """
    assert world.lines == [line.strip() for line in expected.strip().splitlines()]


def test_nothing_of_the_shopper_is_in_log_or_result() -> None:
    world = World([OmsNoResponseError("no answer"), order("READY"), order("CANCELED")])
    result = world.run()
    assert SHOPPER not in "".join(world.lines) + repr(result) + result.describe()


def test_an_error_that_is_no_reply_is_not_swallowed() -> None:
    with pytest.raises(OmsInputError):
        World([OmsInputError("order_id", "an id", "zero")]).run()


def crash() -> IndexError:
    return IndexError(SHOPPER)


class TestAFaultOfThisProgram:
    def test_in_one_call_it_leaves_the_order_in_doubt_and_a_read_finds_out(self) -> None:
        world = World([crash(), order("CANCELED")])
        result = world.run()
        assert [method for method, _ in world.calls] == ["POST", "GET"]
        assert (result.outcome, result.posts) == (Outcome.CANCELED, 1)

    def test_in_every_call_it_leaves_the_order_unknown_and_is_named(self) -> None:
        result = World([crash() for _ in range(40)]).run(Policy(deadline=20))
        assert result.outcome is Outcome.UNKNOWN
        assert result.reason == "A fault of this program, IndexError"

    def test_it_is_logged_once_with_its_place_and_without_its_text(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(runner, "_faults_shown", set())
        World([crash() for _ in range(40)]).run(Policy(deadline=20, look_first=True))
        faults = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
        assert len(faults) == 1
        assert "IndexError" in faults[0]
        assert "test_runner.py" in faults[0]
        assert SHOPPER not in faults[0] + caplog.text

    def test_what_ends_the_process_is_none(self) -> None:
        with pytest.raises(KeyboardInterrupt):
            World([KeyboardInterrupt()]).run()


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_explains_itself(outcome: Outcome) -> None:
    text = CancellationResult(7, outcome).describe()
    assert text == f"Order 7: {outcome.value}, {outcome.remark}."
    assert not (outcome.is_success and outcome.may_be_retried)


class TestBeingToldToEnd:
    def test_nothing_is_sent_before_the_first_cancel(self) -> None:
        world = World([order("CANCELED")], stops_at=0)
        assert world.run().outcome is Outcome.NOT_ATTEMPTED
        assert world.calls == []

    def test_a_cancel_without_a_clear_answer_leaves_the_order_unknown(self) -> None:
        world = World([OmsNoResponseError("no answer"), order("READY")], stops_at=102)
        result = world.run()
        assert result.outcome is Outcome.UNKNOWN
        assert "told to end" in result.describe()
        assert [method for method, _ in world.calls] == ["POST"]

    def test_no_second_cancel_is_sent(self) -> None:
        world = World([OmsNoResponseError("no answer"), order("READY")], stops_at=103)
        assert world.run(Policy(settle_seconds=1)).outcome is Outcome.UNKNOWN
        assert [method for method, _ in world.calls] == ["POST", "GET"]

    def test_what_is_clear_already_stays_clear(self) -> None:
        world = World([order("CANCELED")], stops_at=101)
        assert world.run().outcome is Outcome.CANCELED

    def test_no_cancel_leaves_when_the_end_comes_while_a_token_is_fetched(self) -> None:
        world = World([order("CANCELED")], stops_at=102, token_takes=3)
        result = world.run()
        assert result.outcome is Outcome.NOT_ATTEMPTED
        assert "told to end" in result.describe()
        assert (world.calls, result.posts) == ([], 0)


def test_no_cancel_leaves_when_the_deadline_passes_while_a_token_is_fetched() -> None:
    world = World([order("CANCELED")], token_takes=3)
    result = world.run(Policy(settle_seconds=1, deadline=2))
    assert result.outcome is Outcome.NOT_ATTEMPTED
    assert (world.calls, result.posts) == ([], 0)


@pytest.mark.parametrize("states", [None, frozenset({"READY"})])
def test_credentials_that_are_refused_are_no_answer_to_a_cancel(
    states: frozenset[str] | None,
) -> None:
    world = World([OmsCredentialsError("no token", http_status=401)])
    result = world.run(Policy(only_if_states=states))
    assert result.outcome is Outcome.FORBIDDEN
    assert (result.posts, result.confirmed_by) == (0, None)


class Timeout(BaseException):
    """As Airflow's execution_timeout raises it: no Exception."""


class TestBeingInterrupted:
    @pytest.mark.parametrize(
        ("replies", "outcome", "posts"),
        [
            ([Timeout()], Outcome.UNKNOWN, 1),
            ([OmsNoResponseError("no answer"), Timeout()], Outcome.UNKNOWN, 1),
            ([OmsNoResponseError("no answer"), order("READY"), Timeout()], Outcome.UNKNOWN, 2),
        ],
    )
    def test_a_cancel_that_may_have_left_leaves_the_order_unknown(
        self, replies: list[Order | BaseException], outcome: Outcome, posts: int
    ) -> None:
        world = World(replies)
        with pytest.raises(Timeout):
            world.run(Policy(settle_seconds=1))
        (result,) = world.interrupted
        assert (result.outcome, result.posts) == (outcome, posts)
        assert "interrupted" in result.describe()

    def test_nothing_is_in_doubt_when_only_a_read_was_under_way(self) -> None:
        world = World([Timeout()])
        with pytest.raises(Timeout):
            world.run(Policy(look_first=True))
        (result,) = world.interrupted
        assert (result.outcome, result.posts) == (Outcome.NOT_ATTEMPTED, 0)

    def test_what_is_clear_already_is_told_as_it_is(self) -> None:
        world = World([order("CANCELED")])

        def info(message: str, *values: object) -> None:
            if "done" in message % values:
                raise Timeout

        world.info = info  # type: ignore[method-assign]  # this once
        with pytest.raises(Timeout):
            world.run()
        assert [result.outcome for result in world.interrupted] == [Outcome.CANCELED]

    def test_an_order_that_comes_to_its_end_interrupts_nothing(self) -> None:
        world = World([order("CANCELED")])
        world.run()
        assert world.interrupted == []
