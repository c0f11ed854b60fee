"""What leaves when in a run over a set, in virtual time: workers, rate, pauses, leases, reads."""

from __future__ import annotations

import itertools

import pytest
from virtual_runs import (
    LOST,
    POLICY,
    READS_FIRST,
    UNSENT,
    ScriptedTenant,
    World,
    outcomes,
    throttled,
    why,
)

from airflow_provider_oms.api.validation import OrderId
from airflow_provider_oms.cancellation.bulk.work_item import LEASE_SECONDS
from airflow_provider_oms.cancellation.history import Action, Policy, Reply


def largest_gap(times: list[float]) -> tuple[float, float]:
    """Return between which two calls in a row the most time passed."""
    return max(itertools.pairwise(sorted(times)), key=lambda gap: gap[1] - gap[0])


def lose(*order_ids: int, tenant: ScriptedTenant, acts: bool = True) -> None:
    """Give no response to cancels of some orders; the tenant acts on them nevertheless."""
    tenant.on_post = lambda order_id: LOST if order_id in order_ids else None
    tenant.acts = lambda _: acts


class TestWorkers:
    @pytest.mark.parametrize("workers", [1, 4, 8])
    def test_every_order_is_canceled_once_with_as_many_calls_in_flight_as_workers(
        self, workers: int
    ) -> None:
        world = World(200)
        run = world.run(workers=workers)
        assert outcomes(run) == {"canceled": 200}
        assert sorted(world.tenant.posted) == world.order_ids
        assert world.tenant.most_at_once == workers

    @pytest.mark.parametrize("policy", [POLICY, READS_FIRST])
    def test_none_of_them_waits_while_there_is_work(self, policy: Policy) -> None:
        world = World(800, policy)
        world.run(workers=8)
        tenant = world.tenant
        busy = sum(call.answered_at - call.at for call in tenant.seen)
        # Before the first cancel is answered, the run finds out whether the tenant answers.
        proven_at = min(c.answered_at for c in tenant.seen if c.action is Action.POST)
        assert tenant.seen[-1].answered_at - proven_at < 1.1 * busy / 8

    def test_few_are_in_flight_before_a_cancel_got_through(self) -> None:
        world = World(300)
        world.run(workers=100)
        proven_at = min(c.answered_at for c in world.tenant.seen if c.action is Action.POST)
        assert sum(call.at < proven_at for call in world.tenant.seen) <= 11
        assert world.tenant.most_at_once > 50

    def test_while_no_cancel_is_answered_three_leave_and_a_few_more_after_two_seconds(self) -> None:
        world = World(60)
        world.tenant.latency = 5.0
        run = world.run(workers=16)
        assert outcomes(run) == {"canceled": 60}
        begun = world.tenant.times(Action.POST)
        # One of them is about the order that was read first.
        assert sum(at < begun[0] + 1.9 for at in begun) == 3
        assert sum(at < begun[0] + 2.1 for at in begun) == 10
        assert sum(at < begun[0] + 4.9 for at in begun) == 10

    def test_an_order_that_waits_occupies_none(self) -> None:
        # More orders wait to settle than there are workers.
        world = World(60)
        lose(*range(1, 11), tenant=world.tenant, acts=False)
        run = world.run(workers=4)
        assert outcomes(run) == {"canceled": 50, "not_canceled": 10}
        tenant = world.tenant
        assert max(tenant.times(Action.POST, *range(11, 61))) < 1.5
        assert all(len(tenant.times(Action.POST, order_id)) == 3 for order_id in range(1, 11))

    def test_an_order_that_the_first_read_has_shown_canceled_is_not_canceled_again(self) -> None:
        world = World(3)
        world.tenant.canceled_at[1] = 0.0
        run = world.run()
        assert outcomes(run) == {"already_canceled": 1, "canceled": 2}
        assert len([call for call in world.tenant.seen if call.order_id == 1]) == 1


