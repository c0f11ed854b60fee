"""A run behind a limit that it was not told about, in virtual time."""

from __future__ import annotations

import itertools

import pytest
from limited_tenants import (
    Both,
    Chance,
    Connections,
    FixedWindow,
    LeakyBucket,
    Limit,
    behind,
    how_it_went,
    meet,
    share_of,
    steady,
)
from virtual_runs import LOST, POLICY, UNAVAILABLE, World, outcomes, throttled, why

from airflow_provider_oms.api.validation import OrderId
from airflow_provider_oms.cancellation.bulk.adaptive_limit import Learned
from airflow_provider_oms.cancellation.history import Action, Policy, Reply

PATIENT = Policy(settle_seconds=15.0, deadline=120.0)


class TestHowFastItIs:
    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("orders", "limit", "reply", "allowed", "share", "turned_away"),
        [
            (1500, LeakyBucket(steady(100)), throttled(), 100, 0.90, 0.02),
            (6000, LeakyBucket(steady(100)), throttled(5.0), 100, 0.75, 0.015),
            (6000, LeakyBucket(steady(100)), UNAVAILABLE, 100, 0.65, 0.02),
            (3000, FixedWindow(100), throttled(), 100, 0.85, 0.05),
            # Four requests at a time, each of 20 ms.
            (3000, Connections(4), throttled(), 200, 0.75, 0.05),
            (3000, Connections(1), throttled(), 50, 0.75, 0.05),
        ],
    )
    def test_it_comes_close_to_what_the_tenant_allows_and_is_seldom_turned_away(
        self,
        orders: int,
        limit: Limit,
        reply: Reply,
        allowed: float,
        share: float,
        turned_away: float,
    ) -> None:
        ran = behind(World(orders, PATIENT), limit, reply=reply, allowed=allowed)
        assert outcomes(ran.attempt) == {"canceled": orders}
        assert ran.share >= share
        assert ran.turned_away <= turned_away
        assert len(ran.posted_again_after_acted) == 0

    @pytest.mark.slow
    @pytest.mark.parametrize("latency", [0.012, 0.015, 0.023, 0.03])
    @pytest.mark.parametrize(("burst", "share"), [(20, 0.65), (60, 0.65), (150, 0.6)])
    def test_a_limit_that_takes_a_burst_after_each_pause_is_not_taken_for_chance(
        self, latency: float, burst: int, share: float
    ) -> None:
        # Thirty seconds of requests: each pause of five costs a sixth of that.
        limit = LeakyBucket(steady(100), burst)
        ran = behind(
            World(3000, PATIENT), limit, reply=throttled(5.0), allowed=100, latency=latency
        )
        assert outcomes(ran.attempt) == {"canceled": 3000}
        assert ran.share >= share

    @pytest.mark.slow
    @pytest.mark.parametrize("limit", [FixedWindow(100), LeakyBucket(steady(100))])
    def test_a_minutes_pause_is_asked_for_twice_at_most(self, limit: Limit) -> None:
        ran = behind(
            World(30_000, PATIENT), limit, reply=throttled(60.0), allowed=100, latency=0.05
        )
        assert outcomes(ran.attempt) == {"canceled": 30_000}
        assert ran.walls <= 2
        assert ran.share >= 0.75

    @pytest.mark.slow
    @pytest.mark.parametrize(("orders", "share"), [(3200, 0.97), (200, 0.75)])
    def test_without_a_limit_it_is_as_fast_as_its_workers(self, orders: int, share: float) -> None:
        limit = LeakyBucket(steady(1e9))
        ran = behind(World(orders, PATIENT), limit, allowed=16 / 0.05, latency=0.05)
        assert ran.share >= share
        assert ran.attempt.engine.throttling.learned is None

    @pytest.mark.slow
    def test_it_follows_a_limit_that_falls_and_one_that_rises(self) -> None:
        limit = LeakyBucket(lambda now: 50 if 30 <= now < 70 else 100)
        ran = behind(World(8000, PATIENT), limit, allowed=100)
        assert share_of(ran.taken_at, 45, 70) >= 0.9 * 50
        assert share_of(ran.taken_at, 85, 100) >= 0.9 * 100
        assert ran.turned_away <= 0.02

    @pytest.mark.slow
    @pytest.mark.parametrize("later", [0.1, 0.7])
    def test_two_runs_share_a_limit_without_knowing_of_each_other(self, later: float) -> None:
        limit = LeakyBucket(steady(100))
        worlds = [World(6000, PATIENT), World(6000, PATIENT)]
        for world in worlds:
            meet(world, limit)
        worlds[1].clock.run(later)
        runs = [world.start(workers=16) for world in worlds]
        while any(not run.is_done for run in runs):
            busy = [world for world, run in zip(worlds, runs, strict=True) if not run.is_done]
            min(busy, key=lambda world: world.clock.next_at).clock.step()
        ran = [how_it_went(world, run, 100) for world, run in zip(worlds, runs, strict=True)]
        both_until = min(one.taken_at[-1] for one in ran)
        assert both_until > 60
        rates = [share_of(one.taken_at, 0, both_until) for one in ran]
        assert sum(rates) >= 90
        assert min(rates) >= 35
        assert max(one.turned_away for one in ran) <= 0.05
        assert [outcomes(run) for run in runs] == [{"canceled": 6000}] * 2

    def test_a_rate_that_was_given_is_not_exceeded_and_so_no_limit_is_met(self) -> None:
        limit = LeakyBucket(steady(100))
        world = World(500, PATIENT)
        meet(world, limit)
        run = world.run(workers=16, requests_per_second=80)
        ran = how_it_went(world, run, 80)
        assert ran.turned_away == 0
        assert 0.95 <= ran.share <= 1.02


