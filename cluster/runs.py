"""Runs of the mapped-chunks DAG: its chunks and their reports."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from airflow_provider_oms.emulator.testing import EmulatorProcess
from cluster.oms import LATENCY, OrderSet, set_faults
from demo.compare import CANCELED
from demo.standalone import AirflowApi
from demo.terminal import DemoError

SECONDS_FOR_A_RUN = 900.0
OVER = ("success", "failed")
_SECONDS_TO_READ_A_DAG = 60.0
# As the example DAG has it.
_REQUESTS_AT_ONCE = 4


def start_run(api: AirflowApi, dag_id: str, conf: dict[str, Any]) -> str:
    run_id = api.start_run(dag_id, conf, patience=_SECONDS_TO_READ_A_DAG)
    return f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"


@dataclass(frozen=True)
class Chunk:
    """Hold the end of a chunk.

    :param summary: how often each outcome is in its summary, as XCom has it.
    :param results: order, by its translated id, and outcome of each line of its results file.
    """

    state: str
    summary: dict[str, int]
    results: list[tuple[int, str]]

    def disagreements(self) -> list[str]:
        outcomes, found = dict(Counter(outcome for _, outcome in self.results)), []
        if outcomes != self.summary:
            found.append(f"its file says {outcomes}, its summary {self.summary}")
        expected = "success" if outcomes and set(outcomes) <= set(CANCELED) else "failed"
        if self.state != expected:
            found.append(f"with {outcomes} it ought to be {expected}, and is {self.state}")
        return found


class ChunksRun:
    """Look after one run of the DAG, which this starts."""

    def __init__(
        self, api: AirflowApi, oms: EmulatorProcess, orders: OrderSet, directory: Path
    ) -> None:
        self._api = api
        self._base = 16 if orders.native else 10
        self._results = f"{directory}/results-{orders.orders.start}"
        orders.prepare(oms, path := directory / f"orders-{orders.orders.start}.jsonl")
        conf = {
            "orders_path": str(path),
            "results_path": f"{self._results}.jsonl",
            "api": "native" if orders.native else "translated",
        }
        self._path = start_run(api, "cancel_in_chunks", conf)

    def is_over(self) -> bool:
        return self._api.ask("GET", self._path)["state"] in OVER

    def tasks(self) -> list[dict[str, Any]]:
        answer = self._api.ask("GET", f"{self._path}/taskInstances?limit=100")
        return [
            one
            for one in answer["task_instances"]
            if one["task_id"] == "cancel" and one["map_index"] >= 0
        ]

    def split_at(self) -> datetime:
        return datetime.fromisoformat(
            self._api.ask("GET", f"{self._path}/taskInstances/split")["end_date"]
        )

    def chunks(self) -> dict[int, Chunk]:
        """Return the end of each chunk by its number."""
        path = f"{self._path}/taskInstances/cancel/xcomEntries/return_value?stringify=false"
        found = {}
        for task in self.tasks():
            number = task["map_index"]
            summary = self._api.ask("GET", f"{path}&map_index={number}")["value"]["outcomes"]
            found[number] = Chunk(task["state"], summary, self.results(number))
        return found

    def results(self, chunk: int) -> list[tuple[int, str]]:
        """Return order, by its translated id, and outcome of each line of a chunk's file."""
        path = Path(f"{self._results}-{chunk}.jsonl")
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        rows = [json.loads(line) for line in lines]
        return [(int(str(row["order_id"]), self._base), row["outcome"]) for row in rows]


def measure(
    api: AirflowApi, oms: EmulatorProcess, directory: Path, orders: OrderSet, *, workers: int
) -> dict[str, str]:
    """Cancel a set of orders without any trouble, and return the row of the table."""
    set_faults(oms, ())
    psutil.cpu_percent()
    run = ChunksRun(api, oms, orders, directory)
    wait(run.is_over, limit=SECONDS_FOR_A_RUN, what="the measured run is over")
    busy = psutil.cpu_percent()
    canceled = sum(chunk.summary["canceled"] for chunk in run.chunks().values())
    if canceled != len(orders.orders):
        raise DemoError(f"{canceled} of {len(orders.orders)} orders were canceled.")
    spans = [
        [datetime.fromisoformat(task[f"{end}_date"]) for end in ("start", "end")]
        for task in run.tasks()
    ]
    took = [(end - start).total_seconds() for start, end in spans]
    # Each chunk's start is part of its duration, the first one's too.
    seconds = (max(end for _, end in spans) - run.split_at()).total_seconds()
    return {
        "workers": str(workers),
        "orders": f"{canceled:,}",
        "seconds": f"{seconds:.0f}",
        "orders/s": f"{canceled / seconds:.0f}",
        "limit/s": f"{workers * _REQUESTS_AT_ONCE / LATENCY:.0f}",
        "seconds for a chunk": f"{sum(took) / len(took):.1f}",
        "all processors busy": f"{busy:.0f}%",
    }


def wait(until: Callable[[], bool], *, limit: float, what: str) -> None:
    """Wait for something, and look for it once a second, for each look costs the machine.

    :raises DemoError: when it does not come in time.
    """
    end = time.monotonic() + limit
    while not until():
        if time.monotonic() > end:
            raise DemoError(f"After {limit:.0f} s still not: {what}.")
        time.sleep(1)
