"""`airflow oms` against a real Airflow: its REST API has the fields that the commands read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from standalone import Standalone, TaskInRun

from airflow_provider_oms.emulator.testing import EmulatorProcess
from demo.standalone import ADMIN

pytestmark = [
    pytest.mark.airflow_db,
    pytest.mark.slow,
    pytest.mark.needs("a scheduler that is driven over its REST API", "commands of providers"),
]

FIRST = 28_000_001


def say(airflow: Standalone, *words: object) -> tuple[int, list[dict[str, Any]]]:
    """Return how a command ended, and the rows that it printed."""
    credentials = {"username": ADMIN, "password": airflow.api.password_of(ADMIN)}
    token = airflow.api.ask("POST", "/auth/token", credentials)["access_token"]
    told = airflow.command("oms", *map(str, words), "--api-token", token, "--output", "json")
    assert "[" in told.stdout, told.stderr
    rows: list[dict[str, Any]] = json.loads(told.stdout)
    return told.returncode, rows


def cancel(airflow: Standalone, directory: Path, *order_ids: int) -> TaskInRun:
    """Start to cancel a set of orders."""
    path = directory / "orders.jsonl"
    path.write_text("".join(f"{order_id}\n" for order_id in order_ids), encoding="utf-8")
    return airflow.trigger("cancel_in_bulk", {"orders_path": str(path)}, task_id="cancel")


def test_a_set_and_one_of_its_orders(
    airflow: Standalone, tenant: EmulatorProcess, tmp_path: Path
) -> None:
    shipped = {"orderID": FIRST + 1, "orderState": "SHIPPED", "orderStatus": "SHIPPED"}
    tenant.load_orders([{"orderID": FIRST}, shipped])
    task = cancel(airflow, tmp_path, FIRST, FIRST + 1)
    assert task.wait_for_end()["state"] == "failed"

    code, rows = say(airflow, "run", task.dag_id, task.run_id)
    shown = {row["order_id"]: (row["outcome"], row["in_doubt"]) for row in rows}
    assert shown == {str(FIRST + 1): ("not_cancelable", False), str(FIRST): ("canceled", False)}
    assert [row["order_id"] for row in rows] == [str(FIRST + 1), str(FIRST)]
    assert rows[0]["order_state"] == "SHIPPED"
    assert code == 1

    code, rows = say(airflow, "order", FIRST, "--since", "1d")
    assert code == 0
    assert [row["seen_by"] for row in rows] == ["OMS", "Airflow"]
    assert {row["order_state"] for row in rows} == {"CANCELED"}
    assert rows[1]["run_id"] == task.run_id


@pytest.mark.needs("task_state_store")
def test_an_order_in_doubt_while_its_task_runs(
    airflow: Standalone, tenant: EmulatorProcess, tmp_path: Path
) -> None:
    order_id = FIRST + 10
    tenant.load_orders([{"orderID": order_id}])
    tenant.add_fault("late", order_id=order_id, seconds=60, times=1)
    task = cancel(airflow, tmp_path, order_id)
    tenant.wait_for_cancel_post(order_id, timeout=300)
    code, rows = say(airflow, "journal", "--since", "1d", "--dag-id", task.dag_id)
    assert code == 1
    (row,) = [row for row in rows if row["run_id"] == task.run_id]
    assert (row["order_id"], row["outcome"], row["task_state"]) == (
        str(order_id),
        "unknown",
        "running",
    )
    tenant.clear_faults()
    task.wait_for_end()


def test_the_connection_of_this_machine(airflow: Standalone) -> None:
    told = airflow.command("oms", "check", "--output", "json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)[0]["message"].startswith("It works: ")
