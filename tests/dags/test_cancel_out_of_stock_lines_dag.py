"""`cancel_out_of_stock_lines` in real Airflow, on a translated and on a native tenant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dag_runs import RunDag, connect
from emulator_client import SPLIT, SPLIT_ITEMS

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.airflow_db

DAG_ID = "cancel_out_of_stock_lines"
FIRST, SECOND = SPLIT_ITEMS


@pytest.fixture
def feed(oms: EmulatorProcess, tmp_path: Path) -> Path:
    oms.load_orders([{"orderID": 8, "parts": SPLIT}, {"orderID": 1010101}])
    return tmp_path / "feed.jsonl"


def write(feed: Path, *rows: dict[str, Any]) -> str:
    feed.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return str(feed)


def open_lines(oms: EmulatorProcess) -> dict[int, int]:
    return {number: line["open"] for number, line in oms.parts(8)["lines"].items()}


def test_whole_lines_of_a_translated_tenant(
    oms: EmulatorProcess, run_dag: RunDag, feed: Path
) -> None:
    path = write(feed, {"order_id": 8, "line": SECOND})
    run = run_dag(DAG_ID, feed_path=path)
    assert run.state == "success"
    assert run.results["cancel"][0]["outcomes"] == {"canceled": 1}
    assert open_lines(oms) == {1: 3, 2: 0}
    # The feed comes again.
    run = run_dag(DAG_ID, feed_path=path)
    assert run.results["cancel"][0]["outcomes"] == {"already_canceled": 1}
    assert oms.parts(8)["lines"][2]["cancels"] == 1


def test_quantities_of_a_native_tenant(
    oms: EmulatorProcess, run_dag: RunDag, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, oms, extra={"api": "native", "check_reasons": "off"})
    rows = ({"order_id": oms.native_id(8), "line": 1, "keep_quantity": 1},)
    for outcome in ("canceled", "already_canceled"):
        run = run_dag(DAG_ID, feed_path=write(feed, *rows))
        assert run.results["cancel"][0]["outcomes"] == {outcome: 1}
    assert open_lines(oms) == {1: 1, 2: 2}
    assert oms.parts(8)["lines"][1]["canceled"] == 2


def test_the_last_open_line_fails_its_order_and_no_other(
    oms: EmulatorProcess, run_dag: RunDag, feed: Path
) -> None:
    only = oms.parts(1010101)["lines"][1]["orderItemID"]
    rows = ({"order_id": 1010101, "line": only}, {"order_id": 8, "line": FIRST})
    run = run_dag(DAG_ID, feed_path=write(feed, *rows))
    assert run.state == "failed"
    assert run.results["cancel"][0]["outcomes"] == {"not_cancelable": 1, "canceled": 1}
    assert "allow_whole_order=True" in run.log
    assert oms.parts(1010101)["lines"][1]["canceled"] == 0
    assert open_lines(oms)[1] == 0


def test_a_row_without_a_line_cancels_no_order(
    oms: EmulatorProcess, run_dag: RunDag, feed: Path
) -> None:
    rows = ({"order_id": 1010101, "line": ""}, {"order_id": 8, "line": FIRST})
    run = run_dag(DAG_ID, feed_path=write(feed, *rows))
    assert (run.state, oms.requests(method="POST", path="/api/v2/")) == ("failed", [])
