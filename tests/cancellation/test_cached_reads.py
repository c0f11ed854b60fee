"""The evidence of a read from a cache: no more than the older read that it kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stories import (
    AMBIGUOUS,
    CANCELED,
    CONFLICT,
    FORBIDDEN,
    NOT_FOUND,
    OPEN,
    POST,
    READ,
    Story,
    assert_done,
)

from airflow_provider_oms.api.errors import OmsNotFoundError
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.validation import CancelRequest
from airflow_provider_oms.cancellation.decision import Done, Wait
from airflow_provider_oms.cancellation.history import Action, Reply
from airflow_provider_oms.cancellation.outcomes import ConfirmedBy, Outcome
from airflow_provider_oms.cancellation.runner import reply_of


def kept(reply: Reply, age: float) -> Reply:
    return replace(reply, age=age)


def settled(*, age: float) -> Story:
    """Return a story whose last read was sent 15 s after the cancel, when that has settled."""
    story = Story(settle_seconds=15)
    story.then(AMBIGUOUS)
    for _ in range(3):
        story.then(OPEN)
    story.then(kept(OPEN, age))
    assert story.reads_at == [1, 3, 7, 15]
    return story


def test_a_read_that_a_cache_kept_from_before_does_not_allow_a_post() -> None:
    story = settled(age=0.5)
    assert story.next() == Wait(30)
    assert story.then(kept(OPEN, 15)) == POST
    assert story.reads_at[-1] == 30


def test_a_read_that_a_cache_did_not_keep_allows_it() -> None:
    assert settled(age=0).next() == POST


def test_an_order_that_is_gone_in_a_cache_only_may_be_there() -> None:
    story = Story(settle_seconds=0)
    story.then(AMBIGUOUS, after=20)
    assert isinstance(story.then(kept(NOT_FOUND, 1)), Wait)
    assert_done(story.then(NOT_FOUND), Outcome.NOT_FOUND, ConfirmedBy.READ)


@pytest.mark.parametrize("age", [0, 3600])
def test_canceled_stays_canceled_and_is_believed_at_once(age: float) -> None:
    story = Story()
    story.then(AMBIGUOUS)
    assert_done(story.then(kept(CANCELED, age)), Outcome.CANCELED, ConfirmedBy.READ)
    story = Story(only_if_states=frozenset({"READY"}))
    assert_done(story.then(kept(CANCELED, age)), Outcome.ALREADY_CANCELED, ConfirmedBy.READ)


def test_a_refused_order_is_open_only_in_a_read_that_is_newer_than_the_refusal() -> None:
    story = Story(settle_seconds=2)
    story.then(CONFLICT, after=1)
    story.then(kept(OPEN, 5), after=9)
    assert not isinstance(story.next(), Done)
    assert_done(story.then(OPEN), Outcome.NOT_CANCELABLE, ConfirmedBy.READ)


@pytest.mark.parametrize("first", [OPEN, NOT_FOUND, FORBIDDEN])
def test_what_a_cache_kept_from_before_the_order_was_turned_to_decides_nothing(
    first: Reply,
) -> None:
    story = Story(only_if_states=frozenset({"READY"}))
    assert story.next() == READ
    assert story.then(kept(first, 1)) == Wait(1)
    assert story.then(kept(first, 2)) == Wait(3)
    assert story.then(OPEN) == POST


def test_the_guard_takes_a_cached_read_that_is_newer_than_the_attempt() -> None:
    story = Story(only_if_states=frozenset({"READY"}))
    story.then(kept(OPEN, 1))
    assert story.then(kept(OPEN, 1)) == POST


@given(st.floats(1000, 1e9), st.sampled_from([None, frozenset({"READY"})]))
def test_a_cache_that_never_asks_the_oms_ends_it_and_is_not_hammered(
    age: float, guard: frozenset[str] | None
) -> None:
    story = Story(deadline=60, settle_seconds=15, only_if_states=guard)
    if guard is None:
        story.then(AMBIGUOUS)
    while not isinstance(decision := story.next(), Done):
        story.then(kept(OPEN, age))
    assert decision.outcome is (Outcome.NOT_ATTEMPTED if guard else Outcome.UNKNOWN)
    assert story.posts == (0 if guard else 1)
    assert 3 <= len(story.reads_at) <= 12


class Cached:
    """Answers every call with something that a cache has kept for 30 s."""

    def get_order(self, order_id: int) -> Order:
        if order_id == 404:
            error = OmsNotFoundError("gone", http_status=404)
            error.age = 30
            raise error
        return Order(order_id, "READY", None, {}, "0", age=30)

    post_cancel = None


@pytest.mark.parametrize("order_id", [1, 404])
def test_the_age_of_an_answer_reaches_the_decision(order_id: int) -> None:
    request = CancelRequest(order_id, "created_by_mistake")
    reply = reply_of(Cached(), Action.READ, request)  # type: ignore[arg-type]  # it only reads
    assert reply.age == 30
    assert ("kept by a cache for 30 s" in reply.message) == (order_id == 1)
