"""A rate that is told from the burst which a tenant accepts after each pause."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.cancellation.bulk.burst import Burst

START = 1_000.0
PAUSE = 5.0


def meet_walls(burst: Burst, *walls: tuple[float, int], at: float = START) -> float:
    """Meet a wall after so many seconds and accepted requests each; return the last pause's end."""
    for seconds, accepted in walls:
        for nth in range(accepted):
            burst.on_accepted(at + seconds * nth / accepted)
        burst.on_pause(at + seconds, 1, at + seconds + PAUSE)
        at += seconds + PAUSE
    return at


@given(
    rate=st.integers(5, 500),
    allowed=st.integers(0, 200),
    first=st.floats(0.5, 5.0),
    longer=st.floats(1.5, 4.0),
    is_longer_first=st.booleans(),
)
def test_two_walls_after_different_times_tell_it(
    rate: int, allowed: int, first: float, longer: float, is_longer_first: bool
) -> None:
    walls = [
        (seconds, allowed + max(1, round(rate * seconds))) for seconds in (first, first * longer)
    ]
    burst = Burst()
    meet_walls(burst, *(reversed(walls) if is_longer_first else walls))
    seconds, accepted = walls[0 if is_longer_first else 1]
    # Counts are whole, and those of the shorter time say less.
    miscount = 2 / (first * (longer - 1)) + 1 / seconds
    expected = max(rate, 0.8 * accepted / seconds)
    assert rate - miscount <= burst.rate <= expected + miscount


def test_a_third_one_that_agrees_is_believed_however_large_the_burst_is() -> None:
    burst = Burst()
    at = meet_walls(burst, (0.5, 350), (1.0, 400))
    assert burst.rate == pytest.approx(0.8 * 400)
    meet_walls(burst, (1.5, 450), at=at)
    assert burst.rate == pytest.approx(100)


@pytest.mark.parametrize(
    "walls",
    [
        [(1.0, 120)],
        # After about the same time.
        [(1.0, 120), (1.1, 130)],
        # More in less time: chance.
        [(1.0, 120), (0.5, 200)],
        [(0.5, 200), (1.0, 120)],
    ],
)
def test_otherwise_it_tells_nothing(walls: list[tuple[float, int]]) -> None:
    burst = Burst()
    meet_walls(burst, *walls)
    assert burst.rate == math.inf


def test_what_was_sent_before_the_pause_is_not_counted_after_it() -> None:
    burst = Burst()
    at = meet_walls(burst, (1.0, 120))
    for nth in range(50):
        burst.on_accepted(START + nth / 100)
    meet_walls(burst, (2.0, 220), at=at)
    assert burst.rate == pytest.approx(100)


def test_what_is_in_flight_counts() -> None:
    burst = Burst()
    at = meet_walls(burst, (1.0, 120))
    for nth in range(210):
        burst.on_accepted(at + nth / 110)
    burst.on_pause(at + 2.0, 11, at + 2.0 + PAUSE)
    assert burst.rate == pytest.approx(100)


def test_others_that_are_turned_away_with_it_say_nothing_more() -> None:
    burst = Burst()
    at = meet_walls(burst, (1.0, 120), (2.0, 220))
    burst.on_pause(at - PAUSE + 0.01, 5, at + 0.01)
    assert burst.rate == pytest.approx(100)
    assert burst.seconds == pytest.approx(2.0)
