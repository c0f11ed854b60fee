"""An export as it comes, through the operator: named columns, and the refusals."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from bulk_attempts import FIRST, Attempt, cancel_posts

from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import OmsBulkCancellationError, OmsInvalidInputError
from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

EXPORTS = Path(__file__).parents[2] / "exports"
COLUMN = "Order Number"
WHERE = {"Decision": {"cancel": ["Rejected"], "ignore": ["Approved", "Pending"]}}
NAMED = {"order_id_column": COLUMN, "where": WHERE}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.name for path in EXPORTS.iterdir()))
def test_a_golden_file_of_each_shape_cancels_what_was_rejected(
    oms: EmulatorProcess,
    name: str,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        summary = Attempt().run(orders_path=str(EXPORTS / name), **NAMED)
    # Airflow 2 logs through logging, Airflow 3 through structlog to standard output.
    log = capfd.readouterr().out + caplog.text
    assert cancel_posts(oms) == [4000001, 4000003]
    assert (summary["orders"], summary["duplicates"]) == (2, 1)
    assert summary["rows"] == {"Decision": {"Rejected": 3, "Approved": 1, "Pending": 1}}
    assert "Rows by Decision: 3 Rejected, 1 Approved, 1 Pending" in log
    if "jsonl" not in name:
        assert "Of orders_path: 3 of 5 columns are ignored" in log
    if name == "semicolon-bom.csv":
        assert "Of orders_path: fields are separated by semicolons" in log


def test_one_argument_is_enough_where_every_row_is_meant(
    oms: EmulatorProcess, tmp_path: Path
) -> None:
    (tmp_path / "export.csv").write_text(f"{COLUMN};Decision\n{FIRST};DECLINED\n", "utf-8")
    summary = Attempt().run(orders_path=str(tmp_path / "export.csv"), order_id_column=COLUMN)
    assert cancel_posts(oms) == [FIRST]
    assert summary["rows"] is None


def test_several_files_are_one_set(oms: EmulatorProcess, tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"part-{number}.tsv").write_text(
            f"{COLUMN}\tDecision\n{FIRST + number}\tRejected\n{FIRST}\tRejected\n", "utf-8"
        )
    attempt = Attempt()
    with pytest.raises(OmsInvalidInputError, match="more orders than the 2"):
        attempt.run(orders_path=f"{tmp_path}/part-*.tsv", max_orders=2, **NAMED)
    summary = attempt.run(orders_path=f"{tmp_path}/part-*.tsv", where=json.dumps(WHERE),
                          order_id_column=COLUMN, delimiter="\\t")  # fmt: skip
    assert cancel_posts(oms) == [FIRST, FIRST + 1, FIRST + 2]
    assert summary["duplicates"] == 3
    with pytest.raises(OmsBulkCancellationError, match=r"matches no file\. Nothing was sent"):
        attempt.run(orders_path=f"{tmp_path}/none-*.tsv", **NAMED)


@pytest.mark.parametrize(
    ("text", "arguments", "says"),
    [
        ("7,rejected \n", NAMED, "line 2: the field Decision differs from 'Rejected' by letter"),
        ("7,Unknown\n", NAMED, "line 2: the field Decision has a value that where does not name"),
        ("x,Rejected\n", NAMED, "line 2: order_id must be"),
        ("7,Rejected\n", {"where": WHERE}, "column 1 is 'Order Number'"),
        ("7,Rejected\n", {**NAMED, "where": {}}, "where must be the values of each column"),
        ("7,Rejected\n", {**NAMED, "where": "{{"}, "where must be the values of each column"),
        ("7,Rejected\n", {**NAMED, "order_id_column": "None"}, "order_id_column must be"),
        ("7,Rejected\n", {**NAMED, "delimiter": "::"}, "delimiter must be one character"),
        (
            "7,Rejected\n8,Approved\n7,Approved\n",
            NAMED,
            "line 4: another row of the same order, or of the same line of it, means the opposite",
        ),
    ],
)
def test_what_cannot_be_told_is_refused_whole(
    oms: EmulatorProcess, tmp_path: Path, text: str, arguments: dict[str, Any], says: str
) -> None:
    (tmp_path / "export.csv").write_text(f"{COLUMN},Decision\n{text}", "utf-8")
    with pytest.raises(OmsInvalidInputError, match="Nothing was sent") as refusal:
        Attempt().run(orders_path=str(tmp_path / "export.csv"), **arguments)
    assert says in str(refusal.value)
    assert oms.requests() == []


@pytest.mark.parametrize("more", [{"order_id_column": "No"}, {"where": WHERE}, {"delimiter": ";"}])
def test_what_is_about_files_is_refused_beside_orders(
    oms: EmulatorProcess, more: dict[str, Any]
) -> None:
    with pytest.raises(OmsInvalidInputError, match=r"without orders_path; got one of them beside"):
        Attempt().run([FIRST], **more)
    assert oms.requests() == []


def test_a_condition_that_renders_to_none_does_not_vanish(oms: EmulatorProcess) -> None:
    task = OmsBulkCancelOrdersOperator(
        task_id="cancel", orders_path="x.csv", order_id_column="No", where="{{ none }}"
    )
    task.where = None
    with pytest.raises(OmsInvalidInputError, match="where must be the values of each column"):
        task.execute({"ti": Attempt().ti})
    assert oms.requests() == []
