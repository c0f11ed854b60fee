"""Runs of the mapped-chunks DAG: a set of orders, its file, its chunks, their reports."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow_provider_oms.emulator.testing import EmulatorProcess
from cluster.parts import Cluster
from demo.terminal import DemoError

DAG_ID = "cancel_in_chunks"
CHUNK = 1000
_SECONDS_TO_READ_A_DAG = 60.0
_PERIOD = 1.0
_OVER = ("success", "failed")


@dataclass(frozen=True)
class OrderSet:
    """Hold a set of orders that the OMS has and a file names.

    :param orders: their ids in the translated API, without a gap.
    :param refused: how many of the last ones have shipped, so that the OMS refuses to cancel them.
    :param native: whether the file names them by their ids in the native API.
    """

    orders: range
    refused: int = 0
    native: bool = False

    def name(self, order_id: int) -> int | str:
        """Return what an order is called in the file.

        :param order_id: the order.
        """
        return native_id(order_id) if self.native else order_id

    def states(self) -> dict[int, str]:
        """Return each order with its state at the OMS before any run."""
        first_refused = self.orders.stop - self.refused
        return {
            order_id: "READY" if order_id < first_refused else "SHIPPED" for order_id in self.orders
        }

    def chunk(self, number: int) -> range:
        """Return the orders of a chunk.

        :param number: which chunk, from 0.
        """
        return self.orders[number * CHUNK : (number + 1) * CHUNK]

    def prepare(self, oms: EmulatorProcess, path: Path) -> None:
        """Let the OMS have the orders, and write the file that names them.

        :param oms: the emulator.
        :param path: the file.
        """
        oms.load_orders(order(*each) for each in self.states().items())
        lines = [f"{json.dumps(self.name(order_id))}\n" for order_id in self.orders]
        path.write_text("".join(lines), encoding="utf-8")


def order(order_id: int, state: str) -> dict[str, Any]:
    """Return an order as the emulator loads it.

    :param order_id: its id in the translated API.
    :param state: its state there.
    """
    native = {"id": native_id(order_id)}
    return {"orderID": order_id, "orderState": state, "orderStatus": state, "native": native}


def native_id(order_id: int) -> str:
    """Return the native id that an order is loaded with.

    :param order_id: the order.
    """
    return f"{order_id:032x}"


class ChunksRun:
    """Look after one run of the DAG.

    :param cluster: the Airflow that runs it.
    :param orders: the file of its orders.
    :param results: where its chunks write the results.
    :param native: whether the orders are named by their native ids.
    """

    def __init__(
        self, cluster: Cluster, orders: Path, results: Path, *, native: bool = False
    ) -> None:
        self._cluster = cluster
        self._results = results
        self._base = 16 if native else 10
        api = "native" if native else "translated"
        conf = {"orders_path": str(orders), "results_path": str(results), "api": api}
        run_id = cluster.api.start_run(DAG_ID, conf, patience=_SECONDS_TO_READ_A_DAG)
        self._path = f"/api/v2/dags/{DAG_ID}/dagRuns/{run_id}"

    def is_over(self) -> bool:
        """Return whether the run has come to its end."""
        return self._cluster.api.ask("GET", self._path)["state"] in _OVER

    def chunks(self) -> dict[int, dict[str, Any]]:
        """Return what Airflow knows about each chunk, by its number."""
        answer = self._cluster.api.ask("GET", f"{self._path}/taskInstances?limit=100")
        return {
            one["map_index"]: one
            for one in answer["task_instances"]
            if one["task_id"] == "cancel" and one["map_index"] >= 0
        }

    def split_at(self) -> datetime:
        """Return when the set had been split, so that its chunks could begin."""
        return moment(self._cluster.api.ask("GET", f"{self._path}/taskInstances/split")["end_date"])

    def tries(self, chunk: int) -> list[dict[str, Any]]:
        """Return what Airflow knows about each attempt of a chunk, the first one first.

        :param chunk: its number.
        """
        path = f"{self._path}/taskInstances/cancel/{chunk}/tries"
        attempts: list[dict[str, Any]] = self._cluster.api.ask("GET", path)["task_instances"]
        return sorted(attempts, key=lambda one: int(one["try_number"]))

    def summary(self, chunk: int) -> dict[str, int]:
        """Return the outcomes in a chunk's summary.

        :param chunk: its number.
        """
        path = f"{self._path}/taskInstances/cancel/xcomEntries/return_value"
        entry = self._cluster.api.ask("GET", f"{path}?map_index={chunk}&stringify=false")
        outcomes: dict[str, int] = entry["value"]["outcomes"]
        return outcomes

    def reported(self, chunk: int) -> list[tuple[int, str]]:
        """Return order, by its translated id, and outcome of each line of a chunk's results.

        :param chunk: its number.
        """
        path = self._results.with_stem(f"{self._results.stem}-{chunk}")
        if not path.is_file():
            return []
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [(int(str(row["order_id"]), self._base), row["outcome"]) for row in rows]

    def outcomes(self, chunk: int) -> Counter[str]:
        """Return how often each outcome is in a chunk's results.

        :param chunk: its number.
        """
        return Counter(outcome for _, outcome in self.reported(chunk))


def wait(until: Callable[[], bool], *, limit: float, what: str) -> None:
    """Wait for something, and look for it once a second, for each look costs the machine.

    :param until: returns whether it has come.
    :param limit: seconds to wait at most.
    :param what: it is, for people.
    :raises DemoError: when it does not come in time.
    """
    end = time.monotonic() + limit
    while not until():
        if time.monotonic() > end:
            raise DemoError(f"After {limit:.0f} s still not: {what}.")
        time.sleep(_PERIOD)


def moment(text: str) -> datetime:
    """Return a time out of an answer of Airflow's.

    :param text: as the REST API writes it.
    """
    return datetime.fromisoformat(text)
