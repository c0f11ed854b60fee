"""A run learns its tenant's limits from each response, and from rejected requests."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.cancellation.bulk.adaptive_limit import AdaptiveLimit, Learned

NOW = 100.0
LATENCY = 0.02


def limit_of(
    orders: int = 1000, workers: int = 16, learned: Learned | None = None
) -> AdaptiveLimit:
    return AdaptiveLimit(orders, workers, learned)


def accept(
    limit: AdaptiveLimit, rate: float, until: float, *, since: float, beside: int = 2
) -> None:
    """Let so many requests be accepted in a second."""
    for nth in range(1, int((until - since) * rate) + 1):
        at = since + nth / rate
        limit.on_accepted(at - LATENCY, beside, at)


def at_its_ceiling(rate: float = 100.0, **facts: object) -> AdaptiveLimit:
    """Return a limit that has met a wall a second ago, and accepted so many in a second before."""
    limit = limit_of(**facts)  # type: ignore[arg-type]  # as the test says
    accept(limit, rate / 0.9, NOW, since=NOW - 2)
    assert meets_its_first_wall(limit)
    return limit


def meets_its_first_wall(limit: AdaptiveLimit, pause: float = 0.0) -> bool:
    """Turn two requests away: before a limit is known, a single one may have another reason."""
    walls = [limit.on_turned_away(NOW - LATENCY, 2, NOW, pause=pause) for _ in range(2)]
    return walls == [False, True]


class TestBeforeAnythingIsKnown:
    def test_the_rate_doubles_from_the_first_response_on_until_it_is_no_limit(self) -> None:
        limit = limit_of(orders=10_000, workers=16)
        assert limit.rate(NOW) == limit.rate(NOW + 50) == 40
        limit.on_accepted(NOW - LATENCY, 1, NOW)
        rates = [limit.rate(NOW + tenth / 10) for tenth in range(60)]
        assert rates == sorted(rates)
        assert rates[0] == 40
        assert 40 < rates[5] < 400
        assert rates[-1] == math.inf
        assert limit.learned is None
        assert limit.concurrency(NOW) == 16

    @pytest.mark.parametrize(("orders", "within"), [(1, 0.5), (1000, 0.5), (1_000_000, 5.0)])
    def test_that_takes_a_share_of_the_run_and_no_more_than_some_seconds(
        self, orders: int, within: float
    ) -> None:
        limit = limit_of(orders)
        limit.on_accepted(NOW - LATENCY, 1, NOW)
        assert limit.rate(NOW + within) == math.inf

    def test_all_but_the_burst_that_is_turned_away_at_once_is_a_wall(self) -> None:
        limit = limit_of()
        accept(limit, 100, NOW, since=NOW - 0.4)
        assert not limit.on_turned_away(NOW, 1, NOW, pause=5.0)
        begin = NOW + 5.0
        accept(limit, 300, begin + 0.1, since=begin + LATENCY)
        assert limit.on_turned_away(begin + 0.1, 1, begin + 0.1, pause=5.0)
        assert limit.learned is not None

    def test_what_is_accepted_beyond_a_known_burst_is_the_rate(self) -> None:
        limit, begin = limit_of(), NOW + 5
        accept(limit, 50, NOW, since=NOW - 0.4)
        assert not limit.on_turned_away(NOW, 1, NOW, pause=5.0)
        accept(limit, 30, begin + 0.1, since=begin + LATENCY)
        accept(limit, 20, begin + 4, since=begin + 0.1)
        assert not limit.on_turned_away(begin + 4, 1, begin + 4, pause=5.0)
        accept(limit, 60, begin + 11, since=begin + 9 + LATENCY)
        walls = [limit.on_turned_away(begin + 11, 1, begin + 11) for _ in range(2)]
        assert walls == [False, True]
        assert limit.learned is not None
        # Without a burst, a tenth of what was measured first is taken off.
        assert 45 < (limit.learned.requests_per_second or 0) < 50

    def test_an_earlier_attempt_may_have_learned_it(self) -> None:
        limit = limit_of(learned=Learned(100.0, 5))
        assert limit.rate(NOW) == pytest.approx(80)
        assert limit.concurrency(NOW) == 5
        assert limit.learned == Learned(100.0, 5)

    def test_no_more_are_sent_at_a_time_than_there_are_workers(self) -> None:
        assert limit_of(workers=4, learned=Learned(None, 50)).concurrency(NOW) == 4

    def test_a_response_that_is_lost_now_and_then_does_not_hold_it_up(self) -> None:
        limit, now = limit_of(orders=1_000_000), NOW
        for nth in range(700):
            now += 0.01
            if nth % 50 == 49:
                limit.on_no_response(now)
            else:
                limit.on_accepted(now - LATENCY, 2, now)
        assert limit.rate(now) == math.inf


@pytest.mark.parametrize(
    ("recorded", "learned", "differs"),
    [
        (None, Learned(100.0), True),
        (Learned(None, 4), Learned(None, 4), False),
        (Learned(None, 4), Learned(None, 5), True),
        (Learned(100.0, 4), Learned(100.0, 5), True),
        (Learned(None, 4), Learned(100.0, 4), True),
        (Learned(100.0, 4), Learned(None, 4), True),
        (Learned(100.0), Learned(90.0), False),
        (Learned(100.0), Learned(110.0), False),
        (Learned(100.0), Learned(89.0), True),
        (Learned(100.0), Learned(111.0), True),
    ],
)
def test_a_rate_that_has_moved_a_little_is_not_recorded_again(
    recorded: Learned | None, learned: Learned, *, differs: bool
) -> None:
    assert learned.differs_from(recorded) is differs


class TestAWall:
    def test_what_was_accepted_since_is_what_the_tenant_is_said_to_accept(self) -> None:
        limit = at_its_ceiling(5.0)
        accept(limit, 200, NOW + 6, since=NOW + 1)
        assert limit.learned is not None
        assert limit.learned.requests_per_second == pytest.approx(200, rel=0.02)
        # A wall shows that less is accepted now.
        accept(limit, 20, NOW + 9, since=NOW + 6)
        limit.on_turned_away(NOW + 9, 2, NOW + 9)
        assert limit.learned.requests_per_second == pytest.approx(20, rel=0.05)

    def test_the_rate_falls_below_what_was_accepted(self) -> None:
        limit = at_its_ceiling(100.0)
        assert limit.rate(NOW) == pytest.approx(80, rel=0.02)
        learned = limit.learned
        assert learned is not None
        assert learned.requests_per_second == pytest.approx(100, rel=0.02)
        assert (limit.walls, limit.turned_away) == (1, 2)

    def test_it_comes_back_soon_and_then_looks_for_more_ever_faster(self) -> None:
        limit = at_its_ceiling(100.0)
        limit.on_accepted(NOW, 1, NOW + LATENCY)
        rates = [limit.rate(NOW + tenth / 10) for tenth in range(60)]
        assert rates == sorted(rates)
        # The first measure may be far too low, and so it takes half as long as later ones.
        assert rates[8] == pytest.approx(100, rel=0.02)
        steps = [after - before for before, after in itertools.pairwise(rates[20:])]
        assert steps == sorted(steps)
        assert rates[59] > 150

    @pytest.mark.parametrize(
        ("pause", "lost", "seconds"), [(0.0, 0.2, 0.75), (0.05, 0.1, 0.75), (5.0, 0.1, 60.0)]
    )
    def test_it_gets_back_what_it_gave_up_in_a_curve(
        self, pause: float, lost: float, seconds: float
    ) -> None:
        limit = limit_of()
        accept(limit, 100, NOW, since=NOW - 2)
        assert meets_its_first_wall(limit, pause=pause)
        begin = NOW + pause
        limit.on_accepted(begin, 1, begin)
        shares = [limit.rate(begin + done * seconds) / 90 for done in (0.0, 0.25, 0.5, 1.0)]
        # First fast, then slower and slower.
        left = [1.0, 0.75**2, 0.5**2, 0.0]
        assert shares == pytest.approx([1 - lost * share for share in left], rel=0.02)
        # Then it doubles its lead in half of that time.
        shares = [limit.rate(begin + done * seconds) / 90 for done in (1.0, 1.5, 2.0)]
        assert shares == pytest.approx([1, 1 + lost, 1 + 3 * lost], rel=0.02)

    def test_one_that_asks_for_a_pause_is_not_looked_for_again_before_long(self) -> None:
        limit = limit_of()
        accept(limit, 100, NOW, since=NOW - 2)
        assert meets_its_first_wall(limit, pause=5.0)
        assert limit.rate(NOW + 5) == pytest.approx(0.9 * 0.9 * 100, rel=0.02)
        assert limit.rate(NOW + 5 + 59) < 0.9 * 100 <= limit.rate(NOW + 5 + 61)

    @pytest.mark.parametrize("sent_at", [NOW - 1, NOW, NOW + 0.05])
    def test_what_was_under_way_meets_the_same_wall(self, sent_at: float) -> None:
        limit = at_its_ceiling(100.0)
        before = limit.learned
        assert not limit.on_turned_away(sent_at, 2, sent_at + 1)
        assert limit.learned == before
        assert (limit.walls, limit.turned_away) == (1, 3)

    def test_a_second_one_is_met_from_what_was_accepted_since(self) -> None:
        limit = at_its_ceiling(100.0)
        accept(limit, 50, NOW + 1, since=NOW)
        assert limit.on_turned_away(NOW + 1, 2, NOW + 1 + LATENCY)
        assert limit.rate(NOW + 1 + LATENCY) == pytest.approx(0.8 * 50, rel=0.05)
        assert limit.rate(NOW + 1.5 + LATENCY) < 0.95 * 50
        assert limit.rate(NOW + 2.5 + LATENCY) == pytest.approx(50, rel=0.05)

    def test_one_that_comes_at_once_lowers_it_by_a_step(self) -> None:
        limit = at_its_ceiling(100.0)
        assert limit.on_turned_away(NOW + 0.15, 2, NOW + 0.17)
        assert limit.rate(NOW + 0.17) == pytest.approx(0.8 * 0.8 * 100, rel=0.02)

    def test_the_rate_never_falls_to_nothing(self) -> None:
        limit, now = at_its_ceiling(100.0), NOW
        for _ in range(100):
            now += 1
            limit.on_turned_away(now, 2, now + LATENCY)
        assert limit.rate(now + LATENCY) >= 0.4
        assert limit.concurrency(now) >= 1

    def test_while_nothing_is_accepted_requests_are_ever_further_apart(self) -> None:
        limit, pauses = at_its_ceiling(100.0), []
        assert limit.pause == 0
        for nth in range(7):
            limit.on_turned_away(NOW + 1 + nth, 2, NOW + 1 + nth + LATENCY)
            pauses.append(limit.pause)
        assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
        limit.on_accepted(NOW + 9, 2, NOW + 9 + LATENCY)
        assert limit.pause == 0


class TestRequestsAtATime:
    def test_they_are_bounded_where_the_newest_of_them_is_turned_away(self) -> None:
        limit = at_its_ceiling(200.0)
        accept(limit, 200, NOW + 1, since=NOW, beside=4)
        assert limit.on_turned_away(NOW + 1, 5, NOW + 1 + LATENCY)
        assert limit.concurrency(NOW + 1 + LATENCY) == 4
        # It was not the rate.
        assert limit.rate(NOW + 1 + LATENCY) >= 200 * 0.95
        assert limit.learned is not None
        assert limit.learned.at_a_time == 4

    def test_not_where_as_many_were_accepted(self) -> None:
        limit = at_its_ceiling(200.0)
        accept(limit, 200, NOW + 1, since=NOW, beside=5)
        limit.on_turned_away(NOW + 1, 5, NOW + 1 + LATENCY)
        assert limit.concurrency(NOW + 1 + LATENCY) == 16

    def test_not_where_the_tenant_was_at_work_on_few_of_them(self) -> None:
        limit = at_its_ceiling(100.0)
        accept(limit, 20, NOW + 1, since=NOW, beside=4)
        limit.on_turned_away(NOW + 1, 5, NOW + 1 + LATENCY)
        assert limit.concurrency(NOW + 1 + LATENCY) == 16

    def test_one_more_is_tried_now_and_then_and_the_more_rarely_the_less_it_helps(self) -> None:
        limit, now = at_its_ceiling(200.0), NOW
        waits = []
        for _ in range(4):
            accept(limit, 200, now + 1, since=now, beside=4)
            now += 1
            assert limit.on_turned_away(now, 5, now + LATENCY)
            cut_at = now = now + LATENCY
            while limit.concurrency(now) == 4:
                now += 0.1
            waits.append(now - cut_at)
        assert waits == pytest.approx([2, 4, 8, 16], abs=0.3)


class TestErrorsOfTheServer:
    def test_one_or_two_are_no_wall(self) -> None:
        limit = limit_of()
        accept(limit, 100, NOW, since=NOW - 2)
        assert not limit.on_server_error(NOW - LATENCY, 2, NOW)
        assert not limit.on_server_error(NOW - LATENCY, 2, NOW)
        assert limit.learned is None

    def test_nor_are_three_that_are_far_apart(self) -> None:
        limit = limit_of()
        for nth in range(10):
            assert not limit.on_server_error(NOW + nth, 2, NOW + nth)

    def test_three_within_a_second_are(self) -> None:
        limit = limit_of()
        accept(limit, 100, NOW, since=NOW - 2)
        walls = [limit.on_server_error(NOW, 2, NOW + nth / 10) for nth in range(3)]
        assert walls == [False, False, True]
        assert limit.turned_away == 3
        assert limit.rate(NOW + 0.2) < 100

    def test_a_lower_rate_that_does_not_help_is_given_up_for_a_while(self) -> None:
        limit, now = limit_of(), NOW
        accept(limit, 100, now, since=now - 2)
        walls = []
        for _ in range(60):
            now += 0.1
            accept(limit, 50, now, since=now - 0.1)
            walls.append(limit.on_server_error(now, 2, now + LATENCY))
        assert sum(walls) == 3
        assert limit.rate(now) == math.inf
        # It looks again after half a minute.
        now += 31
        assert [limit.on_server_error(now, 2, now + nth / 10) for nth in range(3)][-1]


class TestAHold:
    @pytest.mark.parametrize("sign", ["no response", "slow responses"])
    def test_the_rate_does_not_rise_while_the_tenant_struggles(self, sign: str) -> None:
        limit = at_its_ceiling(100.0)
        accept(limit, 80, NOW + 0.5, since=NOW)
        at = NOW + 0.5
        before = limit.rate(at)
        for tenth in range(1, 21):
            now = at + tenth / 10
            if sign == "no response":
                limit.on_no_response(now)
            else:
                limit.on_accepted(now - 1, 2, now)
        assert limit.rate(now) <= before * 1.04
        # And goes on where it was.
        limit_after = limit.rate(now + 2.5)
        assert limit_after > before


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["accepted", "turned away", "error", "nothing"]),
            st.floats(0.0, 5.0),
            st.floats(0.0, 2.0),
            st.integers(1, 16),
            st.sampled_from([0.0, 0.0, 1.0, 60.0]),
        ),
        max_size=60,
    ),
    st.integers(1, 16),
)
def test_whatever_comes_it_lets_requests_leave_and_no_more_than_the_workers(
    events: list[tuple[str, float, float, int, float]], workers: int
) -> None:
    limit, now = limit_of(workers=workers), NOW
    for kind, after, latency, beside, pause in events:
        now += after
        call = (now - latency, min(beside, workers), now)
        if kind == "accepted":
            limit.on_accepted(*call)
        elif kind == "turned away":
            limit.on_turned_away(*call, pause=pause)
        elif kind == "error":
            limit.on_server_error(*call, pause=pause)
        else:
            limit.on_no_response(now)
        assert limit.rate(now) > 0.3
        assert 1 <= limit.concurrency(now) <= workers
        assert 0 <= limit.pause <= 1
        learned = limit.learned
        if learned is not None:
            assert learned.as_text()
            again = limit_of(workers=workers, learned=learned)
            assert again.learned == learned
            assert not learned.differs_from(learned)
