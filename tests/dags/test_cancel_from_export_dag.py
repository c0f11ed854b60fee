"""`cancel_from_export` in real Airflow: exports of every shape, as they come."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from dag_runs import RunDag, connect

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.airflow_db

EXPORTS = Path(__file__).parents[1] / "exports"
# The orders of the golden files: 1 and 3 are rejected, 2 is approved, and another one pending.
FIRST = 4000001
EVERY, REJECTED = "cancel_exported_orders", "cancel_rejected_in_export"
MIXED = "cancel_rejected_in_mixed_export"


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


class TestAColumnOfIdsAndNumbers:
    """A native tenant, whose orders the export names in three ways."""

    ID = "137a94b6402be0000137196800002711"

    @pytest.fixture(autouse=True)
    def native_orders(self, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> None:
        connect(monkeypatch, oms, extra={"api": "native"})
        names: tuple[dict[str, Any], ...] = (
            {"id": self.ID},
            {"orderNumber": 1042},
            {"externalId": "SHOP-1043"},
            {},
        )
        oms.load_orders(
            [
                {"orderID": FIRST + number, "native": native, "orderState": "READY"}
                for number, native in enumerate(names)
            ]
        )

    @pytest.fixture
    def export(self, tmp_path: Path) -> Path:
        path = tmp_path / "mixed.csv"
        rows = [f"{self.ID},Rejected", "1042,Rejected", "SHOP-1043,Rejected", "SHOP-1044,Pending"]
        path.write_text("\n".join(["Order Number,Decision", *rows, ""]), encoding="utf-8")
        return path

    def canceled(self, oms: EmulatorProcess) -> list[int]:
        return sorted(each["order_id"] - FIRST for each in oms.requests(call="cancel"))

    def test_each_rejected_order_is_canceled_whatever_its_name(
        self, oms: EmulatorProcess, run_dag: RunDag, export: Path
    ) -> None:
        run = run_dag(MIXED, export_path=str(export), dry_run=False)
        assert run.state == "success"
        assert run.results["cancel"][0]["outcomes"] == {"canceled": 3}
        assert self.canceled(oms) == [0, 1, 2]

    def test_it_only_looks_until_it_is_told_otherwise(
        self, oms: EmulatorProcess, run_dag: RunDag, export: Path
    ) -> None:
        run = run_dag(MIXED, export_path=str(export))
        assert run.results["cancel"][0]["outcomes"] == {"would_cancel": 3}
        assert self.canceled(oms) == []

    @pytest.mark.parametrize(
        ("row", "named"),
        [
            ("SHOP-1045,Review", "line 6: the field Decision has a value that where does not name"),
            ("shop-1045,Rejected", "entry 4: order_id must be Kibo's id of the order"),
            ("12345678901,Rejected", "entry 4: order_id must be Kibo's id of the order"),
        ],
        ids=["an unknown word", "an unknown name", "a number too long"],
    )
    def test_an_unknown_word_or_name_refuses_the_whole_export(
        self, oms: EmulatorProcess, run_dag: RunDag, export: Path, row: str, named: str
    ) -> None:
        with export.open("a", encoding="utf-8") as file:
            file.write(f"{row}\n")
        run = run_dag(MIXED, export_path=str(export), dry_run=False)
        assert run.state == "failed"
        assert named in run.log
        assert self.canceled(oms) == []
