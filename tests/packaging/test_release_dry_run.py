"""`make release-dry-run`: it follows the release workflow, and publishes nothing."""

from __future__ import annotations

import datetime as dt

import yaml  # type: ignore[import-untyped]  # its stubs are not worth a dependency

from scripts import release_dry_run


def the_steps() -> list[release_dry_run.Step]:
    text = release_dry_run.WORKFLOW.read_text(encoding="utf-8")
    return list(release_dry_run.steps(yaml.safe_load(text)))


def test_it_runs_what_builds_tests_and_compares() -> None:
    assert [(step.said, step.python) for step in the_steps() if step.runs] == [
        ('make package TAG="$GITHUB_REF_NAME"', ""),
        ('make matrix CELL="$CELL"', "3.11"),
        ("diff --recursive dist .nox/dist", "3.11"),
        ('make matrix CELL="$CELL"', "3.14"),
        ("diff --recursive dist .nox/dist", "3.14"),
    ]


def test_each_cell_gets_its_name() -> None:
    cells = [step.environment["CELL"] for step in the_steps() if "CELL" in step.said]
    assert cells == ["airflow-2.11-python-3.11", "airflow-3.3-python-3.14"]


def test_it_only_names_what_publishes() -> None:
    named = [step.said for step in the_steps() if not step.runs]
    assert "pypa/gh-action-pypi-publish" in named
    assert "$/.github/workflows/docs.yml" in named
    assert [said for said in named if said.startswith("gh release create ")]
    assert not any(step.environment for step in the_steps() if not step.runs)


def test_a_changelog_gets_a_date_once() -> None:
    day = dt.date(2026, 12, 1)
    assert release_dry_run.dated("## 1.2.0 (unreleased)\n\n(unreleased)\n", day) == (
        "## 1.2.0 (2026-12-01)\n\n(unreleased)\n"
    )
    assert release_dry_run.dated("## 1.2.0 (2026-11-01)\n", day) == "## 1.2.0 (2026-11-01)\n"
