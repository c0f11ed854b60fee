"""The two operators around an inbox of verdicts, with Airflow's part played by dicts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from inboxes import Airflow, Pages

from airflow_provider_oms.exceptions import (
    OmsUnsettledVerdictsError,
    OmsVerdictStateError,
)
from airflow_provider_oms.verdicts.adapters import Fields
from airflow_provider_oms.verdicts.verdict import Verdict

KEY = "oms_verdicts:inbox:take"


def test_what_is_rejected_becomes_an_entry_of_a_set(airflow: Airflow) -> None:
    airflow.publish(order_id="1010101", verdict="rejected", case_id="F-17")
    airflow.publish(order_id=2, verdict="accepted")
    airflow.publish(order_id=3, verdict="rejected")
    assert airflow.take() == [
        {
            "order_id": 1010101,
            "disposition_reason": "other",
            "disposition_other_reason": "Case F-17 of 1010101",
            "in_doubt": False,
        },
        {
            "order_id": 3,
            "disposition_reason": "other",
            "disposition_other_reason": "Case no case id of 3",
            "in_doubt": False,
        },
    ]


def test_before_there_is_a_state_every_order_is_in_doubt() -> None:
    airflow = Airflow()
    airflow.publish(order_id=1, verdict="rejected")
    (entry,) = airflow.take()
    assert entry["in_doubt"] is True
    assert entry["disposition_other_reason"] == "Rejected by the fraud check"


def test_what_is_settled_is_taken_once(airflow: Airflow) -> None:
    airflow.publish(order_id=1, verdict="rejected")
    airflow.take()
    assert airflow.settle({1: "canceled"}) == {"canceled": 1}
    assert airflow.take() == []
    assert airflow.settle({}) == {}


@pytest.mark.parametrize(
    "outcomes", [None, {}, {1: "unknown"}, {1: "forbidden"}, {1: "would_cancel"}]
)
def test_what_is_not_settled_is_taken_again_in_doubt(
    airflow: Airflow, outcomes: dict[int, str] | None
) -> None:
    airflow.publish(order_id=1, verdict="rejected")
    airflow.take()
    with pytest.raises(OmsUnsettledVerdictsError, match=r"order 1: .*the next run takes it again"):
        airflow.settle(outcomes)
    (again,) = airflow.take()
    assert (again["order_id"], again["in_doubt"]) == (1, True)


def test_an_order_in_a_state_that_does_not_allow_it_is_reported_and_settled(
    airflow: Airflow,
) -> None:
    airflow.publish(order_id=1, verdict="rejected")
    airflow.take()
    with pytest.raises(OmsUnsettledVerdictsError, match="order 1: not_cancelable; it is not taken"):
        airflow.settle({1: "not_cancelable"})
    assert airflow.take() == []


@pytest.mark.parametrize("outcome", ["not_found", "refused"])
def test_what_a_wrong_connection_may_have_caused_is_taken_again_as_far_back_as_events_are_read(
    airflow: Airflow, outcome: str
) -> None:
    airflow.publish(order_id=1, verdict="rejected")
    airflow.take()
    with pytest.raises(OmsUnsettledVerdictsError, match=f"order 1: {outcome}; the next run takes"):
        airflow.settle({1: outcome})
    (again,) = airflow.take()
    assert (again["order_id"], again["in_doubt"]) == (1, True)
    airflow.xcoms["take", "handout"]["oldest"] = (datetime.now(UTC) + timedelta(1)).isoformat()
    with pytest.raises(OmsUnsettledVerdictsError, match=f"order 1: {outcome}; it is not taken"):
        airflow.settle({1: outcome})
    assert airflow.take() == []


def test_results_of_a_mapped_task_are_read_too(airflow: Airflow) -> None:
    for order_id in (1, 2):
        airflow.publish(order_id=order_id, verdict="rejected")
    airflow.take()
    results = [[{"order_id": 1, "outcome": "canceled"}], [{"order_id": 2, "outcome": "canceled"}]]
    airflow.xcoms["cancel", "results"] = results
    assert airflow.settle_task.execute(airflow._context("settle")) == {"canceled": 2}


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"order_id": 1, "verdict": "perhaps"}, "is no verdict: "),
        ({"verdict": "rejected"}, "order_id must be "),
        ({"order_id": 0, "verdict": "rejected"}, "order_id must be "),
        ({"order_id": "D58470", "verdict": "rejected"}, "order_id must be "),
    ],
)
def test_an_event_that_is_no_verdict_is_reported_and_keeps_no_other_from_being_taken(
    airflow: Airflow, extra: dict[str, Any], said: str
) -> None:
    airflow.publish(**extra)
    airflow.publish(order_id=2, verdict="rejected")
    assert [entry["order_id"] for entry in airflow.take()] == [2]
    with pytest.raises(OmsUnsettledVerdictsError, match=f"event 1 .*{said}"):
        airflow.settle({2: "canceled"})
    assert airflow.take() == []
    assert airflow.settle(None) == {}


@pytest.mark.parametrize(
    "case_id", ["x" * 254, "x" * 300, "a\nb", ["F-17"], 1.5, "\N{EURO SIGN}" * 90]
)
def test_a_case_that_cannot_be_named_keeps_no_order_from_being_canceled(
    airflow: Airflow, case_id: Any
) -> None:
    airflow.publish(order_id=1, verdict="rejected", case_id=case_id)
    (entry,) = airflow.take()
    assert entry["disposition_other_reason"] == "Case no case id of 1"
    assert airflow.settle({1: "canceled"}) == {"canceled": 1}


def test_a_fault_of_an_adapter_is_reported_and_stops_nothing(airflow: Airflow) -> None:
    airflow.take_task.adapter = lambda payload: Verdict(payload["order"], payload["word"])
    airflow.publish(jane="doe")
    airflow.publish(order=2, word="cancel")
    airflow.publish(order=3, word="Cancel")
    airflow.publish(order=True, word="cancel")
    assert [entry["order_id"] for entry in airflow.take()] == [2]
    with pytest.raises(OmsUnsettledVerdictsError) as failure:
        airflow.settle({2: "canceled"})
    assert "event 1: the adapter raised KeyError; correct it" in str(failure.value)
    assert "event 3 is no verdict: decision must be cancel, keep or pending" in str(failure.value)
    assert "jane" not in str(failure.value)


def test_an_order_that_cannot_be_settled_holds_up_no_other() -> None:
    airflow = Airflow(at_most=2)
    airflow.take()
    for order_id in (1, 2, 3, 4, 5):
        airflow.publish(order_id=order_id, verdict="rejected")
    taken = []
    for _ in range(4):
        taken.append([entry["order_id"] for entry in airflow.take()])
        with pytest.raises(OmsUnsettledVerdictsError):
            airflow.settle(dict.fromkeys(taken[-1], "unknown"))
    assert taken == [[1, 2], [3, 4], [5, 1], [2, 3]]


def test_a_verdict_that_is_not_final_replaces_none_without_a_time_of_its_own(
    airflow: Airflow,
) -> None:
    airflow.take_task.adapter = Fields(pending=["submitted"])
    for word in ("submitted", "rejected", "submitted"):
        airflow.publish(order_id=1, verdict=word)
    assert [entry["order_id"] for entry in airflow.take()] == [1]


def test_of_two_verdicts_of_one_moment_the_later_event_counts_across_runs(airflow: Airflow) -> None:
    airflow.take_task.adapter = Fields(decided_at="at")
    at = datetime.now(UTC).isoformat()
    airflow.publish(order_id=1, verdict="rejected", at=at)
    assert len(airflow.take()) == 1
    airflow.publish(order_id=1, verdict="accepted", at=at)
    assert airflow.take() == []


def test_a_clock_that_is_ahead_hides_no_event(airflow: Airflow) -> None:
    airflow.publish(order_id=1, verdict="rejected")
    airflow.events[0].timestamp += timedelta(hours=3)
    assert len(airflow.take()) == 1
    airflow.publish(order_id=2, verdict="rejected")
    assert airflow.take()[0]["order_id"] == 2


def test_an_order_whose_newest_verdict_cannot_be_read_is_held(airflow: Airflow) -> None:
    airflow.publish(order_id=1, verdict="rejected")
    airflow.publish(order_id=1, verdict="perhaps")
    assert airflow.take() == []
    airflow.publish(order_id=1, verdict="rejected")
    assert [entry["order_id"] for entry in airflow.take()] == [1]


def test_a_correct_adapter_finds_what_a_wrong_one_refused(airflow: Airflow) -> None:
    airflow.publish(order_id=1, verdict="declined")
    assert airflow.take() == []
    airflow.take_task.adapter = Fields(cancel=["declined"])
    assert [entry["order_id"] for entry in airflow.take()] == [1]


def test_more_orders_than_a_run_takes_are_left_for_the_next(
    caplog: pytest.LogCaptureFixture,
) -> None:
    airflow = Airflow(at_most=2)
    for order_id in (1, 2, 3):
        airflow.publish(order_id=order_id, verdict="rejected")
    assert [entry["order_id"] for entry in airflow.take()] == [1, 2]
    assert airflow.settle({1: "canceled", 2: "canceled"}) == {"canceled": 2}
    assert [entry["order_id"] for entry in airflow.take()] == [3]


def test_the_error_names_three_and_the_log_all(airflow: Airflow) -> None:
    for order_id in range(1, 6):
        airflow.publish(order_id=order_id, verdict="rejected")
    airflow.take()
    with pytest.raises(OmsUnsettledVerdictsError) as failure:
        airflow.settle(None)
    assert str(failure.value).count("order ") == 3
    assert str(failure.value).endswith("; and 2 more, which the log names")


def test_nothing_is_taken_when_the_state_is_not_kept(airflow: Airflow) -> None:
    airflow.publish(order_id=1, verdict="rejected")
    airflow.store.loses = True
    with pytest.raises(OmsVerdictStateError, match=KEY):
        airflow.take()
    airflow.store.loses = False
    assert [entry["order_id"] for entry in airflow.take()] == [1]


def test_a_run_whose_orders_a_later_run_has_taken_settles_nothing(airflow: Airflow) -> None:
    airflow.publish(order_id=1, verdict="rejected")
    airflow.take()
    earlier = {key: value for key, value in airflow.xcoms.items() if key[0] == "take"}
    airflow.take()
    later = dict(airflow.xcoms)
    airflow.xcoms |= earlier
    assert airflow.settle({1: "canceled"}) == {"canceled": 1}
    airflow.xcoms = later
    assert [entry["order_id"] for entry in airflow.take()] == [1]


def test_settling_without_what_was_taken_fails() -> None:
    airflow = Airflow()
    with pytest.raises(OmsUnsettledVerdictsError, match="task take took no verdicts"):
        airflow.settle(None)


def test_an_event_before_the_look_back_is_left_alone(airflow: Airflow) -> None:
    airflow = Airflow(look_back=timedelta(hours=1))
    airflow.publish(order_id=1, verdict="rejected")
    airflow.events[0].timestamp -= timedelta(hours=2)
    airflow.publish(order_id=2, verdict="rejected")
    assert [entry["order_id"] for entry in airflow.take()] == [2]


@pytest.mark.parametrize(
    ("times", "largest"),
    [
        pytest.param([1] * 99, 99, id="less than a page"),
        pytest.param([1] * 100, 100, id="a page"),
        pytest.param([1] * 1000, 100, id="many"),
        pytest.param([3] * 100 + [2] * 100 + [1] * 200, 100, id="some at one time"),
        pytest.param([1] * 50 + [350] + [1] * 200, 400, id="more at one time than a page has"),
    ],
)
def test_events_are_read_in_pages_where_airflow_can(
    airflow: Airflow, times: list[int], largest: int
) -> None:
    began = datetime.now(UTC)
    pages = airflow.inlet_events = Pages(airflow.events)
    for second, together in enumerate(times):
        for _ in range(together):
            airflow.publish(order_id=len(airflow.events) + 1, verdict="rejected")
            airflow.events[-1].timestamp = began + timedelta(milliseconds=second)
    assert [entry["order_id"] for entry in airflow.take()] == list(range(1, sum(times) + 1))
    assert max(pages.sizes) == largest
    assert len(pages.sizes) <= sum(times) // 50 + 2
