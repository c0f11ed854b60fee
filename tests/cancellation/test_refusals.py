"""The meaning of a definite refusal: one read may refute it before it is final."""

from __future__ import annotations

import pytest
from stories import (
    AMBIGUOUS,
    CANCELED,
    FORBIDDEN,
    NEVER_SENT,
    NOT_FOUND,
    OPEN,
    POST,
    READ,
    REFUSED,
    Story,
    assert_done,
    order,
    reply,
    throttled,
)

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.cancellation.decision import (
    Done,
    Wait,
    when_posting_is_over,
    when_stopped,
)
from airflow_provider_oms.cancellation.history import Action, Reply
from airflow_provider_oms.cancellation.outcomes import ConfirmedBy, Outcome

LOCKED = reply(Evidence.LOCKED)
MISDIRECTED = reply(Evidence.MISDIRECTED)
WRONG_SERVER = reply(Evidence.WRONG_SERVER)
NO_TOKEN = reply(Evidence.FORBIDDEN, left=False)


class TestAFirstRefusal:
    @pytest.mark.parametrize("refusal", [REFUSED, FORBIDDEN, NOT_FOUND])
    def test_it_is_read_once_and_a_canceled_order_refutes_it(self, refusal: Reply) -> None:
        story = Story()
        assert story.then(refusal) == READ
        assert_done(story.then(CANCELED), Outcome.ALREADY_CANCELED, ConfirmedBy.READ)
        assert story.posts == 1

    @pytest.mark.parametrize(
        ("refusal", "outcome"),
        [
            (REFUSED, Outcome.REFUSED),
            (FORBIDDEN, Outcome.FORBIDDEN),
            # The read shows the order, so that something else was not found.
            (NOT_FOUND, Outcome.REFUSED),
        ],
    )
    @pytest.mark.parametrize("read", [OPEN, order("SHIPPED")])
    def test_an_order_that_is_open_confirms_it(
        self, refusal: Reply, outcome: Outcome, read: Reply
    ) -> None:
        story = Story()
        story.then(refusal)
        decision = story.then(read)
        assert_done(decision, outcome, ConfirmedBy.ANSWER)
        assert isinstance(decision, Done)
        assert decision.reply == refusal

    @pytest.mark.parametrize("refusal", [REFUSED, NOT_FOUND])
    def test_an_order_that_a_read_does_not_find_is_not_found(self, refusal: Reply) -> None:
        story = Story()
        story.then(refusal)
        assert_done(story.then(NOT_FOUND), Outcome.NOT_FOUND, ConfirmedBy.READ)

    def test_what_is_forbidden_stays_so_where_the_read_finds_nothing(self) -> None:
        story = Story()
        story.then(FORBIDDEN)
        assert_done(story.then(NOT_FOUND), Outcome.FORBIDDEN, ConfirmedBy.ANSWER)

    @pytest.mark.parametrize("read", [REFUSED, FORBIDDEN, WRONG_SERVER])
    def test_a_read_that_is_refused_too_leaves_it_as_it_is(self, read: Reply) -> None:
        story = Story()
        story.then(REFUSED)
        decision = story.then(read)
        assert_done(decision, Outcome.REFUSED, ConfirmedBy.ANSWER)
        assert isinstance(decision, Done)
        assert decision.reply == REFUSED

    def test_a_read_that_does_not_get_through_is_repeated_with_pauses_up_to_the_deadline(
        self,
    ) -> None:
        story = Story(deadline=30, settle_seconds=2)
        decision = story.then(REFUSED)
        while not isinstance(decision, Done):
            decision = story.then(AMBIGUOUS)
        assert_done(decision, Outcome.REFUSED, ConfirmedBy.ANSWER)
        assert story.reads_at[:4] == [0, 1, 3, 8]
        assert story.now <= 30

    @pytest.mark.parametrize("refusal", [NO_TOKEN, WRONG_SERVER])
    def test_what_no_read_could_refute_is_final_at_once(self, refusal: Reply) -> None:
        by = ConfirmedBy.ANSWER if refusal.left else None
        assert_done(Story().then(refusal), Outcome.FORBIDDEN, by)

    @pytest.mark.parametrize("refusal", [REFUSED, FORBIDDEN, NOT_FOUND, WRONG_SERVER])
    def test_a_run_that_stops_before_the_read_still_knows_that_nothing_was_canceled(
        self, refusal: Reply
    ) -> None:
        story = Story()
        story.then(refusal)
        done = when_stopped(story.history, "stopped")
        assert done.reply == refusal
        assert done.outcome not in (Outcome.UNKNOWN, Outcome.NOT_ATTEMPTED)

    @pytest.mark.parametrize("refusal", [REFUSED, reply(Evidence.CONFLICT)])
    def test_after_a_cancel_of_ours_a_refusal_leaves_the_order_unknown_when_it_stops(
        self, refusal: Reply
    ) -> None:
        story = Story(settle_seconds=0)
        story.then(AMBIGUOUS)
        story.then(OPEN)
        story.then(refusal)
        assert when_stopped(story.history, "stopped").outcome is Outcome.UNKNOWN


