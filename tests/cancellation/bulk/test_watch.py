"""What stops a run: silence, refusals, a wait too long, and as many failures as were said."""

from __future__ import annotations

import pytest

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.cancellation.bulk.watch import Watch
from airflow_provider_oms.cancellation.history import Policy, Reply
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome

OPEN = Reply(Evidence.OPEN, "open", order_state="READY")
SILENCE = Reply(Evidence.AMBIGUOUS, "no answer")
SHIPPED = Reply(Evidence.CONFLICT, "shipped")


class Bell:
    def __init__(self) -> None:
        self.rings = 0

    def __call__(self) -> None:
        self.rings += 1


def watch_of(limit: int | None = None, settle_seconds: float = 15.0) -> Watch:
    return Watch(Policy(settle_seconds=settle_seconds), limit, lambda: 100.0, Bell())


def why(watch: Watch) -> str:
    """Return why a run is stopped; empty while it is not."""
    return watch.stopped or ""


def ended(order_id: int, outcome: Outcome) -> CancellationResult:
    return CancellationResult(order_id, outcome)


class TestSilence:
    def test_twenty_orders_in_a_row_without_an_answer_stop_it(self) -> None:
        watch = watch_of()
        for order_id in range(19):
            watch.heed_reply(SILENCE, order_id)
        assert why(watch) == ""
        watch.heed_reply(SILENCE, 19)
        assert why(watch) == "20 orders in a row got no answer; last: no answer"

    def test_one_order_that_is_asked_about_again_and_again_does_not(self) -> None:
        watch = watch_of()
        for _ in range(100):
            watch.heed_reply(SILENCE, 7)
        assert why(watch) == ""

    @pytest.mark.parametrize(
        "kind", [Evidence.CANCELED, Evidence.OPEN, Evidence.CONFLICT, Evidence.THROTTLED]
    )
    def test_any_answer_in_between_begins_the_count_anew(self, kind: Evidence) -> None:
        watch = watch_of()
        for order_id in range(19):
            watch.heed_reply(SILENCE, order_id)
        watch.heed_reply(Reply(kind, "an answer"), 50)
        for order_id in range(19):
            watch.heed_reply(SILENCE, 100 + order_id)
        assert why(watch) == ""

    def test_twenty_ends_in_a_row_that_came_to_nothing_stop_it(self) -> None:
        watch = watch_of()
        for order_id in range(19):
            watch.heed_end(ended(order_id, Outcome.NOT_ATTEMPTED), None)
        watch.heed_end(ended(50, Outcome.CANCELED), None)
        for order_id in range(19):
            watch.heed_end(ended(order_id, Outcome.UNKNOWN), None)
        assert why(watch) == ""
        watch.heed_end(ended(60, Outcome.UNKNOWN), None)
        assert why(watch).startswith("20 orders in a row came to nothing")


@pytest.mark.parametrize(
    "kind",
    [Evidence.FORBIDDEN, Evidence.UNAUTHENTICATED, Evidence.DENIED, Evidence.WRONG_SERVER],
)
def test_a_refused_connection_stops_it_at_the_first_order(kind: Evidence) -> None:
    watch = watch_of()
    watch.heed_end(ended(7, Outcome.FORBIDDEN), Reply(kind, "no permission"))
    assert why(watch) == "the OMS refuses the connection: no permission"


def test_a_wait_that_is_longer_than_the_deadline_stops_it() -> None:
    watch = watch_of()
    watch.heed_reply(Reply(Evidence.THROTTLED, "later", retry_after=120.0), 7)
    assert why(watch) == ""
    watch.heed_reply(Reply(Evidence.THROTTLED, "later", retry_after=121.0), 7)
    assert why(watch) == "the OMS asks to wait 121 s, longer than deadline"


class TestFailures:
    def test_as_many_as_were_said_stop_it_and_one_order_counts_once(self) -> None:
        watch = watch_of(limit=2)
        watch.heed_reply(OPEN, 7, is_refused=True)
        watch.heed_end(ended(7, Outcome.NOT_CANCELABLE), SHIPPED)
        assert why(watch) == ""
        watch.heed_end(ended(8, Outcome.NOT_FOUND), None)
        assert why(watch) == "2 orders have failed, and stop_after_failures is 2"

    def test_without_a_limit_none_does(self) -> None:
        watch = watch_of()
        for order_id in range(1000):
            watch.heed_end(ended(order_id, Outcome.NOT_FOUND), None)
        assert why(watch) == ""

    def test_an_order_that_turned_out_canceled_is_none(self) -> None:
        watch = watch_of(limit=2)
        watch.heed_reply(OPEN, 7, is_refused=True)
        watch.heed_end(ended(7, Outcome.ALREADY_CANCELED), None)
        watch.heed_end(ended(8, Outcome.NOT_FOUND), None)
        assert why(watch) == ""


class TestStopping:
    def test_the_first_reason_stays_and_the_shortest_time_to_settle(self) -> None:
        watch = watch_of()
        watch.stop("one")
        assert watch.settle_by == 115.0
        watch.stop("another", settle=0)
        watch.stop("a third")
        assert (watch.stopped, watch.settle_by) == ("one", 100.0)

    def test_settling_takes_half_a_minute_at_most(self) -> None:
        watch = watch_of(settle_seconds=600)
        watch.stop("one")
        assert watch.settle_by == 130.0

    def test_the_keeper_is_called(self) -> None:
        bell = Bell()
        Watch(Policy(), None, lambda: 0.0, bell).stop("one")
        assert bell.rings == 1
