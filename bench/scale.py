"""A million orders over many tasks, in virtual time: how long it takes, and its first bottleneck.

Values that are not simulated, such as the processor time of an order, come from measurements: the
tables in the docs that `make bench`, `make cluster-test` and `make kubernetes-proof` have written.
"""

from __future__ import annotations

import itertools
import json
import math
import random
import re
from dataclasses import dataclass
from typing import Any

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.validation import CancelRequest
from airflow_provider_oms.cancellation.bulk.limits import Limits
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet
from airflow_provider_oms.cancellation.history import Policy, Reply
from bench.limiter import Limiter
from bench.measure import REASON
from bench.rounds import LATENCY, Bench
from demo.workplace import REPOSITORY
from tests.simulation.attempt import Attempt
from tests.simulation.world import Clock, Order, Tenant

ORDERS = 1_000_000
ORDERS_OF_A_TASK = 10_000
WORKERS = 16
TASKS = (1, 2, 4, 8, 16)
LIMITS = (None, 1_000, 100)
# Of a tenant's limit, what tasks are given that are told of it.
_SHARE_GIVEN = 0.95
# Airflow's own default: [workers] min_heartbeat_interval.
_SECONDS_BETWEEN_HEARTBEATS = 5.0
_LEEWAY = 5.0  # the connection's `connect_timeout`
# What `make cluster-test` runs.
_ANCHOR_CHUNK, _ANCHOR_WORKERS, _ANCHOR_CHUNKS = 1_000, 4, 4