class TestTheRate:
    @pytest.mark.parametrize("workers", [1, 8])
    def test_nothing_leaves_faster(self, workers: int) -> None:
        world = World(40)
        run = world.run(workers=workers, requests_per_second=5.0)
        assert outcomes(run) == {"canceled": 40}
        gaps = [
            after - before for before, after in itertools.pairwise(c.at for c in world.tenant.seen)
        ]
        # The first cancel follows the first read at once, and the next call waits for both.
        assert min(gaps[1:]) > 0.19
        assert gaps[0] + gaps[1] > 0.39
        # Nor much slower.
        assert world.tenant.seen[-1].at < 40 / 5 + 2

    def test_nor_do_the_calls_about_orders_that_have_waited(self) -> None:
        world = World(20)
        lose(*range(1, 11), tenant=world.tenant, acts=False)
        run = world.run(workers=8, requests_per_second=5.0)
        assert outcomes(run) == {"canceled": 10, "not_canceled": 10}
        left = sorted(call.at for call in world.tenant.seen)
        # Ten slots are two seconds, of which a cancel right after its read takes one ahead.
        assert min(after - before for before, after in zip(left, left[10:], strict=False)) > 1.7

    @pytest.mark.parametrize("policy", [POLICY, READS_FIRST])
    def test_one_at_which_every_lease_is_over_before_its_turn_lets_all_leave(
        self, policy: Policy
    ) -> None:
        world = World(3, policy)
        run = world.run(requests_per_second=0.4)
        assert outcomes(run) == {"canceled": 3}

    def test_a_cancel_follows_its_read_at_once_and_the_rate_is_kept_all_the_same(self) -> None:
        world = World(6, READS_FIRST)
        world.run(requests_per_second=4)
        tenant = world.tenant
        for order_id in world.order_ids:
            (post,) = tenant.times(Action.POST, order_id)
            assert post - tenant.times(Action.READ, order_id)[-1] < 0.2
        reads = tenant.times(Action.READ)
        assert reads[-1] - reads[0] > (len(tenant.seen) - 3) / 4


class TestAPause:
    @pytest.mark.parametrize("action", [Action.POST, Action.READ])
    def test_that_one_response_asks_for_holds_for_all(self, action: Action) -> None:
        world = World(200, READS_FIRST)
        replies = iter([throttled(7.0)])

        def reply_to(order_id: object) -> Reply | None:
            return next(replies, None) if order_id == 50 else None

        world.tenant.on_post = reply_to if action is Action.POST else world.tenant.on_post
        world.tenant.on_read = reply_to if action is Action.READ else world.tenant.on_read
        run = world.run(workers=8)
        assert outcomes(run) == {"canceled": 200}
        # That none leaves in the pause itself is checked in each of these runs.
        before, after = largest_gap([call.at for call in world.tenant.seen])
        assert after - before >= 7.0

    def test_no_shorter_one_takes_from_it(self) -> None:
        world = World(200)
        pauses = {120: 9.0, 121: 2.0}
        # The other one is under way when the first one asks for its pause.
        world.tenant.latency_of = {121: 0.2}
        world.tenant.on_post = lambda order_id: (
            throttled(pauses.pop(order_id)) if order_id in pauses else None
        )
        run = world.run(workers=8)
        assert outcomes(run) == {"canceled": 200}
        before, after = largest_gap([call.at for call in world.tenant.seen])
        assert after - before >= 9.0

    # However short it is: the tenant may have changed the order in it.
    @pytest.mark.parametrize("seconds", [2.0, 20.0])
    def test_a_read_that_it_made_old_is_repeated_before_the_cancel(self, seconds: float) -> None:
        world = World(20, READS_FIRST)
        replies = iter([throttled(seconds)])
        world.tenant.on_read = lambda order_id: next(replies, None) if order_id == 5 else None
        # These are under way when the pause is asked for.
        world.tenant.latency_of = dict.fromkeys((4, 6), 0.5)
        run = world.run(workers=4)
        assert outcomes(run) == {"canceled": 20}
        for order_id in world.order_ids:
            (post,) = world.tenant.times(Action.POST, order_id)
            assert post - world.tenant.times(Action.READ, order_id)[-1] < 1
        assert len(world.tenant.times(Action.READ, 4)) == 2


