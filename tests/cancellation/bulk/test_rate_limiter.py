"""The rate limiter of a run: a rate without bursts, and a pause that nothing shortens."""

from __future__ import annotations

import math

import pytest

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.cancellation.bulk.adaptive_limit import AdaptiveLimit, Learned
from airflow_provider_oms.cancellation.bulk.rate_limiter import RateLimiter, Throttling
from airflow_provider_oms.cancellation.history import Action, Event, Reply


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


def test_a_slot_that_is_used_a_little_late_does_not_move_the_next_one() -> None:
    limiter = RateLimiter(4)
    limiter.take_slot(10.0)
    limiter.take_slot(10.258)
    assert limiter.opens_at == 10.5
    limiter.take_slot(10.52)
    assert limiter.opens_at == 10.77


def test_of_pauses_that_the_oms_asks_for_and_that_overlap_each_second_counts_once() -> None:
    limiter = RateLimiter()
    for at, asked in [(10.0, 10.0), (11.0, 7.0), (19.0, 6.0), (30.0, 10.0)]:
        limiter.on_reply(event_of(Evidence.AMBIGUOUS, status=503, retry_after=asked, at=at))
    assert limiter.throttling == Throttling(None, 0, 25.0)


def test_a_pause_that_the_oms_did_not_ask_for_does_not_count() -> None:
    limiter = RateLimiter()
    limiter.pause_until(20.0, 10.0)
    assert limiter.throttling == Throttling()


def event_of(
    evidence: Evidence,
    *,
    status: int | None = None,
    retry_after: float | None = None,
    left: bool = True,
    at: float = 10.0,
) -> Event:
    reply = Reply(evidence, http_status=status, retry_after=retry_after, left=left)
    return Event(Action.POST, at - 0.02, at, reply)


@pytest.mark.parametrize(
    ("event", "turned_away", "opens_after"),
    [
        (event_of(Evidence.THROTTLED, status=429), 2, 0.0),
        (event_of(Evidence.THROTTLED, status=429, retry_after=5.0), 2, 5.0),
        # The deadline is shorter, so that it is the circuit breaker's business.
        (event_of(Evidence.THROTTLED, status=429, retry_after=500.0), 2, 0.0),
        (event_of(Evidence.AMBIGUOUS, status=503, retry_after=5.0), 0, 5.0),
        # The token endpoint's limit is another one.
        (event_of(Evidence.THROTTLED, status=429, left=False, retry_after=5.0), 0, 5.0),
        (event_of(Evidence.CANCELED, status=200), 0, -math.inf),
        (event_of(Evidence.AMBIGUOUS), 0, -math.inf),
    ],
)
def test_a_response_pauses_the_run_as_it_asks_and_counts_if_there_were_too_many(
    event: Event, turned_away: int, opens_after: float
) -> None:
    limiter = RateLimiter(None, AdaptiveLimit(100, 4), longest_pause=120.0)
    limiter.on_reply(event)
    # A single one may have another reason than the rate.
    assert not limiter.learn(event, 2)
    is_wall = limiter.learn(event, 2)
    assert is_wall == bool(turned_away)
    assert limiter.throttling.turned_away == turned_away
    # A wall makes the next request wait for a slot.
    assert limiter.opens_at - 10.0 >= opens_after
    assert limiter.opens_at - 10.0 <= opens_after + 3


@pytest.mark.parametrize("status", [502, 503])
def test_three_5xx_that_say_there_are_too_many_slow_it_down(status: int) -> None:
    limiter = RateLimiter(None, AdaptiveLimit(100, 4))
    events = [event_of(Evidence.AMBIGUOUS, status=status, at=10 + nth / 10) for nth in range(3)]
    assert [limiter.learn(event, 2) for event in events] == [False, False, True]
    assert limiter.throttling.turned_away == 3


@pytest.mark.parametrize("status", [500, 504, None])
def test_no_other_failure_does(status: int | None) -> None:
    limiter = RateLimiter(None, AdaptiveLimit(100, 4))
    events = [event_of(Evidence.AMBIGUOUS, status=status, at=10 + nth / 10) for nth in range(9)]
    assert not any(limiter.learn(event, 2) for event in events)


def test_the_rate_that_was_given_and_the_one_that_was_learned_both_hold() -> None:
    for given, learned, allowed in [(50.0, 100.0, 50), (100.0, 50.0, 50), (None, 50.0, 50)]:
        limiter = RateLimiter(given, AdaptiveLimit(100, 4, Learned(learned)))
        assert limiter.requests_within(1.0) == allowed
        limiter.take_slot(10.0)
        assert 0.999 / allowed <= limiter.opens_at - 10.0 <= 1.3 / allowed


def test_the_first_limit_is_told_in_words() -> None:
    limiter = RateLimiter(None, AdaptiveLimit(100, 4))
    assert limiter.found == ""
    for nth in range(100):
        limiter.learn(event_of(Evidence.CANCELED, at=10 + nth / 100), 2)
    limiter.learn(event_of(Evidence.THROTTLED, status=429, at=11.0), 2)
    assert limiter.found == ""
    limiter.learn(event_of(Evidence.THROTTLED, status=429, at=11.0), 2)
    assert limiter.found == (
        "The OMS turns requests away; it accepts about 89.1 requests a second. The run stays below "
        "that, and tries more now and then"
    )
    limiter.learn(event_of(Evidence.THROTTLED, status=429, at=20.0), 2)
    assert limiter.found == ""


@pytest.mark.parametrize(
    ("throttling", "text"),
    [
        (Throttling(), ""),
        (
            Throttling(Learned(103.25, 4), 7),
            "the OMS accepts about 103 requests a second and 4 at a time, turned 7 requests away",
        ),
        (Throttling(turned_away=2), "the OMS turned 2 requests away"),
        (Throttling(paused_seconds=10.2), "the OMS asked for pauses of 10 s in all"),
        (Throttling(Learned(None, 4)), "the OMS accepts about 4 requests at a time"),
    ],
)
def test_what_the_limits_did_is_told_in_one_line(throttling: Throttling, text: str) -> None:
    assert throttling.as_text() == text


def test_a_wall_lets_nothing_leave_sooner_than_the_rate_that_was_given() -> None:
    limiter = RateLimiter(0.5, AdaptiveLimit(100, 4, Learned(100.0)))
    limiter.take_slot(10.0)
    limiter.take_slot(10.0)
    before = limiter.opens_at
    assert limiter.learn(event_of(Evidence.THROTTLED, status=429, at=10.1), 2)
    assert limiter.opens_at >= before >= 13.9
