"""`cancel_on_fraud_verdict` in real Airflow, with the events that its own publisher has left.

That a scheduler starts it by itself is in `tests/scheduler`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from dag_runs import Run, RunDag
from features import IS_AIRFLOW_2
from sqlalchemy import delete, select

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.airflow_db

DAG_ID = "cancel_on_fraud_verdict"
FIRST = 6500001

RunWithEvents = Callable[[], Run]


@pytest.fixture(autouse=True)
def orders(oms: EmulatorProcess) -> None:
    """Give eight open orders."""
    oms.load_orders([{"orderID": FIRST + number} for number in range(8)])


@pytest.fixture
def run_with_events(run_dag: RunDag, monkeypatch: pytest.MonkeyPatch) -> RunWithEvents:
    """Run the DAG with all events that have gathered in this test, as the scheduler does."""
    if IS_AIRFLOW_2:
        events = import_module("airflow.models.dataset")
        event, consumed = events.DatasetEvent, "consumed_dataset_events"
    else:
        events = import_module("airflow.models.asset")
        event, consumed = events.AssetEvent, "consumed_asset_events"
    models, create_run = import_module("airflow.models.dagrun"), "get_or_create_dagrun"
    if not hasattr(models, create_run):
        # Before Airflow 3.1.
        models, create_run = import_module("airflow.models.dag"), "_get_or_create_dagrun"
    create = getattr(models, create_run)
    with import_module("airflow.settings").Session() as session:
        session.execute(delete(event))
        session.commit()

    def create_with_events(*, session: Any, **arguments: Any) -> Any:
        run = create(session=session, **arguments)
        # The newest first: nothing may depend on the order in which they come.
        gathered = session.scalars(select(event).order_by(event.id.desc())).all()
        getattr(run, consumed).extend(gathered)
        session.commit()
        return run

    def run() -> Run:
        with monkeypatch.context() as patch:
            patch.setattr(models, create_run, create_with_events)
            return run_dag(DAG_ID)

    return run


def posts(oms: EmulatorProcess) -> list[int]:
    path = "/api/v2/order/action/cancel"
    return sorted(each["order_id"] - FIRST for each in oms.requests(method="POST", path=path))


def test_of_all_events_that_have_gathered_the_newest_decides_and_each_order_is_canceled_once(
    oms: EmulatorProcess, run_dag: RunDag, run_with_events: RunWithEvents
) -> None:
    def publish(order_id: int, verdict: str, case_id: str = "F-1") -> None:
        run = run_dag("publish_fraud_verdict", order_id=order_id, verdict=verdict, case_id=case_id)
        assert run.state == "success"

    publish(FIRST, "rejected")
    publish(FIRST, "rejected", "F-17")
    publish(FIRST + 1, "accepted")
    publish(FIRST + 2, "rejected")
    publish(FIRST + 2, "accepted")
    publish(FIRST + 3, "accepted")
    publish(FIRST + 3, "rejected")
    run = run_with_events()
    assert run.state == "success"
    assert posts(oms) == [0, 3]
    assert run.results["cancel"][0]["outcomes"] == {"canceled": 2}
    reason = oms.order(FIRST)["dispositionOtherReason"]
    assert reason == "Rejected by fraud screening, F-17"


def test_an_event_that_is_no_verdict_stops_the_run_before_anything_is_sent(
    oms: EmulatorProcess, run_dag: RunDag, run_with_events: RunWithEvents
) -> None:
    run_dag("publish_fraud_verdict", order_id=FIRST, verdict="rejected", case_id="F-1")
    event = import_module(f"airflow.models.{'dataset' if IS_AIRFLOW_2 else 'asset'}")
    kind = event.DatasetEvent if IS_AIRFLOW_2 else event.AssetEvent
    with import_module("airflow.settings").Session() as session:
        for row in session.scalars(select(kind)):
            row.extra = {"order": FIRST}
        session.commit()
    assert run_with_events().state == "failed"
    assert oms.requests() == []


def test_a_run_without_events_cancels_nothing(oms: EmulatorProcess, run_dag: RunDag) -> None:
    run = run_dag(DAG_ID)
    assert run.state == "success"
    assert run.results["cancel"][0]["orders"] == 0
    assert oms.requests() == []
