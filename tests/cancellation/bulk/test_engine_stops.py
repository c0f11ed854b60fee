"""What stops a run over a set, in virtual time, and that one order never speaks for the tenant."""

from __future__ import annotations

from typing import Any

import pytest
from virtual_runs import (
    FORBIDDEN,
    LOST,
    NOT_FOUND,
    POLICY,
    READS_FIRST,
    REFUSED,
    SHIPPED,
    UNAUTHENTICATED,
    UNAVAILABLE,
    UNSENT,
    Seen,
    World,
    outcomes,
    throttled,
    why,
)

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.validation import OrderId
from airflow_provider_oms.cancellation.history import Action, Policy, Reply
from airflow_provider_oms.cancellation.outcomes import Outcome

WRONG_SERVER = Reply(Evidence.WRONG_SERVER, "a proxy's page")
WRONG_SECRET = Reply(Evidence.FORBIDDEN, "wrong secret", left=False)
FOREIGN = Reply(Evidence.AMBIGUOUS, "another tenant's order", is_of_another_tenant=True)


def outcome_of(run: Any, order_id: int) -> Outcome:
    outcome: Outcome = run.engine.ends[order_id].result.outcome
    return outcome


class TestSilence:
    def test_twenty_orders_in_a_row_without_a_response_and_five_single_ones_stop_it(self) -> None:
        world = World(1000)
        world.tenant.on_post = world.tenant.on_read = lambda order_id: (
            LOST if int(order_id) > 30 else None
        )
        run = world.run()
        assert "20 orders in a row got no answer" in why(run)
        assert "neither did 5 requests one at a time" in why(run)
        warnings = [line.partition("warns: ")[2] for line in world.lines if "warns: " in line]
        narrowed, stopped = warnings
        assert narrowed.endswith("the run goes on with one request at a time")
        assert stopped == f"The run stops: {why(run)}"
        # Thirty seconds between single requests, and five for requests in flight to settle.
        assert 30 <= world.clock.now < 45
        # A response that comes late starts the count again, and some are in flight when it ends.
        lost = {order_id for order_id in world.tenant.posted if int(order_id) > 30}
        assert 20 <= len(lost) <= 20 + 2 * 4 + 5
        counts = outcomes(run)
        assert counts == {"canceled": 30, "unknown": len(lost), "not_attempted": 970 - len(lost)}

    def test_some_that_are_lost_now_and_then_do_not(self) -> None:
        world = World(400)
        world.tenant.on_post = lambda order_id: LOST if int(order_id) % 5 == 0 else None
        world.tenant.acts = lambda _: True
        run = world.run()
        assert why(run) == ""
        assert outcomes(run) == {"canceled": 400}


class TestOneBadOrder:
    """Whatever the tenant says about one order, the others are canceled."""

    @pytest.mark.parametrize("workers", [1, 4, 16])
    @pytest.mark.parametrize("policy", [POLICY, READS_FIRST])
    @pytest.mark.parametrize(
        "reply", [UNAVAILABLE, FORBIDDEN, WRONG_SERVER, REFUSED, NOT_FOUND, UNSENT, UNAUTHENTICATED]
    )
    @pytest.mark.parametrize("bad", [1, 50])
    def test_it_ends_by_itself(self, bad: int, reply: Reply, policy: Policy, workers: int) -> None:
        world = World(60, policy)
        world.tenant.on_post = world.tenant.on_read = lambda order_id: (
            reply if order_id == bad else None
        )
        run = world.run(workers=workers)
        assert why(run) == ""
        assert outcomes(run)["canceled"] == 59
        assert not outcome_of(run, bad).is_success

    @pytest.mark.parametrize("reply", [UNAVAILABLE, FORBIDDEN])
    def test_it_holds_up_the_others_for_a_moment_only(self, reply: Reply) -> None:
        world = World(60)
        world.tenant.on_post = world.tenant.on_read = lambda order_id: (
            reply if order_id == 1 else None
        )
        world.run()
        assert len(world.tenant.posts) >= 59
        assert max(world.tenant.times(Action.POST, *range(2, 61))) < 3

    @pytest.mark.parametrize("size", [1, 2, 3])
    def test_it_is_all_of_a_small_set(self, size: int) -> None:
        world = World(size)
        world.tenant.on_post = world.tenant.on_read = lambda order_id: (
            FORBIDDEN if order_id == 1 else None
        )
        run = world.run()
        assert outcome_of(run, 1) is Outcome.FORBIDDEN
        assert outcomes(run)["canceled"] == size - 1
        assert run.engine.breaker.is_shut_out == (size == 1)

    def test_a_whole_part_of_the_set_that_is_forbidden_does_not_stop_it_either(self) -> None:
        world = World(200)
        world.tenant.on_post = world.tenant.on_read = lambda order_id: (
            FORBIDDEN if 20 < int(order_id) <= 80 else None
        )
        run = world.run()
        assert why(run) == ""
        assert outcomes(run) == {"canceled": 140, "forbidden": 60}


