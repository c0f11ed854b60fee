"""What only a real scheduler can tell: a task for each order, one task for all, a journal's write.

The DAGs are in `bench/dags`; Airflow itself is run by `demo.standalone`.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bench.measure import FIRST_ORDER, connection_to
from bench.rounds import LATENCY, SHORT_SETTLING, Bench
from bench.stub import TOKEN
from demo.standalone import Standalone
from demo.terminal import DemoError
from demo.workplace import REPOSITORY

DAGS = REPOSITORY / "bench" / "dags"
_SECONDS_TO_READ_A_DAG = 60.0
_SECONDS_FOR_A_RUN = 1800.0


@dataclass(frozen=True)
class Scheduled:
    """Hold the measurements under a scheduler.

    :param mapped_seconds: from the first mapped task's start to the last one's end.
    :param bulk_seconds: from the bulk task's start to its end.
    :param store_seconds: of each write of the journal.
    """

    tasks_at_once: int
    mapped_seconds: float
    bulk_seconds: float
    store_seconds: list[float]


def measure(bench: Bench, mapped_orders: int, bulk_orders: int, bulk_workers: int) -> Scheduled:
    """Run the DAGs once each, in a separate Airflow."""
    home = bench.directory / "scheduler"
    home.mkdir()
    # More tasks than twice the processors only get into each other's way.
    tasks_at_once = 2 * (os.cpu_count() or 1)
    settings = {
        "AIRFLOW__CORE__PARALLELISM": str(tasks_at_once),
        "BENCH_FIRST_ORDER": str(FIRST_ORDER),
        "BENCH_MAPPED_ORDERS": str(mapped_orders),
        "BENCH_BULK_ORDERS": str(bulk_orders),
        "BENCH_BULK_WORKERS": str(bulk_workers),
        "BENCH_TOKEN": TOKEN,
    }
    connections: dict[str, dict[str, object]] = {
        "oms_default": connection_to(bench.tenant.url, settle_seconds=SHORT_SETTLING),
        "oms_http": {"conn_type": "http", "host": bench.tenant.url},
    }
    with Standalone(home, DAGS, connections, settings) as airflow:
        # The first run of all pays for what Airflow reads only once.
        tasks = f"{_run(airflow, 'bench_store')}/taskInstances"
        result = f"{tasks}/measure_store/xcomEntries/return_value?stringify=false"
        store: list[float] = airflow.api.ask("GET", result)["value"]
        bench.tenant.reset(latency=LATENCY)
        mapped = _span(airflow, "bench_mapped", mapped_orders)
        bench.tenant.check(mapped_orders)
        bench.tenant.reset(latency=LATENCY)
        bulk = _span(airflow, "bench_bulk", 1)
        bench.tenant.check(bulk_orders)
    return Scheduled(tasks_at_once, mapped, bulk, store)


def _span(airflow: Standalone, dag_id: str, count: int) -> float:
    """Run a DAG, and return the seconds from its first task's start to its last one's end."""
    path = f"{_run(airflow, dag_id)}/taskInstances?limit={count}"
    tasks: list[dict[str, Any]] = airflow.api.ask("GET", path)["task_instances"]
    if len(tasks) != count:
        raise DemoError(f"{dag_id} had {len(tasks)} tasks and not {count}.")
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
