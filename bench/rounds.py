"""Measurements that are taken alike, each checked at the stub, whose responses are in `stub`."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from bench import stub
from bench.measure import FIRST_ORDER, Assignment, Measurement, run_in_child
from bench.paper import Paper
from bench.servers import serving
from bench.stub import STATE_PATH
from demo.processes import free_port
from demo.terminal import DemoError

LATENCY = 0.05
SHORT_SETTLING = 1.0
# More would only lengthen the measurement of callers that are slower than this.
_MOST_PER_SECOND = 1000


def orders_of(count: int) -> set[int]:
    return {*range(FIRST_ORDER, FIRST_ORDER + count)}


class Tenant:
    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._session = requests.Session()
        # A proxy has no business between two programs on this machine.
        self._session.trust_env = False

    def reset(self, **settings: float) -> None:
        """Begin with every order open, and with settings of the stub's."""
        self._session.put(self.url + STATE_PATH, json=settings, timeout=30).raise_for_status()

    def facts(self) -> dict[str, Any]:
        facts = self._session.get(self.url + STATE_PATH, timeout=30).json()
        return {**facts, "canceled": {*facts["canceled"]}}

    def check(self, orders: int) -> dict[str, Any]:
        """Return the record after a check: the first orders are canceled, once, and no others."""
        facts = self.facts()
        canceled = facts.pop("canceled")
        if canceled != orders_of(orders):
            raise DemoError(
                f"Not all of {orders} orders are canceled, or others: {len(canceled)} are, {facts}"
            )
        if facts["reposted"]:
            raise DemoError(f"Orders were posted again after they were canceled: {facts}")
        return facts


@contextmanager
def running(directory: Path) -> Iterator[Tenant]:
    port = free_port()
    command = [sys.executable, stub.__file__, str(port)]
    with serving(command, directory, port, name="The stub"):
        yield Tenant(port)


@dataclass(frozen=True)
class Sizes:
    """Say how long to measure.

    :param rounds: how often each measurement is taken.
    :param fault_seconds: how long one with faults lasts; the last fault's settling has to vanish
        in it.
    :param sets: sizes of sets for memory and run time, ascending.
    :param limits: how long a run behind a limit lasts, as a share of its goal's time.
    :param simulated: how many orders of each task are simulated.
    """

    rounds: int
    seconds: float
    fault_seconds: float
    mapped_orders: int
    sets: tuple[int, ...]
    limits: float = 1.0
    simulated: int = 3_000


FULL = Sizes(5, 10.0, 60.0, 100, (1_000, 10_000, 100_000))
QUICK = Sizes(1, 2.0, 10.0, 12, (500, 1_000, 4_000), 0.05, 500)


@dataclass
class Bench:
    """Hold the common parts of all sections.

    :param store_seconds: of a write of the journal.
    :param seen: the stub's record of the latest measurement.
    """

    tenant: Tenant
    directory: Path
    sizes: Sizes
    paper: Paper
    store_seconds: float = 0.01
    seen: dict[str, Any] = field(default_factory=dict)

    def take(
        self,
        contender: str,
        orders: int,
        workers: int,
        *,
        latency: float = LATENCY,
        faults: float = 0.0,
        settle_seconds: float = SHORT_SETTLING,
        keeps_journal: bool = True,
    ) -> Measurement:
        """Take one measurement, and check that it canceled each of its orders once."""
        self.tenant.reset(latency=latency, faults=faults)
        store = self.store_seconds if keeps_journal else None
        assignment = Assignment(contender, self.tenant.url, orders, workers, store)
        cost = run_in_child(assignment, self.directory, settle_seconds=settle_seconds)
        if cost is None or cost.failure:
            raise DemoError(f"{contender} failed: {cost and cost.failure}")
        self.seen = self.tenant.check(orders)
        return cost

    def orders_for(self, workers: int, seconds: float) -> int:
        return math.ceil(min(workers / LATENCY, _MOST_PER_SECOND) * seconds)
