"""The page of what runs where: every cell of the matrix is in it, and no feature is made up."""

from __future__ import annotations

import re
from pathlib import Path

from features import FEATURES

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "compatibility.md").read_text(encoding="utf-8")
PYPROJECT = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
PINS = {
    path.stem.removeprefix("airflow-"): path.read_text(encoding="utf-8")
    for path in REPOSITORY.glob("constraints/airflow-*.txt")
}


def table(title: str) -> list[list[str]]:
    """Return the cells of a table that a run of the matrix has written, its heading first."""
    text = PAGE.partition(f"<!-- {title}:")[2].partition(f"<!-- end of {title} -->")[0]
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return [
        [cell.strip() for cell in row.strip("|").split("|")] for row in rows if "---" not in row
    ]


def test_every_line_of_airflow_that_has_constraints_was_run() -> None:
    runs = table("cells")[1:]
    lines = {row[0].rpartition(".")[0] for row in runs}
    # A pre-release may have come after the last run of the whole matrix.
    released = {
        line
        for line, pins in PINS.items()
        if re.search(r"^apache-airflow==[\d.]+$", pins, re.MULTILINE)
    }
    assert released <= lines
    for row in runs:
        assert f"\napache-airflow=={row[0]}\n" in PINS[row[0].rpartition(".")[0]]
        assert int(row[2]) > 200
    assert set(table("aspects")[0][1:]) == lines


def test_each_combination_was_run_on_a_python_that_is_promised() -> None:
    runs = table("cells")[1:]
    assert len(runs) >= 13
    for row in runs:
        minor = row[1].rpartition(".")[0]
        assert f'"Programming Language :: Python :: {minor}"' in PYPROJECT


def test_what_was_left_out_was_left_out_for_a_feature_that_the_tests_know() -> None:
    for row in table("cells")[1:]:
        for feature in filter(None, re.split(r" \(\d+\)(?:, |$)|^none$", row[3])):
            assert feature in FEATURES
            assert row[0] not in FEATURES[feature]


def test_each_aspect_has_a_word_for_each_line() -> None:
    rows = table("aspects")
    assert [row[0] for row in rows[1:]] == [
        "journal",
        "approval",
        "retry policy",
        "form",
        "a task whose process is killed",
    ]
    assert all(all(row) for row in rows[1:])
