"""What stops a run: silence, refusals, a wait too long, and as many failures as were said."""

from __future__ import annotations

import math

import pytest
from breakers import (
    CANCELED,
    FORBIDDEN,
    NOW,
    OPEN,
    POLICY,
    SHIPPED,
    SILENCE,
    answering,
    breaker_of,
    end,
    item_of,
    reply_to,
    why,
)

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.cancellation.history import Action, Reply
from airflow_provider_oms.cancellation.outcomes import ACCEPTABLE, Outcome


class TestTheFirstAnswer:
    """No order speaks for the tenant, and no cancel leaves before the tenant has answered."""

    @pytest.mark.parametrize(
        "kind",
        [
            Evidence.CANCELED,
            Evidence.OPEN,
            Evidence.NOT_FOUND,
            Evidence.CONFLICT,
            Evidence.REFUSED,
        ],
    )
    def test_anything_that_an_oms_says_about_an_order_is_one(self, kind: Evidence) -> None:
        breaker = breaker_of()
        was_probing = breaker.is_probing
        reply_to(breaker, 1, Reply(kind, "an answer"))
        assert (was_probing, breaker.is_probing, breaker.is_proven) == (True, False, False)
        breaker.check(NOW + 1000)
        assert why(breaker) == ""

    @pytest.mark.parametrize(
        "kind",
        [
            Evidence.FORBIDDEN,
            Evidence.WRONG_SERVER,
            Evidence.THROTTLED,
            Evidence.UNAUTHENTICATED,
            Evidence.NEVER_SENT,
            Evidence.AMBIGUOUS,
        ],
    )
    def test_nothing_else_is_one(self, kind: Evidence) -> None:
        breaker = breaker_of()
        reply_to(breaker, 1, Reply(kind, "no answer"))
        assert breaker.is_probing
        assert why(breaker) == ""

    def test_that_a_cancel_has_come_back_is_not_forgotten(self) -> None:
        breaker = breaker_of()
        reply_to(breaker, 1, OPEN)
        assert not breaker.has_judged_a_cancel
        reply_to(breaker, 1, SILENCE, Action.POST)
        reply_to(breaker, 2, OPEN)
        assert breaker.has_judged_a_cancel

    def test_a_tenant_that_is_away_for_twenty_seconds_stops_it(self) -> None:
        breaker = breaker_of()
        reply_to(breaker, 1, SILENCE)
        assert breaker.gives_up_at == NOW + 20
        breaker.check(NOW + 19.9)
        assert why(breaker) == ""
        breaker.check(NOW + 20)
        assert why(breaker) == "a first read did not get through: no response"
        assert breaker.settle_by == NOW + 20
        assert breaker.gives_up_at == math.inf
        assert not breaker.is_shut_out

    def test_a_tenant_that_throttles_gets_the_time_that_it_asks_for(self) -> None:
        breaker = breaker_of()
        slow_down = Reply(Evidence.THROTTLED, "slow down", retry_after=60)
        reply_to(breaker, 1, slow_down, now=NOW + 10)
        assert breaker.gives_up_at == NOW + 10 + 60 + 20
        # For no longer than the deadline, however often it throttles.
        reply_to(breaker, 1, slow_down, now=NOW + 80)
        assert breaker.gives_up_at == NOW + POLICY.deadline

    @pytest.mark.parametrize(
        ("kind", "is_suspected"),
        [
            (Evidence.AMBIGUOUS, True),
            (Evidence.FORBIDDEN, True),
            (Evidence.NEVER_SENT, True),
            (Evidence.THROTTLED, False),
            (Evidence.UNAUTHENTICATED, False),
        ],
    )
    def test_an_order_without_one_lets_another_part_of_the_set_be_asked(
        self, kind: Evidence, *, is_suspected: bool
    ) -> None:
        breaker = breaker_of()
        reply_to(breaker, 1, Reply(kind, "no answer"), stratum=3)
        assert breaker.suspects == ({3} if is_suspected else set())
        reply_to(breaker, 2, OPEN, stratum=4)
        assert breaker.suspects == set()


