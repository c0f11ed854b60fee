"""The simulation's limit lets through what nginx's does."""

from __future__ import annotations

from bench.limiter import Limiter


def let_through(limiter: Limiter, moments: list[float]) -> int:
    return sum(limiter.admit(moment) for moment in moments)


def test_a_burst_is_let_through_on_top_of_the_first_request_and_no_more() -> None:
    assert let_through(Limiter(10), [0.0] * 100) == 21
    assert let_through(Limiter(10), [5.0] * 100) == 21


def test_the_bucket_leaks_at_the_rate_and_what_is_turned_away_adds_nothing() -> None:
    limiter = Limiter(10)
    let_through(limiter, [0.0] * 100)
    assert let_through(limiter, [0.05] * 100) == 0
    assert let_through(limiter, [1.0] * 100) == 10


def test_a_bucket_does_not_save_up_more_than_its_burst() -> None:
    limiter = Limiter(10)
    limiter.admit(0.0)
    assert let_through(limiter, [1000.0] * 100) == 21