class TestWhatIsTurnedAwayAtRandom:
    """A proxy, or what others send on the same limit, turns some away whatever the rate is."""

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", [1, 2, 3])
    @pytest.mark.parametrize(
        ("share", "retry_after", "within"),
        [
            # Sixteen workers and 50 ms: ten seconds are the least.
            (0.005, None, 1.3 * 10),
            (0.02, None, 2.5 * 10),
            (0.1, None, 12 * 10),
            # About one pause for each that is turned away comes on top.
            (0.005, 1.0, 1.6 * (10 + 16)),
            (0.02, 1.0, 2.5 * (10 + 64)),
        ],
    )
    def test_it_does_not_slow_the_run_down_ever_more(
        self, seed: int, share: float, retry_after: float | None, within: float
    ) -> None:
        world = World(3000, Policy(settle_seconds=15.0, deadline=600.0))
        limit = Chance(share, seed)
        ran = behind(world, limit, reply=throttled(retry_after), allowed=320, latency=0.05)
        assert outcomes(ran.attempt) == {"canceled": 3000}
        assert ran.taken_at[-1] <= within

    @pytest.mark.slow
    def test_a_limit_is_found_all_the_same(self) -> None:
        limit = Both(LeakyBucket(steady(100)), Chance(0.005))
        ran = behind(World(3000, PATIENT), limit, allowed=100)
        assert ran.share >= 0.85
        assert ran.turned_away <= 0.03


class TestWhatItLearned:
    def test_an_attempt_after_a_kill_does_not_run_into_the_wall(self) -> None:
        limit = LeakyBucket(steady(100))
        world = World(3000, PATIENT)
        meet(world, limit)
        first = world.start(workers=16)
        while len(world.tenant.posted) < 1000:
            world.clock.step()
        first.kill()
        before = len(world.tenant.turned_away_at)
        assert before > 0
        world.clock.run(world.clock.now + 1)
        began_at = world.clock.now
        second = world.start(2, workers=16)
        learned = second.journal.learned
        assert learned is not None
        assert learned.requests_per_second == pytest.approx(100, rel=0.25)
        world.finish(second)
        in_first_seconds = [
            at for at in world.tenant.turned_away_at if began_at < at < began_at + 3
        ]
        assert len(in_first_seconds) <= 3
        assert outcomes(second)["canceled"] == 3000

    def test_a_rate_that_is_far_too_low_by_now_is_forgotten_within_seconds(self) -> None:
        world = World(3000, PATIENT)
        limit = LeakyBucket(lambda now: 1 if now < 20 else 1e9, burst=1)
        meet(world, limit)
        first = world.start(workers=16)
        world.clock.run(20)
        first.kill()
        second = world.start(2, workers=16)
        assert second.journal.learned is not None
        before = second.journal.learned.requests_per_second
        assert before is not None
        assert before <= 5
        world.finish(second)
        # At full speed it takes four seconds, and orders in doubt have to settle.
        assert world.clock.now < 20 + 15 + 20
        learned = second.engine.throttling.learned
        assert learned is not None
        assert learned.requests_per_second is not None
        assert learned.requests_per_second >= 400
        handed_on = world.start(3).journal.learned
        assert handed_on is not None
        assert handed_on.requests_per_second == pytest.approx(learned.requests_per_second, rel=0.15)

    def test_it_is_said_once_and_with_every_line_about_the_progress(self) -> None:
        ran = behind(World(3000, PATIENT), LeakyBucket(steady(100)), allowed=100)
        lines = [line.partition("says: ")[2] for line in ran.lines if "says: " in line]
        found = [line for line in lines if line.startswith("The OMS turns requests away")]
        assert len(found) == 1
        assert "requests a second" in found[0]
        assert any("orders done" in line and "turned" in line for line in lines)
        throttling = ran.attempt.engine.throttling
        assert throttling.turned_away == round(ran.turned_away * len(ran.taken_at))
        assert throttling.paused_seconds == 0

    def test_how_long_the_tenant_asked_to_wait_is_counted(self) -> None:
        ran = behind(
            World(2000, PATIENT), LeakyBucket(steady(100)), reply=throttled(5.0), allowed=100
        )
        paused = ran.attempt.engine.throttling.paused_seconds
        assert ran.walls * 5 <= paused <= ran.walls * 5 + 1