def figure(text: str, row: str, column: str) -> float:
    """Return the middle figure of a cell in the first table of a page with such a column."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    for at, headings in enumerate(lines):
        if column in headings and "".join(lines[at + 1]).startswith(":"):
            rows = itertools.takewhile(bool, lines[at + 2 :])
            table = {cells[0]: cells[headings.index(column)] for cells in rows}
            numbers = re.findall(r"[\d.]+", table[row].replace(",", ""))
            return float(numbers[len(numbers) // 2])
    raise KeyError(column)


@dataclass(frozen=True)
class Measured:
    """Hold the measurements made elsewhere.

    :param cluster_rates: orders in a second on Celery, by the number of workers.
    :param cpu_seconds: for an order.
    :param task_mib: of a task with ten thousand orders in a separate pod.
    """

    cluster_rates: dict[int, float]
    cpu_seconds: float
    task_mib: float
    write_seconds: float

    @classmethod
    def from_docs(cls) -> Measured:
        deployment, performance, kubernetes = (
            (REPOSITORY / "docs" / f"{page}.md").read_text(encoding="utf-8")
            for page in ("deployment", "performance", "kubernetes")
        )
        throughput = performance.partition("### Throughput")[2]
        write = re.search(r"task_state_store: [\d.]+ / ([\d.]+) /", performance)
        if write is None:
            raise ValueError("docs/performance.md lacks the duration of a write")
        return cls(
            {n: figure(deployment, str(n), "orders/s") for n in (1, 2)},
            figure(throughput, str(WORKERS), "(d) CPU ms") / 1000,
            figure(kubernetes, "10,000", "memory"),
            float(write.group(1)) / 1000,
        )


class _LimitedTenant(Tenant):
    """Answer after the latency, reject requests beyond a limit as nginx does, and count."""

    def __init__(
        self, clock: Clock, order_ids: list[Order], rate: float | None, write_seconds: float
    ) -> None:
        super().__init__(clock, _MiddlingChance(), order_ids, 0.0, _ignore)
        self._limiter = None if rate is None else Limiter(rate)
        self._write_seconds = write_seconds
        self.requests = self.turned_away = 0

    def seconds_to_write(self) -> float:
        return self._write_seconds

    def _latency(self) -> float:
        return LATENCY

    def _throttle(self) -> tuple[Reply, float] | None:
        self.requests += 1
        if self._limiter is None or self._limiter.admit(self._clock.now):
            return None
        self.turned_away += 1
        return Reply(Evidence.THROTTLED, "slow down", http_status=429), self._latency()


class _CountingStore(dict[str, Any]):
    """Count what Airflow would have to take of the journals, and keep nothing."""

    writes = written_bytes = 0

    def set(self, _: str, value: Any) -> None:
        self.writes += 1
        self.written_bytes += len(json.dumps(value, separators=(",", ":")))


class _NoChecks:
    def __getattr__(self, _: str) -> Any:
        return _ignore


class _MiddlingChance(random.Random):  # noqa: S311 - of a simulation
    """Draw the middle of any range, so that every simulation gives the same figures."""

    def random(self) -> float:
        return 0.5


def _ignore(*_: object) -> None:
    """Take note of nothing."""


@dataclass(frozen=True)
class Wave:
    """Hold the results of as many tasks as run at a time, until the last one ended."""

    tasks: int
    orders: int
    seconds: float
    tenant: _LimitedTenant
    store: _CountingStore

    @property
    def rate(self) -> float:
        return self.orders / self.seconds

    @property
    def calls_per_second(self) -> float:
        """Return the calls to the API server in a second: values and signs of life."""
        return self.store.writes / self.seconds + self.tasks / _SECONDS_BETWEEN_HEARTBEATS


def run_wave(
    tasks: int,
    orders: int,
    limit: int | None,
    write_seconds: float,
    *,
    workers: int = WORKERS,
    given: float | None = None,
) -> Wave:
    """Run some tasks at a time in virtual time.

    :param orders: of each of them.
    :param limit: requests in a second that the tenant takes from all together; ``None`` for any.
    :param given: the `requests_per_second` of each task.
    """
    # An export is in no sequence; numbers that follow each other would pack too well.
    ids = random.Random(0).sample(range(10_000_000, 100_000_000), tasks * orders)  # noqa: S311
    clock, store = Clock(), _CountingStore()
    tenant = _LimitedTenant(clock, [*ids], limit, write_seconds)
    checks: Any = _NoChecks()
    attempts = [
        Attempt(
            *(1, clock, tenant, store),
            OrderSet({one: CancelRequest(one, REASON) for one in ids[begin : begin + orders]}),
            Policy(early_reads=1),
            Limits(workers, given),
            leeway=_LEEWAY,
            skew=0.0,
            draw=_MiddlingChance(),
            checks=checks,
            log=_ignore,
        )
        for begin in range(0, len(ids), orders)
    ]
    while not all(attempt.is_done for attempt in attempts):
        clock.step()
    if len(tenant.canceled_at) != len(ids):
        raise ValueError(f"{len(tenant.canceled_at)} of {len(ids)} orders were canceled")
    return Wave(tasks, len(ids), clock.now, tenant, store)


def start_seconds(measured: Measured) -> tuple[float, list[tuple[str, ...]]]:
    """Return the duration of a task's start, and the anchor's rows: simulated beside measured."""
    rows: list[tuple[str, ...]] = []
    starts: list[float] = []
    for workers, rate in measured.cluster_rates.items():
        wave = run_wave(
            workers, _ANCHOR_CHUNK, None, measured.write_seconds, workers=_ANCHOR_WORKERS
        )
        waves = _ANCHOR_CHUNKS / workers
        start = _ANCHOR_CHUNKS * _ANCHOR_CHUNK / rate / waves - wave.seconds
        starts.append(start)
        rows.append((str(workers), f"{rate:.0f}", f"{wave.rate:.0f}", f"{start:.1f}"))
    return max(starts), rows


def scale(bench: Bench) -> None:
    """Simulate a million orders by tasks at a time and by the tenant's limit."""
    measured, paper, simulated = Measured.from_docs(), bench.paper, bench.sizes.simulated
    start, anchor = start_seconds(measured)
    paper.say("### A million orders")
    paper.table(("tasks", "measured orders/s", "simulated", "seconds of a task's start"), anchor)
    paper.say(
        f"The anchor: `make cluster-test` measured {_ANCHOR_CHUNK:,} orders a task with "
        f"{_ANCHOR_WORKERS} workers, and the same was simulated. What the simulation lacks is the "
        f"start of a task; the longer one, {start:.1f} s, counts below for each task."
    )
    rows: list[tuple[str, ...]] = []
    for limit in LIMITS:
        for tasks in TASKS:
            wave = run_wave(tasks, simulated, limit, measured.write_seconds)
            rows.append(_row(wave, limit, start, measured))
        if limit is not None:
            given = _SHARE_GIVEN * limit / tasks
            wave = run_wave(tasks, simulated, limit, measured.write_seconds, given=given)
            rows.append(_row(wave, limit, start, measured, f", {given:.1f}/s given"))
    paper.table(
        (
            *("tenant's limit", "tasks at a time", "hours", "orders/s", "of what is possible"),
            *("requests an order", "turned away", "calls to the API server a second"),
            *("journal values", "journal MB", "cores", "GiB"),
        ),
        rows,
    )
    paper.say(
        f"{ORDERS:,} orders in tasks of {ORDERS_OF_A_TASK:,} with {WORKERS} workers, "
        f"{LATENCY * 1000:.0f} ms at the OMS. For each line, the first {simulated:,} orders of as "
        f"many tasks as run at a time were simulated, with the real engines and journals and one "
        f"limit for all; the rest of the million is taken to go the same way. Memory and journals "
        f"are those of all tasks, cores are orders in a second times the "
        f"{1000 * measured.cpu_seconds:.2f} ms that an order was measured to cost. Memory is "
        f"{measured.task_mib:.0f} MiB a task, as in a pod."
    )


def _row(
    wave: Wave, limit: int | None, start: float, measured: Measured, given: str = ""
) -> tuple[str, ...]:
    times = ORDERS / wave.orders
    # A task begins once for all of its orders, of which the wave has simulated the first ones.
    rate = 1 / (1 / wave.rate + start / ORDERS_OF_A_TASK / wave.tasks)
    turned_away = wave.tenant.turned_away / wave.tenant.requests
    cores = wave.rate * measured.cpu_seconds
    possible = min(limit or math.inf, wave.tasks * WORKERS / LATENCY)
    return (
        *("none" if limit is None else f"{limit:,}/s{given}", str(wave.tasks)),
        *(f"{ORDERS / rate / 3600:.2f}", f"{rate:,.0f}", f"{rate / possible:.2f}"),
        *(f"{wave.tenant.requests / wave.orders:.3f}", f"{turned_away:.1%}"),
        *(f"{wave.calls_per_second:.1f}", f"{times * wave.store.writes:,.0f}"),
        *(f"{times * wave.store.written_bytes / 1e6:,.1f}", f"{cores:.2f}"),
        f"{wave.tasks * measured.task_mib / 1024:.1f}",
    )
