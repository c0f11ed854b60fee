"""`cancel_from_object_storage` in real Airflow: from a disk, and from a bucket in memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from dag_runs import RunDag

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.airflow_db

DAG_ID = "cancel_from_object_storage"
FIRST = 6300001


@pytest.fixture(autouse=True)
def orders(oms: EmulatorProcess) -> None:
    """Give eight open orders."""
    oms.load_orders([{"orderID": FIRST + number} for number in range(8)])


@pytest.fixture
def bucket(memory_storage: None) -> ObjectStoragePath:
    return ObjectStoragePath("s3://fraud/verdicts")


def line(order_id: object, verdict: str, **more: object) -> str:
    return json.dumps({"order_id": order_id, "verdict": verdict, "case_id": "F-1", **more})


def posts(oms: EmulatorProcess) -> list[int]:
    path = "/api/v2/order/action/cancel"
    return sorted(each["order_id"] - FIRST for each in oms.requests(method="POST", path=path))


def test_only_an_order_whose_last_verdict_is_rejected_is_canceled(
    oms: EmulatorProcess, run_dag: RunDag, tmp_path: Path
) -> None:
    verdicts = [
        line(FIRST, "rejected", case_id="F-17", note="a line break\u2028within a string"),
        line(FIRST + 1, "accepted"),
        "",
        line(FIRST + 2, "rejected"),
        line(str(FIRST + 2), "accepted"),
        line(FIRST + 3, "accepted"),
        line(str(FIRST + 3), "rejected"),
        line(FIRST + 4, "review"),
    ]
    path = tmp_path / "verdicts.jsonl"
    path.write_text("\ufeff" + "\r\n".join(verdicts), encoding="utf-8", newline="")
    run = run_dag(DAG_ID, verdicts_path=path.as_uri())
    assert run.state == "success"
    assert posts(oms) == [0, 3]
    assert run.results["cancel"][0]["outcomes"] == {"canceled": 2}
    reason = oms.order(FIRST)["dispositionOtherReason"]
    assert reason == "Rejected by fraud screening, F-17"


def test_it_reads_what_a_bucket_holds(
    oms: EmulatorProcess, run_dag: RunDag, bucket: ObjectStoragePath
) -> None:
    path = bucket / "2026-11-24.jsonl"
    bucket.fs.pipe_file(path.path, line(FIRST, "rejected").encode())
    assert run_dag(DAG_ID, verdicts_path=str(path)).state == "success"
    assert posts(oms) == [0]


@pytest.mark.parametrize(
    "bad",
    [
        '{"order_id": 1',
        json.dumps({"order_id": FIRST + 1, "case_id": "F-1"}),
        line(f"{FIRST}.0", "rejected"),
        line(None, "accepted"),
        json.dumps({"order_id": FIRST + 1, "verdict": "rejected"}),
        line(FIRST + 1, "Rejected"),
        line(FIRST + 1, ""),
    ],
    ids=[
        "no JSON",
        "no verdict",
        "no order id",
        "no order id, accepted",
        "no case id",
        "another word",
        "no word",
    ],
)
def test_a_line_that_is_no_verdict_stops_everything(
    bad: str, oms: EmulatorProcess, run_dag: RunDag, tmp_path: Path
) -> None:
    path = tmp_path / "verdicts.jsonl"
    path.write_text(f"{line(FIRST, 'rejected')}\n{bad}\n", encoding="utf-8")
    run = run_dag(DAG_ID, verdicts_path=str(path))
    assert run.state == "failed"
    assert run.states["rejected_orders"] == ["failed"]
    assert oms.requests() == []
