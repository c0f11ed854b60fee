"""The benchmark's own limits let through what nginx's do."""

from __future__ import annotations

from bench.limiter import Limit, Limiter


def let_through(limiter: Limiter, moments: list[float]) -> int:
    return sum(limiter.admit(moment) for moment in moments)


def test_a_burst_is_let_through_on_top_of_the_first_request_and_no_more() -> None:
    limiter = Limiter(Limit(rate=10, burst=20))
    assert let_through(limiter, [0.0] * 100) == 21


def test_the_bucket_leaks_at_the_rate_and_what_is_turned_away_adds_nothing() -> None:
    limiter = Limiter(Limit(rate=10, burst=20))
    let_through(limiter, [0.0] * 100)
    assert let_through(limiter, [0.05] * 100) == 0
    assert let_through(limiter, [1.0] * 100) == 10


def test_a_bucket_does_not_save_up_more_than_its_burst() -> None:
    limiter = Limiter(Limit(rate=10, burst=20))
    limiter.admit(0.0)
    assert let_through(limiter, [1000.0] * 100) == 21


def test_only_without_a_burst_is_a_request_turned_away_that_comes_a_little_early() -> None:
    moments = [number / 100 + 0.001 * (number % 2) for number in range(1000)]
    assert let_through(Limiter(Limit(rate=100, burst=1)), moments) == 1000
    assert let_through(Limiter(Limit(rate=100, burst=0)), moments) < 1000


def test_the_rate_changes_in_the_middle_of_a_run() -> None:
    limiter = Limiter(Limit(rate=100, burst=1, changes=((10.0, 50.0), (20.0, 100.0))))
    often = [number / 1000 for number in range(30_000)]
    admitted = [moment for moment in often if limiter.admit(moment + 5.0)]
    shares = [sum(at <= one < at + 10 for one in admitted) for at in (0, 10, 20)]
    assert [round(share, -1) for share in shares] == [1000, 500, 1000]


def test_so_many_are_let_through_at_a_time() -> None:
    limiter = Limiter(Limit(at_a_time=2))
    assert let_through(limiter, [0.0] * 5) == 2
    limiter.leave()
    assert let_through(limiter, [0.0] * 5) == 1


def test_a_limit_comes_back_from_json_as_it_was() -> None:
    fields = {"rate": 100, "changes": [[20, 50], [50, 100]], "status": 503, "retry_after": 5}
    expected = Limit(rate=100, changes=((20, 50), (50, 100)), status=503, retry_after=5)
    assert Limit.of(fields) == expected