class TestARefusedConnection:
    @pytest.mark.parametrize("workers", [1, 4, 128])
    @pytest.mark.parametrize("policy", [POLICY, READS_FIRST])
    @pytest.mark.parametrize("reply", [FORBIDDEN, WRONG_SERVER, UNAUTHENTICATED])
    @pytest.mark.parametrize("refused", ["all", "cancels"])
    def test_it_is_noticed_within_about_eighty_requests(
        self, refused: str, reply: Reply, policy: Policy, workers: int
    ) -> None:
        world = World(1000, policy)
        world.tenant.on_post = lambda _: reply
        if refused == "all":
            world.tenant.on_read = lambda _: reply
        run = world.run(workers=workers)
        assert len(world.tenant.posted) <= 80
        # Each cancel of an order that must be read first takes a read.
        assert len(world.tenant.seen) <= (160 if policy is READS_FIRST else 85)
        assert run.engine.breaker.stopped is not None
        counts = outcomes(run)
        assert counts["canceled"] == 0
        assert counts["not_attempted"] >= 900
        if reply is not UNAUTHENTICATED:
            assert "refuses the connection" in why(run)
            assert run.engine.breaker.is_shut_out
            # Orders from every part of the set were asked about.
            asked = {(int(call.order_id) - 1) // 100 for call in world.tenant.seen}
            assert asked == set(range(10))

    def test_credentials_that_the_token_endpoint_refuses_stop_it_at_once(self) -> None:
        world = World(1000)
        world.tenant.on_read = lambda _: WRONG_SECRET
        run = world.run()
        assert why(run) == "the OMS refuses the connection: wrong secret"
        assert run.engine.breaker.is_shut_out
        assert len(world.tenant.seen) == 1
        assert world.tenant.posted == []

    def test_one_that_is_revoked_on_the_way_stops_it(self) -> None:
        world = World(1000)
        world.tenant.on_post = lambda order_id: WRONG_SECRET if int(order_id) > 50 else None
        run = world.run()
        assert "wrong secret" in why(run)
        assert not run.engine.breaker.is_shut_out
        assert len(world.tenant.posted) <= 50 + 4


class TestATenantThatIsAway:
    @pytest.mark.parametrize("reply", [UNSENT, LOST, UNAVAILABLE])
    def test_the_run_gives_up_after_twenty_seconds_and_touches_no_order(self, reply: Reply) -> None:
        world = World(1000)
        world.tenant.on_read = lambda _: reply
        run = world.run(workers=16)
        assert why(run) == f"a first read did not get through: {reply.message}"
        assert 20 <= world.clock.now < 21
        assert world.tenant.posted == []
        assert world.in_doubt() == set()
        assert outcomes(run) == {"not_attempted": 1000}
        assert not run.engine.breaker.is_shut_out
        assert len(world.tenant.seen) < 80

    @pytest.mark.parametrize("reply", [UNSENT, LOST, UNAVAILABLE, FORBIDDEN])
    def test_each_order_that_gets_no_answer_lets_one_more_be_asked(self, reply: Reply) -> None:
        world = World(1000)
        world.tenant.on_read = lambda _: reply
        # Long enough for the first orders to be read again by then.
        world.tenant.latency = 2.0
        world.run(workers=16)
        first: dict[Any, Seen] = {}
        for call in world.tenant.seen:
            first.setdefault(call.order_id, call)
        assert len(first) > 5
        for number, call in enumerate(first.values()):
            assert sum(other.answered_at <= call.at for other in first.values()) == number

    def test_so_it_does_where_a_first_read_hangs(self) -> None:
        world = World(10)
        world.tenant.latency = 1000.0
        run = world.run()
        assert why(run) == "a first read did not get through: no answer came"
        assert 20 <= world.clock.now < 21
        assert outcomes(run) == {"not_attempted": 10}

    @pytest.mark.parametrize("count", [2, 12, 1000])
    def test_it_does_not_wait_when_the_orders_that_it_asked_about_have_ended(
        self, count: int
    ) -> None:
        world = World(count, policy=READS_FIRST)
        world.tenant.on_read = lambda _: FOREIGN
        run = world.run(workers=16)
        assert outcomes(run)["refused"] == min(count, 11)
        assert world.clock.now < 5
        assert world.tenant.posted == []
        is_cut_short = f"a first read did not get through: {FOREIGN.message}"
        assert why(run) == (is_cut_short if count > 11 else "")

    @pytest.mark.parametrize("reply", [UNSENT, UNAVAILABLE, throttled(15.0), throttled()])
    def test_one_that_comes_back_in_time_is_waited_for(self, reply: Reply) -> None:
        world = World(50)
        world.tenant.on_read = lambda _: reply if world.clock.now < 12 else None
        run = world.run()
        assert outcomes(run) == {"canceled": 50}
        assert min(world.tenant.times(Action.POST)) > 12

    def test_one_that_throttles_for_longer_is_waited_for_until_the_deadline(self) -> None:
        world = World(50)
        world.tenant.on_read = lambda _: throttled(25.0) if world.clock.now < 40 else None
        assert outcomes(world.run()) == {"canceled": 50}
        world = World(50)
        world.tenant.on_read = lambda _: throttled(25.0)
        run = world.run()
        assert "a first read did not get through: slow down" in why(run)
        assert world.clock.now <= POLICY.deadline + 1
        assert outcomes(run) == {"not_attempted": 50}


class TestFailures:
    def test_as_many_as_were_said_stop_it(self) -> None:
        world = World(1000)
        world.tenant.on_post = lambda order_id: NOT_FOUND if int(order_id) % 2 else None
        run = world.run(stop_after_failures=5)
        assert "stop_after_failures is 5" in why(run)
        # A read shows each of them, so that it is there.
        assert 5 <= outcomes(run)["refused"] <= 5 + 3
        assert len(world.tenant.posted) <= 20
        assert run.engine.tally.may_be_retried

    def test_the_next_attempts_begin_nothing_before_what_failed_has_failed_again(self) -> None:
        world = World(60)
        world.tenant.on_post = lambda order_id: REFUSED if int(order_id) <= 3 else None
        run = world.run(stop_after_failures=3)
        assert "stop_after_failures is 3" in why(run)
        before = set(world.tenant.posted)
        for attempt in (2, 3, 4):
            run = world.run(attempt, stop_after_failures=3)
            assert "stop_after_failures is 3" in why(run)
        assert set(world.tenant.posted) == before
        # Once a person has removed the reason, the rest goes on.
        world.tenant.on_post = lambda _: None
        run = world.run(5, stop_after_failures=3)
        assert outcomes(run) == {"canceled": 60}

    def test_a_refused_order_that_is_open_counts_before_it_has_settled(self) -> None:
        world = World(1000)
        world.tenant.on_post = lambda order_id: SHIPPED if int(order_id) % 2 else None
        run = world.run(stop_after_failures=5)
        assert "5 orders have failed, and stop_after_failures is 5" in why(run)
        assert len(world.tenant.posted) <= 20
        # One that was in flight when the run stopped may not get the time to settle.
        ended = outcomes(run)
        assert 5 <= ended["not_cancelable"] + ended["unknown"] <= 5 + 3

    def test_an_order_that_was_canceled_elsewhere_does_not_count(self) -> None:
        world = World(50)
        # Another client cancels each of them a moment before ours comes.

        def on_post(order_id: OrderId) -> Reply:
            world.tenant.canceled_at.setdefault(order_id, world.clock.now)
            return SHIPPED

        world.tenant.on_post = on_post
        run = world.run(stop_after_failures=1)
        assert why(run) == ""
        assert outcomes(run) == {"already_canceled": 50}

    def test_orders_in_doubt_that_were_taken_up_are_still_read_after_it(self) -> None:
        world = World(60, is_kept=False)
        # One that is forbidden stops it; half of the others were canceled before.
        world.tenant.canceled_at.update(dict.fromkeys(range(1, 60, 2), -1000.0))
        world.tenant.on_read = lambda order_id: FORBIDDEN if order_id == 2 else None
        run = world.run(2, workers=8, requests_per_second=5.0, stop_after_failures=1)
        assert "stop_after_failures is 1" in why(run)
        counts = outcomes(run)
        assert counts["canceled"] >= 5
        assert counts["not_canceled"] >= 5
        assert counts["unknown"] == 60 - counts["canceled"] - counts["not_canceled"]
        assert world.tenant.posted == []

    def test_another_attempt_does_not_get_around_it(self) -> None:
        world = World(1000)
        world.tenant.on_post = lambda order_id: SHIPPED if int(order_id) % 2 else None
        world.run(stop_after_failures=5)
        before = len(world.tenant.posted)
        for number in (2, 3, 4):
            run = world.run(number, stop_after_failures=5)
            assert "stop_after_failures is 5" in why(run)
        # Refused orders are tried again first, for a person may have removed the reason; little
        # else is: a refusal takes a cancel and a read, and the other workers go on during that
        # time.
        assert len(set(world.tenant.posted)) <= before + 3 * 4 * 2

    def test_each_attempt_may_end_more_orders_until_none_is_left(self) -> None:
        world = World(40)
        world.tenant.on_post = lambda order_id: SHIPPED if order_id == 1 else None
        run = world.run(stop_after_failures=3)
        assert why(run) == ""
        assert outcomes(run) == {"canceled": 39, "not_cancelable": 1}


class TestAcceptedOutcomes:
    ACCEPTS = frozenset({Outcome.NOT_FOUND, Outcome.NOT_CANCELABLE})

    def test_they_do_not_count_as_failures(self) -> None:
        world = World(200)
        gone = {0: NOT_FOUND, 1: SHIPPED}
        world.tenant.on_post = lambda order_id: gone.get(int(order_id) % 4)
        world.tenant.on_read = lambda order_id: NOT_FOUND if int(order_id) % 4 == 0 else None
        run = world.run(stop_after_failures=1, accepts=self.ACCEPTS)
        assert why(run) == ""
        assert outcomes(run) == {"canceled": 100, "not_found": 50, "not_cancelable": 50}
        assert run.engine.tally.failures == 0

    def test_on_a_tenant_that_knows_none_of_them_ten_orders_do(self) -> None:
        world = World(1000)
        world.tenant.on_post = world.tenant.on_read = lambda _: NOT_FOUND
        run = world.run(stop_after_failures=1, accepts=self.ACCEPTS)
        assert "10 orders have failed, and stop_after_failures is 1" in why(run)
        assert len(world.tenant.posted) <= 20

    def test_what_is_on_record_as_canceled_shows_that_the_tenant_knows_them(self) -> None:
        world = World(60)
        world.tenant.on_post = lambda order_id: REFUSED if int(order_id) > 20 else None
        world.run()
        world.tenant.on_post = world.tenant.on_read = lambda _: NOT_FOUND
        run = world.run(2, stop_after_failures=1, accepts=self.ACCEPTS)
        assert why(run) == ""
        assert outcomes(run) == {"canceled": 20, "not_found": 40}


class TestALongWait:
    @pytest.mark.parametrize(
        "reply",
        [throttled(3600.0), Reply(Evidence.NEVER_SENT, "no token", retry_after=3600.0)],
    )
    def test_one_that_is_longer_than_the_deadline_stops_it(self, reply: Reply) -> None:
        world = World(1000)
        world.tenant.on_post = lambda order_id: reply if order_id == 20 else None
        run = world.run()
        assert "asks to wait 3600 s" in why(run)
        assert len(world.tenant.posted) <= 24
        assert world.clock.now < 10

    @pytest.mark.parametrize("bad", [1, 2, 3])
    def test_a_5xx_that_asks_for_it_is_about_one_order_until_three_do(self, bad: int) -> None:
        world = World(300)
        later = Reply(Evidence.AMBIGUOUS, "503", http_status=503, retry_after=3600.0)
        last_good = 300 if bad < 3 else 100
        world.tenant.on_post = world.tenant.on_read = lambda order_id: (
            later if int(order_id) > last_good or int(order_id) <= bad % 3 else None
        )
        run = world.run()
        assert ("asks to wait 3600 s" in why(run)) == (bad == 3)
        if bad < 3:
            assert outcomes(run)["canceled"] == 300 - bad
