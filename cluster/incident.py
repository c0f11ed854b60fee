"""The run that parts of the cluster die in, and its observations.

`compare` judges the results of the orders.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_provider_oms.emulator.testing import EmulatorProcess
from bench.nginx import Nginx
from cluster.compare import Seen, chunk_disagreements, disagreements
from cluster.oms import Record, make_troubled
from cluster.parts import API_SERVER, TRIGGERER, Cluster
from cluster.runs import CHUNK, ChunksRun, OrderSet, moment, order, wait
from cluster.servers import Postgres

AWAITED_ORDER = 1010101
_SENSOR = "wait_for_order"
_SECONDS_FOR_A_RUN = 900.0
_SECONDS_FOR_A_STEP = 240.0
_SECONDS_TO_READ_A_DAG = 60.0
_ENDS = ("start", "end")
# How the log names what the workers had to bear.
_HARDSHIPS = {
    "calls to the API server that were repeated": "Starting call to",
    "failed heartbeats": "Failed to send heartbeat",
    "times that the journal could not be written": "The journal cannot be written",
}
# A chunk that is this far is neither just begun nor nearly done.
_MIDDLE = range(3 * CHUNK // 10, 7 * CHUNK // 10)


@dataclass
class Story:
    """Hold what happened.

    :param events: seconds since the start, and what happened.
    """

    events: list[tuple[float, str]] = field(default_factory=list)
    _began_at: float = field(default_factory=time.monotonic)
    _began_on: datetime = field(default_factory=lambda: datetime.now(UTC))

    def seconds_at(self, when: datetime) -> str:
        """Return a moment as seconds since the start.

        :param when: the moment.
        """
        return f"{(when - self._began_on).total_seconds():.0f}"

    def tell(self, what: str) -> None:
        """Note an event, and show it.

        :param what: it is, in one sentence.
        """
        seconds = time.monotonic() - self._began_at
        self.events.append((seconds, what))
        print(f"  {seconds:4.0f} s: {what}", flush=True)


class Incident:
    """Cancel a set of orders while parts of the cluster die.

    :param cluster: the cluster, with two workers.
    :param postgres: its database, which is asked for its connections.
    :param oms: the OMS.
    :param orders: the set.
    :param gateway: what limits the rate of calls, between the workers and the OMS.
    :param directory: where orders and results go.
    """

    def __init__(
        self,
        cluster: Cluster,
        postgres: Postgres,
        oms: EmulatorProcess,
        orders: OrderSet,
        gateway: Nginx,
        directory: Path,
    ) -> None:
        self._cluster = cluster
        self._postgres = postgres
        self._oms = oms
        self._orders = orders
        self._gateway = gateway
        make_troubled(oms)
        self._load_awaited_order("READY")
        self._sensor = _Sensor(cluster, orders.name(AWAITED_ORDER))
        path = directory / f"incident-{orders.orders.start}.jsonl"
        orders.prepare(oms, path)
        self._record = Record(oms)
        self.story = Story()
        self._said_before = {text: cluster.said(text) for text in _HARDSHIPS.values()}
        results = path.with_stem(f"{path.stem}-results")
        self._run = ChunksRun(cluster, path, results, native=orders.native)
        #: The most connections that the database ever had.
        self.connections = 0

    def go_through(self, spare_worker: str) -> None:
        """Let it happen, until the run and the sensor are over.

        :param spare_worker: the worker that takes the place of the one that is killed.
        """
        self._wait(self._sensor.is_deferred, "the sensor is deferred")
        self._kill_a_worker()
        self._cluster.start_worker(spare_worker)
        self.story.tell(f"{spare_worker} takes its place")
        self._let_some_pass(CHUNK)
        away = self._cluster.restart(API_SERVER)
        self.story.tell(f"the API server is back, after {away:.0f} s away")
        self._let_some_pass(CHUNK)
        away = self._cluster.restart(TRIGGERER)
        self.story.tell(f"the triggerer is back, after {away:.0f} s away")
        self._load_awaited_order("SHIPPED")
        self._wait(self._run.is_over, "the run is over", limit=_SECONDS_FOR_A_RUN)
        self._wait(self._sensor.is_over, "the sensor is over")
        self.story.tell("all chunks are over")

    def seen(self) -> list[Seen]:
        """Return the present facts about each order."""
        self._record.look()
        reported: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for chunk in self._run.chunks():
            for order_id, outcome in self._run.reported(chunk):
                reported[order_id].append((chunk, outcome))
        at_the_oms = self._oms.orders()
        return [
            Seen(
                order_id,
                before,
                after=str(at_the_oms[order_id]["orderState"]),
                # A refusal is no effect, whatever came back.
                posts=tuple(acts and before == "READY" for acts in self._record.posts(order_id)),
                reported=tuple(reported.pop(order_id, ())),
            )
            for order_id, before in self._orders.states().items()
        ]

    def disagreements(self, seen: list[Seen]) -> list[str]:
        """Return one sentence for everything that does not agree.

        :param seen: the facts about each order.
        """
        chunks = self._run.chunks()
        found = disagreements(seen, self._record.strays(self._orders.orders))
        found += chunk_disagreements(
            {chunk: self._run.outcomes(chunk) for chunk in chunks},
            {chunk: self._run.summary(chunk) for chunk in chunks},
            {chunk: str(one["state"]) for chunk, one in chunks.items()},
        )
        if (state := self._sensor.state()) != "success":
            found.append(f"the sensor ended {state}, and the order that it awaited has shipped")
        return found

    def retries(self) -> list[tuple[str, ...]]:
        """Return each attempt of each chunk that took more than one, as rows of a table."""
        rows: list[tuple[str, ...]] = []
        for chunk in sorted(self._run.chunks()):
            tries = self._run.tries(chunk)
            if len(tries) < 2:  # noqa: PLR2004 - one try is what most take
                continue
            for one in tries:
                span = [self.story.seconds_at(moment(one[f"{end}_date"])) for end in _ENDS]
                rows.append((str(chunk), str(one["try_number"]), str(one["state"]), *span))
        return rows

    def hardships(self) -> list[tuple[str, str]]:
        """Return what the workers had to bear, as rows of a table."""
        turned_away, _ = self._gateway.turned_away()
        return [
            ("calls that the tenant's limit turned away", f"{turned_away:,}"),
            *(
                (name, str(self._cluster.said(text) - self._said_before[text]))
                for name, text in _HARDSHIPS.items()
            ),
        ]

    def reads(self) -> int:
        """Return how many reads the OMS has answered for orders of the set."""
        return sum(count for id_, count in self._record.reads.items() if id_ in self._orders.orders)

    def _kill_a_worker(self) -> None:
        victim: list[tuple[str, int, int]] = []

        def is_half_done() -> bool:
            for chunk, one in self._run.chunks().items():
                sent = self._record.sent(self._orders.chunk(chunk))
                if one["state"] == "running" and one["pid"] and sent in _MIDDLE:
                    name = self._cluster.part_of(int(one["pid"]))
                    if name is not None:
                        victim.append((name, chunk, sent))
                        return True
            return False

        self._wait(is_half_done, "a chunk is half done")
        name, chunk, sent = victim[-1]
        count = self._cluster.kill(name)
        self.story.tell(
            f"{name} is killed with its {count} processes, when {sent} of the {CHUNK} orders of "
            f"chunk {chunk} had been sent"
        )

    def _let_some_pass(self, orders: int) -> None:
        enough = self._record.sent(self._orders.orders) + orders
        self._wait(
            lambda: self._record.sent(self._orders.orders) >= enough,
            f"{orders} orders more have been sent",
        )

    def _wait(self, until: Any, what: str, *, limit: float = _SECONDS_FOR_A_STEP) -> None:
        def look() -> bool:
            self._record.look()
            query = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
            # One of them asks.
            self.connections = max(self.connections, int(self._postgres.ask(query)) - 1)
            return bool(until())

        wait(look, limit=limit, what=what)

    def _load_awaited_order(self, state: str) -> None:
        self._oms.load_orders([order(AWAITED_ORDER, state)])


class _Sensor:
    """Look after a sensor that waits in the triggerer."""

    def __init__(self, cluster: Cluster, order_id: int | str) -> None:
        self._cluster = cluster
        conf = {"order_id": order_id}
        run_id = cluster.api.start_run(_SENSOR, conf, patience=_SECONDS_TO_READ_A_DAG)
        self._path = f"/api/v2/dags/{_SENSOR}/dagRuns/{run_id}/taskInstances/wait"

    def state(self) -> str:
        return str(self._cluster.api.ask("GET", self._path)["state"])

    def is_deferred(self) -> bool:
        return self.state() == "deferred"

    def is_over(self) -> bool:
        return self.state() in ("success", "failed")