class TestALockedOrder:
    def test_it_is_waited_for_and_read_before_the_cancel_is_sent_again(self) -> None:
        story = Story()
        assert story.then(LOCKED) == Wait(1)
        assert story.then(OPEN) == POST
        assert story.reads_at == [1]
        assert_done(story.then(CANCELED), Outcome.CANCELED, ConfirmedBy.ANSWER)

    def test_one_that_is_canceled_meanwhile_is_not_canceled_by_us(self) -> None:
        story = Story()
        story.then(LOCKED)
        assert_done(story.then(CANCELED), Outcome.ALREADY_CANCELED, ConfirmedBy.READ)

    def test_the_pauses_grow_although_the_reads_in_between_work(self) -> None:
        story = Story(deadline=60)
        decision = story.then(LOCKED)
        while not isinstance(decision, Done):
            decision = story.then(LOCKED if story.next() == POST else OPEN)
        assert story.reads_at == [1, 3, 7, 15, 30, 45]
        assert_done(decision, Outcome.NOT_ATTEMPTED)

    def test_it_is_read_first_from_then_on_whatever_comes_in_between(self) -> None:
        story = Story()
        story.then(LOCKED)
        assert story.then(throttled(2)) == Wait(3)
        assert story.then(NEVER_SENT) == Wait(7)
        assert story.then(OPEN) == POST
        assert [event.action for event in story.history.events] == [Action.POST, *[Action.READ] * 3]

    def test_its_retry_after_is_kept_to(self) -> None:
        assert Story().then(reply(Evidence.LOCKED, retry_after=9)) == Wait(9)

    def test_a_read_that_is_locked_is_read_again(self) -> None:
        story = Story(look_first=True)
        assert story.then(LOCKED) == Wait(1)
        assert story.then(OPEN) == POST

    def test_it_leaves_an_earlier_doubt_as_it_was(self) -> None:
        story = Story(settle_seconds=1)
        story.then(AMBIGUOUS)
        assert story.then(OPEN) == POST
        assert isinstance(story.then(LOCKED), Wait)
        assert_done(story.then(CANCELED), Outcome.CANCELED, ConfirmedBy.READ)


class TestAMisdirectedCancel:
    def test_it_is_sent_once_more_at_once(self) -> None:
        story = Story()
        assert story.then(MISDIRECTED) == POST
        assert_done(story.then(CANCELED), Outcome.CANCELED, ConfirmedBy.ANSWER)
        assert story.now == 0

    def test_the_second_time_it_is_a_refusal_which_a_read_may_refute(self) -> None:
        for read, outcome, by in (
            (CANCELED, Outcome.ALREADY_CANCELED, ConfirmedBy.READ),
            (OPEN, Outcome.REFUSED, ConfirmedBy.ANSWER),
        ):
            story = Story()
            story.then(MISDIRECTED)
            assert story.then(MISDIRECTED) == Wait(1)
            assert_done(story.then(read), outcome, by)

    def test_a_read_is_repeated_once_too(self) -> None:
        story = Story(look_first=True)
        assert story.then(MISDIRECTED) == READ
        assert_done(story.then(MISDIRECTED), Outcome.REFUSED)

    def test_reads_of_an_order_in_doubt_leave_it_unknown(self) -> None:
        story = Story()
        story.then(AMBIGUOUS)
        assert story.then(MISDIRECTED) == READ
        assert_done(story.then(MISDIRECTED), Outcome.UNKNOWN)

    def test_none_leaves_after_the_deadline(self) -> None:
        assert_done(Story(deadline=10).then(MISDIRECTED, after=10), Outcome.NOT_ATTEMPTED)


class TestWhenPostingIsOver:
    def test_a_new_order_was_not_attempted(self) -> None:
        done = when_posting_is_over(Story().history, "it stopped")
        assert_done(done, Outcome.NOT_ATTEMPTED)
        assert done.reply is not None
        assert done.reply.message == "it stopped"

    def test_an_order_that_was_only_read_was_not_attempted_either(self) -> None:
        story = Story(look_first=True)
        assert story.then(OPEN) == POST
        assert_done(when_posting_is_over(story.history, "it stopped"), Outcome.NOT_ATTEMPTED)

    def test_a_settled_read_after_a_cancel_of_ours_says_that_it_is_not_canceled(self) -> None:
        story = Story(settle_seconds=0)
        story.then(AMBIGUOUS)
        assert story.then(OPEN) == POST
        done = when_posting_is_over(story.history, "it stopped")
        assert_done(done, Outcome.NOT_CANCELED, ConfirmedBy.READ)
        assert done.reply == OPEN

    def test_so_does_one_after_an_earlier_attempt(self) -> None:
        story = Story(doubt_for=3600)
        assert story.then(OPEN) == POST
        done = when_posting_is_over(story.history, "it stopped")
        assert_done(done, Outcome.NOT_CANCELED, ConfirmedBy.READ)

    def test_what_no_read_has_shown_since_stays_unknown(self) -> None:
        story = Story(settle_seconds=0)
        story.then(AMBIGUOUS)
        story.then(OPEN)
        story.then(throttled(1))
        assert_done(when_posting_is_over(story.history, "it stopped"), Outcome.UNKNOWN)
