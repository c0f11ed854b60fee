"""The next step for one order, as a table over histories; no HTTP, no clock, no sleep."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stories import (
    AMBIGUOUS,
    CANCELED,
    CONFLICT,
    FORBIDDEN,
    NEVER_SENT,
    NOT_FOUND,
    OPEN,
    POST,
    READ,
    REFUSED,
    UNAUTHENTICATED,
    Story,
    assert_done,
    order,
    reply,
    throttled,
)

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.cancellation.decision import Done, Wait, step
from airflow_provider_oms.cancellation.history import (
    Action,
    Event,
    History,
    Policy,
    Reply,
)
from airflow_provider_oms.cancellation.outcomes import ConfirmedBy, Outcome


class TestDefiniteAnswers:
    def test_a_new_order_is_posted_at_once(self) -> None:
        assert Story().next() == POST

    def test_our_order_canceled_is_canceled(self) -> None:
        assert_done(Story().then(CANCELED), Outcome.CANCELED, ConfirmedBy.ANSWER)

    @pytest.mark.parametrize(
        ("read", "outcome"),
        [
            (CANCELED, Outcome.ALREADY_CANCELED),
            (NOT_FOUND, Outcome.NOT_FOUND),
        ],
    )
    def test_a_refusal_because_of_the_state_is_looked_up(
        self, read: Reply, outcome: Outcome
    ) -> None:
        story = Story()
        assert story.then(CONFLICT) == READ
        assert_done(story.then(read), outcome, ConfirmedBy.READ)

    @pytest.mark.parametrize("first", [OPEN, order("SHIPPED")])
    @pytest.mark.parametrize(
        ("second", "outcome"),
        [
            (CANCELED, Outcome.ALREADY_CANCELED),
            (OPEN, Outcome.NOT_CANCELABLE),
            (order("SHIPPED"), Outcome.NOT_CANCELABLE),
        ],
    )
    def test_a_refused_order_that_reads_as_open_is_read_once_more_when_it_has_settled(
        self, first: Reply, second: Reply, outcome: Outcome
    ) -> None:
        # Another client's cancel may be why it was refused, and show later.
        story = Story(settle_seconds=15)
        assert story.then(CONFLICT, after=2) == READ
        assert story.then(first) == Wait(17)
        assert_done(story.then(second), outcome, ConfirmedBy.READ)
        assert story.reads_at == [2, 17]
        assert story.posts == 1

    def test_a_state_that_cannot_be_read_is_unknown(self) -> None:
        story = Story()
        story.then(CONFLICT)
        assert_done(story.then(FORBIDDEN), Outcome.UNKNOWN)


class TestAmbiguousAnswers:
    def test_the_order_is_read_1_3_7_and_15_seconds_after_the_post(self) -> None:
        story = Story()
        story.then(AMBIGUOUS, after=30)
        for _ in range(4):
            story.then(OPEN)
        assert story.reads_at == [31, 33, 37, 45]
        assert story.next() == POST

    def test_one_read_that_says_canceled_ends_it(self) -> None:
        story = Story()
        assert story.then(AMBIGUOUS) == Wait(1)
        assert_done(story.then(CANCELED), Outcome.CANCELED, ConfirmedBy.READ)
        assert story.posts == 1

    def test_a_read_before_the_end_of_settling_does_not_allow_a_post(self) -> None:
        story = Story()
        story.then(AMBIGUOUS)
        for expected in (3.0, 7.0, 15.0):
            assert story.then(OPEN) == Wait(expected)

    def test_three_posts_that_change_nothing_are_the_most(self) -> None:
        story = Story()
        decision = story.next()
        while not isinstance(decision, Done):
            if isinstance(decision, Wait):
                story.now = decision.until
                decision = story.next()
            decision = story.then(AMBIGUOUS if decision == POST else OPEN)
        assert_done(decision, Outcome.NOT_CANCELED, ConfirmedBy.READ)
        assert story.posts == 3

    def test_no_post_leaves_after_the_deadline(self) -> None:
        story = Story(deadline=20)
        story.then(AMBIGUOUS, after=10)
        for _ in range(3):
            story.then(OPEN)
        assert_done(story.then(OPEN), Outcome.NOT_CANCELED, ConfirmedBy.READ)
        assert story.now == 25
        assert story.posts == 1

    def test_no_read_until_the_deadline_is_unknown(self) -> None:
        story = Story(deadline=40)
        decision = story.then(AMBIGUOUS)
        while not isinstance(decision, Done):
            decision = story.then(AMBIGUOUS)
        assert_done(decision, Outcome.UNKNOWN)
        assert story.posts == 1
        assert 15 <= story.now <= 40

    def test_an_early_read_that_said_open_proves_nothing_when_the_last_one_fails(self) -> None:
        story = Story(deadline=30)
        story.then(AMBIGUOUS)
        decision = story.then(OPEN)
        while not isinstance(decision, Done):
            decision = story.then(AMBIGUOUS)
        assert_done(decision, Outcome.UNKNOWN)

    def test_an_order_that_is_gone_after_settling_is_not_found(self) -> None:
        story = Story()
        story.then(AMBIGUOUS)
        for _ in range(3):
            assert not isinstance(story.then(NOT_FOUND), Done)
        assert_done(story.then(NOT_FOUND), Outcome.NOT_FOUND, ConfirmedBy.READ)

    @pytest.mark.parametrize("second", [throttled(20), NEVER_SENT, UNAUTHENTICATED])
    def test_a_second_post_that_came_to_nothing_is_preceded_by_another_read(
        self, second: Reply
    ) -> None:
        story = Story()
        story.then(AMBIGUOUS)
        for _ in range(4):
            story.then(OPEN)
        decision = story.then(second)
        if isinstance(decision, Wait):
            story.now = decision.until
        assert story.next() == READ
        assert_done(story.then(CANCELED), Outcome.CANCELED, ConfirmedBy.READ)

    def test_a_read_before_the_second_post_says_nothing_about_it_even_in_the_same_instant(
        self,
    ) -> None:
        instant = {"sent_at": 0.0, "at": 0.0}
        post = Event(Action.POST, **instant, reply=AMBIGUOUS)
        history = History(Policy(settle_seconds=0), started_at=0.0)
        for event in (post, Event(Action.READ, **instant, reply=OPEN), replace(post)):
            history = history.with_event(event)
        assert step(history, 0.0) == READ

    def test_a_conflict_after_a_cancel_of_ours_is_given_time_to_show(self) -> None:
        story = Story(settle_seconds=3)
        story.then(AMBIGUOUS)
        story.then(OPEN)
        assert story.then(OPEN) == POST
        story.then(CONFLICT)
        assert isinstance(story.then(OPEN), Wait)
        assert_done(story.then(CANCELED), Outcome.CANCELED, ConfirmedBy.READ)

    @pytest.mark.parametrize("refusal", [REFUSED, NOT_FOUND, FORBIDDEN])
    def test_any_refusal_after_a_cancel_of_ours_is_looked_up(self, refusal: Reply) -> None:
        story = Story(settle_seconds=3)
        story.then(AMBIGUOUS)
        story.then(OPEN)
        assert story.then(OPEN) == POST
        story.then(refusal)
        assert_done(story.then(CANCELED), Outcome.CANCELED, ConfirmedBy.READ)

    def test_a_refusal_after_a_cancel_of_ours_stands_if_the_order_stays_open(self) -> None:
        story = Story(settle_seconds=3)
        story.then(AMBIGUOUS)
        story.then(OPEN)
        assert story.then(OPEN) == POST
        story.then(REFUSED)
        story.then(OPEN)
        assert_done(story.then(OPEN), Outcome.REFUSED, ConfirmedBy.ANSWER)
        assert story.posts == 2


class TestAcceptedCancels:
    def test_it_is_read_until_it_shows(self) -> None:
        story = Story()
        assert story.then(OPEN) == Wait(1)
        for _ in range(6):
            story.then(OPEN)
        assert_done(story.then(CANCELED), Outcome.CANCELED, ConfirmedBy.READ)
        assert story.posts == 1

    def test_it_is_unknown_at_the_deadline_and_never_posted_again(self) -> None:
        story = Story()
        decision = story.then(OPEN)
        while not isinstance(decision, Done):
            decision = story.then(OPEN)
        assert_done(decision, Outcome.UNKNOWN)
        assert story.posts == 1
        assert story.now == 120


class TestCallsThatNeverHappened:
    def test_a_post_that_never_left_is_sent_again_after_a_growing_wait(self) -> None:
        story = Story()
        waits = []
        for _ in range(3):
            before = story.now
            decision = story.then(NEVER_SENT)
            assert isinstance(decision, Wait)
            waits.append(decision.until - max(before, story.now))
        assert waits == [1, 2, 4]
        assert_done(story.then(CANCELED), Outcome.CANCELED, ConfirmedBy.ANSWER)

    def test_an_oms_that_is_never_reached_leaves_the_order_not_attempted(self) -> None:
        story = Story(deadline=30)
        decision = story.then(NEVER_SENT)
        while not isinstance(decision, Done):
            decision = story.then(NEVER_SENT)
        assert_done(decision, Outcome.NOT_ATTEMPTED)
        assert story.now < 30

    @pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
    def test_retry_after_is_waited_for_and_jitter_only_adds(self, jitter: float) -> None:
        story = Story()
        decision = story.then(throttled(20), after=2, jitter=jitter)
        assert isinstance(decision, Wait)
        assert 22 <= decision.until <= 24
        story.now = 21.9
        assert isinstance(story.next(), Wait)

    def test_a_retry_after_beyond_the_deadline_gives_up_at_once(self) -> None:
        assert_done(Story().then(throttled(121)), Outcome.NOT_ATTEMPTED)

    def test_a_token_endpoint_that_names_a_time_is_given_it(self) -> None:
        never_sent = reply(Evidence.NEVER_SENT, retry_after=30)
        assert Story().then(never_sent) == Wait(30)
        too_long = reply(Evidence.NEVER_SENT, retry_after=600)
        assert_done(Story().then(too_long), Outcome.NOT_ATTEMPTED)

    def test_a_throttle_that_names_no_time_backs_off(self) -> None:
        assert Story().then(throttled(None)) == Wait(1)

    def test_a_throttled_read_waits_alike(self) -> None:
        story = Story()
        story.then(AMBIGUOUS)
        assert story.then(throttled(30)) == Wait(31)
        assert story.then(OPEN) == POST

    def test_any_number_of_failures_in_a_row_has_a_next_step(self) -> None:
        failures = [Event(Action.POST, 0, 0, throttled(0)) for _ in range(1100)]
        history = History(Policy(deadline=3600), 0.0, None, tuple(failures))
        assert step(history.with_event(Event(Action.POST, 0, 0, NEVER_SENT)), 0.0) == Wait(15.0)

    def test_a_refused_token_is_no_reason_to_post_after_the_deadline(self) -> None:
        story = Story(settle_seconds=1, deadline=10)
        assert_done(story.then(UNAUTHENTICATED, after=10), Outcome.NOT_ATTEMPTED)

    def test_two_refused_tokens_are_refused_credentials_where_there_is_no_time_for_a_third(
        self,
    ) -> None:
        story = Story(settle_seconds=0, deadline=0.5)
        assert story.then(UNAUTHENTICATED) == POST
        assert_done(story.then(UNAUTHENTICATED), Outcome.FORBIDDEN)

    def test_refused_tokens_do_not_add_up_over_reads_that_worked(self) -> None:
        story = Story()
        story.then(AMBIGUOUS)
        for _ in range(4):
            story.then(UNAUTHENTICATED)
            story.then(OPEN)
        assert story.next() == POST


class TestLaterAttempts:
    def test_the_order_is_read_with_settling_before_any_post(self) -> None:
        story = Story(doubt_for=0)
        assert story.next() == Wait(1)
        for _ in range(4):
            story.then(OPEN)
        assert story.reads_at == [1, 3, 7, 15]
        assert story.next() == POST

    def test_what_settled_long_ago_needs_one_read(self) -> None:
        story = Story(doubt_for=3600)
        assert story.next() == READ
        assert story.then(OPEN) == POST
        assert_done(story.then(CANCELED), Outcome.CANCELED, ConfirmedBy.ANSWER)

    def test_an_intent_a_moment_ago_is_counted_from_then(self) -> None:
        story = Story(doubt_for=10)
        assert story.next() == READ
        assert story.then(OPEN) == Wait(5)

    def test_canceled_after_an_intent_of_our_own_is_canceled(self) -> None:
        assert_done(Story(doubt_for=60).then(CANCELED), Outcome.CANCELED, ConfirmedBy.READ)


class TestReadingFirst:
    def test_the_order_is_read_and_posted_when_all_its_states_are_admitted(self) -> None:
        story = Story(only_if_states=frozenset({"ready", "PAYMENT_HOLD"}))
        assert story.next() == READ
        assert story.then(order("READY", "PAYMENT_HOLD")) == POST

    @pytest.mark.parametrize("answer", [order("SHIPPED"), order("READY", "SHIPPED")])
    def test_another_state_is_not_cancelable_and_not_posted(self, answer: Reply) -> None:
        story = Story(only_if_states=frozenset({"READY"}))
        decision = story.then(answer)
        assert_done(decision, Outcome.NOT_CANCELABLE, ConfirmedBy.READ)
        assert isinstance(decision, Done)
        assert decision.reply is not None
        assert decision.reply.message == "only_if_states does not name SHIPPED. order"
        assert decision.held_back_by == "only_if_states"

    def test_canceled_before_we_posted_is_already_canceled(self) -> None:
        story = Story(only_if_states=frozenset({"READY"}))
        assert_done(story.then(CANCELED), Outcome.ALREADY_CANCELED, ConfirmedBy.READ)

    @pytest.mark.parametrize(
        ("answer", "outcome"),
        [
            (NOT_FOUND, Outcome.NOT_FOUND),
            (FORBIDDEN, Outcome.FORBIDDEN),
            (REFUSED, Outcome.REFUSED),
        ],
    )
    def test_a_refused_read_ends_it(self, answer: Reply, outcome: Outcome) -> None:
        story = Story(only_if_states=frozenset({"READY"}))
        assert_done(story.then(answer), outcome, ConfirmedBy.READ)

    def test_the_state_is_read_again_after_a_post_that_came_to_nothing(self) -> None:
        story = Story(only_if_states=frozenset({"READY"}))
        story.then(OPEN)
        story.then(throttled(60))
        assert_done(story.then(order("SHIPPED")), Outcome.NOT_CANCELABLE, ConfirmedBy.READ)
        assert story.posts == 1

    def test_the_state_counts_after_an_ambiguous_post_too(self) -> None:
        story = Story(only_if_states=frozenset({"READY"}), settle_seconds=1)
        story.then(OPEN)
        story.then(AMBIGUOUS)
        assert_done(story.then(order("SHIPPED")), Outcome.NOT_CANCELABLE, ConfirmedBy.READ)

    @pytest.mark.parametrize(
        ("answer", "outcome"),
        [(OPEN, Outcome.WOULD_CANCEL), (CANCELED, Outcome.ALREADY_CANCELED)],
    )
    def test_a_dry_run_reads_and_never_posts(self, answer: Reply, outcome: Outcome) -> None:
        story = Story(dry_run=True)
        assert_done(story.then(answer), outcome, ConfirmedBy.READ)
        assert story.posts == 0

    def test_a_dry_run_of_a_later_attempt_does_not_post_either(self) -> None:
        story = Story(dry_run=True, doubt_for=60)
        assert_done(story.then(OPEN), Outcome.WOULD_CANCEL, ConfirmedBy.READ)
