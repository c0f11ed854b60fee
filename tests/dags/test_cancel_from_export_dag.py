"""`cancel_from_export` in real Airflow: exports of every shape, as they come."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from dag_runs import RunDag

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.airflow_db

EXPORTS = Path(__file__).parents[1] / "exports"
# The orders of the golden files: 1 and 3 are rejected, 2 is approved, and another one pending.
FIRST = 4000001
EVERY, REJECTED = "cancel_exported_orders", "cancel_rejected_in_export"


@pytest.fixture(autouse=True)
def orders(oms: EmulatorProcess) -> None:
    """Give eight open orders."""
    oms.load_orders([{"orderID": FIRST + number} for number in range(8)])


@pytest.fixture
def bucket(memory_storage: None) -> ObjectStoragePath:
    return ObjectStoragePath("s3://exports")


def canceled(oms: EmulatorProcess) -> list[int]:
    path = "/api/v2/order/action/cancel"
    return sorted(each["order_id"] - FIRST for each in oms.requests(method="POST", path=path))


@pytest.mark.parametrize(
    "name", ["semicolon-bom.csv", "utf-16.tsv.gz", "objects.jsonl", "workbook.xlsx"]
)
def test_an_export_of_each_kind_cancels_what_was_rejected(
    oms: EmulatorProcess, run_dag: RunDag, name: str
) -> None:
    run = run_dag(REJECTED, export_path=str(EXPORTS / name), dry_run=False)
    assert run.state == "success"
    assert canceled(oms) == [0, 2]
    (summary,) = run.results["cancel"]
    assert summary["outcomes"] == {"canceled": 2}
    assert summary["rows"] == {"Decision": {"Rejected": 3, "Approved": 1, "Pending": 1}}


def test_it_only_looks_until_it_is_told_otherwise(oms: EmulatorProcess, run_dag: RunDag) -> None:
    run = run_dag(REJECTED, export_path=str(EXPORTS / "comma.csv"))
    assert run.results["cancel"][0]["outcomes"] == {"would_cancel": 2}
    assert canceled(oms) == []


def test_the_name_of_one_column_is_enough_where_every_order_is_meant(
    oms: EmulatorProcess, run_dag: RunDag, tmp_path: Path
) -> None:
    path = tmp_path / "export.csv"
    path.write_text(f"Order Number;Total\n{FIRST};1,50\n{FIRST + 5};20,00\n", encoding="utf-8")
    run = run_dag(EVERY, export_path=str(path), dry_run=False)
    assert run.state == "success"
    assert canceled(oms) == [0, 5]
    assert "fields are separated by semicolons" in run.log


def test_a_pattern_joins_files_of_several_kinds_in_a_bucket(
    oms: EmulatorProcess, run_dag: RunDag, bucket: ObjectStoragePath
) -> None:
    plain = (EXPORTS / "comma.csv").read_bytes()
    late = f"Order Number,Decision\n{FIRST + 6},Rejected\n{FIRST + 7},Pending\n".encode()
    for name, content in {"review-1.csv": plain, "review-2.csv.gz": gzip.compress(late)}.items():
        bucket.fs.pipe_file((bucket / name).path, content)
    run = run_dag(REJECTED, export_path="s3://exports/review-*", dry_run=False)
    assert run.state == "success"
    assert canceled(oms) == [0, 2, 6]


def test_an_order_that_has_shipped_is_reported_and_does_not_fail_the_run(
    oms: EmulatorProcess, run_dag: RunDag
) -> None:
    oms.load_orders([{"orderID": FIRST, "orderState": "SHIPPED", "orderStatus": "SHIPPED"}])
    run = run_dag(REJECTED, export_path=str(EXPORTS / "comma.csv"), dry_run=False)
    assert run.state == "success"
    (summary,) = run.results["cancel"]
    assert summary["outcomes"] == {"canceled": 1, "not_cancelable": 1}
    assert summary["accepted"] == {"not_cancelable": [FIRST]}


def test_a_value_that_nobody_has_named_refuses_the_whole_export(
    oms: EmulatorProcess, run_dag: RunDag, tmp_path: Path
) -> None:
    path = tmp_path / "export.csv"
    shutil.copy(EXPORTS / "comma.csv", path)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{FIRST + 6},2026-11-03,,Bowl,rejected\n")
    run = run_dag(REJECTED, export_path=str(path), dry_run=False)
    assert run.state == "failed"
    assert "the field Decision differs from 'Rejected' by letter case" in run.log
    assert oms.requests() == []
