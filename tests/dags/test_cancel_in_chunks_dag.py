"""`cancel_in_chunks` in real Airflow: every order in one chunk, each chunk with its results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dag_runs import RunDag

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.airflow_db

DAG_ID = "cancel_in_chunks"
FIRST = 6000001


def test_each_chunk_cancels_its_orders_and_writes_its_results(
    oms: EmulatorProcess, run_dag: RunDag, tmp_path: Path
) -> None:
    order_ids = list(range(FIRST, FIRST + 25))
    oms.load_orders([{"orderID": order_id} for order_id in order_ids])
    orders = tmp_path / "orders.csv"
    lines = ["order_id", *map(str, order_ids), str(FIRST), ""]
    orders.write_text("\n".join(lines), encoding="utf-8")
    results = tmp_path / "results.jsonl"
    run = run_dag(DAG_ID, orders_path=str(orders), results_path=str(results), chunk_size=10)
    assert run.state == "success"
    assert run.states["cancel"] == ["success"] * 3
    assert sum(summary["orders"] for summary in run.results["cancel"]) == 25
    files = sorted(tmp_path.glob("results-*.jsonl"))
    rows = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    assert sorted(row["order_id"] for row in rows) == order_ids
    assert {oms.order(order_id)["cancels"] for order_id in order_ids} == {1}
    assert run.names["cancel"] == [
        "orders 6000001 … 6000010",
        "orders 6000011 … 6000020",
        "orders 6000021 … 6000025",
    ]


def test_a_chunk_that_fails_has_its_name_too_also_when_its_orders_are_plain_ids(
    oms: EmulatorProcess, run_dag: RunDag, tmp_path: Path
) -> None:
    shipped = {"orderID": FIRST + 1, "orderState": "SHIPPED"}
    oms.load_orders([{"orderID": FIRST}, shipped])
    orders = tmp_path / "orders.jsonl"
    orders.write_text(f"{FIRST}\n{FIRST + 1}\n", encoding="utf-8")
    run = run_dag(DAG_ID, orders_path=str(orders), chunk_size=1)
    assert run.states["cancel"] == ["success", "failed"]
    assert run.names["cancel"] == ["orders 6000001 … 6000001", "orders 6000002 … 6000002"]


def test_a_set_that_is_too_large_as_a_whole_or_names_an_order_twice_with_other_reasons_is_refused(
    oms: EmulatorProcess, run_dag: RunDag, tmp_path: Path
) -> None:
    orders = tmp_path / "orders.csv"
    lines = ["order_id,disposition_reason", f"{FIRST},", f"{FIRST + 1},", f"{FIRST},other"]
    orders.write_text("\n".join(lines), encoding="utf-8")
    run = run_dag(DAG_ID, orders_path=str(orders), chunk_size=1)
    assert run.state == "failed"
    assert "entry 3: disposition_other_reason must be given" in run.log
    assert oms.requests() == []
