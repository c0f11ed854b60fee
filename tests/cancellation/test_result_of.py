"""The source of a result: the deciding reply, else the newest one with any content."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.cancellation.decision import Done
from airflow_provider_oms.cancellation.history import (
    Action,
    Event,
    History,
    Policy,
    Reply,
)
from airflow_provider_oms.cancellation.outcomes import CancellationResult, ConfirmedBy, Outcome
from airflow_provider_oms.cancellation.runner import Runtime, result_of

WORDS = st.sampled_from([None, "A-1", "B-2", "C-3"])
STATES = st.sampled_from([None, "READY", "SHIPPED", "CANCELED"])
REPLIES = st.builds(
    Reply,
    evidence=st.sampled_from(Evidence),
    message=st.sampled_from(["one.", "two", "three…"]),
    order_state=STATES,
    order_status=STATES,
    http_status=st.sampled_from([None, 200, 409, 503]),
    oms_code=WORDS,
    correlation_id=WORDS,
    left=st.booleans(),
)
CALLS = st.lists(st.tuples(st.sampled_from(Action), REPLIES), max_size=6)
DECIDED = st.tuples(
    st.sampled_from(Outcome), st.none() | st.sampled_from(ConfirmedBy), st.none() | REPLIES
)


def history_of(calls: list[tuple[Action, Reply]]) -> History:
    history = History(Policy(), started_at=0.0)
    for number, (action, reply) in enumerate(calls):
        history = history.with_event(Event(action, float(number), float(number), reply))
    return history


@given(calls=CALLS, decided=DECIDED)
def test_it_says_what_the_deciding_reply_said(
    calls: list[tuple[Action, Reply]],
    decided: tuple[Outcome, ConfirmedBy | None, Reply | None],
) -> None:
    outcome, confirmed_by, decisive = decided
    result = result_of(7, history_of(calls), Done(outcome, confirmed_by, decisive))
    assert (result.order_id, result.outcome, result.confirmed_by) == (7, outcome, confirmed_by)
    has_reason = decisive is not None and not outcome.is_success
    assert result.reason == (decisive.message if decisive and has_reason else "")
    assert result.http_status == (decisive.http_status if decisive else None)
    assert result.oms_code == (decisive.oms_code if decisive else None)


@given(calls=CALLS, decided=DECIDED)
def test_a_correlation_id_is_the_deciding_replys_or_the_newest_there_is(
    calls: list[tuple[Action, Reply]],
    decided: tuple[Outcome, ConfirmedBy | None, Reply | None],
) -> None:
    outcome, confirmed_by, decisive = decided
    result = result_of(7, history_of(calls), Done(outcome, confirmed_by, decisive))
    known = [reply.correlation_id for _, reply in calls if reply.correlation_id]
    if decisive is not None and decisive.correlation_id:
        known.append(decisive.correlation_id)
    assert result.correlation_id == (known[-1] if known else None)


@given(calls=CALLS, decided=DECIDED)
def test_the_states_are_those_last_seen_of_the_order_itself(
    calls: list[tuple[Action, Reply]],
    decided: tuple[Outcome, ConfirmedBy | None, Reply | None],
) -> None:
    result = result_of(7, history_of(calls), Done(*decided))
    seen = [(reply.order_state, reply.order_status) for _, reply in calls if reply.holds_order]
    assert (result.order_state, result.order_status) == (seen[-1] if seen else (None, None))


@pytest.mark.parametrize("kind", Evidence)
@pytest.mark.parametrize("left", [False, True])
def test_a_cancel_counts_when_it_left_or_may_have(kind: Evidence, *, left: bool) -> None:
    reply = Reply(kind, left=left)
    calls = [(Action.POST, reply), (Action.READ, reply), (Action.POST, reply)]
    posts = result_of(7, history_of(calls), Done(Outcome.UNKNOWN)).posts
    assert posts == (2 if left and kind is not Evidence.NEVER_SENT else 0)


def test_users_compare_with_these_words() -> None:
    assert [one.value for one in Outcome] == [one.name.lower() for one in Outcome]
    assert [one.value for one in ConfirmedBy] == ["answer", "read"]


def test_nothing_is_claimed_that_was_not_said() -> None:
    result = CancellationResult(7, Outcome.UNKNOWN)
    assert (result.posts, result.reason, result.http_status, result.oms_code) == (0, "", None, None)
    assert set(result.as_dict().values()) == {7, "unknown", None}
    reply = Reply(Evidence.AMBIGUOUS)
    assert (reply.order_state, reply.order_status, reply.retry_after) == (None, None, None)
    assert (reply.left, reply.is_unclear, reply.message) == (True, False, "")
    assert not Runtime().is_stopping()
    assert (Done(Outcome.UNKNOWN).held_back_by, result.held_back_by) == ("", "")


def test_a_reply_knows_only_what_it_was_told() -> None:
    plain = Reply(Evidence.AMBIGUOUS)
    known = (plain.order_state, plain.order_status, plain.http_status, plain.oms_code)
    assert (*known, plain.correlation_id, plain.retry_after) == (None,) * 6
    assert (plain.message, plain.left, plain.is_unclear, plain.age) == ("", True, False, 0.0)
