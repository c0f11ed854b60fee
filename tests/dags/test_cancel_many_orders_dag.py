"""`cancel_many_orders` in real Airflow: a dry run, then the real one, then nothing left to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dag_runs import RunDag

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = [pytest.mark.airflow_db, pytest.mark.backends]

DAG_ID = "cancel_many_orders"
FIRST = 6100001


def test_it_looks_first_and_then_cancels(
    oms: EmulatorProcess, run_dag: RunDag, tmp_path: Path
) -> None:
    order_ids = list(range(FIRST, FIRST + 10))
    shipped = {"orderID": FIRST + 10, "orderState": "SHIPPED", "orderStatus": "SHIPPED"}
    oms.load_orders([*({"orderID": order_id} for order_id in order_ids), shipped])
    path, results = tmp_path / "orders.jsonl", tmp_path / "results.jsonl"
    path.write_text("".join(f'{{"order_id": {order_id}}}\n' for order_id in order_ids), "utf-8")

    def outcomes(**conf: Any) -> set[str]:
        run = run_dag(DAG_ID, orders_path=str(path), results_path=str(results), **conf)
        assert run.state == "success"
        rows = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
        assert sorted(row["order_id"] for row in rows) == order_ids
        assert run.results["cancel"][0]["outcomes"] == {rows[0]["outcome"]: len(order_ids)}
        return {row["outcome"] for row in rows}

    posts = {"method": "POST", "path": "/api/v2/order/action/cancel"}
    assert outcomes() == {"would_cancel"}
    assert oms.requests(**posts) == []
    assert outcomes(dry_run=False) == {"canceled"}
    assert {oms.order(order_id)["cancels"] for order_id in order_ids} == {1}
    assert outcomes(dry_run=True) == {"already_canceled"}
    assert len(oms.requests(**posts)) == len(order_ids)


def test_a_trigger_without_a_file_cancels_nothing(oms: EmulatorProcess, run_dag: RunDag) -> None:
    run = run_dag(DAG_ID, orders_path=" ", dry_run=False)
    assert run.state == "failed"
    assert oms.requests() == []
