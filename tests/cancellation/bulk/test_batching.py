"""Which orders a run reads by one search, in virtual time, and that no cancel rests on one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from limited_tenants import LeakyBucket, meet, steady
from virtual_runs import FORBIDDEN, POLICY, REFUSED, World, outcomes, throttled, why

from airflow_provider_oms.api.errors import OmsNoResponseError, OmsSearchError, OmsThrottledError
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.validation import OrderId
from airflow_provider_oms.cancellation.history import Action, Policy, Reply
from tests.simulation.world import Found, Order

DRY = replace(POLICY, dry_run=True)
GUARDED = replace(DRY, only_if_states=frozenset({"READY"}))
CANCELED = Reply(Evidence.CANCELED, "CANCELED", order_state="CANCELED", order_status="CANCELED")


def requests_of(world: World) -> int:
    return len(world.tenant.seen) + len(world.tenant.searches)


def canceled_before(world: World, *order_ids: Order) -> None:
    """Let orders be canceled since long ago."""
    world.tenant.canceled_at.update(dict.fromkeys(order_ids, -1000.0))


class TestADryRun:
    @pytest.mark.slow
    @pytest.mark.parametrize("workers", [1, 4, 16, 32])
    def test_ten_thousand_orders_take_a_hundred_and_fifty_requests_at_most(
        self, workers: int
    ) -> None:
        world = World(10_000, DRY)
        canceled_before(world, *range(1, 10_000, 7))
        run = world.run(workers=workers)
        assert requests_of(world) <= 150
        assert world.tenant.posted == []
        canceled = len(range(1, 10_000, 7))
        assert outcomes(run) == {"would_cancel": 10_000 - canceled, "already_canceled": canceled}

    def test_one_with_a_guard_reads_each_order_by_itself(self) -> None:
        world = World(200, GUARDED)
        world.run()
        assert world.tenant.searches == []
        assert len(world.tenant.times(Action.READ)) == 200

    def test_one_of_few_orders_does_not_search(self) -> None:
        world = World(25, DRY)
        world.run()
        assert world.tenant.searches == []

    def test_the_first_search_is_for_a_few_orders_that_get_order_shows_too(self) -> None:
        world = World(1000, DRY)
        world.run()
        first = world.tenant.searches[0]
        assert len(first) == 5
        read = [call.order_id for call in world.tenant.seen]
        assert set(first) <= set(read)
        assert {len(search) for search in world.tenant.searches[1:-1]} == {100}

    def test_an_order_that_a_search_leaves_out_is_read(self) -> None:
        world = World(1000, DRY)
        missing = set(range(1, 1000, 50))
        world.tenant.on_find = lambda ids: {
            one: world.tenant._order(one) for one in ids if one not in missing
        }
        run = world.run()
        assert outcomes(run) == {"would_cancel": 1000}
        assert missing <= {call.order_id for call in world.tenant.seen}
        assert requests_of(world) < 100


class TestAnAttemptWithoutARecord:
    """Every order may have been canceled: those that are show in a search, the others are read."""

    def test_those_that_are_canceled_take_few_requests(self) -> None:
        world = World(2000, is_kept=False)
        canceled_before(world, *range(1, 1901))
        run = world.run(2, workers=8)
        assert outcomes(run) == {"canceled": 2000}
        # Of each that is open one read, one cancel.
        assert requests_of(world) <= 2 * 100 + 2000 / 100 + 40
        assert set(world.tenant.posted) == set(range(1901, 2001))

    def test_no_cancel_leaves_without_a_read_of_its_own_after_the_doubt_is_settled(self) -> None:
        world = World(300, is_kept=False)
        run = world.run(2, workers=8)
        assert outcomes(run) == {"canceled": 300}
        for order_id in world.order_ids:
            (post,) = world.tenant.times(Action.POST, order_id)
            settled_reads = [
                at
                for at in world.tenant.times(Action.READ, order_id)
                if POLICY.settle_seconds - 0.001 <= at < post
            ]
            assert settled_reads

    def test_orders_under_way_do_not_wait_for_slow_searches_beyond_their_deadline(self) -> None:
        world = World(1000, is_kept=False)
        find = world.tenant.find

        def find_slowly(order_ids: Sequence[Order]) -> tuple[Found, float]:
            return find(order_ids)[0], 30.0

        world.tenant.find = find_slowly  # type: ignore[method-assign]  # it is slow
        run = world.run(2, workers=1)
        assert outcomes(run) == {"canceled": 1000}

    def test_a_search_that_lags_costs_reads_and_no_cancel(self) -> None:
        world = World(500, is_kept=False)
        canceled_before(world, *range(1, 401))
        ready = Reply(Evidence.OPEN, "READY", order_state="READY", order_status="READY")
        world.tenant.on_find = lambda ids: dict.fromkeys(ids, ready)
        run = world.run(2)
        assert outcomes(run) == {"canceled": 500}
        assert set(world.tenant.posted) == set(range(401, 501))


class TestASearchThatIsNoGood:
    @pytest.mark.parametrize(
        ("error", "most"),
        [
            (OmsSearchError("no search", http_status=404), 1),
            (OmsNoResponseError("timed out"), 3),
            (OmsThrottledError("busy", http_status=429), 15),
        ],
    )
    def test_one_that_is_missing_or_fails_is_given_up(self, error: Found, most: int) -> None:
        world = World(400, DRY)
        world.tenant.on_find = lambda _: error
        run = world.run()
        assert outcomes(run) == {"would_cancel": 400}
        assert 1 <= len(world.tenant.searches) <= most
        assert sum("Orders are read one by one" in line for line in world.lines) == 1

    def test_one_that_shows_every_order_as_canceled_ends_none(self) -> None:
        world = World(1000, is_kept=False)
        world.tenant.on_find = lambda ids: dict.fromkeys(ids, CANCELED)
        run = world.run(2)
        assert outcomes(run) == {"canceled": 1000}
        assert sorted(world.tenant.posted) == world.order_ids
        assert len(world.tenant.searches) == 1

    @pytest.mark.parametrize("policy", [POLICY, DRY])
    def test_one_that_begins_to_show_every_order_as_canceled_ends_none_either(
        self, policy: Policy
    ) -> None:
        world = World(1000, policy, is_kept=False)
        world.tenant.on_find = lambda ids: (
            dict.fromkeys(ids, CANCELED) if len(world.tenant.searches) > 1 else None
        )
        run = world.run(2, workers=16)
        assert outcomes(run) == {"would_cancel" if policy.dry_run else "canceled": 1000}
        assert any("contradict" in line or "then shows open" in line for line in world.lines)

    def test_nor_after_get_order_has_shown_one_as_canceled_that_a_search_shows_open(self) -> None:
        world = World(1000, is_kept=False)
        canceled_before(world, 3)
        an_open_one = world.tenant._order(4)
        world.tenant.on_find = lambda ids: dict.fromkeys(
            ids, CANCELED if len(world.tenant.searches) > 1 else an_open_one
        )
        assert outcomes(world.run(2, workers=16)) == {"canceled": 1000}
        assert set(world.tenant.posted) >= set(world.order_ids) - {3}

    def test_canceled_is_believed_once_get_order_has_shown_one(self) -> None:
        world = World(1000, is_kept=False)
        canceled_before(world, *range(500, 1001))
        run = world.run(2, workers=4)
        assert outcomes(run) == {"canceled": 1000}
        read = {call.order_id for call in world.tenant.seen}
        assert len(read & set(range(500, 1001))) <= 110

    def test_a_retry_after_of_a_search_pauses_the_run(self) -> None:
        world = World(400, DRY)
        answers: list[Found] = [OmsThrottledError("busy", http_status=429, retry_after=7.0)]
        world.tenant.on_find = lambda _: answers.pop() if answers else None
        run = world.run()
        assert outcomes(run) == {"would_cancel": 400}
        assert run.engine.throttling.paused_seconds == 7.0


class TestAStop:
    def test_orders_of_a_search_that_hangs_are_not_attempted(self) -> None:
        world = World(400, DRY)
        run = world.start()
        while len(world.tenant.searches) < 3:
            world.tenant.latency = 60.0 if len(world.tenant.searches) == 2 else 0.05
            assert world.clock.step()
        run.tell_to_end()
        told_at = world.clock.now
        world.finish(run)
        assert world.clock.now <= told_at + 5
        assert len(run.engine.ends) == 400
        assert outcomes(run)["not_attempted"] >= 100

    def test_a_search_that_hangs_occupies_its_worker_after_it_too(self) -> None:
        world = World(1000, is_kept=False)
        tenant = world.tenant
        tenant.latency_of = dict.fromkeys(world.order_ids, 0.3)
        find = tenant.find

        def hang(order_ids: Sequence[Order]) -> tuple[Found, float]:
            return find(order_ids)[0], 60.0 if len(tenant.searches) == 2 else 0.3

        tenant.find = hang  # type: ignore[method-assign]  # one of them hangs
        tenant.on_post = lambda _: REFUSED
        run = world.run(2, workers=4, stop_after_failures=1)
        # That no more calls are in flight than there are workers, the world itself checks.
        assert "stop_after_failures is 1" in why(run)
        assert len(tenant.searches) == 2
        assert 1 <= outcomes(run)["refused"] <= 8

    @pytest.mark.parametrize("workers", [1, 4])
    def test_a_tenant_that_forbids_reads_is_noticed_as_without_searches(self, workers: int) -> None:
        world = World(1000, DRY)
        begun: list[OrderId] = []

        def on_read(order_id: OrderId) -> Reply | None:
            begun.append(order_id)
            return FORBIDDEN if len(begun) > 3 else None

        def on_find(ids: Sequence[Order]) -> Found | None:
            return None

        world.tenant.on_read, world.tenant.on_find = on_read, on_find
        run = world.run(workers=workers)
        assert len(world.tenant.seen) <= 160
        assert "refuses the connection" in why(run) or outcomes(run)["would_cancel"] > 0


def test_searches_count_against_the_rate_and_the_workers() -> None:
    world = World(2000, DRY)
    run = world.run(workers=4, requests_per_second=5.0)
    assert outcomes(run) == {"would_cancel": 2000}
    assert requests_of(world) / world.clock.now <= 5.5
    # Nor do they wait for anything else.
    assert world.clock.now <= requests_of(world) / 5 + 0.1


def test_a_limit_of_the_tenant_holds_for_searches_too() -> None:
    world = World(2000, DRY)
    turns = iter(range(10_000))
    world.tenant.on_read = lambda _: throttled() if next(turns) % 3 == 2 else None
    run = world.run(workers=8)
    assert outcomes(run) == {"would_cancel": 2000}


def test_a_search_that_is_turned_away_is_made_again_and_its_orders_are_not_read() -> None:
    world = World(10_000, DRY)
    limit = LeakyBucket(steady(5), burst=5)
    meet(world, limit)
    busy = OmsThrottledError("busy", http_status=429)
    world.tenant.on_find = lambda _: None if limit.takes(world.clock.now, 0) else busy
    run = world.run(workers=4)
    assert outcomes(run) == {"would_cancel": 10_000}
    assert len(world.tenant.taken_at) <= 150
    assert world.clock.now < 2 * 150 / 5
    assert not any("one by one" in line for line in world.lines)


@pytest.mark.parametrize(("times", "is_given_up"), [(4, False), (5, True)])
def test_one_that_is_turned_away_again_and_again_is_given_up(times: int, is_given_up: bool) -> None:
    world = World(400, DRY)
    busy = OmsThrottledError("busy", http_status=429)
    turned_away: dict[tuple[Order, ...], int] = {}

    def on_find(ids: Sequence[Order]) -> Found | None:
        ids = tuple(ids)
        turned_away[ids] = turned_away.get(ids, 0) + 1
        return busy if turned_away[ids] <= times else None

    world.tenant.on_find = on_find
    run = world.run()
    assert outcomes(run) == {"would_cancel": 400}
    assert any("one by one" in line for line in world.lines) is is_given_up
    assert set(turned_away.values()) == {5}


def test_a_first_search_that_shows_none_of_its_orders_proves_nothing_and_is_small_again() -> None:
    world = World(1000, DRY)
    world.tenant.on_find = lambda _: {} if len(world.tenant.searches) == 1 else None
    run = world.run()
    assert outcomes(run) == {"would_cancel": 1000}
    assert [len(search) for search in world.tenant.searches[:3]] == [5, 5, 100]


def test_an_attempt_that_ends_while_a_search_is_to_be_made_again_loses_no_order() -> None:
    world = World(400, DRY)
    busy = OmsThrottledError("busy", http_status=429, retry_after=30.0)
    world.tenant.on_find = lambda ids: busy if len(ids) > 5 else None
    run = world.start()
    while len(world.tenant.searches) < 3:
        assert world.clock.step()
    world.clock.run(world.clock.now + 1)
    run.tell_to_end()
    world.finish(run)
    assert len(run.engine.ends) == 400


@pytest.mark.parametrize("is_turned_away", [False, True])
def test_a_run_with_one_request_at_a_time_reads_what_it_would_search_for(
    is_turned_away: bool,
) -> None:
    world = World(300, DRY)
    busy = OmsThrottledError("busy", http_status=429)
    world.tenant.on_find = lambda ids: busy if is_turned_away and len(ids) > 5 else None
    run = world.start()
    while len(world.tenant.searches) < 3:
        assert world.clock.step()
    # Cancels got no response, and all of their orders have ended since.
    breaker = run.engine.breaker
    breaker.half_open_since, breaker._silent_calls = run.now, {Action.POST: 0}
    world.finish(run)
    assert outcomes(run) == {"would_cancel": 300}


def test_an_order_that_was_refused_before_is_looked_for_too() -> None:
    world = World(200, Policy(settle_seconds=3.0, deadline=60.0))
    world.tenant.on_post = lambda _: Reply(Evidence.REFUSED, "invalid", http_status=400)
    world.run()
    canceled_before(world, *range(1, 101))
    world.tenant.on_post = lambda _: None
    run = world.run(2)
    assert outcomes(run) == {"already_canceled": 100, "canceled": 100}
    assert world.tenant.searches
