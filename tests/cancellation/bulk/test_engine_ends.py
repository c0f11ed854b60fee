"""How a run over a set ends, in virtual time: told to end, killed, taken over, and gone on with."""

from __future__ import annotations

import pytest
from virtual_runs import (
    FORBIDDEN,
    LOST,
    POLICY,
    READS_FIRST,
    SHIPPED,
    UNAVAILABLE,
    World,
    outcomes,
    throttled,
    why,
)

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.cancellation.history import Action, Event, Policy, Reply
from airflow_provider_oms.cancellation.outcomes import ConfirmedBy, Outcome

NO_ANSWER = 100_000.0


def mixed_world(policy: Policy) -> World:
    """Return a world in which each order meets something else."""
    world = World(24, policy)
    faults = {1: LOST, 2: SHIPPED, 3: UNAVAILABLE, 4: throttled(0.4), 5: FORBIDDEN}
    tenant = world.tenant
    tenant.on_post = lambda order_id: (
        faults.get(int(order_id) % 8) if len(tenant.times(Action.POST, order_id)) < 2 else None
    )
    tenant.acts = lambda order_id: int(order_id) % 16 == 1
    tenant.latency_of = {7: 0.7, 15: 0.7, 8: NO_ANSWER}
    tenant.before_it_leaves = lambda: (0.1, 0.1)
    tenant.write_seconds = lambda: 0.15
    return world


class TestBeingToldToEnd:
    @pytest.mark.parametrize("policy", [POLICY, READS_FIRST])
    def test_at_any_moment_each_order_has_its_end_within_seconds(self, policy: Policy) -> None:
        for moment in range(40):
            world = mixed_world(policy)
            run = world.start()
            told_at = moment * 0.1
            world.clock.at(told_at, run.tell_to_end)
            world.finish(run)
            # That it ends in time, that no cancel leaves any more, and that each end is true, is
            # checked in each of these runs.
            assert why(run) == "told to end"
            assert len(run.engine.ends) == 24
            assert max(world.tenant.times(Action.POST), default=0.0) <= told_at
            posted = set(world.tenant.posted)
            sent = {order_id for order_id, end in run.engine.ends.items() if end.result.posts}
            assert sent == posted
            unknown = {
                order_id
                for order_id, end in run.engine.ends.items()
                if end.result.outcome is Outcome.UNKNOWN
            }
            assert unknown <= posted
            assert unknown <= world.in_doubt()

    def test_cancels_in_flight_are_waited_for_and_the_rest_is_not_attempted(self) -> None:
        world = World(200)
        world.tenant.latency = 0.5
        run = world.start()
        world.clock.at(1.7, run.tell_to_end)
        world.finish(run)
        counts = outcomes(run)
        assert set(counts) == {"canceled", "not_attempted"}
        assert counts["canceled"] == len(world.tenant.posted) >= 4
        assert world.in_doubt() == set()
        assert world.clock.now < 1.7 + 1.0

    def test_a_response_that_does_not_come_leaves_the_order_unknown_and_on_record(self) -> None:
        world = World(500)
        world.tenant.latency_of = {10: NO_ANSWER}
        run = world.start()
        world.clock.at(2.0, run.tell_to_end)
        world.finish(run)
        end = run.engine.ends[10]
        assert end.result.outcome is Outcome.UNKNOWN
        assert end.result.posts == 1
        assert "may or may not" in end.result.describe()
        assert world.in_doubt() == {10}
        assert 6.0 <= world.clock.now <= 7.0

    def test_a_response_that_comes_after_the_end_changes_nothing(self) -> None:
        world = World(20)
        world.tenant.latency_of = {10: NO_ANSWER}
        run = world.start()
        world.clock.run(1.0)
        (item,) = run.engine._schedule.in_flight
        run.tell_to_end()
        world.finish(run)
        before = dict(run.engine.ends)
        canceled = Reply(Evidence.CANCELED, "canceled", order_state="CANCELED")
        for held_back in (False, True):
            event = Event(Action.POST, run.now - 5.0, run.now, canceled)
            run.engine.on_reply(item, event, held_back=held_back)
            run.engine.poll(run.now)
        assert run.engine.ends == before
        assert run.engine.ends[10].result.outcome is Outcome.UNKNOWN
        assert run.engine.tally.total == 20

    def test_a_store_that_hangs_keeps_nothing_from_its_end(self) -> None:
        world = World(200)
        world.tenant.latency_of = {5: NO_ANSWER}
        world.tenant.write_seconds = lambda: 0.01 if world.clock.now < 0.3 else NO_ANSWER
        run = world.start()
        world.clock.at(1.0, run.tell_to_end)
        world.finish(run)
        assert world.clock.now <= 1.0 + 4.0 + 1.01
        assert outcomes(run)["unknown"] == 1
        assert outcomes(run).total() == 200
        assert {5} <= world.in_doubt()


