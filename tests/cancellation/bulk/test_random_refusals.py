"""What is turned away at random, and what because it is too much."""

from __future__ import annotations

import random

import pytest

from airflow_provider_oms.cancellation.bulk.random_refusals import RandomRefusals


def after(share: float, *, responses: int = 3000, is_below: bool = True) -> RandomRefusals:
    """Return what is known after responses of which a share, at random, turned the request away."""
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
    assert explained(after(0.0), 2, 20)