class TestTheRecord:
    """That no cancel leaves without an intent, or after its lease, is checked in every run."""

    @pytest.mark.parametrize("most_are_lost", [False, True])
    @pytest.mark.parametrize("workers", [4, 16])
    def test_few_orders_are_in_doubt_at_any_moment(
        self, workers: int, *, most_are_lost: bool
    ) -> None:
        world, excess = World(150), []
        tenant = world.tenant

        def on_post(order_id: OrderId) -> Reply | None:
            lately = sum(post.left_at > world.clock.now - 2.2 for post in tenant.posts)
            if len(world.in_doubt()) > lately + 3 * workers:
                excess.append((world.clock.now, len(world.in_doubt()), lately))
            return LOST if most_are_lost and int(order_id) % 4 else None

        tenant.on_post = on_post
        tenant.acts = lambda _: True
        run = world.run(workers=workers)
        assert excess == []
        assert outcomes(run) == {"canceled": 150}
        assert world.in_doubt() == set()

    @pytest.mark.parametrize("how", ["gone", "taken", "late"])
    def test_no_cancel_leaves_while_the_store_cannot_be_written(self, how: str) -> None:
        world = World(300)
        world.clock.at(1.0, lambda: setattr(world, "store_failure", lambda: how))
        world.clock.at(21.0, lambda: setattr(world, "store_failure", lambda: None))
        run = world.run()
        assert outcomes(run) == {"canceled": 300}
        assert sorted(world.tenant.posted) == world.order_ids
        before, after = largest_gap(world.tenant.times(Action.POST))
        assert before < 2.0
        assert after > 21.0
        assert any("warns: The journal cannot be written" in line for line in world.lines)

    def test_none_leaves_on_a_lease_that_a_slow_store_has_used_up(self) -> None:
        world = World(5)
        slow = iter([0.01, LEASE_SECONDS + 0.1])
        world.tenant.write_seconds = lambda: next(slow, 0.01)
        run = world.run()
        assert outcomes(run) == {"canceled": 5}

    @pytest.mark.parametrize(("token", "connect"), [(2.5, 0.0), (1.0, 5.0), (0.0, 5.0)])
    def test_a_cancel_that_could_not_leave_in_time_gets_a_new_lease(
        self, token: float, connect: float
    ) -> None:
        world = World(20)
        world.tenant.before_it_leaves = lambda: (
            (token, connect) if world.clock.now < 0.1 else (0.0, 0.0)
        )
        run = world.run(leeway=1.0)
        assert outcomes(run) == {"canceled": 20}
        assert sorted(world.tenant.posted) == world.order_ids
        assert any("holds the cancel" in line for line in world.lines)

    def test_one_that_takes_no_longer_than_the_leeway_leaves(self) -> None:
        world = World(2)
        world.tenant.before_it_leaves = lambda: (1.0, 4.0)
        run = world.run(leeway=5.0)
        assert outcomes(run) == {"canceled": 2}
        assert not any("holds the cancel" in line for line in world.lines)

    def test_without_a_journal_a_slow_token_needs_no_second_try(self) -> None:
        world = World(20, is_kept=False)
        world.tenant.before_it_leaves = lambda: (5.0, 5.0)
        run = world.run()
        assert outcomes(run) == {"canceled": 20}
        assert not any("holds the cancel" in line for line in world.lines)

    def test_a_read_that_a_store_made_old_is_repeated_before_the_cancel(self) -> None:
        world = World(1, READS_FIRST)
        world.tenant.latency = 2.5  # the lease is over when the read is answered
        world.clock.at(0.5, lambda: setattr(world, "store_failure", lambda: "gone"))
        world.clock.at(15.0, lambda: setattr(world, "store_failure", lambda: None))
        run = world.run()
        assert outcomes(run) == {"canceled": 1}
        (post,) = world.tenant.times(Action.POST)
        assert post > 15.0
        assert world.tenant.times(Action.READ)[-1] > 15.0

    @pytest.mark.parametrize("workers", [1, 4])
    @pytest.mark.parametrize(("write", "latency"), [(1.95, 0.05), (1.2, 1.0), (1.9, 1.9)])
    def test_a_store_that_is_slow_all_the_time_keeps_no_order_reading_for_ever(
        self, write: float, latency: float, workers: int
    ) -> None:
        world = World(10, READS_FIRST)
        world.tenant.write_seconds = lambda: write
        world.tenant.latency = latency
        run = world.run(workers=workers)
        assert outcomes(run) == {"canceled": 10}
        assert len(world.tenant.times(Action.READ)) <= 11

    def test_leases_that_expire_one_after_the_other_make_a_read_old(self) -> None:
        world = World(1, READS_FIRST)
        world.tenant.before_it_leaves = lambda: (2.5, 0.0) if world.clock.now < 20 else (0.0, 0.0)
        run = world.run()
        assert outcomes(run) == {"canceled": 1}
        (post,) = world.tenant.times(Action.POST)
        assert post > 20
        assert post - world.tenant.times(Action.READ)[-1] < 4.1

    def test_a_store_that_stays_away_stops_the_run_after_a_minute(self) -> None:
        world = World(300)
        world.clock.at(1.0, lambda: setattr(world, "store_failure", lambda: "gone"))
        run = world.run()
        assert why(run).startswith("the journal cannot be written: StoreFailedError: gone")
        assert 60 < world.clock.now < 75
        assert world.tenant.times(Action.POST)[-1] < 2.0
        counts = outcomes(run)
        assert counts["not_attempted"] == 300 - counts["canceled"]
        assert counts["canceled"] == len(world.tenant.posted)

    def test_so_does_one_that_hangs(self) -> None:
        world = World(300)
        world.tenant.write_seconds = lambda: 0.01 if world.clock.now < 1 else 100_000.0
        run = world.run()
        assert why(run) == "the journal cannot be written: a write does not come to its end"
        assert 60 < world.clock.now < 75
        # A lease that was granted before may still be used.
        assert world.tenant.times(Action.POST)[-1] < 1.0 + LEASE_SECONDS + 0.1
        assert outcomes(run).total() == 300

    def test_a_machine_that_was_suspended_does_not(self) -> None:
        world = World(300)
        run = world.start()
        world.tenant.write_seconds = lambda: 0.3
        world.clock.at(1.0, lambda: run.freeze(3600.0))
        world.finish(run, within=4000.0)
        assert why(run) == ""
        assert outcomes(run) == {"canceled": 300}

    def test_one_that_is_away_at_the_end_keeps_the_run_for_seconds(self) -> None:
        world = World(5)
        # By then each intent is on record; the ends never are.
        world.clock.at(0.7, lambda: setattr(world, "store_failure", lambda: "gone"))
        world.tenant.latency = 0.3
        run = world.run()
        assert outcomes(run) == {"canceled": 5}
        assert why(run) == ""
        last_answer = max(call.answered_at for call in world.tenant.seen)
        assert world.clock.now == pytest.approx(last_answer + 10, abs=0.5)


