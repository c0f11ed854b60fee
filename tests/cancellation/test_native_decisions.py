"""The meaning of a native tenant's replies for one order: success is no proof there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stories import (
    AMBIGUOUS,
    CANCELED,
    CONFLICT,
    NOT_FOUND,
    OPEN,
    POST,
    Story,
    assert_done,
    order,
)

from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.cancellation.decision import Call, Done, Wait
from airflow_provider_oms.cancellation.history import Action, Reply
from airflow_provider_oms.cancellation.outcomes import ConfirmedBy, Outcome
from airflow_provider_oms.cancellation.policy import policy_for

CAN_BE_CANCELED = replace(OPEN, is_cancelable=True)
OF_ANOTHER_TENANT = replace(AMBIGUOUS, is_of_another_tenant=True)
CANNOT_BE = replace(order("Completed"), is_cancelable=False, obstacle="it is set")


def native(**more: float) -> Story:
    policy = {"settle_seconds": 60.0, "deadline": 120.0, "settles_after_acceptance": True, **more}
    return Story(**policy)


def test_only_native_tenants_are_given_up_after_a_cancel_that_was_taken() -> None:
    common = {"tenant_id": "1", "base_url": "http://localhost:1"}
    assert policy_for(TenantSettings.model_validate({**common, "api": "native"})) == (
        native().history.policy
    )
    assert not policy_for(TenantSettings.model_validate(common)).settles_after_acceptance


def test_a_cancel_that_was_taken_is_read_until_it_shows_and_never_sent_again() -> None:
    story = native()
    decision = story.then(CAN_BE_CANCELED)
    while not isinstance(decision, Done) and story.now < 15:
        decision = story.then(CAN_BE_CANCELED)
    assert story.then(CANCELED) == story.next()
    assert_done(story.next(), Outcome.CANCELED, ConfirmedBy.READ)
    assert story.posts == 1


def test_one_that_is_not_carried_out_in_time_is_not_canceled_and_says_so() -> None:
    story = native()
    decision = story.then(CAN_BE_CANCELED)
    while not isinstance(decision, Done):
        decision = story.then(CAN_BE_CANCELED)
    assert_done(decision, Outcome.NOT_CANCELED, ConfirmedBy.READ)
    assert decision.reply is not None
    assert "took the cancel and has not carried it out" in decision.reply.message
    assert story.posts == 1
    # Not before it had all the time that it may take, and by a read that began after that.
    assert story.reads_at[-1] >= 60


def test_one_that_is_gone_afterwards_is_not_found() -> None:
    story = native(settle_seconds=2.0)
    decision = story.then(CAN_BE_CANCELED)
    while not isinstance(decision, Done):
        decision = story.then(NOT_FOUND)
    assert_done(decision, Outcome.NOT_FOUND, ConfirmedBy.READ)


def test_a_translated_one_stays_unknown() -> None:
    story = Story(settle_seconds=3.0, deadline=10.0)
    decision = story.then(OPEN)
    while not isinstance(decision, Done):
        decision = story.then(OPEN)
    assert_done(decision, Outcome.UNKNOWN)
    assert story.posts == 1


@pytest.mark.parametrize(
    ("read", "outcome", "decisive"),
    [
        (CAN_BE_CANCELED, Outcome.REFUSED, CONFLICT),
        (CANNOT_BE, Outcome.NOT_CANCELABLE, CONFLICT),
        # A translated order does not say.
        (OPEN, Outcome.NOT_CANCELABLE, OPEN),
    ],
)
def test_a_conflict_is_the_requests_where_the_order_says_that_it_can_be_canceled(
    read: Reply, outcome: Outcome, decisive: Reply
) -> None:
    story = native(settle_seconds=5.0)
    decision = story.then(CONFLICT)
    while not isinstance(decision, Done):
        decision = story.then(read)
    assert_done(decision, outcome, ConfirmedBy.READ)
    assert decision.reply == decisive
    assert story.posts == 1


def test_after_a_timeout_it_is_as_on_a_translated_tenant() -> None:
    story = native(settle_seconds=5.0)
    decision = story.then(AMBIGUOUS)
    while isinstance(decision, Wait) or decision != POST:
        assert not isinstance(decision, Done)
        decision = story.then(CAN_BE_CANCELED)
    assert story.reads_at[-1] >= 5
    assert_done(story.then(CANCELED), Outcome.CANCELED, ConfirmedBy.ANSWER)


NOT_YET = replace(NOT_FOUND, left=False)


@pytest.mark.parametrize("reads_first", [False, True])
def test_a_number_that_no_order_has_is_looked_up_again_once_it_could_have_settled(
    reads_first: bool,
) -> None:
    story = native(look_first=reads_first)
    assert story.then(NOT_YET) == Wait(60.0)
    assert_done(story.then(NOT_YET), Outcome.NOT_FOUND, None)
    story = native(look_first=reads_first)
    story.then(NOT_YET)
    story.then(CAN_BE_CANCELED if reads_first else CANCELED)
    if reads_first:
        story.then(CANCELED)
    assert_done(story.next(), Outcome.CANCELED, ConfirmedBy.ANSWER)


def test_an_order_that_get_order_does_not_know_is_not_waited_for() -> None:
    story = native(look_first=True)
    assert_done(story.then(NOT_FOUND), Outcome.NOT_FOUND, ConfirmedBy.READ)


@pytest.mark.parametrize(
    ("read", "outcome", "confirmed_by"),
    [
        (CANCELED, Outcome.CANCELED, ConfirmedBy.READ),
        (CAN_BE_CANCELED, Outcome.NOT_CANCELED, ConfirmedBy.READ),
        (NOT_FOUND, Outcome.NOT_FOUND, ConfirmedBy.READ),
        (AMBIGUOUS, Outcome.UNKNOWN, None),
        (OF_ANOTHER_TENANT, Outcome.UNKNOWN, None),
    ],
)
def test_a_cancel_that_another_tenants_order_answered_is_never_sent_again(
    read: Reply, outcome: Outcome, confirmed_by: ConfirmedBy | None
) -> None:
    story = native(settle_seconds=5.0, deadline=20.0)
    decision = story.then(OF_ANOTHER_TENANT)
    while not isinstance(decision, Done):
        decision = story.then(read)
    assert_done(decision, outcome, confirmed_by)
    assert story.posts == 1
    assert decision.reply is not None
    is_named = "may have canceled an order of another tenant" in decision.reply.message
    assert is_named is (outcome is not Outcome.CANCELED)


def test_a_read_that_shows_another_tenants_order_too_is_the_last() -> None:
    story = native()
    story.then(OF_ANOTHER_TENANT)
    assert_done(story.then(OF_ANOTHER_TENANT), Outcome.UNKNOWN, None)
    assert story.reads_at == [1.0]


def test_two_reads_of_another_tenants_order_before_any_cancel_are_a_refusal() -> None:
    story = native(look_first=True)
    assert isinstance(story.then(OF_ANOTHER_TENANT), Wait)
    assert_done(story.then(OF_ANOTHER_TENANT), Outcome.REFUSED, ConfirmedBy.READ)
    assert story.posts == 0


def test_one_such_read_is_no_refusal() -> None:
    story = native(look_first=True)
    story.then(OF_ANOTHER_TENANT)
    story.then(AMBIGUOUS)
    assert isinstance(story.then(OF_ANOTHER_TENANT), Wait)
    assert story.then(CAN_BE_CANCELED) == Call(Action.POST)


@pytest.mark.parametrize(
    ("read", "outcome"),
    [
        (CAN_BE_CANCELED, Outcome.WOULD_CANCEL),
        (OPEN, Outcome.WOULD_CANCEL),
        (CANNOT_BE, Outcome.NOT_CANCELABLE),
    ],
)
def test_a_dry_run_ends_as_the_order_says_that_a_real_one_would(
    read: Reply, outcome: Outcome
) -> None:
    decision = native(dry_run=True).then(read)
    assert_done(decision, outcome, ConfirmedBy.READ)
    assert isinstance(decision, Done)
    assert decision.reply is not None
    is_explained = decision.reply.message == (
        "The OMS would probably refuse the cancel: it is set. order"
    )
    assert is_explained is (read is CANNOT_BE)
