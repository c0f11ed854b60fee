"""What only a real scheduler can tell: a task for each order, one task for all, a journal's write.

The DAGs are in `bench/dags`; Airflow itself is run by `demo.standalone`.
"""

from __future__ import annotations

import os
import time
from datetime import datetime
from statistics import median
from typing import Any

from bench.measure import FIRST_ORDER, connection_to, spread
from bench.paper import Goal
from bench.rounds import LATENCY, SHORT_SETTLING, Bench
from bench.stub import TOKEN
from demo.standalone import Standalone
from demo.terminal import DemoError
from demo.workplace import REPOSITORY

DAGS = REPOSITORY / "bench" / "dags"
_SECONDS_TO_READ_A_DAG = 60.0
_SECONDS_FOR_A_RUN = 1800.0
_WORKERS = 32


def mapped(bench: Bench) -> None:
    each, one = bench.sizes.mapped_orders, bench.orders_for(_WORKERS, bench.sizes.seconds)
    # More tasks than twice the processors only get into each other's way.
    tasks_at_once = 2 * (os.cpu_count() or 1)
    settings = {
        "AIRFLOW__CORE__PARALLELISM": str(tasks_at_once),
        "BENCH_FIRST_ORDER": str(FIRST_ORDER),
        "BENCH_MAPPED_ORDERS": str(each),
        "BENCH_BULK_ORDERS": str(one),
        "BENCH_BULK_WORKERS": str(_WORKERS),
        "BENCH_TOKEN": TOKEN,
    }
    connections = {
        "oms_default": connection_to(bench.tenant.url, SHORT_SETTLING),
        "oms_http": {"conn_type": "http", "host": bench.tenant.url},
    }
    home = bench.directory / "scheduler"
    home.mkdir()
    with Standalone(home, DAGS, connections, settings) as airflow:
        # The first run of all pays for what Airflow reads only once.
        tasks = f"{_run(airflow, 'bench_store')}/taskInstances"
        result = f"{tasks}/measure_store/xcomEntries/return_value?stringify=false"
        writes: list[float] = airflow.api.ask("GET", result)["value"]
        bench.tenant.reset(latency=LATENCY)
        seconds_each = _span(airflow, "bench_mapped", each)
        bench.tenant.check(each)
        bench.tenant.reset(latency=LATENCY)
        seconds_one = _span(airflow, "bench_bulk", 1)
        bench.tenant.check(one)
    bench.store_seconds = median(writes)
    bench.paper.say("### Under a real scheduler")
    bench.paper.table(
        ("what", "orders", "seconds", "ms for an order"),
        [
            (name, f"{orders:,}", f"{seconds:.1f}", f"{1000 * seconds / orders:,.2f}")
            for name, orders, seconds in (
                (f"(a) mapped HttpOperator, {tasks_at_once} tasks at a time", each, seconds_each),
                (f"(d) this operator in one task, {_WORKERS} workers", one, seconds_one),
            )
        ],
    )
    written = spread([1000 * seconds for seconds in writes], ".1f")
    bench.paper.say(f"A write of half a journal page to Airflow's task_state_store: {written} ms.")
    name = f"(a) / (d) for an order, {_WORKERS} workers, the task's start included"
    ratio = seconds_each / each / (seconds_one / one)
    bench.paper.goals.append(Goal(name, ratio, 100, ",.0f", unit=" times"))


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