class TestRefusals:
    @pytest.mark.parametrize("kind", [Evidence.FORBIDDEN, Evidence.WRONG_SERVER])
    @pytest.mark.parametrize("action", [Action.POST, Action.READ])
    def test_they_stop_it_when_orders_from_every_part_of_the_set_were_refused(
        self, kind: Evidence, action: Action
    ) -> None:
        breaker = breaker_of()
        reply = Reply(kind, "no permission")
        for stratum in range(9):
            end(breaker, stratum, Outcome.FORBIDDEN, reply, action, stratum=stratum)
            end(breaker, 100 + stratum, Outcome.FORBIDDEN, reply, action, stratum=stratum)
        assert why(breaker) == ""
        assert breaker.suspects == set(range(9))
        end(breaker, 9, Outcome.FORBIDDEN, reply, action, stratum=9)
        assert why(breaker) == "the OMS refuses the connection: no permission"
        assert breaker.is_shut_out

    def test_all_of_a_smaller_set_is_enough(self) -> None:
        breaker = breaker_of(strata=2)
        end(breaker, 1, Outcome.FORBIDDEN, FORBIDDEN, stratum=0)
        assert why(breaker) == ""
        end(breaker, 2, Outcome.FORBIDDEN, FORBIDDEN, stratum=1)
        assert "refuses the connection" in why(breaker)

    @pytest.mark.parametrize("action", [Action.POST, Action.READ])
    def test_they_do_not_where_the_oms_lets_such_a_call_through_in_between(
        self, action: Action
    ) -> None:
        breaker = breaker_of()
        for order_id in range(100):
            if order_id % 9 == 0:
                reply_to(breaker, 500 + order_id, CANCELED, action)
            end(breaker, order_id, Outcome.FORBIDDEN, FORBIDDEN, action, stratum=order_id % 10)
            assert action is Action.READ or breaker.suspects == set()
        assert why(breaker) == ""

    def test_ten_in_a_row_are_suspicious_though_one_was_let_through_before(self) -> None:
        breaker = answering()
        for order_id in range(9):
            end(breaker, order_id, Outcome.FORBIDDEN, FORBIDDEN, Action.POST, stratum=3)
        assert breaker.suspects == set()
        end(breaker, 9, Outcome.FORBIDDEN, FORBIDDEN, Action.POST, stratum=3)
        assert breaker.suspects == {3}
        assert why(breaker) == ""
        for stratum in range(10):
            end(breaker, 10 + stratum, Outcome.FORBIDDEN, FORBIDDEN, Action.POST, stratum=stratum)
        assert "refuses the connection" in why(breaker)
        assert not breaker.is_shut_out

    def test_where_no_other_part_is_left_forty_stop_it(self) -> None:
        breaker = answering()
        breaker._queued.take_outside(range(1, 10))
        while breaker._queued.take():
            pass
        for order_id in range(39):
            end(breaker, order_id, Outcome.FORBIDDEN, FORBIDDEN, Action.POST, stratum=3)
        assert why(breaker) == ""
        end(breaker, 39, Outcome.FORBIDDEN, FORBIDDEN, Action.POST, stratum=3)
        assert "refuses the connection" in why(breaker)

    def test_reads_that_are_let_through_say_nothing_about_cancels(self) -> None:
        breaker = breaker_of()
        reply_to(breaker, 50, OPEN, Action.READ)
        for stratum in range(10):
            end(breaker, stratum, Outcome.FORBIDDEN, FORBIDDEN, Action.POST, stratum=stratum)
        assert "refuses the connection" in why(breaker)
        assert breaker.is_shut_out

    def test_credentials_that_the_token_endpoint_refuses_stop_it_at_once(self) -> None:
        breaker = breaker_of()
        reply_to(breaker, 1, Reply(Evidence.FORBIDDEN, "wrong secret", left=False))
        assert why(breaker) == "the OMS refuses the connection: wrong secret"
        assert breaker.is_shut_out

    def test_a_connection_that_had_been_good_is_not_shut_out(self) -> None:
        breaker = answering()
        reply_to(breaker, 1, Reply(Evidence.FORBIDDEN, "revoked", left=False))
        assert "revoked" in why(breaker)
        assert not breaker.is_shut_out

    def test_ten_orders_in_a_row_whose_tokens_were_refused_stop_it(self) -> None:
        refused = Reply(Evidence.UNAUTHENTICATED, "token refused")
        breaker = answering()
        for order_id in range(9):
            end(breaker, order_id, Outcome.FORBIDDEN, refused)
        end(breaker, 50, Outcome.CANCELED, CANCELED)
        for order_id in range(9):
            end(breaker, 100 + order_id, Outcome.FORBIDDEN, refused)
        assert why(breaker) == ""
        end(breaker, 200, Outcome.FORBIDDEN, refused)
        assert why(breaker) == "the OMS refuses the connection: token refused"


