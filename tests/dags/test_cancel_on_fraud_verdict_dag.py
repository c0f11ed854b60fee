"""`cancel_on_fraud_verdict` in real Airflow, with the events that its own publisher has left.

That a scheduler starts it by itself, and the effect of kills, is in `tests/scheduler`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import pytest
from dag_runs import RunDag
from features import IS_AIRFLOW_2
from sqlalchemy import delete, select

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.airflow_db

DAG_ID = "cancel_on_fraud_verdict"
FIRST = 6500001
EVENTS = import_module(f"airflow.models.{'dataset' if IS_AIRFLOW_2 else 'asset'}")
EVENT = EVENTS.DatasetEvent if IS_AIRFLOW_2 else EVENTS.AssetEvent

Publish = Callable[..., None]


@pytest.fixture(autouse=True)
def orders(oms: EmulatorProcess, run_dag: RunDag) -> None:
    """Give eight open orders, and an inbox that has a state and no unread events."""
    with import_module("airflow.settings").Session() as session:
        session.execute(delete(EVENT))
        session.commit()
    assert run_dag(DAG_ID).state in ("success", "failed")
    oms.load_orders([{"orderID": FIRST + number} for number in range(8)])
    oms.clear_requests()


@pytest.fixture
def publish(run_dag: RunDag) -> Publish:
    def publish(number: int, verdict: str, case_id: str = "F-1") -> None:
        order_id = FIRST + number
        run = run_dag("publish_fraud_verdict", order_id=order_id, verdict=verdict, case_id=case_id)
        assert run.state == "success"

    return publish


def posts(oms: EmulatorProcess) -> list[int]:
    path = "/api/v2/order/action/cancel"
    return sorted(each["order_id"] - FIRST for each in oms.requests(method="POST", path=path))


def test_the_newest_verdict_on_an_order_decides_and_each_order_is_canceled_once(
    oms: EmulatorProcess, run_dag: RunDag, publish: Publish
) -> None:
    publish(0, "rejected")
    publish(0, "rejected", "F-17")
    publish(1, "accepted")
    publish(2, "rejected")
    publish(2, "accepted")
    publish(3, "accepted")
    publish(3, "rejected")
    run = run_dag(DAG_ID)
    assert run.state == "success"
    assert posts(oms) == [0, 3]
    assert run.results["settle"] == [{"canceled": 2}]
    reason = oms.order(FIRST)["dispositionOtherReason"]
    assert reason == "Rejected by fraud screening, F-17"
    assert run_dag(DAG_ID).state == "success"
    assert posts(oms) == [0, 3]


def test_a_verdict_that_is_revised_between_runs_counts(
    oms: EmulatorProcess, run_dag: RunDag, publish: Publish
) -> None:
    publish(0, "accepted")
    assert run_dag(DAG_ID).state == "success"
    assert posts(oms) == []
    publish(0, "rejected")
    assert run_dag(DAG_ID).state == "success"
    assert posts(oms) == [0]


def test_an_event_that_is_no_verdict_turns_one_run_red_and_stops_no_order(
    oms: EmulatorProcess, run_dag: RunDag, publish: Publish
) -> None:
    publish(0, "rejected")
    with import_module("airflow.settings").Session() as session:
        for row in session.scalars(select(EVENT)):
            row.extra = {"order": FIRST}
        session.commit()
    publish(1, "rejected")
    assert run_dag(DAG_ID).state == "failed"
    assert posts(oms) == [1]
    assert run_dag(DAG_ID).state == "success"
    assert posts(oms) == [1]


def test_an_order_that_was_not_canceled_is_taken_again_and_read_first(
    oms: EmulatorProcess, run_dag: RunDag, publish: Publish
) -> None:
    publish(0, "rejected")
    oms.add_fault("status", status=403, order_id=FIRST)
    assert run_dag(DAG_ID).state == "failed"
    oms.clear_faults()
    oms.clear_requests()
    assert run_dag(DAG_ID).state == "success"
    assert [each["call"] for each in oms.requests(order_id=FIRST)][:1] == ["get"]
    assert posts(oms) == [0]


def test_a_run_without_events_cancels_nothing(oms: EmulatorProcess, run_dag: RunDag) -> None:
    run = run_dag(DAG_ID)
    assert run.state == "success"
    assert run.results["cancel"][0]["orders"] == 0
    assert oms.requests() == []
