"""`python -m cluster`: the mapped-chunks DAG on Celery, Redis and Postgres, with parts that die.

Exits with 0 only if every order's outcome agrees with the OMS, and nothing is left running.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from airflow_provider_oms.emulator.testing import EmulatorProcess
from bench import nginx
from bench.limiter import Limit
from bench.paper import Paper, machine_facts
from cluster.compare import totals
from cluster.incident import Incident
from cluster.leftovers import end_left_running
from cluster.measure import HEADINGS, measure
from cluster.oms import LATENCY, TROUBLES, connection
from cluster.parts import Cluster
from cluster.runs import OrderSet
from cluster.servers import Postgres, Programs, Redis, find_programs
from demo.terminal import INTERRUPTED, DemoError, let_signals_interrupt, step
from demo.workplace import REPOSITORY, Workplace

PLACE = Workplace(REPOSITORY / ".cluster")
DOCUMENT = REPOSITORY / "docs" / "deployment.md"
BEGIN = "<!-- made by make cluster-test: begin -->"
END = "<!-- made by make cluster-test: end -->"
PACKAGES = ("apache-airflow-providers-celery", "celery", "redis", "psycopg2-binary")
MEASURED = (OrderSet(range(4_000_001, 4_004_001)), OrderSet(range(4_100_001, 4_104_001)))
# One worker alone would make 80 calls a second.
_RATE = 60
LIMITED = (
    (OrderSet(range(5_000_001, 5_010_001), refused=5), Limit(_RATE, retry_after=1)),
    (OrderSet(range(6_000_001, 6_010_001), refused=5, native=True), Limit(_RATE)),
)
_MOST_SHOWN = 20


def run(paper: Paper, programs: Programs, postgres: Postgres, directory: Path) -> int:
    """Do everything, and return the exit status.

    :param paper: where the figures go.
    :param programs: where the servers' programs are.
    :param postgres: the database, which does not run yet.
    :param directory: where the parts run.
    """
    with ExitStack() as stack:
        redis = Redis(programs, directory)
        oms = stack.enter_context(EmulatorProcess())
        oms_port = int(oms.url.rpartition(":")[2])
        with step("Start Postgres and Redis"):
            stack.enter_context(postgres.running())
            stack.enter_context(redis.running())
        cluster = Cluster(directory, postgres, redis)
        with step("Start API server, scheduler, DAG processor and triggerer"):
            stack.enter_context(cluster.running())
        cluster.connect(connection(oms, oms.url))
        rows = []
        for workers, orders in enumerate(MEASURED, start=1):
            with step(f"Start worker {workers}, and cancel {len(orders.orders):,} orders"):
                cluster.start_worker(f"worker-{workers}")
                rows.append(measure(cluster, oms, directory, orders, workers=workers))
        paper.say(f"Without trouble; each call takes {1000 * LATENCY:.0f} ms at the OMS:")
        paper.table(HEADINGS, rows)
        troubles = ", ".join(f"{one.share:.1%} {one.words}" for one in TROUBLES)
        paper.say(f"With parts that die, and cancels that go wrong ({troubles}).")
        found = 0
        for number, (orders, limit) in enumerate(LIMITED, start=len(MEASURED) + 1):
            words = described(orders, limit)
            with (
                step(f"Cancel {len(orders.orders):,} orders on {words} while parts die"),
                nginx.running(programs.nginx, limit, directory / "nginx", oms_port) as gateway,
            ):
                cluster.connect(connection(oms, gateway.url, native=orders.native))
                incident = Incident(cluster, postgres, oms, orders, gateway, directory)
                incident.go_through(f"worker-{number}")
            paper.say(f"On {words}:")
            found += report(paper, incident)
    if found:
        print(f"FAILED: {found} disagreements with the OMS.")
        return 1
    print("The OMS agrees with every outcome, and no cancel followed one that had canceled.")
    return 0


def described(orders: OrderSet, limit: Limit) -> str:
    """Return the tenant in words.

    :param orders: what is canceled there.
    :param limit: how many calls it lets through.
    """
    dialect = "native" if orders.native else "translated"
    header = "without" if limit.retry_after is None else "with"
    return f"a {dialect} tenant that answers 429 {header} Retry-After above {limit.rate} calls/s"


def report(paper: Paper, incident: Incident) -> int:
    """Say what came of it, and return how many disagreements there are.

    :param paper: where the figures go.
    :param incident: what happened.
    """
    paper.table(("seconds", "event"), [(f"{at:.0f}", what) for at, what in incident.story.events])
    paper.say("Chunks that took more than one try:")
    paper.table(("chunk", "try", "state", "began at", "ended at"), incident.retries())
    seen = incident.seen()
    found = incident.disagreements(seen)
    paper.table(
        ("at the end", "number"),
        [
            *totals(seen),
            ("reads that the OMS answered", f"{incident.reads():,}"),
            *incident.hardships(),
            ("most connections of Postgres at once", str(incident.connections)),
            ("disagreements", str(len(found))),
        ],
    )
    print("\n".join(found[:_MOST_SHOWN]))
    return len(found)


def cluster_test(paper: Paper) -> int:
    """Run the test with nothing left running after it, and return the exit status.

    :param paper: where the figures go.
    :raises DemoError: when something had to be ended by force.
    """
    programs = find_programs()
    with ExitStack() as stack:
        stack.enter_context(PLACE.reserved())
        PLACE.wipe()
        postgres = Postgres(programs, PLACE.directory)
        try:
            return run(paper, programs, postgres, PLACE.directory)
        finally:
            if left := end_left_running([PLACE.directory, *postgres.places]):
                raise DemoError(f"These were left running, and killed: {', '.join(left)}")


def main() -> int:
    """Run the test; say in one line why, should it end early."""
    let_signals_interrupt()
    paper, began_at = Paper(), time.monotonic()
    paper.table(("fact", "value"), machine_facts(*PACKAGES))
    try:
        status = cluster_test(paper)
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; nothing is left running.", file=sys.stderr)
        return INTERRUPTED
    paper.say(f"All of it took {time.monotonic() - began_at:.0f} s.")
    if status == 0 and os.environ.get("WRITE_DOCS"):
        paper.write(DOCUMENT, BEGIN, END)
    return status


if __name__ == "__main__":
    sys.exit(main())
