"""The XComs of a bulk task that fails, and a later task reads it."""

from __future__ import annotations

import os
from pathlib import Path

import backends
import pytest
from dag_runs import DagFolder

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = [pytest.mark.airflow_db, pytest.mark.backends]

FIRST = 6300001


def test_a_later_task_reads_what_a_failed_one_left(airflow_db: None, oms: EmulatorProcess) -> None:
    oms.load_orders([{"orderID": FIRST}, {"orderID": FIRST + 1, "orderState": "SHIPPED"}])
    folder = DagFolder(Path(__file__).parent / "dags")
    run = folder.run("bulk_fails_and_is_read", None, str)
    assert run.states == {"cancel": ["failed"], "read": ["success"]}
    assert run.results["cancel"][0]["outcomes"] == {"canceled": 1, "not_cancelable": 1}
    results = [(FIRST, "canceled", "CANCELED"), (FIRST + 1, "not_cancelable", "SHIPPED")]
    (read,) = run.results["read"]
    found = [(one["order_id"], one["outcome"], one["order_state"]) for one in read.pop("results")]
    assert sorted(found) == results
    assert read == {"canceled": 1, "not_cancelable": 1}
    # So these were where test_backends.py wants them, and nowhere else.
    is_elsewhere = os.environ.get(backends.XCOM) == "object storage"
    assert bool(backends.stored_xcoms()) is is_elsewhere
    is_in_environment = backends.CONNECTIONS not in os.environ
    assert ("AIRFLOW_CONN_OMS_DEFAULT" in os.environ) is is_in_environment
