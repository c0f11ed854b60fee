"""The comparisons, and their goals.

More of them are in `scheduler`, `limits` and `scale`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from statistics import median

from bench import limits, scale, scheduler
from bench.measure import Measurement, spread
from bench.paper import Goal
from bench.rounds import LATENCY, SHORT_SETTLING, Bench

LOOP, POOL, OPERATOR = "plain.loop", "plain.pool", "provider.operator"
_USUAL_SETTLING = 15.0
_FAULTS = 0.05
_WORKERS_WITH_FAULTS = 16
_WORKERS_WITH_JOURNAL = 16
_WORKERS_FOR_SETS = 32


def _rates(costs: Iterable[Measurement]) -> list[float]:
    return [cost.per_second for cost in costs]


def _cpu(costs: Iterable[Measurement]) -> list[float]:
    return [cost.cpu_ms for cost in costs]


def throughput(bench: Bench) -> None:
    goals, rows, cpu_ratios = bench.paper.goals, [], []
    for workers in (1, 8, 16, 32, 64):
        taken = _interleaved(bench, workers)
        limit = workers / LATENCY
        rates = {name: _rates(costs) for name, costs in taken.items()}
        cpu = {name: _cpu(costs) for name, costs in taken.items()}
        pool, operator = median(rates[POOL]), median(rates[OPERATOR])
        cpu_ratio = median(cpu[OPERATOR]) / median(cpu[POOL])
        rows.append(
            (
                *(str(workers), f"{limit:,.0f}"),
                spread(rates[LOOP], ".1f") if LOOP in rates else "",
                *(spread(rates[name], ",.1f") for name in (POOL, OPERATOR)),
                *(f"{operator / pool:.3f}", f"{pool / limit:.3f}", f"{operator / limit:.3f}"),
                *(spread(cpu[name], ".2f") for name in (POOL, OPERATOR)),
                f"{cpu_ratio:.2f}",
            )
        )
        if workers in (8, 16):
            goals.append(Goal(f"(d) / (c), {workers} workers", operator / pool, 0.97, ".3f"))
        if workers == 8:  # noqa: PLR2004 - as the goal is worded
            goals.append(Goal("(d) / limit, 8 workers", operator / limit, 0.85, ".3f"))
        if workers > 1:
            cpu_ratios.append((cpu_ratio, workers))
    bench.paper.say("### Throughput")
    bench.paper.table(
        (
            *("workers", "limit", "(b) loop", "(c) pool", "(d) operator"),
            *("(d) / (c)", "(c) / limit", "(d) / limit"),
            *("(c) CPU ms", "(d) CPU ms", "(d) / (c) CPU"),
        ),
        rows,
    )
    bench.paper.say("Orders in a second, and milliseconds of processor time for an order.")
    worst, workers = max(cpu_ratios)
    name = f"processor time for an order, (d) / (c), the worst: {workers} workers"
    goals.append(Goal(name, worst, 1.2, at_most=True))


def _interleaved(bench: Bench, workers: int) -> dict[str, list[Measurement]]:
    taken = defaultdict(list)
    orders = bench.orders_for(workers, bench.sizes.seconds)
    contenders = (LOOP, POOL, OPERATOR) if workers == 1 else (POOL, OPERATOR)
    for _ in range(bench.sizes.rounds):
        for contender in contenders:
            taken[contender].append(bench.take(contender, orders, workers))
    return taken


def faults(bench: Bench) -> None:
    orders = bench.orders_for(_WORKERS_WITH_FAULTS, bench.sizes.fault_seconds)
    rates, seen = defaultdict(list), {}
    ways = {
        "no faults": (0.0, SHORT_SETTLING),
        f"faults, settle_seconds {SHORT_SETTLING:.0f}": (_FAULTS, SHORT_SETTLING),
        f"faults, settle_seconds {_USUAL_SETTLING:.0f}": (_FAULTS, _USUAL_SETTLING),
    }
    for turn in range(max(1, bench.sizes.rounds - 1)):
        for name, (share, settling) in ways.items():
            # Its last fault takes long to settle, and it is held to no goal.
            if turn and settling == _USUAL_SETTLING:
                continue
            cost = bench.take(
                *(OPERATOR, orders, _WORKERS_WITH_FAULTS), faults=share, settle_seconds=settling
            )
            rates[name].append(cost.per_second)
            seen[name] = bench.seen
    clean, faulted, _ = ways
    without = median(rates[clean])
    bench.paper.say("### With faults")
    bench.paper.table(
        ("what", "orders a second", "/ without", "orders faulted", "requests for an order"),
        [
            (
                name,
                spread(rates[name], ",.1f"),
                f"{median(rates[name]) / without:.3f}",
                f"{seen[name]['faulted']:,}",
                f"{(seen[name]['posts'] + seen[name]['reads']) / orders:.3f}",
            )
            for name in ways
        ],
    )
    bench.paper.say(
        f"{orders:,} orders, {_WORKERS_WITH_FAULTS} workers. Half of the faults act and break the "
        f"connection, half are a 502 that did not act; after that the order is settled and, where "
        f"it is open, canceled again. The last one of a run is waited for."
    )
    name = f"throughput with {_FAULTS:.0%} faulted / without, {faulted.partition(', ')[2]}"
    bench.paper.goals.append(Goal(name, median(rates[faulted]) / without, 0.9, ".3f"))


def journal(bench: Bench) -> None:
    orders = bench.orders_for(_WORKERS_WITH_JOURNAL, 2 * bench.sizes.seconds)
    taken: dict[str, list[Measurement]] = {"without": [], "with": []}
    for _ in range(bench.sizes.rounds):
        for name, costs in taken.items():
            keeps = name == "with"
            costs.append(bench.take(OPERATOR, orders, _WORKERS_WITH_JOURNAL, keeps_journal=keeps))
    bench.paper.say("### The journal")
    bench.paper.table(
        ("journal", "orders a second", "CPU ms for an order"),
        [
            (name, spread(_rates(costs), ".2f"), spread(_cpu(costs), ".2f"))
            for name, costs in taken.items()
        ],
    )
    bench.paper.say(
        f"{orders:,} orders, {_WORKERS_WITH_JOURNAL} workers; a write takes "
        f"{1000 * bench.store_seconds:.1f} ms. Workers go on while one is under way."
    )
    lost = median(_rates(taken["without"])) / median(_rates(taken["with"])) - 1
    name = f"run time that the journal adds, {_WORKERS_WITH_JOURNAL} workers"
    bench.paper.goals.append(Goal(name, 100 * lost, 3, at_most=True, unit=" %"))


def sets(bench: Bench) -> None:
    *_, middle, largest = bench.sizes.sets
    taken = defaultdict(list)
    for turn in range(bench.sizes.rounds):
        # The largest set once, for it takes minutes.
        for size in bench.sizes.sets if turn == 0 else bench.sizes.sets[:-1]:
            taken[size].append(bench.take(OPERATOR, size, _WORKERS_FOR_SETS, latency=0.0))
    of_one = bench.take(OPERATOR, 1, _WORKERS_FOR_SETS, latency=0.0).peak_mib
    peaks = {size: [cost.peak_mib for cost in costs] for size, costs in taken.items()}
    times = {size: [1000 / rate for rate in _rates(costs)] for size, costs in taken.items()}
    bench.paper.say("### Sets of different sizes")
    bench.paper.table(
        ("orders", "ms for an order", "peak MiB", "more than for one order"),
        [
            (
                *(f"{size:,}", spread(times[size], ".3f"), spread(peaks[size], ".1f")),
                f"{median(peaks[size]) - of_one:.1f}",
            )
            for size in bench.sizes.sets
        ],
    )
    bench.paper.say(f"Zero latency, {_WORKERS_FOR_SETS} workers.")
    most = median(peaks[largest]) - of_one
    slower = median(times[largest]) / median(times[middle])
    name = f"time for an order, {largest:,} orders / {middle:,} orders"
    bench.paper.goals += [
        Goal(f"memory that {largest:,} orders add", most, 70, ".1f", at_most=True, unit=" MiB"),
        Goal(name, slower, 1.1, at_most=True),
    ]


#: By their names on the command line, in the order in which they run; `mapped` comes first, for
#: it measures a write of the journal.
SECTIONS: dict[str, Callable[[Bench], None]] = {
    "mapped": scheduler.mapped,
    "throughput": throughput,
    "faults": faults,
    "journal": journal,
    "sets": sets,
    "limits": limits.limits,
    "scale": scale.scale,
}
