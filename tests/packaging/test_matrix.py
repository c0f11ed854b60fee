"""`make matrix`: it tests the installed package, and writes no table that it cannot stand for."""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path
from typing import Any

import cell
import pytest

from scripts import compatibility

WANTED = {("2.11", "3.11"), ("3.3", "3.13")}


def test_a_cell_refuses_to_test_a_package_that_is_not_installed() -> None:
    source = compatibility.REPOSITORY / cell.PACKAGE
    with pytest.raises(pytest.UsageError, match="is not the package in"):
        cell.check_installed(source)
    cell.check_installed(Path(sysconfig.get_path("purelib")) / cell.PACKAGE)


def result(airflow: str, python: str, **changes: Any) -> compatibility.Cell:
    return {
        "airflow": airflow,
        "python": python,
        "exit_status": 0,
        "tests": {"hooks": {"passed": 40, "skipped": 2}, "dags": {"passed": 3}},
        "lacking": {"task_state_store": 2},
        "degrades": {"journal": "none"},
        "wheel": "ab12",
        "all_areas": True,
        **changes,
    }


@pytest.fixture(autouse=True)
def two_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compatibility, "wanted", lambda: WANTED)


def test_cells_that_all_passed_with_one_wheel_are_right() -> None:
    found = [result("2.11.2", "3.11.7"), result("3.3.2", "3.13.0")]
    assert compatibility.what_is_wrong(found) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"exit_status": 1}, "Airflow 3.3.2, Python 3.13.0 failed"),
        ({"all_areas": False}, "Airflow 3.3.2, Python 3.13.0 ran some tests only"),
        ({"wheel": "cd34"}, "not all cells have tested the same wheel"),
        ({"python": "3.12.1"}, "no result of Airflow 3.3, Python 3.13"),
    ],
)
def test_anything_else_is_wrong(changes: dict[str, Any], said: str) -> None:
    found = [result("2.11.2", "3.11.7"), result("3.3.2", **{"python": "3.13.0", **changes})]
    assert compatibility.what_is_wrong(found) == [said]


def test_the_tables_say_what_the_cells_said() -> None:
    degrades = {"journal": "in `task_state_store`"}
    found = [
        result("2.11.2", "3.11.7"),
        # One cell of each Airflow drives a scheduler.
        result("3.3.2", "3.12.1", degrades={}),
        result("3.3.2", "3.13.0", lacking={}, degrades=degrades, tests={"dags": {"passed": 5}}),
    ]
    assert "| 2.11.2 | 3.11.7 | 43 | task_state_store (2) |" in compatibility.by_cell(found)
    assert "| 3.3.2 | 3.13.0 | 5 | none |" in compatibility.by_cell(found)
    assert "| journal | none | in `task_state_store` |" in compatibility.by_aspect(found)
    assert "| approval | not tried | not tried |" in compatibility.by_aspect(found)


def test_a_pre_release_comes_after_the_releases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compatibility, "REPORTS", tmp_path)
    for airflow, python in (("3.4.0b2", "3.12.1"), ("3.4.0b2", "3.11.7"), ("3.3.2", "3.14.0")):
        name = f"airflow-{airflow}-python-{python}.json"
        (tmp_path / name).write_text(json.dumps(result(airflow, python)), encoding="utf-8")
    found = compatibility.cells()
    assert [(cell["airflow"], cell["python"]) for cell in found] == [
        ("3.3.2", "3.14.0"),
        ("3.4.0b2", "3.11.7"),
        ("3.4.0b2", "3.12.1"),
    ]
    assert compatibility.by_aspect(found).startswith("|  | 3.3 | 3.4 |\n")
