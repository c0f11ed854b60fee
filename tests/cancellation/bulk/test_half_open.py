"""A run whose orders get no response makes one request at a time before it stops."""

from __future__ import annotations

import itertools

import pytest
from breakers import (
    CANCELED,
    NOW,
    OPEN,
    POLICY,
    SHIPPED,
    SILENCE,
    answering,
    end,
    narrowed,
    reply_to,
    why,
)

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.cancellation.bulk.circuit_breaker import CircuitBreaker
from airflow_provider_oms.cancellation.bulk.outcome_counts import OutcomeCounts
from airflow_provider_oms.cancellation.bulk.recovery import Queued
from airflow_provider_oms.cancellation.history import Action, Reply
from airflow_provider_oms.cancellation.outcomes import Outcome


class TestSilence:
    def test_twenty_orders_in_a_row_without_a_response_narrow_it(self) -> None:
        breaker = answering()
        for order_id in range(19):
            assert reply_to(breaker, order_id, SILENCE) == 0
        assert why(breaker) == ""
        assert reply_to(breaker, 19, Reply(Evidence.NEVER_SENT, "refused")) == 1
        assert breaker.half_open_since == NOW
        assert breaker.silence == "20 orders in a row got no answer; last: refused"
        assert why(breaker) == ""

    def test_eight_over_three_seconds_do_too(self) -> None:
        breaker = answering()
        for nth in range(7):
            assert reply_to(breaker, nth, SILENCE, now=NOW + nth) == 0
        assert reply_to(breaker, 6, SILENCE, now=NOW + 9) == 0
        assert reply_to(breaker, 7, SILENCE, now=NOW + 10) == 1
        breaker = answering()
        for nth in range(7):
            reply_to(breaker, nth, SILENCE)
        assert reply_to(breaker, 7, SILENCE, now=NOW + 2.9) == 0
        assert reply_to(breaker, 8, SILENCE, now=NOW + 3) == 1

    @pytest.mark.parametrize("actions", [[Action.READ], [Action.POST], list(Action)])
    def test_five_single_requests_without_one_stop_it_then(self, actions: list[Action]) -> None:
        breaker, turns = narrowed(), itertools.cycle(actions)

        def pause_after(order_id: int, sent_at: float = NOW + 1) -> float:
            return reply_to(breaker, order_id, SILENCE, next(turns), sent_at=sent_at)

        # A request that was in flight when it narrowed is no single request.
        assert pause_after(50, NOW - 1) == 0
        assert [pause_after(order_id) for order_id in range(20, 24)] == [2, 4, 8, 15]
        assert why(breaker) == ""
        pause_after(30)
        assert "neither did 5 requests one at a time" in why(breaker)
        assert pause_after(31) == 0

    @pytest.mark.parametrize("silent", list(Action))
    def test_a_response_to_such_a_call_ends_it_and_one_to_another_does_not(
        self, silent: Action
    ) -> None:
        breaker = narrowed(silent)
        (other,) = set(Action) - {silent}
        for _ in range(3):
            reply_to(breaker, 30, OPEN, other)
            assert breaker.half_open_since == NOW
            assert reply_to(breaker, 31, SILENCE, silent, sent_at=NOW + 1) > 0
        reply_to(breaker, 32, CANCELED, silent)
        assert breaker.half_open_since is None
        # And all begins again.
        for order_id in range(19):
            assert reply_to(breaker, order_id, SILENCE, silent) == 0
        assert breaker.half_open_since is None
        assert why(breaker) == ""

    def test_where_neither_call_is_answered_both_have_to_be(self) -> None:
        breaker = answering()
        for order_id in range(20):
            reply_to(breaker, order_id, SILENCE, Action.POST if order_id % 2 else Action.READ)
        reply_to(breaker, 40, OPEN, Action.READ)
        assert breaker.half_open_since == NOW
        reply_to(breaker, 41, CANCELED, Action.POST)
        assert breaker.half_open_since is None

    def test_a_cancel_that_gets_through_ends_it_whatever_becomes_of_reads(self) -> None:
        breaker = answering()
        for order_id in range(20):
            reply_to(breaker, order_id, SILENCE, Action.POST if order_id % 2 else Action.READ)
        reply_to(breaker, 41, CANCELED, Action.POST)
        assert breaker.half_open_since is None

    def test_cancels_of_twenty_orders_narrow_it_though_reads_are_answered(self) -> None:
        breaker = answering()
        for order_id in range(20):
            assert breaker.half_open_since is None
            reply_to(breaker, order_id, OPEN, Action.READ)
            reply_to(breaker, order_id, SILENCE, Action.POST)
        assert breaker.half_open_since == NOW
        assert breaker.silence.startswith("the cancels of 20 orders in a row got no answer")

    def test_a_cancel_that_is_answered_starts_their_count_again(self) -> None:
        breaker = answering()
        for order_id in range(40):
            reply_to(breaker, order_id, SILENCE, Action.POST)
            if order_id % 10 == 9:
                reply_to(breaker, order_id, SHIPPED, Action.POST)
            reply_to(breaker, order_id, OPEN, Action.READ)
        assert breaker.half_open_since is None

    def test_they_do_not_once_no_order_is_left_that_could_tell(self) -> None:
        queued = Queued([1])
        breaker = CircuitBreaker(POLICY, None, queued, OutcomeCounts(), NOW)
        queued.take()
        for order_id in range(40):
            reply_to(breaker, order_id, OPEN, Action.READ)
            reply_to(breaker, order_id, SILENCE, Action.POST)
        assert breaker.half_open_since is None

    def test_one_order_that_is_asked_about_again_and_again_does_not(self) -> None:
        breaker = answering()
        for _ in range(100):
            reply_to(breaker, 7, SILENCE)
        assert why(breaker) == ""

    @pytest.mark.parametrize(
        "kind", [Evidence.CANCELED, Evidence.OPEN, Evidence.CONFLICT, Evidence.THROTTLED]
    )
    def test_any_response_in_between_starts_the_count_again(self, kind: Evidence) -> None:
        breaker = answering()
        for order_id in range(19):
            reply_to(breaker, order_id, SILENCE)
        reply_to(breaker, 50, Reply(kind, "a response"))
        for order_id in range(19):
            reply_to(breaker, 100 + order_id, SILENCE)
        assert why(breaker) == ""

    def test_twenty_ends_in_a_row_that_came_to_nothing_stop_it(self) -> None:
        breaker = answering()
        for order_id in range(19):
            end(breaker, order_id, Outcome.NOT_ATTEMPTED)
        end(breaker, 50, Outcome.CANCELED)
        for order_id in range(19):
            end(breaker, order_id, Outcome.UNKNOWN)
        assert why(breaker) == ""
        end(breaker, 60, Outcome.UNKNOWN, SILENCE)
        assert why(breaker) == "20 orders in a row came to nothing; last: no response"

    def test_a_verdict_in_between_starts_that_count_again_too(self) -> None:
        breaker = answering()
        for order_id in range(40):
            end(breaker, order_id, Outcome.NOT_FOUND if order_id == 19 else Outcome.UNKNOWN)
            assert (why(breaker) != "") == (order_id == 39)