class TestALongWait:
    @pytest.mark.parametrize("kind", [Evidence.THROTTLED, Evidence.NEVER_SENT])
    def test_one_that_is_longer_than_the_deadline_stops_it(self, kind: Evidence) -> None:
        breaker = answering()
        reply_to(breaker, 7, Reply(kind, "later", retry_after=120.0))
        assert why(breaker) == ""
        reply_to(breaker, 7, Reply(kind, "later", retry_after=121.0))
        assert why(breaker) == "the OMS asks to wait 121 s, longer than deadline"

    def test_after_a_5xx_it_may_be_about_that_order(self) -> None:
        later = Reply(Evidence.AMBIGUOUS, "503", retry_after=3600)
        breaker = answering()
        for order_id in (1, 1, 1, 2):
            reply_to(breaker, order_id, later)
        assert why(breaker) == ""
        reply_to(breaker, 3, later)
        assert why(breaker) == "the OMS asks to wait 3600 s, longer than deadline"

    def test_an_answer_in_between_starts_the_count_again(self) -> None:
        later = Reply(Evidence.AMBIGUOUS, "503", retry_after=3600)
        breaker = answering()
        for order_id in (1, 2):
            reply_to(breaker, order_id, later)
        reply_to(breaker, 50, OPEN)
        for order_id in (3, 4):
            reply_to(breaker, order_id, later)
        assert why(breaker) == ""


class TestFailures:
    def test_as_many_as_were_said_stop_it_and_one_order_counts_once(self) -> None:
        breaker = answering(limit=2)
        breaker.on_refused_cancel(item_of(7), NOW)
        end(breaker, 7, Outcome.NOT_CANCELABLE, SHIPPED)
        assert why(breaker) == ""
        end(breaker, 8, Outcome.NOT_FOUND)
        assert why(breaker) == "2 orders have failed, and stop_after_failures is 2"

    def test_without_a_limit_none_does(self) -> None:
        breaker = answering()
        for order_id in range(1000):
            end(breaker, order_id, Outcome.NOT_FOUND)
        assert why(breaker) == ""

    def test_an_order_that_turned_out_canceled_is_none(self) -> None:
        breaker = answering(limit=2)
        breaker.on_refused_cancel(item_of(7), NOW)
        end(breaker, 7, Outcome.ALREADY_CANCELED)
        end(breaker, 8, Outcome.NOT_FOUND)
        assert why(breaker) == ""


class TestAcceptedOutcomes:
    def test_they_do_not_count(self) -> None:
        breaker = answering(1, Outcome.NOT_CANCELABLE, Outcome.NOT_FOUND)
        end(breaker, 1, Outcome.CANCELED)
        for order_id in range(2, 100):
            breaker.on_refused_cancel(item_of(order_id), NOW)
            end(breaker, order_id, Outcome.NOT_CANCELABLE, SHIPPED)
            end(breaker, 100 + order_id, Outcome.NOT_FOUND)
        assert why(breaker) == ""
        end(breaker, 300, Outcome.REFUSED)
        assert why(breaker) == "1 order has failed, and stop_after_failures is 1"

    @pytest.mark.parametrize("accepted", sorted(ACCEPTABLE))
    def test_only_those_that_were_said(self, accepted: Outcome) -> None:
        breaker = answering(2, accepted)
        (other,) = ACCEPTABLE - {accepted}
        end(breaker, 1, accepted)
        end(breaker, 2, other)
        assert why(breaker) == ""
        end(breaker, 3, other)
        assert why(breaker) == "2 orders have failed, and stop_after_failures is 2"

    def test_ten_orders_that_the_oms_does_not_know_count_while_it_knows_none(self) -> None:
        # On a wrong tenant, some of the numbers may be other people's orders.
        breaker = answering(3, Outcome.NOT_FOUND)
        for order_id in range(9):
            end(breaker, order_id, Outcome.NOT_FOUND)
        assert why(breaker) == ""
        end(breaker, 9, Outcome.NOT_FOUND)
        assert why(breaker) == "10 orders have failed, and stop_after_failures is 3"

    @pytest.mark.parametrize("known", [o for o in Outcome if o.shows_order])
    def test_one_order_that_it_knows_is_enough(self, known: Outcome) -> None:
        breaker = answering(3, Outcome.NOT_FOUND)
        end(breaker, 100, known)
        for order_id in range(50):
            end(breaker, order_id, Outcome.NOT_FOUND)
        assert why(breaker) == ""


class TestStopping:
    def test_the_first_reason_stays_and_the_shortest_time_to_settle(self) -> None:
        breaker = breaker_of()
        assert breaker.settle_by == math.inf
        breaker.stop("one", NOW)
        assert breaker.settle_by == NOW + 20
        breaker.stop("another", NOW, settle=0)
        breaker.stop("a third", NOW)
        assert (breaker.stopped, breaker.settle_by) == ("one", NOW)

    def test_settling_takes_half_a_minute_at_most(self) -> None:
        breaker = breaker_of(settle_seconds=600)
        breaker.stop("one", NOW)
        assert breaker.settle_by == NOW + 35

    def test_being_told_to_end_is_no_refusal_by_the_connection(self) -> None:
        breaker = breaker_of(strata=1)
        breaker.stop("the task was told to end", NOW)
        end(breaker, 1, Outcome.FORBIDDEN, FORBIDDEN)
        assert not breaker.is_shut_out
