"""The comparisons, and their goals.

How one measurement is taken is in `measure` and `scheduler`; how it is shown, in `paper`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench import limits, scale, scheduler
from bench.measure import Assignment, Spread, run_in_child
from bench.paper import Goal
from bench.rounds import LATENCY, SHORT_SETTLING, Bench, Rounds, Sizes

LOOP, POOL, OPERATOR, BARE = "plain.loop", "plain.pool", "provider.operator", "bare.connections"
HEXADECIMAL = "provider.hexadecimal"
_USUAL_SETTLING = 15.0
_FAULTS = 0.05
_CEILING_CONNECTIONS = 64
_WORKERS_WITH_FAULTS = 16
_WORKERS_WITH_JOURNAL = 16
_WORKERS_FOR_SETS = 32
_WORKERS_IN_A_TASK = 32


def stub(bench: Bench) -> None:
    """Show the limit of the stub itself, because no contender can do more.

    :param bench: the bench.
    """
    fast = Rounds()
    for _ in range(bench.sizes.rounds):
        fast.add(BARE, bench.take(BARE, 20_000, _CEILING_CONNECTIONS, latency=0.0))
    slow = bench.take(BARE, 40, 1)
    bench.paper.say("### The stub")
    bench.paper.say(
        f"Called by bare sockets, it answers {fast.rate(BARE).text(',.0f')} cancels a second at "
        f"zero latency, and one cancel takes {1000 / slow.per_second:.1f} ms at its latency of "
        f"{1000 * LATENCY:.0f} ms."
    )


def mapped(bench: Bench) -> None:
    """Compare a task for each order with one task for all, under a real scheduler.

    :param bench: the bench.
    """
    bulk_orders = bench.orders_for(_WORKERS_IN_A_TASK, bench.sizes.seconds)
    sizes = scheduler.Sizes(bench.sizes.mapped_orders, bulk_orders, _WORKERS_IN_A_TASK)
    found = scheduler.measure(bench.tenant, bench.directory, sizes, latency=LATENCY)
    bench.store_seconds = found.store_seconds.median
    one_each = found.mapped_seconds / sizes.mapped_orders
    all_in_one = found.bulk_seconds / sizes.bulk_orders
    bench.paper.say("### Under a real scheduler")
    bench.paper.table(
        ("what", "orders", "seconds", "ms for an order"),
        [
            (
                f"(a) mapped HttpOperator, {found.tasks_at_once} tasks at a time",
                f"{sizes.mapped_orders:,}",
                f"{found.mapped_seconds:.1f}",
                f"{1000 * one_each:,.2f}",
            ),
            (
                f"(d) this operator in one task, {_WORKERS_IN_A_TASK} workers",
                f"{bulk_orders:,}",
                f"{found.bulk_seconds:.1f}",
                f"{1000 * all_in_one:,.2f}",
            ),
        ],
    )
    written = Spread.of(1000 * number for number in found.store_seconds.values).text(".1f")
    bench.paper.say(f"A write of half a journal page to Airflow's task_state_store: {written} ms.")
    name = f"(a) / (d) for an order, {_WORKERS_IN_A_TASK} workers, the task's start included"
    bench.paper.goals.append(Goal(name, one_each / all_in_one, 100, ",.0f", unit=" times"))


def throughput(bench: Bench) -> None:
    """Compare the operator with a loop, with a bare pool and with the limit.

    :param bench: the bench.
    """
    paper, rows, cpu_ratios = bench.paper, [], []
    for workers in (1, 8, 16, 32, 64):
        rounds = _rounds_at(bench, workers)
        limit = workers / LATENCY
        pool, operator = rounds.rate(POOL), rounds.rate(OPERATOR)
        to_pool, to_limit = operator.median / pool.median, operator.median / limit
        cpu = rounds.cpu(OPERATOR).median / rounds.cpu(POOL).median
        loop = rounds.rate(LOOP).text(".1f") if workers == 1 else ""
        rows.append(
            (
                str(workers),
                f"{limit:,.0f}",
                loop,
                *(pool.text(",.1f"), operator.text(",.1f")),
                *(f"{to_pool:.3f}", f"{pool.median / limit:.3f}", f"{to_limit:.3f}"),
                *(rounds.cpu(POOL).text(".2f"), rounds.cpu(OPERATOR).text(".2f"), f"{cpu:.2f}"),
            )
        )
        if workers in (8, 16):
            paper.goals.append(Goal(f"(d) / (c), {workers} workers", to_pool, 0.97, ".3f"))
        if workers == 8:  # noqa: PLR2004 - as the goal is worded
            paper.goals.append(Goal("(d) / limit, 8 workers", to_limit, 0.85, ".3f"))
        if workers > 1:
            cpu_ratios.append((cpu, workers))
    paper.say("### Throughput")
    paper.table(
        (
            *("workers", "limit", "(b) loop", "(c) pool", "(d) operator"),
            *("(d) / (c)", "(c) / limit", "(d) / limit"),
            *("(c) CPU ms", "(d) CPU ms", "(d) / (c) CPU"),
        ),
        rows,
    )
    paper.say(
        f"Orders in a second, and milliseconds of processor time for an order. A set of one order "
        f"takes {_set_of_one(bench, POOL)} s with (c) and {_set_of_one(bench, OPERATOR)} s with "
        f"(d): what (d) does once for each run is the larger a share, the shorter the run."
    )
    worst, workers = max(cpu_ratios)
    name = f"processor time for an order, (d) / (c), the worst: {workers} workers"
    paper.goals.append(Goal(name, worst, 1.2, at_most=True))


def _set_of_one(bench: Bench, contender: str) -> str:
    taken = [bench.take(contender, 1, 8).seconds for _ in range(bench.sizes.rounds)]
    return Spread.of(taken).text(".2f")


def _rounds_at(bench: Bench, workers: int) -> Rounds:
    rounds = Rounds()
    orders = bench.orders_for(workers, bench.sizes.seconds)
    contenders = (LOOP, POOL, OPERATOR) if workers == 1 else (POOL, OPERATOR)
    for _ in range(bench.sizes.rounds):
        for contender in contenders:
            rounds.add(contender, bench.take(contender, orders, workers))
    return rounds


def faults(bench: Bench) -> None:
    """Compare a run in which orders meet faults with one in which none does.

    :param bench: the bench.
    """
    orders = bench.orders_for(_WORKERS_WITH_FAULTS, bench.sizes.fault_seconds)
    rounds, seen = Rounds(), {}
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
            rounds.add(name, cost)
            seen[name] = bench.seen[OPERATOR]
    clean, faulted, _ = ways
    bench.paper.say("### With faults")
    bench.paper.table(
        ("what", "orders a second", "/ without", "orders faulted", "requests for an order"),
        [
            (
                name,
                rounds.rate(name).text(",.1f"),
                f"{rounds.rate(name).median / rounds.rate(clean).median:.3f}",
                f"{seen[name].faulted:,}",
                f"{(seen[name].posts + seen[name].reads) / orders:.3f}",
            )
            for name in ways
        ],
    )
    bench.paper.say(
        f"{orders:,} orders, {_WORKERS_WITH_FAULTS} workers. Half of the faults act and break the "
        f"connection, half are a 502 that did not act; after that the order is settled and, where "
        f"it is open, canceled again. The last one of a run is waited for."
    )
    ratio = rounds.rate(faulted).median / rounds.rate(clean).median
    name = f"throughput with {_FAULTS:.0%} faulted / without, {faulted.partition(', ')[2]}"
    bench.paper.goals.append(Goal(name, ratio, 0.9, ".3f"))


def journal(bench: Bench) -> None:
    """Compare runs with the journal and without it.

    :param bench: the bench.
    """
    orders = bench.orders_for(_WORKERS_WITH_JOURNAL, 2 * bench.sizes.seconds)
    rounds = Rounds()
    for _ in range(bench.sizes.rounds):
        for name in ("without", "with"):
            cost = bench.take(
                *(OPERATOR, orders, _WORKERS_WITH_JOURNAL), keeps_journal=name == "with"
            )
            rounds.add(name, cost)
    busy = rounds.spread("with", lambda cost: cost.journal_seconds / cost.seconds)
    bench.paper.say("### The journal")
    bench.paper.table(
        ("journal", "orders a second", "CPU ms for an order", "share of the time with a write"),
        [
            (
                "without",
                *(spread("without").text(".2f") for spread in (rounds.rate, rounds.cpu)),
                "",
            ),
            (
                "with",
                *(spread("with").text(".2f") for spread in (rounds.rate, rounds.cpu)),
                busy.text(".1%"),
            ),
        ],
    )
    bench.paper.say(
        f"{orders:,} orders, {_WORKERS_WITH_JOURNAL} workers; a write takes "
        f"{1000 * bench.store_seconds:.1f} ms. Workers go on while one is under way."
    )
    lost = rounds.rate("without").median / rounds.rate("with").median - 1
    name = f"run time that the journal adds, {_WORKERS_WITH_JOURNAL} workers"
    bench.paper.goals.append(Goal(name, 100 * lost, 3, at_most=True, unit=" %"))


def sets(bench: Bench) -> None:
    """Compare sets of different sizes: memory, and time for an order.

    :param bench: the bench.
    """
    rounds, rows = Rounds(), []
    rounds.add("1", bench.take(OPERATOR, 1, _WORKERS_FOR_SETS, latency=0.0))
    for size in _one_by_one(bench.sizes):
        rounds.add(str(size), bench.take(OPERATOR, size, _WORKERS_FOR_SETS, latency=0.0))
    peak_of_one = rounds.spread("1", lambda cost: cost.peak_mib).median
    for size in bench.sizes.sets:
        peak = rounds.spread(str(size), lambda cost: cost.peak_mib)
        each = rounds.spread(str(size), lambda cost: 1000 * cost.seconds / cost.orders)
        added = f"{peak.median - peak_of_one:.1f}"
        rows.append((f"{size:,}", each.text(".3f"), peak.text(".1f"), added))
    bench.paper.say("### Sets of different sizes")
    bench.paper.table(("orders", "ms for an order", "peak MiB", "more than for one order"), rows)
    bench.paper.say(f"Zero latency, {_WORKERS_FOR_SETS} workers.")
    added_by_hexadecimal = _added_by_hexadecimal(bench, bench.sizes.sets[-1])
    _, middle, largest = bench.sizes.sets
    slower, faster = (rounds.rate(str(size)).median for size in (largest, middle))
    most = rounds.spread(str(largest), lambda cost: cost.peak_mib).median - peak_of_one
    bench.paper.goals += [
        Goal(f"memory that {largest:,} orders add", most, 70, ".1f", at_most=True, unit=" MiB"),
        Goal(
            f"memory that {largest:,} orders with ids of 32 hexadecimal digits add",
            *(added_by_hexadecimal, 85, ".1f"),
            at_most=True,
            unit=" MiB",
        ),
        Goal(
            f"time for an order, {largest:,} orders / {middle:,} orders",
            *(faster / slower, 1.1),
            at_most=True,
        ),
    ]


def _added_by_hexadecimal(bench: Bench, orders: int) -> float:
    """Return the MiB that orders with such ids add, in the engine alone: nothing is sent."""
    peaks = []
    for count in (1, orders):
        assignment = Assignment(HEXADECIMAL, "", count, _WORKERS_FOR_SETS, bench.store_seconds)
        cost = run_in_child(assignment, bench.directory, settle_seconds=SHORT_SETTLING)
        peaks.append(cost.peak_mib)
    return peaks[1] - peaks[0]


def _one_by_one(sizes: Sizes) -> Iterator[int]:
    """Return the sizes to measure in turn; the largest set once, for it takes minutes."""
    for turn in range(sizes.rounds):
        yield from sizes.sets if turn == 0 else sizes.sets[:-1]


#: By their names on the command line, in the order in which they run; `mapped` comes first, for
#: it measures a write of the journal.
SECTIONS: dict[str, Callable[[Bench], None]] = {
    "stub": stub,
    "mapped": mapped,
    "throughput": throughput,
    "faults": faults,
    "journal": journal,
    "sets": sets,
    "limits": limits.limits,
    "scale": scale.scale,
}
