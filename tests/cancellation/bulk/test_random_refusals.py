"""Requests rejected at random, and requests rejected beyond a limit."""

from __future__ import annotations

import math
import random

import pytest

from airflow_provider_oms.cancellation.bulk.random_refusals import RandomRefusals


def after(share: float, *, responses: int = 3000, is_below: bool = True) -> RandomRefusals:
    """Return the state after responses of which a random share rejected the request."""
    refusals = RandomRefusals()
    chance = random.Random(1)  # noqa: S311 - a test's
    for _ in range(responses):
        refusals.on_response(is_refusal=chance.random() < share, is_below=is_below)
    for _ in range(20):
        refusals.on_response(is_refusal=False, is_below=is_below)
    return refusals


def explained(refusals: RandomRefusals, away: int, accepted: int = 0) -> bool:
    """Turn so many requests away one after another, and accept so many after them."""
    for nth in range(away + accepted):
        refusals.on_response(is_refusal=nth < away, is_below=False)
    return refusals.explain_the_latest


def test_one_below_what_was_accepted_makes_them_known_and_one_above_does_not() -> None:
    refusals = RandomRefusals()
    refusals.on_response(is_refusal=False, is_below=True)
    refusals.on_response(is_refusal=True, is_below=False)
    assert not refusals.are_known
    refusals.on_response(is_refusal=False, is_below=True)
    refusals.on_response(is_refusal=True, is_below=True)
    assert refusals.are_known


def test_those_that_follow_one_another_are_the_rest_of_a_limit() -> None:
    refusals = RandomRefusals()
    refusals.on_response(is_refusal=True, is_below=False)
    for _ in range(10):
        refusals.on_response(is_refusal=True, is_below=True)
    assert not refusals.are_known


def test_they_are_forgotten_after_some_thousand_responses_without_one() -> None:
    refusals = after(0.0, responses=10)
    refusals.on_response(is_refusal=True, is_below=True)
    for _ in range(1000):
        refusals.on_response(is_refusal=False, is_below=True)
    assert refusals.are_known
    for _ in range(1000):
        refusals.on_response(is_refusal=False, is_below=True)
    assert not refusals.are_known


@pytest.mark.parametrize(("share", "most"), [(0.0, 1), (0.005, 1), (0.02, 2), (0.1, 5)])
def test_no_more_of_twenty_are_explained_than_their_share_makes_likely(
    share: float, most: int
) -> None:
    assert explained(after(share), most)
    assert not explained(after(share), most + 2)


def test_a_large_share_is_never_random() -> None:
    assert not explained(after(0.45), 8)


def test_only_the_last_twenty_responses_count() -> None:
    assert not explained(after(0.0), 2, 18)
    assert explained(after(0.0), 2, 19)


class TestWhatPausesCost:
    """A refusal that asks for a pause costs the more, the sooner it comes after the last one."""

    @staticmethod
    def known() -> RandomRefusals:
        refusals = after(0.005)
        assert refusals.explain_it(100.0, 0.0, 0.0)
        return refusals

    def test_without_a_pause_a_lower_rate_is_not_tried(self) -> None:
        refusals = self.known()
        assert refusals.explain_it(100.0, 0.0, 1.0)

    def test_a_lower_rate_is_tried_by_the_share_of_the_time_that_pauses_take(self) -> None:
        refusals = self.known()
        assert not refusals.explain_it(100.0, 5.0, 20.0)
        # A quarter of the time is 20 of 100, and so much is still tried.
        assert not refusals.explain_it(80.0, 5.0, 40.0)
        assert refusals.explain_it(79.0, 5.0, 60.0)

    def test_it_is_tried_down_to_the_half(self) -> None:
        refusals = self.known()
        assert not refusals.explain_it(100.0, 5.0, 0.5)
        assert not refusals.explain_it(50.0, 5.0, 1.0)
        assert refusals.explain_it(49.0, 5.0, 1.5)

    def test_what_was_in_vain_is_not_tried_again_while_there_are_any_at_random(self) -> None:
        refusals = self.known()
        assert not refusals.explain_it(100.0, 5.0, 1.0)
        assert refusals.explain_it(49.0, 5.0, 2.0)
        assert refusals.explain_it(100.0, 5.0, 3.0)
        for _ in range(3000):
            refusals.on_response(is_refusal=False, is_below=True)
        assert not refusals.explain_it(100.0, 5.0, 4.0)
        refusals.on_response(is_refusal=True, is_below=True)
        assert not refusals.explain_it(100.0, 5.0, 5.0)

    def test_before_any_limit_is_known_the_first_is_taken_for_chance(self) -> None:
        assert RandomRefusals().explain_it(math.inf, 5.0, 1.0)
        assert not RandomRefusals().explain_it(100.0, 5.0, 1.0)
