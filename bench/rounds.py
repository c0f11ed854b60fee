"""Measurements that are taken alike, each checked at the stub.

The comparisons are in `sections`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.measure import Assignment, Measurement, run_in_child
from bench.paper import Paper
from bench.tenant import Tenant
from demo.terminal import DemoError

LATENCY = 0.05
SHORT_SETTLING = 1.0
# More would only lengthen the measurement of callers that are slower than this.
_MOST_PER_SECOND = 1000


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
        """Return how many orders keep some workers busy for some seconds."""
        return math.ceil(min(workers / LATENCY, _MOST_PER_SECOND) * seconds)
