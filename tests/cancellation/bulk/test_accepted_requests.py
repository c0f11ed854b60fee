"""How many requests were accepted in a second: which count, and over which time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_oms.cancellation.bulk.accepted_requests import AcceptedRequests

START = 1_000.0
EVENLY = [nth / 8 for nth in range(1, 25)]


def accepted(*after: float) -> AcceptedRequests:
    """Note a request so many seconds after the start for each, the nth with n in flight."""
    requests = AcceptedRequests()
    requests.begin(START)
    for nth, seconds in enumerate(after, start=1):
        requests.note(START + seconds, nth)
    return requests


@pytest.mark.parametrize(
    ("after", "seconds", "now", "latency", "rate"),
    [
        (EVENLY, 1.0, 3.0, 0.125, 8.0),
        # One at the beginning of that time does not count.
        ([0.0, 1.0, 1.5, 2.0], 1.0, 2.0, 0.0, 2.0),
        # Time without any counts, after them and between them.
        ([0.0, 1.25, 1.5], 1.0, 2.0, 0.0, 2.0),
        ([0.0, 0.25], 1.0, 2.0, 0.0, 0.0),
        # The run began less than a second ago, when the first of them was sent.
        ([0.25, 0.5, 0.75], 1.0, 0.75, 0.25, 3 / 0.75),
        ([0.25, 0.5, 0.75], 1.0, 0.75, 0.0, 2 / 0.5),
        # In less than a quarter of a second they count as those of a quarter.
        ([0.0, 0.0, 0.0], 1.0, 0.0, 0.125, 3 / 0.25),
        ([0.0, 0.0, 0.0], 1.0, 0.0, 0.25, 3 / 0.25),
        ([0.0, 0.0, 0.0], 1.0, 0.0, 0.5, 3 / 0.5),
        # Only those of the last two seconds are known.
        (EVENLY, 5.0, 3.0, 0.0, 16 / 2.0),
        ([], 1.0, 2.0, 0.0, 0.0),
    ],
)
def test_the_rate_is_theirs_over_that_time(
    after: list[float], seconds: float, now: float, latency: float, rate: float
) -> None:
    assert accepted(*after).rate(seconds, START + now, latency) == rate


@pytest.mark.parametrize(("burst", "rate"), [(0.0, 8.0), (1.0, 7.0), (8.0, 0.0), (9.0, 0.0)])
def test_a_burst_is_taken_off_them(burst: float, rate: float) -> None:
    assert accepted(*EVENLY).rate(1.0, START + 3.0, 0.0, burst) == rate


@settings(max_examples=30)
@given(st.lists(st.integers(0, 40), max_size=30), st.integers(0, 24))
def test_those_of_more_than_two_seconds_ago_are_forgotten(steps: list[int], since: int) -> None:
    after = sorted(step / 8 for step in steps)
    requests = accepted(*after)
    latest = [(one, nth) for nth, one in enumerate(after, start=1) if one >= after[-1] - 2.0]
    assert requests.count(START + since / 8) == sum(one > since / 8 for one, _ in latest)
    assert requests.most_in_flight(7) == max((nth for _, nth in latest), default=7)


def test_the_most_in_a_second_is_the_mean_of_two_and_stays() -> None:
    requests = accepted(*EVENLY)
    # One more than in two seconds, as the first and the last both count.
    assert requests.most == 17 / 2
    requests.note(START + 60.0, 1)
    assert requests.most == 17 / 2


def test_after_a_wall_it_begins_again() -> None:
    requests = accepted(*EVENLY)
    requests.begin(START + 4.0)
    assert (requests.since, requests.most, requests.count(START)) == (START + 4.0, 0.0, 0)
    assert requests.most_in_flight(7) == 7
    assert requests.rate(1.0, START + 3.0, 0.0) == 0.0
