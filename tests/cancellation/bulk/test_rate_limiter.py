"""The rate limiter of a run: a rate without bursts, and a pause that nothing shortens."""

from __future__ import annotations

import math

from airflow_provider_oms.cancellation.bulk.rate_limiter import RateLimiter


def test_without_a_rate_requests_leave_at_once() -> None:
    limiter = RateLimiter()
    for _ in range(3):
        limiter.take_slot(10.0)
    assert limiter.opens_at <= 10.0
    assert limiter.requests_within(1.0) == math.inf


def test_requests_leave_at_the_rate() -> None:
    limiter, now, left = RateLimiter(4), 10.0, []
    for _ in range(5):
        now = max(now, limiter.opens_at)
        left.append(now)
        limiter.take_slot(now)
    assert left == [10.0, 10.25, 10.5, 10.75, 11.0]
    assert limiter.requests_within(2.0) == 8


def test_slots_that_were_not_used_do_not_add_up_to_a_burst() -> None:
    limiter = RateLimiter(4)
    limiter.take_slot(10.0)
    limiter.take_slot(60.0)
    assert limiter.opens_at == 60.25


def test_a_request_ahead_of_its_slot_delays_the_next_one() -> None:
    limiter = RateLimiter(4)
    limiter.take_slot(10.0)
    limiter.take_slot(10.0)
    assert limiter.opens_at == 10.5


def test_of_two_pauses_the_longer_counts() -> None:
    limiter = RateLimiter()
    assert limiter.opens_at == -math.inf
    limiter.pause_until(20.0, 10.0)
    limiter.pause_until(15.0, 11.0)
    assert limiter.opens_at == 20.0
    assert limiter.paused_at == 11.0


def test_the_rate_and_a_pause_both_count() -> None:
    limiter = RateLimiter(1)
    limiter.take_slot(10.0)
    limiter.pause_until(10.5, 10.0)
    assert limiter.opens_at == 11.0
    limiter.pause_until(12.0, 10.0)
    assert limiter.opens_at == 12.0
