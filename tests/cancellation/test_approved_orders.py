"""An order that a person approved: no cancel is sent unless it is still as it was shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.cancellation.approval import Approval
from airflow_provider_oms.cancellation.decision import Call, Done, Wait, step
from airflow_provider_oms.cancellation.history import (
    Action,
    Event,
    History,
    Policy,
    Reply,
)
from airflow_provider_oms.cancellation.outcomes import Outcome

STATES = ["READY", "ready", "SHIPPED", None]
REPLIES = st.builds(
    Reply,
    st.sampled_from([Evidence.OPEN, Evidence.OPEN, *Evidence]),
    order_state=st.sampled_from(STATES),
    order_status=st.sampled_from(STATES),
    is_unclear=st.booleans(),
    age=st.sampled_from([0.0, 0.0, 60.0]),
    looked_up_id=st.sampled_from([None, None, "a1", "b2"]),
)
APPROVALS = st.builds(
    Approval,
    st.sampled_from(STATES),
    st.sampled_from(STATES),
    st.sampled_from([True, True, False]),
    st.sampled_from([None, None, "a1", "b2"]),
)


def upper(*states: str | None) -> list[str]:
    return [(state or "").upper() for state in states]


@given(APPROVALS, st.lists(REPLIES, max_size=12), st.none() | st.floats(-10, 10), st.booleans())
def test_a_cancel_follows_only_a_read_that_shows_what_was_approved(
    approval: Approval, replies: list[Reply], doubt_since: float | None, is_looking: bool
) -> None:
    policy = Policy(approval=approval, look_first=is_looking, settles_after_acceptance=True)
    history, now = History(policy, 0.0, doubt_since), 0.0
    left = iter(replies)
    while not isinstance(decision := step(history, now), Done):
        if isinstance(decision, Wait):
            now = decision.until
            continue
        assert isinstance(decision, Call)
        if decision.action is Action.POST:
            assert approval.was_shown
            read = history.last
            assert read is not None
            assert read.action is Action.READ
            assert read.reply.says_open
            assert not read.reply.is_unclear
            seen = upper(approval.order_state, approval.order_status)
            assert upper(read.reply.order_state, read.reply.order_status) == seen
            assert any(seen)
            assert read.reply.looked_up_id == approval.looked_up_id
        reply = next(left, Reply(Evidence.NOT_FOUND))
        history = history.with_event(Event(decision.action, now, now + 0.1, reply))
        now += 0.1


@pytest.mark.parametrize(
    ("approval", "said"),
    [
        (Approval("READY", "READY"), "It was READY when its cancel was approved, and is SHIPPED"),
        (Approval("READY", "NEW"), "It was READY/NEW when its cancel was approved, and is SHIPPED"),
        (Approval(), "It was in a state not known when its cancel was approved, and is SHIPPED"),
        (Approval(was_shown=False), "It is not among the orders whose cancel was approved. As"),
    ],
)
def test_an_order_that_changed_is_refused_by_name(approval: Approval, said: str) -> None:
    read = Reply(Evidence.OPEN, "As read", order_state="SHIPPED", order_status="SHIPPED")
    history = History(Policy(approval=approval), 0.0, None, (Event(Action.READ, 0.0, 0.1, read),))
    done = step(history, 0.1)
    assert isinstance(done, Done)
    assert done.outcome is Outcome.NOT_CANCELABLE
    assert done.reply is not None
    assert done.reply.message.startswith(said)


@pytest.mark.parametrize(
    "read",
    [
        Reply(Evidence.OPEN, order_state="READY", is_unclear=True),
        Reply(Evidence.OPEN),
    ],
)
def test_an_order_whose_state_cannot_be_read_any_more_is_refused(read: Reply) -> None:
    said = "It was READY when its cancel was approved, and its state cannot be read now"
    assert Approval("READY", None).objection(read) == said


def test_the_conditions_of_the_caller_hold_besides() -> None:
    policy = Policy(only_if_states=frozenset({"READY"}), approval=Approval("NEW", "NEW"))
    new = Reply(Evidence.OPEN, order_state="NEW", order_status="NEW")
    assert policy.objection(new) == "only_if_states does not name NEW"
    ready = Reply(Evidence.OPEN, order_state="READY", order_status="READY")
    assert policy.objection(ready).startswith("It was NEW when")
