"""Time decides, not the number of tries: pauses that grow, and tokens that get their time."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stories import (
    AMBIGUOUS,
    CANCELED,
    OPEN,
    POST,
    READ,
    UNAUTHENTICATED,
    Story,
    assert_done,
    reply,
)

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.cancellation.decision import Done, Step, Wait
from airflow_provider_oms.cancellation.history import Action, Reply
from airflow_provider_oms.cancellation.outcomes import ConfirmedBy, Outcome

DENIED = reply(Evidence.DENIED)


def times_of(story: Story, action: Action) -> list[float]:
    return [event.sent_at for event in story.history.events if event.action is action]


def play(story: Story, answer: Reply, *, reads: Reply | None = None) -> Step:
    """Let every call come to the same, reads to something else if told so."""
    decision = story.next()
    while not isinstance(decision, Done):
        is_read = decision == READ or (isinstance(decision, Wait) and story.posts > 0)
        decision = story.then(reads if reads is not None and is_read else answer)
        assert len(story.history.events) < 200
    return decision


class TestRefusedTokens:
    def test_a_new_token_is_tried_at_once_and_then_with_growing_pauses_for_fifteen_seconds(
        self,
    ) -> None:
        story = Story()
        decision = play(story, UNAUTHENTICATED)
        assert times_of(story, Action.POST) == [0, 0, 1, 3, 7, 15]
        assert_done(decision, Outcome.FORBIDDEN)

    @pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
    def test_one_that_is_taken_in_the_end_costs_nothing_else(self, number: int) -> None:
        story = Story()
        for _ in range(number):
            story.then(UNAUTHENTICATED)
        assert_done(story.then(CANCELED), Outcome.CANCELED, ConfirmedBy.ANSWER)

    def test_a_deadline_that_comes_before_is_the_end_of_the_patience(self) -> None:
        story = Story(deadline=5)
        assert_done(play(story, UNAUTHENTICATED), Outcome.FORBIDDEN)
        assert times_of(story, Action.POST) == [0, 0, 1, 3]

    def test_a_deadline_right_after_other_trouble_says_nothing_of_the_credentials(self) -> None:
        story = Story(deadline=5)
        story.then(reply(Evidence.THROTTLED, retry_after=4))
        assert story.then(UNAUTHENTICATED) == POST
        assert_done(story.then(UNAUTHENTICATED), Outcome.NOT_ATTEMPTED)

    def test_what_is_forbidden_with_a_token_that_may_have_expired_has_the_same_time(self) -> None:
        story = Story()
        decision = play(story, DENIED)
        assert times_of(story, Action.POST) == [0, 0, 1, 3, 7, 15]
        assert_done(decision, Outcome.FORBIDDEN, ConfirmedBy.ANSWER)

    def test_reads_that_work_do_not_shorten_it(self) -> None:
        story = Story(look_first=True)
        decision = story.next()
        while not isinstance(decision, Done):
            decision = story.then(OPEN if decision != POST else DENIED)
        assert times_of(story, Action.POST) == [0, 0, 1, 3, 7, 15]
        assert_done(decision, Outcome.FORBIDDEN, ConfirmedBy.ANSWER)

    def test_on_reads_they_leave_an_order_in_doubt_unknown(self) -> None:
        story = Story()
        story.then(AMBIGUOUS)
        decision = story.then(UNAUTHENTICATED)
        assert decision == READ
        while not isinstance(decision, Done):
            decision = story.then(UNAUTHENTICATED)
        assert_done(decision, Outcome.UNKNOWN)
        assert times_of(story, Action.READ) == [1, 1, 2, 4, 8, 16]

    def test_a_read_is_repeated_once_although_the_deadline_is_over(self) -> None:
        story = Story(settle_seconds=1, deadline=1)
        story.then(AMBIGUOUS)
        assert story.then(UNAUTHENTICATED) == READ
        assert_done(story.then(UNAUTHENTICATED), Outcome.UNKNOWN)

    def test_what_the_token_endpoint_refuses_is_final_at_once(self) -> None:
        story = Story()
        assert_done(story.then(reply(Evidence.FORBIDDEN, left=False)), Outcome.FORBIDDEN)


NOTHING = [Evidence.NEVER_SENT, Evidence.THROTTLED, Evidence.LOCKED]


class TestFloors:
    @pytest.mark.parametrize("evidence", NOTHING)
    @pytest.mark.parametrize("asked", [None, 0.0, 0.5])
    def test_a_retry_after_of_nothing_is_no_reason_to_hurry(
        self, evidence: Evidence, asked: float | None
    ) -> None:
        story = Story(deadline=60)
        play(story, reply(evidence, retry_after=asked))
        at = [event.sent_at for event in story.history.events]
        assert at == [0, 1, 3, 7, 15, 30, 45]

    def test_it_holds_for_cancels_between_which_reads_work(self) -> None:
        story = Story(look_first=True, deadline=60)
        decision = story.next()
        while not isinstance(decision, Done):
            throttled = reply(Evidence.THROTTLED, retry_after=0)
            decision = story.then(throttled if decision == POST else OPEN)
        assert times_of(story, Action.POST) == [0, 1, 3, 7, 15, 30, 45]

    def test_it_holds_for_reads_after_a_lost_cancel(self) -> None:
        story = Story(settle_seconds=0, deadline=60)
        story.then(AMBIGUOUS)
        decision = story.next()
        while not isinstance(decision, Done):
            decision = story.then(reply(Evidence.AMBIGUOUS, retry_after=0))
        assert times_of(story, Action.READ)[:6] == [0, 5, 10, 18, 33, 48]

    @pytest.mark.parametrize(("asked", "until"), [(28, 29), (29, 30), (29.5, 3)])
    def test_a_read_that_fails_waits_as_long_as_it_is_asked_to_up_to_the_deadline(
        self, asked: float, until: float
    ) -> None:
        story = Story(deadline=30)
        story.then(AMBIGUOUS)
        assert story.then(reply(Evidence.AMBIGUOUS, retry_after=asked)) == Wait(until)

    def test_where_nothing_has_to_settle_reads_of_an_accepted_cancel_are_still_apart(self) -> None:
        story = Story(settle_seconds=0, deadline=30)
        story.then(OPEN)
        decision = story.next()
        while not isinstance(decision, Done):
            decision = story.then(OPEN)
        assert_done(decision, Outcome.UNKNOWN)
        assert times_of(story, Action.READ) == [0, 5, 10, 15, 20, 25, 30]

    @pytest.mark.parametrize(
        ("asked", "jitter", "until"),
        [
            # Half of a pause, a tenth of the pause asked for, and of that a second at least.
            *((None, 0, 1), (None, 0.5, 1.25), (None, 1, 1.5)),
            *((4, 0, 4), (4, 0.5, 4.5), (4, 1, 5), (30, 0, 30), (30, 0.5, 31.5), (30, 1, 33)),
        ],
    )
    def test_chance_only_lengthens_a_wait_and_not_by_much(
        self, asked: float | None, jitter: float, until: float
    ) -> None:
        for evidence in NOTHING:
            story = Story()
            assert story.then(reply(evidence, retry_after=asked), jitter=jitter) == Wait(until)

    @pytest.mark.parametrize("jitter", [0, 1])
    def test_a_misdirected_call_is_made_again_at_once(self, jitter: float) -> None:
        misdirected = reply(Evidence.MISDIRECTED)
        assert Story().then(misdirected, jitter=jitter) == POST
        assert Story(look_first=True).then(misdirected, jitter=jitter) == READ

    @given(
        evidence=st.lists(st.sampled_from(NOTHING), min_size=1, max_size=30),
        asked=st.sampled_from([None, 0.0, 0.001, 1.0]),
        reads_first=st.booleans(),
        jitter=st.floats(0, 1),
    )
    def test_whatever_turns_cancels_away_they_keep_a_distance_that_grows(
        self, evidence: list[Evidence], asked: float | None, reads_first: bool, jitter: float
    ) -> None:
        story = Story(look_first=reads_first, deadline=3600)
        turned_away = iter(evidence)
        for _ in range(2 * len(evidence)):
            decision = story.next()
            while isinstance(decision, Wait):
                story.now = decision.until
                decision = story.next()
            assert not isinstance(decision, Done)
            if decision != POST:
                story.then(OPEN)
            elif (kind := next(turned_away, None)) is not None:
                story.then(reply(kind, retry_after=asked), jitter=jitter)
        posts = times_of(story, Action.POST)
        for number, (earlier, later) in enumerate(pairwise(posts)):
            # To a nanosecond: a sum of floats and their difference are not exact.
            assert later - earlier >= min(2.0**number, 15.0) - 1e-9