class TestTheNextAttempt:
    def test_what_was_done_needs_no_request_at_all(self) -> None:
        world = World(20)
        world.run()
        world.tenant.seen.clear()
        run = world.run(2)
        assert world.tenant.seen == []
        assert outcomes(run) == {"canceled": 20}

    @pytest.mark.parametrize("policy", [POLICY, READS_FIRST])
    def test_it_goes_on_wherever_the_last_one_died(self, policy: Policy) -> None:
        for moment in range(20):
            world = mixed_world(policy)
            run = world.start()
            world.clock.run(moment * 0.1)
            if not run.is_done:
                run.kill()
            world.clock.run(world.clock.now + 0.5)
            world.tenant.on_post = lambda _: None
            world.tenant.latency_of = {}
            run = world.run(2)
            # That no order is canceled twice is checked in each of these runs.
            assert outcomes(run) == {"canceled": 24}
            assert world.tenant.canceled_at.keys() == set(world.order_ids)

    def test_a_doubt_is_settled_from_the_moment_that_is_on_record(self) -> None:
        world = World(1, Policy(settle_seconds=15))
        world.tenant.on_post = lambda _: LOST
        run = world.start()
        world.clock.run(1.0)
        run.kill()
        world.clock.run(3600.0)
        world.tenant.on_post = lambda _: None
        world.tenant.seen.clear()
        run = world.run(2)
        assert [call.action for call in world.tenant.seen] == [Action.READ, Action.POST]
        assert world.clock.now < 3602.0

    def test_one_that_finds_a_cancel_done_says_that_a_read_showed_it(self) -> None:
        world = World(1)
        world.tenant.on_post = lambda _: LOST
        world.tenant.acts = lambda _: True
        run = world.start()
        world.clock.run(0.5)
        run.kill()
        run = world.run(2)
        assert run.engine.ends[1].result.confirmed_by is ConfirmedBy.READ
        assert outcomes(run) == {"canceled": 1}
        assert len(world.tenant.posted) == 1

    @pytest.mark.parametrize("token", [0.0, 1.9])
    def test_it_waits_for_a_cancel_of_one_that_is_taken_for_dead_and_still_runs(
        self, token: float
    ) -> None:
        world = World(1, Policy(settle_seconds=3.0))
        # It leaves at the end of its lease, and the next attempt begins before.
        world.tenant.before_it_leaves = lambda: (token, 4.9)
        older = world.start(leeway=5.0)
        world.clock.run(0.5)
        world.tenant.before_it_leaves = lambda: (0.0, 0.0)
        younger = world.run(2, leeway=5.0)
        assert outcomes(younger) == {"canceled": 1}
        (post,) = world.tenant.posts
        assert post.attempt == older.number
        assert post.left_at > 4.9

    def test_it_does_not_wait_for_one_whose_lease_was_over_long_ago(self) -> None:
        world = World(1, Policy(settle_seconds=3.0))
        world.tenant.before_it_leaves = lambda: (NO_ANSWER, 0.0)
        world.start(leeway=5.0)
        world.clock.run(60.0)
        world.tenant.before_it_leaves = lambda: (0.0, 0.0)
        assert outcomes(world.run(2, leeway=5.0)) == {"canceled": 1}
        (post,) = world.tenant.posts
        assert post.attempt == 2
        assert post.left_at < 61.0

    def test_one_that_another_has_replaced_sends_nothing_more_and_comes_to_its_end(self) -> None:
        world = World(300)
        older = world.start()
        world.clock.run(1.0)
        taken_over_at = world.clock.now
        younger = world.run(2)
        assert outcomes(younger) == {"canceled": 300}
        world.clock.run(world.clock.now + 100)
        assert older.is_done
        assert why(older).startswith("the journal cannot be written")
        late = [post for post in world.tenant.posts if post.attempt == 1]
        assert max(post.left_at for post in late) < taken_over_at + 2.0
        assert len({post.order_id for post in world.tenant.posts}) == len(world.tenant.posts)

    def test_a_refusal_is_looked_at_again_and_an_order_without_a_turn_keeps_its_end(self) -> None:
        world = World(20)
        world.tenant.on_post = lambda order_id: SHIPPED if int(order_id) <= 2 else None
        world.run()
        world.tenant.seen.clear()
        run = world.start(2)
        run.tell_to_end()
        world.finish(run)
        assert run.engine.ends[2].result.outcome is Outcome.NOT_CANCELABLE
        assert "did not come to it" in run.engine.ends[2].result.describe()
        # The other one was about to be looked at.
        assert run.engine.ends[1].result.outcome is Outcome.NOT_ATTEMPTED
        world.tenant.on_post = lambda _: None
        world.tenant.seen.clear()
        assert outcomes(world.run(3)) == {"canceled": 20}
        assert [call.action for call in world.tenant.seen if call.order_id == 1] == [
            Action.READ,
            Action.POST,
        ]

    def test_without_a_journal_every_order_is_read_before_anything_is_sent(self) -> None:
        world = World(6, is_kept=False)
        run = world.start()
        world.clock.run(0.12)
        run.kill()
        canceled = set(world.tenant.canceled_at)
        assert 0 < len(canceled) < 6
        run = world.run(2)
        assert outcomes(run) == {"canceled": 6}
        assert sorted(world.tenant.posted) == world.order_ids


def test_a_dry_run_sends_no_cancel_and_records_nothing() -> None:
    world = World(30, Policy(settle_seconds=3.0, dry_run=True))
    run = world.run()
    assert outcomes(run) == {"would_cancel": 30}
    assert world.tenant.posted == []
    assert world.in_doubt() == set()


@pytest.mark.parametrize("kind", ["hexadecimal", "text"])
def test_ids_need_not_be_numbers(kind: str) -> None:
    ids = [f"{n:032x}" if kind == "hexadecimal" else f"order-{n}" for n in range(30)]
    world = World(ids)

    def on_post(order_id: object) -> Reply | None:
        return LOST if order_id == ids[3] else None

    world.tenant.on_post = on_post
    run = world.start()
    world.clock.run(2.5)
    run.kill()
    assert world.in_doubt() == {ids[3]}
    world.tenant.on_post = lambda _: None
    run = world.run(2)
    assert outcomes(run) == {"canceled": 30}