class TestErrorsOfTheServer:
    @pytest.mark.slow
    def test_some_that_have_nothing_to_do_with_the_rate_hardly_slow_it_down(self) -> None:
        world = World(6000, PATIENT)
        # Twenty a second, whatever the rate.
        turns = itertools.count(1)
        world.tenant.on_post = lambda _: UNAVAILABLE if next(turns) % 20 == 0 else None
        run = world.run(workers=16)
        assert outcomes(run) == {"canceled": 6000}
        # 320 a second are possible.
        begun = sorted(at for at in world.tenant.times(Action.POST))
        assert begun[5000] - begun[0] < 3 * 5000 / 320

    @pytest.mark.slow
    @pytest.mark.parametrize("seconds", [5, 20])
    def test_an_outage_is_sat_out_with_one_request_at_a_time(self, seconds: float) -> None:
        world = World(3000, PATIENT)
        is_away = lambda _: UNAVAILABLE if 4 <= world.clock.now < 4 + seconds else None  # noqa: E731
        world.tenant.on_post = world.tenant.on_read = is_away
        run = world.run(workers=16)
        assert why(run) == ""
        assert outcomes(run) == {"canceled": 3000}
        during = [call for call in world.tenant.seen if 4.5 <= call.at < 4 + seconds]
        assert len(during) <= 6
        assert any("one request at a time" in line for line in world.lines)

    @pytest.mark.slow
    @pytest.mark.parametrize("reply", [UNAVAILABLE, LOST])
    @pytest.mark.parametrize("failing", ["cancels", "all"])
    def test_one_that_lasts_stops_the_run_when_single_requests_get_nowhere_either(
        self, failing: str, reply: Reply
    ) -> None:
        world = World(3000, PATIENT)

        def on_call(_: OrderId) -> Reply | None:
            return reply if world.clock.now >= 4 else None

        world.tenant.on_post = on_call
        if failing == "all":
            world.tenant.on_read = on_call
        run = world.run(workers=16)
        assert "20 orders in a row got no answer" in why(run)
        assert "5 requests one at a time" in why(run)
        unanswered = {post.order_id for post in world.tenant.posts if post.left_at >= 4}
        assert len(unanswered) <= 20 + 16 + 5
        assert world.clock.now < 4 + 150

    def test_requests_that_are_in_flight_when_it_narrows_do_not_count_as_single_ones(self) -> None:
        world = World(3000, POLICY)
        # As many as are in flight get no response, and the next one does.
        lost = itertools.count()
        world.tenant.on_post = lambda _: (
            LOST if world.clock.now >= 3 and next(lost) < 20 + 16 else None
        )
        run = world.run(workers=16)
        assert why(run) == ""


class TestBounds:
    @pytest.mark.parametrize("workers", [1, 4, 16])
    def test_no_more_are_in_flight_than_workers_whatever_is_learned(self, workers: int) -> None:
        world = World(400, PATIENT)
        meet(world, Connections(3))
        world.run(workers=workers)
        assert world.tenant.most_at_once <= workers

    def test_what_is_learned_is_never_more_than_was_accepted(self) -> None:
        ran = behind(World(1500, PATIENT), LeakyBucket(steady(100)), allowed=100)
        learned = ran.attempt.engine.throttling.learned
        assert isinstance(learned, Learned)
        assert learned.requests_per_second is not None
        assert learned.requests_per_second <= 1.25 * 100
