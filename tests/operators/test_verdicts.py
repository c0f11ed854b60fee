"""The two operators around an inbox of verdicts, with Airflow's part played by dicts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, Asset

from airflow_provider_oms.exceptions import (
    OmsInvalidInputError,
    OmsUnsettledVerdictsError,
    OmsVerdictStateError,
)
from airflow_provider_oms.operators.verdicts import (
    OmsSettleVerdictsOperator,
    OmsTakeVerdictsOperator,
)
from airflow_provider_oms.verdicts.adapters import Fields

VERDICTS = Asset("test-verdicts")
KEY = "oms_verdicts.inbox.take"


class ByAsset:
    """Hold a value under the asset, which is no key of a dict before Airflow 3.2."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __getitem__(self, asset: Any) -> Any:
        assert asset is VERDICTS
        return self._value


class Store(dict[str, Any]):
    """Keep values as JSON, as Airflow does."""

    loses = False

    def set(self, key: str, value: Any) -> None:
        if not self.loses:
            self[key] = json.loads(json.dumps(value))


class Airflow:
    """Play the part of Airflow for one DAG with an inbox.

    :param max_active_runs: of the DAG.
    :param settings: of the operator that takes.
    """

    def __init__(self, max_active_runs: int = 1, **settings: Any) -> None:
        self.events: list[SimpleNamespace] = []
        self.store = Store()
        self.run_type = "scheduled"
        self.xcoms: dict[tuple[str, str], Any] = {}
        with DAG(dag_id="inbox", schedule=None, max_active_runs=max_active_runs) as self.dag:
            self.take_task = OmsTakeVerdictsOperator(
                **{"task_id": "take", "asset": VERDICTS, "adapter": Fields(), **settings}
            )
            self.settle_task = OmsSettleVerdictsOperator(
                task_id="settle", take=self.take_task, cancel="cancel"
            )

    def publish(self, **extra: Any) -> None:
        at = datetime.now(UTC)
        self.events.append(SimpleNamespace(id=len(self.events) + 1, timestamp=at, extra=extra))

    def _context(self, task_id: str) -> Any:
        def push(key: str, value: Any) -> None:
            self.xcoms[task_id, key] = value

        def pull(task_ids: str, key: str = "return_value") -> Any:
            return self.xcoms.get((task_ids, key))

        return {
            "dag": self.dag,
            "dag_run": SimpleNamespace(run_type=self.run_type),
            "ti": SimpleNamespace(xcom_push=push, xcom_pull=pull),
            "inlet_events": ByAsset(self.events),
            "asset_state_store": ByAsset(self.store),
        }

    def take(self) -> list[dict[str, Any]]:
        due = self.take_task.execute(self._context("take"))
        self.xcoms["take", "return_value"] = due
        return due

    def settle(self, outcomes: Mapping[int, str] | None) -> dict[str, int]:
        results = outcomes and [
            {"order_id": order_id, "outcome": outcome} for order_id, outcome in outcomes.items()
        ]
        self.xcoms["cancel", "results"] = results
        return self.settle_task.execute(self._context("settle"))


@pytest.fixture(autouse=True)
def connection(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"tenant_id": "10001", "environment": "sandbox"}
    monkeypatch.setenv("AIRFLOW_CONN_OMS_DEFAULT", json.dumps({"conn_type": "oms", "extra": extra}))


@pytest.fixture
def airflow() -> Airflow:
    """Return an Airflow whose inbox has a state, so that nothing in it is in doubt."""
    airflow = Airflow(explanation="Case {case_id} of {order}")
    assert airflow.take() == []
    return airflow


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


@pytest.mark.parametrize("outcome", ["not_cancelable", "not_found", "refused"])
def test_what_the_oms_refuses_is_reported_and_settled(airflow: Airflow, outcome: str) -> None:
    airflow.publish(order_id=1, verdict="rejected")
    airflow.take()
    with pytest.raises(OmsUnsettledVerdictsError, match=f"order 1: {outcome}; [A-Z]"):
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
        ({"order_id": 1, "verdict": "rejected", "case_id": "x" * 256}, "must be "),
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


def test_a_dag_with_several_active_runs_is_refused() -> None:
    airflow = Airflow(max_active_runs=2)
    airflow.publish(order_id=1, verdict="rejected")
    with pytest.raises(OmsInvalidInputError, match=r"max_active_runs must be 1 .*it is 2"):
        airflow.take()
    assert airflow.store == {}


def test_a_backfill_is_refused(airflow: Airflow) -> None:
    airflow.publish(order_id=1, verdict="rejected")
    airflow.run_type = "backfill"
    with pytest.raises(OmsInvalidInputError, match="backfill"):
        airflow.take()
    airflow.run_type = "asset_triggered"
    assert [entry["order_id"] for entry in airflow.take()] == [1]


@pytest.mark.parametrize("explanation", ["{case}", "{0}", "{", "Case {case_id:d}"])
def test_an_explanation_with_another_placeholder_is_refused(explanation: str) -> None:
    with pytest.raises(ValueError, match="placeholders"):
        Airflow(explanation=explanation)


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


def test_the_asset_is_needed_where_the_task_is_named() -> None:
    with DAG(dag_id="inbox", schedule=None):
        with pytest.raises(ValueError, match="asset is needed"):
            OmsSettleVerdictsOperator(task_id="settle", take="take", cancel="cancel")
        settle = OmsSettleVerdictsOperator(
            task_id="settle_too", take="take", cancel="cancel", asset=VERDICTS
        )
    assert settle.inlets == [VERDICTS]
    assert settle.trigger_rule == "all_done"
