"""`cancel_what_still_can_be` in real Airflow: as many failures as tolerated, and one more."""

from __future__ import annotations

from pathlib import Path

import pytest
from dag_runs import RunDag

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.airflow_db

DAG_ID = "cancel_what_still_can_be"
FIRST = 6600001


@pytest.fixture
def orders(oms: EmulatorProcess, tmp_path: Path) -> str:
    """Give a file of two shipped orders and twenty open ones."""
    order_ids = range(FIRST, FIRST + 22)
    states = {FIRST: "SHIPPED", FIRST + 1: "SHIPPED"}
    oms.load_orders(
        [
            {"orderID": order_id, "orderState": states.get(order_id, "READY")}
            for order_id in order_ids
        ]
    )
    path = tmp_path / "orders.jsonl"
    path.write_text("".join(f"{order_id}\n" for order_id in order_ids), encoding="utf-8")
    return str(path)


def test_as_many_failures_as_are_tolerated_are_handed_on(
    oms: EmulatorProcess, run_dag: RunDag, orders: str
) -> None:
    run = run_dag(DAG_ID, orders_path=orders, tolerated_failures=2)
    assert run.state == "success"
    assert run.results["cancel"][0]["outcomes"] == {"canceled": 20, "not_cancelable": 2}
    (left_over,) = run.results["left_over"]
    assert sorted((one["order_id"], one["outcome"]) for one in left_over) == [
        (FIRST, "not_cancelable"),
        (FIRST + 1, "not_cancelable"),
    ]


def test_one_failure_more_stops_the_run_and_hands_nothing_on(
    oms: EmulatorProcess, run_dag: RunDag, orders: str
) -> None:
    # The open orders take three rounds of the workers, so that the two refusals come long before.
    oms.add_fault("slow", order_id=range(FIRST + 2, FIRST + 22), seconds=2)
    run = run_dag(DAG_ID, orders_path=orders, tolerated_failures=1)
    assert run.state == "failed"
    assert run.states["left_over"] == ["upstream_failed"]
    summary = run.results["cancel"][0]
    assert summary["stopped"] is not None
    assert summary["outcomes"]["not_attempted"] > 0
    assert sum(summary["outcomes"].values()) == 22
