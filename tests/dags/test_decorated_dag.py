"""`@task.oms_cancel` in real Airflow, mapped: each instance finds its orders and cancels them."""

from __future__ import annotations

from pathlib import Path

import pytest
from dag_runs import DagFolder

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = [pytest.mark.airflow_db, pytest.mark.backends]

FIRST = 6300001


def test_each_mapped_instance_calls_the_function_and_cancels_its_set(
    airflow_db: None, oms: EmulatorProcess
) -> None:
    oms.load_orders([{"orderID": FIRST + number} for number in range(20)])
    folder = DagFolder(Path(__file__).parent / "dags")
    assert folder.import_errors == {}
    run = folder.run("cancels_what_functions_return", None, str)
    assert run.state == "success"
    assert run.states["cancel"] == ["success", "success"]
    # What goes through XCom is the summary, never the set.
    assert [one["outcomes"] for one in run.results["cancel"]] == [{"canceled": 2}] * 2
    wanted = {FIRST, FIRST + 1, FIRST + 10, FIRST + 11}
    assert {number for number in range(FIRST, FIRST + 20) if oms.order(number)["cancels"]} == wanted
