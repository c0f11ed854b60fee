"""`python -m cluster`: the mapped-chunks DAG on Celery, Redis and Postgres, with parts that die.

Exits with 0 only if every order's outcome agrees with the OMS.
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
from cluster.incident import Incident
from cluster.oms import LATENCY, TROUBLES, OrderSet
from cluster.parts import Cluster, redis
from cluster.runs import measure
from demo.postgres import Postgres
from demo.processes import find_program
from demo.terminal import exit_status, step
from demo.workplace import REPOSITORY, Workplace, oms_connection

PLACE = Workplace(REPOSITORY / ".cluster")
DOCUMENT = REPOSITORY / "docs" / "deployment.md"
BEGIN = "<!-- made by make cluster-test: begin -->"
END = "<!-- made by make cluster-test: end -->"
PACKAGES = ("apache-airflow-providers-celery", "celery", "redis", "psycopg2-binary")
MEASURED = (OrderSet(range(4_000_001, 4_004_001)), OrderSet(range(4_100_001, 4_104_001)))
# One worker alone would make 80 calls a second.
_RATE = 60
LIMITED = {
    f"a translated tenant that answers 429 with Retry-After above {_RATE} calls/s": (
        OrderSet(range(5_000_001, 5_010_001), refused=5),
        Limit(_RATE, retry_after=1),
    ),
    f"a native tenant that answers 429 without Retry-After above {_RATE} calls/s": (
        OrderSet(range(6_000_001, 6_010_001), refused=5, native=True),
        Limit(_RATE),
    ),
}
# The example's reason is none that a native tenant lists.
_NATIVE = {"api": "native", "reason_codes": {"created_by_mistake": "CustomerChangedMind"}}
_MOST_SHOWN = 20


def run(paper: Paper, directory: Path) -> int:
    """Do everything in a directory, and return how many disagreements there are."""
    redis_server = find_program("redis-server", "redis-server")
    gateway_program = nginx.find()
    with ExitStack() as stack:
        oms = stack.enter_context(EmulatorProcess())
        with step("Start Postgres and Redis"):
            postgres = stack.enter_context(Postgres())
            queue = stack.enter_context(redis(redis_server, directory))
        cluster = Cluster(directory, postgres.address, queue)
        with step("Start API server, scheduler, DAG processor and triggerer"):
            stack.enter_context(cluster.running())
        cluster.connect(oms_connection(oms, settle_seconds=3))
        rows = []
        for workers, orders in enumerate(MEASURED, start=1):
            with step(f"Start worker {workers}, and cancel {len(orders.orders):,} orders"):
                cluster.start_worker(f"worker-{workers}")
                rows.append(measure(cluster.api, oms, directory, orders, workers=workers))
        paper.say(f"Without trouble; each call takes {1000 * LATENCY:.0f} ms at the OMS:")
        paper.table([*rows[0]], [[*row.values()] for row in rows])
        troubles = ", ".join(f"{one.share:.1%} {one.words}" for one in TROUBLES)
        paper.say(f"With parts that die, and cancels that go wrong ({troubles}).")
        found = []
        for number, (words, (orders, limit)) in enumerate(LIMITED.items(), len(MEASURED) + 1):
            port = int(oms.url.rpartition(":")[2])
            with (
                step(f"Cancel {len(orders.orders):,} orders on {words} while parts die"),
                nginx.running(gateway_program, limit, directory / "nginx", port) as gateway,
            ):
                fields = oms_connection(oms, settle_seconds=3, **(_NATIVE if orders.native else {}))
                cluster.connect({**fields, "host": gateway.url})
                incident = Incident(cluster, postgres, oms, orders, directory)
                incident.go_through(f"worker-{number}")
            paper.say(f"On {words}:")
            found += incident.report(paper, gateway)
    print("\n".join(found[:_MOST_SHOWN]))
    return len(found)


def cluster_test() -> int:
    paper, began_at = Paper(), time.monotonic()
    paper.table(("fact", "value"), machine_facts(*PACKAGES))
    with PLACE.reserved():
        PLACE.wipe()
        found = run(paper, PLACE.directory)
    if found:
        print(f"FAILED: {found} disagreements with the OMS.")
        return 1
    print("The OMS agrees with every outcome, and no cancel followed one that had canceled.")
    paper.say(f"All of it took {time.monotonic() - began_at:.0f} s.")
    if os.environ.get("WRITE_DOCS"):
        paper.write(DOCUMENT, BEGIN, END)
    return 0


if __name__ == "__main__":
    sys.exit(exit_status(cluster_test))
