"""The bulk operator in real Airflow, fed by other tasks, and the inputs that it refuses."""

from __future__ import annotations

from pathlib import Path

import backends
import pytest
from dag_runs import DagFolder

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = [pytest.mark.airflow_db, pytest.mark.backends]

FIRST = 6200001
CANCEL = "/api/v2/order/action/cancel"


@pytest.fixture
def folder(airflow_db: None, monkeypatch: pytest.MonkeyPatch) -> DagFolder:
    backends.provide(
        monkeypatch, "verdicts", {"conn_type": "sqlite", "host": ":memory:", "extra": {}}
    )
    folder = DagFolder(Path(__file__).parent / "dags")
    assert folder.import_errors == {}
    return folder


def test_it_takes_what_other_tasks_leave(folder: DagFolder, oms: EmulatorProcess) -> None:
    expected = {
        "a_list": [0, 1],
        "lists_of_mapped_tasks": [10, 11, 20, 21, 30, 31],
        "ids_of_mapped_tasks": [40, 41, 42],
        "a_template": [50, 51],
        "one_id": [60],
        "a_mapped_group": [70, 71],
        "a_mapped_group_of_one": [80],
        "a_query": [90, 91],
        "a_query_of_one_row": [100],
        "a_mapped_query": [110, 111, 112],
        "a_mapped_query_of_one_row": [120, 121],
        "a_map": [130, 131],
        "a_map_over_mapped_tasks": [140, 150],
        "a_concat": [160, 161, 170, 171, 180, 181],
    }
    wanted = [FIRST + number for numbers in expected.values() for number in numbers]
    oms.load_orders([{"orderID": FIRST + number} for number in range(200)])
    run = folder.run("bulk_takes_what_tasks_leave", None, str)
    outcomes = {name: (run.results[name][0] or {}).get("outcomes") for name in expected}
    assert outcomes == {name: {"canceled": len(numbers)} for name, numbers in expected.items()}
    assert run.state == "success"
    posts = oms.requests(method="POST", path=CANCEL)
    assert sorted(request["order_id"] for request in posts) == sorted(wanted)


def test_it_refuses_rows_of_several_columns(folder: DagFolder, oms: EmulatorProcess) -> None:
    oms.load_orders([{"orderID": FIRST + number} for number in range(20)])
    run = folder.run("bulk_refuses_what_tasks_leave", None, str)
    refused = (
        "a_row",
        "a_query_of_one_row",
        "a_mapped_query",
        "a_mapped_query_of_one_row",
        "a_zip",
        "a_map_over_digits",
    )
    assert {name: run.states[name] for name in refused} == {name: ["failed"] for name in refused}
    sources = {name for name in run.states if name not in refused}
    assert {state for name in sources for state in run.states[name]} == {"success"}
    assert oms.requests() == []