class TestTheDeadline:
    def test_no_cancel_leaves_after_it_though_its_token_took_that_long(self) -> None:
        world = World(2, is_kept=False)
        world.tenant.before_it_leaves = lambda: (61.0, 0.0)
        run = world.run()
        assert world.tenant.posted == []
        assert outcomes(run) == {"not_attempted": 2}

    def test_an_order_that_gets_no_cancel_through_ends_with_it(self) -> None:
        world = World(3)
        world.tenant.on_post = lambda order_id: UNSENT if order_id == 2 else None
        run = world.run()
        assert outcomes(run) == {"canceled": 2, "not_attempted": 1}
        assert max(world.tenant.times(Action.POST, 2)) < POLICY.deadline
        assert 45 < world.clock.now < 62

    def test_a_doubt_is_settled_beyond_it(self) -> None:
        world = World(1, Policy(settle_seconds=15, deadline=15))
        lose(1, tenant=world.tenant)
        world.tenant.on_read = lambda _: UNSENT if 0.1 < world.clock.now < 4 else None
        run = world.run()
        assert outcomes(run) == {"canceled": 1}


def test_a_line_about_the_progress_counts_every_order_of_the_set() -> None:
    world = World(40)
    world.tenant.latency = 1.0
    world.run()
    told = [line for line in world.lines if "orders done" in line]
    assert told
    assert all(" of 40 orders done, " in line for line in told)
