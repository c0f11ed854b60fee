"""How many orders in a second: one run without any trouble, with as many workers as there are."""

from __future__ import annotations

from pathlib import Path

import psutil

from airflow_provider_oms.emulator.testing import EmulatorProcess
from cluster.oms import LATENCY, make_slow
from cluster.parts import Cluster
from cluster.runs import ChunksRun, OrderSet, moment, wait
from demo.terminal import DemoError

# As the example DAG has it.
_REQUESTS_AT_ONCE = 4
_SECONDS_FOR_A_RUN = 900.0
HEADINGS = (
    "workers",
    "orders",
    "seconds",
    "orders/s",
    "limit/s",
    "seconds for a chunk",
    "all processors busy",
)


def measure(
    cluster: Cluster, oms: EmulatorProcess, directory: Path, orders: OrderSet, *, workers: int
) -> tuple[str, ...]:
    """Cancel a set of orders, and return what it took, as a row of the table.

    :param cluster: the cluster.
    :param oms: the OMS.
    :param directory: where orders and results go.
    :param orders: the set.
    :param workers: how many workers there are, with one chunk at a time each.
    :raises DemoError: when not every order is canceled.
    """
    make_slow(oms)
    name = f"measured-{workers}"
    path = directory / f"{name}.jsonl"
    orders.prepare(oms, path)
    psutil.cpu_percent()
    run = ChunksRun(cluster, path, directory / f"{name}-results.jsonl")
    wait(run.is_over, limit=_SECONDS_FOR_A_RUN, what="the measured run is over")
    busy = psutil.cpu_percent()
    chunks = run.chunks()
    canceled = sum(run.outcomes(chunk)["canceled"] for chunk in chunks)
    if canceled != len(orders.orders):
        raise DemoError(f"{canceled} of {len(orders.orders)} orders were canceled.")
    spans = [(moment(one["start_date"]), moment(one["end_date"])) for one in chunks.values()]
    took = [(end - start).total_seconds() for start, end in spans]
    # Each chunk's start is part of its duration, the first one's too.
    seconds = (max(end for _, end in spans) - run.split_at()).total_seconds()
    return (
        str(workers),
        f"{canceled:,}",
        f"{seconds:.0f}",
        f"{canceled / seconds:.0f}",
        f"{workers * _REQUESTS_AT_ONCE / LATENCY:.0f}",
        f"{sum(took) / len(took):.1f}",
        f"{busy:.0f}%",
    )
