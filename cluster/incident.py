"""The run that parts of the cluster die in, and what it shows."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from airflow_provider_oms.emulator.testing import EmulatorProcess
from bench.nginx import Nginx
from bench.paper import Paper
from cluster.oms import CHUNK, TROUBLES, OrderSet, Record, order, set_faults
from cluster.parts import API_SERVER, TRIGGERER, Cluster
from cluster.runs import OVER, SECONDS_FOR_A_RUN, Chunk, ChunksRun, start_run, wait
from demo.compare import CANCELED, REFUSED, Seen, disagreements, totals
from demo.postgres import Postgres

AWAITED_ORDER = 1010101
_SECONDS_FOR_A_STEP = 240.0
# How the log names what the workers had to bear.
_HARDSHIPS = {
    "calls to the API server that were repeated": "Starting call to",
    "failed heartbeats": "Failed to send heartbeat",
    "times that the journal could not be written": "The journal cannot be written",
}
# A chunk that is this far is neither just begun nor nearly done.
_MIDDLE = range(3 * CHUNK // 10, 7 * CHUNK // 10)


class Incident:
    """Cancel a set of orders while parts of the cluster die."""

    def __init__(
        self,
        cluster: Cluster,
        postgres: Postgres,
        oms: EmulatorProcess,
        orders: OrderSet,
        directory: Path,
    ) -> None:
        self._cluster = cluster
        self._postgres = postgres
        self._oms = oms
        self._orders = orders
        set_faults(oms, TROUBLES)
        oms.load_orders([order(AWAITED_ORDER, "READY")])
        conf = {"order_id": orders.name(AWAITED_ORDER)}
        self._sensor = f"{start_run(cluster.api, 'wait_for_order', conf)}/taskInstances/wait"
        self._record = Record(oms)
        self._began_at = time.monotonic()
        self._events: list[tuple[str, str]] = []
        self._said_before = {text: cluster.said(text) for text in _HARDSHIPS.values()}
        self._run = ChunksRun(cluster.api, oms, orders, directory)
        self._connections = 0

    def go_through(self, spare_worker: str) -> None:
        """Let it happen, with a worker in place of the one that is killed, until all is over."""
        self._wait(lambda: self._sensor_state() == "deferred", "the sensor is deferred")
        self._kill_a_worker()
        self._cluster.start_worker(spare_worker)
        self._tell(f"{spare_worker} takes its place")
        for part, words in ((API_SERVER, "API server"), (TRIGGERER, "triggerer")):
            self._let_a_chunk_pass()
            away = self._cluster.restart(part)
            self._tell(f"the {words} is back, after {away:.0f} s away")
        self._oms.load_orders([order(AWAITED_ORDER, "SHIPPED")])
        self._wait(self._run.is_over, "the run is over", limit=SECONDS_FOR_A_RUN)
        self._wait(lambda: self._sensor_state() in OVER, "the sensor is over")
        self._tell("all chunks are over")
        self._record.look()

    def report(self, paper: Paper, gateway: Nginx) -> list[str]:
        """Tell it, and return one sentence for everything that does not agree."""
        paper.table(("seconds", "event"), self._events)
        chunks, posts, ours = self._run.chunks(), self._record.posts, self._orders.orders
        seen = self._seen(chunks)
        found = disagreements(seen, {id_: len(posts[id_]) for id_ in posts if id_ not in ours})
        for number, chunk in chunks.items():
            found += [f"chunk {number}: {fault}" for fault in chunk.disagreements()]
        if (state := self._sensor_state()) != "success":
            found.append(f"the sensor ended {state}, and the order that it awaited has shipped")
        turned_away, _ = gateway.turned_away()
        numbers = [
            *totals(seen),
            ("reads that the OMS answered", sum(self._record.reads[id_] for id_ in ours)),
            ("calls that the tenant's limit turned away", turned_away),
            *(
                (name, self._cluster.said(text) - self._said_before[text])
                for name, text in _HARDSHIPS.items()
            ),
            ("most connections of Postgres at once", self._connections),
            ("disagreements", len(found)),
        ]
        paper.table(("at the end", "number"), [(name, f"{number:,}") for name, number in numbers])
        return found

    def _seen(self, chunks: dict[int, Chunk]) -> list[Seen]:
        reported: dict[int, list[str]] = defaultdict(list)
        for chunk in chunks.values():
            for order_id, outcome in chunk.results:
                reported[order_id].append(outcome)
        at_the_oms, posts = self._oms.orders(), self._record.posts
        return [
            Seen(
                str(order_id),
                CANCELED if before == "READY" else REFUSED,
                before,
                str(at_the_oms[order_id]["orderState"]),
                # A refusal is no effect, whatever the response.
                tuple(acts and before == "READY" for acts in posts.get(order_id, ())),
                tuple(reported[order_id]),
            )
            for order_id, before in self._orders.states().items()
        ]

    def _kill_a_worker(self) -> None:
        victim: list[tuple[str, int, int]] = []

        def is_half_done() -> bool:
            for task in self._run.tasks():
                chunk = task["map_index"]
                sent = self._record.sent(self._orders.orders[chunk * CHUNK : (chunk + 1) * CHUNK])
                if task["state"] == "running" and task["pid"] and sent in _MIDDLE:
                    name = self._cluster.part_of(int(task["pid"]))
                    if name is not None:
                        victim.append((name, chunk, sent))
                        return True
            return False

        self._wait(is_half_done, "a chunk is half done")
        name, chunk, sent = victim[-1]
        count = self._cluster.kill(name)
        self._tell(
            f"{name} is killed with its {count} processes, when {sent} of the {CHUNK} orders of "
            f"chunk {chunk} had been sent"
        )

    def _let_a_chunk_pass(self) -> None:
        enough = self._record.sent(self._orders.orders) + CHUNK
        self._wait(
            lambda: self._record.sent(self._orders.orders) >= enough,
            f"{CHUNK} orders more have been sent",
        )

    def _wait(
        self, until: Callable[[], bool], what: str, *, limit: float = _SECONDS_FOR_A_STEP
    ) -> None:
        def look() -> bool:
            self._record.look()
            query = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
            ((connections,),) = self._postgres.execute(query)
            # One of them asks.
            self._connections = max(self._connections, connections - 1)
            return until()

        wait(look, limit=limit, what=what)

    def _sensor_state(self) -> str:
        return str(self._cluster.api.ask("GET", self._sensor)["state"])

    def _tell(self, what: str) -> None:
        seconds = f"{time.monotonic() - self._began_at:.0f}"
        self._events.append((seconds, what))
        print(f"  {seconds:>4} s: {what}", flush=True)
