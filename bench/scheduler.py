"""What only a real scheduler can tell: a task for each order, one task for all, a journal's write.

The DAGs are in `bench/dags`; Airflow itself is run by `demo.standalone`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.measure import Spread, connection_to
from bench.stub import TOKEN
from bench.tenant import FIRST_ORDER, Tenant
from demo.standalone import Standalone
from demo.terminal import DemoError
from demo.workplace import REPOSITORY

DAGS = REPOSITORY / "bench" / "dags"
_SECONDS_TO_READ_A_DAG = 60.0
_SECONDS_FOR_A_RUN = 1800.0
_PAGE = 100


@dataclass(frozen=True)
class Scheduled:
    """Hold the measurements under a scheduler.

    :param tasks_at_once: how many tasks it ran at a time.
    :param mapped_seconds: from the first mapped task's start to the last one's end.
    :param bulk_seconds: from the bulk task's start to its end.
    :param store_seconds: the least, the middle and the most that a write of the journal took.
    """

    tasks_at_once: int
    mapped_seconds: float
    bulk_seconds: float
    store_seconds: Spread


@dataclass(frozen=True)
class Sizes:
    """Say how much to do.

    :param mapped_orders: orders with a task each.
    :param bulk_orders: orders of the one task.
    :param bulk_workers: its workers.
    """

    mapped_orders: int
    bulk_orders: int
    bulk_workers: int


def measure(tenant: Tenant, directory: Path, sizes: Sizes, *, latency: float) -> Scheduled:
    """Run the DAGs once each, in a separate Airflow.

    :param tenant: the stub.
    :param directory: where Airflow works.
    :param sizes: how much to do.
    :param latency: the stub's.
    """
    home = directory / "scheduler"
    home.mkdir()
    # More tasks than twice the processors only get into each other's way.
    tasks_at_once = 2 * (os.cpu_count() or 1)
    settings = {
        "AIRFLOW__CORE__PARALLELISM": str(tasks_at_once),
        "BENCH_FIRST_ORDER": str(FIRST_ORDER),
        "BENCH_MAPPED_ORDERS": str(sizes.mapped_orders),
        "BENCH_BULK_ORDERS": str(sizes.bulk_orders),
        "BENCH_BULK_WORKERS": str(sizes.bulk_workers),
        "BENCH_TOKEN": TOKEN,
    }
    connections: dict[str, dict[str, object]] = {
        "oms_default": connection_to(tenant.url, settle_seconds=1),
        "oms_http": {"conn_type": "http", "host": tenant.url},
    }
    with Standalone(home, DAGS, connections, settings) as airflow:
        # The first run of all pays for what Airflow reads only once.
        store = _result(airflow, "bench_store", "measure_store")
        tenant.reset(latency=latency)
        mapped = _span(airflow, "bench_mapped")
        tenant.check(sizes.mapped_orders)
        tenant.reset(latency=latency)
        bulk = _span(airflow, "bench_bulk")
        tenant.check(sizes.bulk_orders)
    spread = Spread.of((store["least"], store["median"], store["most"]))
    return Scheduled(tasks_at_once, mapped, bulk, spread)


def _result(airflow: Standalone, dag_id: str, task_id: str) -> Any:
    path = f"{_run(airflow, dag_id)}/taskInstances/{task_id}/xcomEntries/return_value"
    return airflow.api.ask("GET", f"{path}?stringify=false")["value"]


def _span(airflow: Standalone, dag_id: str) -> float:
    """Run a DAG, and return the seconds from its first task's start to its last one's end."""
    tasks = list(_tasks(airflow, _run(airflow, dag_id)))
    first = min(datetime.fromisoformat(one["start_date"]) for one in tasks)
    last = max(datetime.fromisoformat(one["end_date"]) for one in tasks)
    return (last - first).total_seconds()


def _run(airflow: Standalone, dag_id: str) -> str:
    """Run a DAG to its end, and return the run's path in the REST API."""
    run_id = airflow.start_run(dag_id, {}, patience=_SECONDS_TO_READ_A_DAG)
    path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"
    until = time.monotonic() + _SECONDS_FOR_A_RUN
    while (state := airflow.api.ask("GET", path)["state"]) in ("queued", "running"):
        if time.monotonic() > until:
            raise DemoError(f"{dag_id} is still {state} after {_SECONDS_FOR_A_RUN:.0f} s.")
        # Seldom: each question costs the machine that is measured.
        time.sleep(1)
    if state != "success":
        raise DemoError(f"{dag_id} ended {state}; see {airflow.log}.")
    return path


def _tasks(airflow: Standalone, run: str) -> Iterator[dict[str, Any]]:
    offset = 0
    while True:
        page = f"{run}/taskInstances?limit={_PAGE}&offset={offset}"
        found = airflow.api.ask("GET", page)["task_instances"]
        yield from found
        offset += len(found)
        if len(found) < _PAGE:
            return
