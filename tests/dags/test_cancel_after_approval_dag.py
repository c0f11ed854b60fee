"""`cancel_after_approval` where no person can be asked: it names its requirements, and sends
nothing.

The effect of a person's answer is in `tests/scheduler/test_approval.py`.
"""

from __future__ import annotations

import runpy

import pytest
from dag_runs import EXAMPLE_DAGS, RunDag

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.airflow_db


@pytest.mark.needs("no way to ask a person")
def test_without_approval_nothing_is_canceled(oms: EmulatorProcess, run_dag: RunDag) -> None:
    flagged = [{"order_id": 7200001, "case_id": "F-1", "score": 0.9}]
    run = run_dag("cancel_after_approval", flagged=flagged)
    assert run.state == "failed"
    assert run.states["approve"] == ["failed"]
    assert run.states["cancel"] == ["upstream_failed"]
    assert "needs Airflow 3.1 or later" in run.log
    assert oms.requests() == []


@pytest.mark.needs("a step that waits for a person")
@pytest.mark.parametrize(
    ("version", "kind"), [("1.12.2", "_PythonDecoratedOperator"), ("1.12.3", "ApprovalOperator")]
)
def test_a_standard_provider_that_cannot_read_the_file_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, version: str, kind: str
) -> None:
    monkeypatch.setattr("airflow.providers.standard.__version__", version)
    dag = runpy.run_path(str(EXAMPLE_DAGS / "cancel_after_approval.py"))["dag"]
    assert type(dag.get_task("approve")).__name__ == kind
