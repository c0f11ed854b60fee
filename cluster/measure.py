"""How many orders in a second: one run without any trouble, with as many workers as there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from airflow_provider_oms.emulator.testing import EmulatorProcess
from cluster.oms import LATENCY, make_slow, processor_seconds
from cluster.parts import Cluster
from cluster.runs import ChunksRun, OrderSet, moment, wait
from demo.terminal import DemoError

# As the example DAG has it.
REQUESTS_AT_ONCE = 4
_SECONDS_FOR_A_RUN = 900.0


@dataclass(frozen=True)
class Throughput:
    """Hold what one run took.

    :param workers: how many workers there were, with one chunk at a time each.
    :param orders: how many orders were canceled.
    :param seconds: from the moment the chunks were known to the last one's end.
    :param chunk_seconds: what one chunk took, on average.
    :param load: what the processors did meanwhile.
    """

    workers: int
    orders: int
    seconds: float
    chunk_seconds: float
    load: Load

    @property
    def per_second(self) -> float:
        """Return the orders canceled in a second."""
        return self.orders / self.seconds

    @property
    def limit(self) -> float:
        """Return the most that the OMS's answering time allows."""
        return self.workers * REQUESTS_AT_ONCE / LATENCY

    def row(self) -> tuple[str, ...]:
        """Return it as a row of the table."""
        return (
            str(self.workers),
            f"{self.orders:,}",
            f"{self.seconds:.0f}",
            f"{self.per_second:.0f}",
            f"{self.limit:.0f}",
            f"{self.chunk_seconds:.1f}",
            f"{self.load.machine:.0%}",
            f"{self.load.oms:.0%}",
        )


HEADINGS = (
    "workers",
    "orders",
    "seconds",
    "orders/s",
    "limit/s",
    "seconds for a chunk",
    "all processors busy",
    "the OMS's share of one",
)


@dataclass
class Load:
    """Hold what the processors did for the length of a block.

    :param machine: share of all processors that was busy.
    :param oms: share of one processor that the emulator used.
    """

    machine: float = 0.0
    oms: float = 0.0


@contextmanager
def _load() -> Iterator[Load]:
    load = Load()
    before, oms_before = psutil.cpu_times(), processor_seconds()
    yield load
    after = psutil.cpu_times()
    total = sum(after) - sum(before)
    idle = after.idle + after.iowait - before.idle - before.iowait
    load.machine = 1 - idle / total
    load.oms = (processor_seconds() - oms_before) / total * (psutil.cpu_count() or 1)


def measure(
    cluster: Cluster, oms: EmulatorProcess, directory: Path, orders: OrderSet, *, workers: int
) -> Throughput:
    """Cancel a set of orders, and measure it.

    :param cluster: the cluster.
    :param oms: the OMS.
    :param directory: where orders and results go.
    :param orders: the set.
    :param workers: how many workers there are.
    :raises DemoError: when not every order is canceled.
    """
    make_slow(oms)
    name = f"measured-{workers}"
    path = directory / f"{name}.jsonl"
    orders.prepare(oms, path)
    with _load() as load:
        run = ChunksRun(cluster, path, directory / f"{name}-results.jsonl")
        wait(run.is_over, limit=_SECONDS_FOR_A_RUN, what="the measured run is over")
    chunks = run.chunks()
    canceled = sum(run.outcomes(chunk)["canceled"] for chunk in chunks)
    if canceled != len(orders.orders):
        raise DemoError(f"{canceled} of {len(orders.orders)} orders were canceled.")
    spans = [(moment(one["start_date"]), moment(one["end_date"])) for one in chunks.values()]
    took = [(end - start).total_seconds() for start, end in spans]
    # Each chunk's start is part of what it takes, the first one's too.
    seconds = (max(end for _, end in spans) - run.split_at()).total_seconds()
    return Throughput(workers, canceled, seconds, sum(took) / len(took), load)
