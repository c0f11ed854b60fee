"""How an order ends when something breaks in: its history counts, and the cancel in flight."""

from __future__ import annotations

import pytest
from stories import CANCELED, Story, assert_done

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.cancellation.decision import when_interrupted
from airflow_provider_oms.cancellation.history import Action
from airflow_provider_oms.cancellation.outcomes import ConfirmedBy, Outcome


def test_a_cancel_in_flight_leaves_the_order_unknown_and_is_counted() -> None:
    done = when_interrupted(Story().history, Action.POST, 5.0, "The run stopped")
    assert_done(done, Outcome.UNKNOWN)
    assert done.lost is not None
    assert (done.lost.action, done.lost.reply.evidence) == (Action.POST, Evidence.AMBIGUOUS)
    assert done.reply is not None
    assert done.reply.message == "The run stopped"


@pytest.mark.parametrize("calling", [None, Action.READ])
def test_without_a_cancel_in_flight_nothing_was_attempted(calling: Action | None) -> None:
    done = when_interrupted(Story().history, calling, 5.0, "The run stopped")
    assert_done(done, Outcome.NOT_ATTEMPTED)
    assert done.lost is None
    assert done.reply is not None
    assert done.reply.message == "The run stopped"


def test_what_the_history_proves_already_counts() -> None:
    story = Story()
    story.then(CANCELED)
    done = when_interrupted(story.history, None, 5.0, "The run stopped")
    assert_done(done, Outcome.CANCELED, ConfirmedBy.ANSWER)
