"""A few rounds of measurements: taken alike, each checked, and kept by name.

The comparisons are in `sections`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.measure import Assignment, Measurement, Spread, run_in_child
from bench.paper import Paper
from bench.tenant import Seen, Tenant

LATENCY = 0.05
SHORT_SETTLING = 1.0
# More would only lengthen the measurement of callers that are slower than this.
_MOST_PER_SECOND = 1000


@dataclass(frozen=True)
class Sizes:
    """Say how long to measure.

    :param rounds: how often each measurement is taken.
    :param seconds: how long one of them lasts.
    :param fault_seconds: how long one with faults lasts; the last fault's settling has to vanish
        in it.
    :param mapped_orders: orders with a task each.
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

    :param tenant: the stub.
    :param directory: where contenders work.
    :param sizes: how long to measure.
    :param paper: where the figures go.
    :param store_seconds: the time that a write of the journal takes.
    """

    tenant: Tenant
    directory: Path
    sizes: Sizes
    paper: Paper
    store_seconds: float = 0.01
    seen: dict[str, Seen] = field(default_factory=dict)

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
        """Take one measurement, and check its work.

        :param contender: who.
        :param orders: how many orders.
        :param workers: how many at a time.
        :param latency: the stub's.
        :param faults: share of orders that meet a fault.
        :param settle_seconds: of the connection.
        :param keeps_journal: whether there is a store for the journal.
        """
        self.tenant.reset(latency=latency, faults=faults)
        store = self.store_seconds if keeps_journal else None
        assignment = Assignment(contender, self.tenant.url, orders, workers, store)
        cost = run_in_child(assignment, self.directory, settle_seconds=settle_seconds)
        self.seen[contender] = self.tenant.check(orders)
        return cost

    def orders_for(self, workers: int, seconds: float) -> int:
        """Return how many orders keep some workers busy for some seconds.

        :param workers: the workers.
        :param seconds: the seconds.
        """
        return math.ceil(min(workers / LATENCY, _MOST_PER_SECOND) * seconds)


class Rounds:
    """Keep the measurements of interleaved rounds by their contenders."""

    def __init__(self) -> None:
        self._taken: dict[str, list[Measurement]] = defaultdict(list)

    def add(self, name: str, cost: Measurement) -> None:
        """Keep one measurement.

        :param name: of what.
        :param cost: the measurement.
        """
        self._taken[name].append(cost)

    def spread(self, name: str, figure: Callable[[Measurement], float]) -> Spread:
        """Return a figure's spread over the rounds.

        :param name: of what.
        :param figure: takes the figure out of a measurement.
        """
        return Spread.of(figure(cost) for cost in self._taken[name])

    def rate(self, name: str) -> Spread:
        """Return the orders in a second.

        :param name: of what.
        """
        return self.spread(name, lambda cost: cost.per_second)

    def cpu(self, name: str) -> Spread:
        """Return the milliseconds of processor time for an order.

        :param name: of what.
        """
        return self.spread(name, lambda cost: cost.cpu_ms)
