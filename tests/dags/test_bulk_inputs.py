"""The bulk operator in real Airflow, fed by other tasks: lists, lazy sequences, templates."""

from __future__ import annotations

from pathlib import Path

import pytest
from dag_runs import DagFolder

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = [pytest.mark.airflow_db, pytest.mark.backends]

FIRST = 6200001


def test_it_takes_what_other_tasks_leave(airflow_db: None, oms: EmulatorProcess) -> None:
    expected = {
        "a_list": [0, 1],
        "lists_of_mapped_tasks": [10, 11, 20, 21, 30, 31],
        "ids_of_mapped_tasks": [40, 41, 42],
        "a_template": [50, 51],
    }
    wanted = [FIRST + number for numbers in expected.values() for number in numbers]
    oms.load_orders([{"orderID": order_id} for order_id in wanted])
    folder = DagFolder(Path(__file__).parent / "dags")
    assert folder.import_errors == {}
    run = folder.run("bulk_takes_what_tasks_leave", None, str)
    assert run.state == "success"
    for task_id, numbers in expected.items():
        assert run.results[task_id][0]["outcomes"] == {"canceled": len(numbers)}
    posts = oms.requests(method="POST", path="/api/v2/order/action/cancel")
    assert sorted(request["order_id"] for request in posts) == sorted(wanted)
