"""A set whose journal is at journal_path, under the scheduler of an Airflow that has no store."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from dag_runs import DagFolder
from patience import wait_until

from airflow_provider_oms.emulator.testing import EmulatorProcess

DAG_ID = "keeps_its_journal_in_a_folder"
CANCELED, IN_DOUBT, NEVER_SENT = ORDERS = [6500001, 6500002, 6500003]


@contextlib.contextmanager
def scheduler(directory: Path) -> Iterator[psutil.Process]:
    """Run Airflow's scheduler, which starts each task in a process of its own."""
    settings = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).parent / "dags"),
        "AIRFLOW__CORE__EXECUTOR": "SequentialExecutor",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        # A task without a sign of life is tried again after some seconds; 300 by default.
        "AIRFLOW__SCHEDULER__LOCAL_TASK_JOB_HEARTBEAT_SEC": "1",
        "AIRFLOW__SCHEDULER__SCHEDULER_ZOMBIE_TASK_THRESHOLD": "15",
        "AIRFLOW__SCHEDULER__ZOMBIE_DETECTION_INTERVAL": "2",
        # The executor starts a task as `airflow tasks run`.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    with (directory / "scheduler.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", "scheduler"],
            env={**os.environ, **settings},
            stdout=log,
            stderr=log,
        )
    running = psutil.Process(process.pid)
    try:
        yield running
    finally:
        kill([*running.children(recursive=True), running])
        process.wait()


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def is_of_a_task(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        words = " ".join(process.cmdline())
        return "tasks run" in words or "airflow task runner" in words
    return False


@pytest.mark.airflow_db
@pytest.mark.slow
@pytest.mark.needs("a scheduler of Airflow 2")
def test_a_task_that_is_killed_is_tried_again_and_reads_only_what_is_in_doubt(
    airflow_db: None, oms: EmulatorProcess, tmp_path: Path
) -> None:
    oms.load_orders([{"orderID": order_id} for order_id in ORDERS])
    oms.add_fault("slow", order_id=IN_DOUBT, seconds=60)
    journals = tmp_path / "journals"
    now = datetime.now(UTC)
    dag: Any = DagFolder(Path(__file__).parent / "dags").read(DAG_ID)
    run = dag.create_dagrun(
        run_id="killed",
        state="running",
        execution_date=now,
        data_interval=(now, now),
        start_date=now,
        conf={"orders": ORDERS, "journal_path": str(journals)},
        external_trigger=True,
    )

    def task() -> Any:
        return run.get_task_instance("cancel")

    def log() -> str:
        return (tmp_path / "scheduler.log").read_text(encoding="utf-8")[-3000:]

    with scheduler(tmp_path) as running:
        wait_until(lambda: oms.cancels(IN_DOUBT) == 1, 90, log)
        # The end of the one before is on record within a second.
        wait_until(lambda: any(b"canceled:" in path.read_bytes() for path in journals.glob("*/*")))
        kill([one for one in running.children(recursive=True) if is_of_a_task(one)])
        oms.clear_faults()
        oms.clear_requests()
        wait_until(lambda: task().state in ("success", "failed"), 150, log)
    assert (task().state, task().try_number) == ("success", 2)
    assert [request["order_id"] for request in oms.requests(call="cancel")] == [NEVER_SENT]
    assert CANCELED not in {request["order_id"] for request in oms.requests(call="get")}
    assert all(oms.order(order_id)["times_canceled"] == 1 for order_id in ORDERS)
