"""One measurement: a contender in a separate process, `python -m bench.measure ASSIGNMENT`.

The contenders are in `plain` and `provider`. Nothing is imported here that only some of
them need: memory is measured too.
"""

from __future__ import annotations

import importlib
import json
import resource
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from demo.terminal import DemoError
from demo.workplace import REPOSITORY, airflow_environment

FIRST_ORDER = 5_000_001
REASON = "created_by_mistake"
CLIENT = ("bench", "worth-nothing")
TENANT = "10001"
# Where a contender finds packages that no environment of the project has.
PACKAGES = "packages"
_KIB = 1 if sys.platform != "darwin" else 1024
_LINES_OF_A_FAILURE = 25


@dataclass(frozen=True)
class Assignment:
    """Hold a contender's assignment.

    :param contender: a module of `bench` and the name of its contender, such as `plain.pool`.
    :param store_seconds: of a write of the operator's journal; ``None`` for no journal.
    :param longest: seconds after which the contender is killed; 0 for never.
    """

    contender: str
    url: str
    orders: int
    workers: int = 1
    store_seconds: float | None = None
    longest: float = 0.0

    @property
    def order_ids(self) -> range:
        return range(FIRST_ORDER, FIRST_ORDER + self.orders)


@dataclass(frozen=True)
class Measurement:
    """Hold the cost of one run of a contender.

    :param seconds: from its first line to its last, without start-up and imports.
    :param cpu_seconds: processor time of its process in that time.
    :param peak_mib: the most memory that its process ever held.
    :param failure: why it ended without having canceled all; empty if it gave no reason.
    """

    orders: int
    seconds: float
    cpu_seconds: float
    peak_mib: float
    failure: str

    @property
    def per_second(self) -> float:
        return self.orders / self.seconds

    @property
    def cpu_ms(self) -> float:
        return 1000 * self.cpu_seconds / self.orders


def spread(values: Iterable[float], pattern: str) -> str:
    """Write the least, the middle and the most of a few rounds, or the value of the only one."""
    first, *more = values
    if not more:
        return format(first, pattern)
    numbers = (min(first, *more), statistics.median([first, *more]), max(first, *more))
    return " / ".join(format(number, pattern) for number in numbers)


def run_in_child(
    assignment: Assignment, home: Path, *, settle_seconds: float
) -> Measurement | None:
    """Run a contender in a separate process, and return its cost; ``None`` if it took too long."""
    connection = connection_to(assignment.url, settle_seconds)
    done = subprocess.run(
        [sys.executable, "-m", "bench.measure", json.dumps(asdict(assignment))],
        env={
            **airflow_environment(home, home),
            "AIRFLOW_CONN_OMS_DEFAULT": json.dumps(connection),
            "PYTHONPATH": str(home / PACKAGES),
        },
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == -signal.SIGALRM:
        return None
    if done.returncode:
        said = f"{done.stdout}\n{done.stderr}".splitlines()[-_LINES_OF_A_FAILURE:]
        raise DemoError("\n".join(said) + f"\n\n{assignment.contender} failed.")
    # Airflow's log may come before it on the same stream.
    return Measurement(**json.loads(done.stdout.splitlines()[-1]))


def connection_to(url: str, settle_seconds: float) -> dict[str, str]:
    client_id, client_secret = CLIENT
    extra = {"tenant_id": TENANT, "environment": "sandbox", "settle_seconds": settle_seconds}
    return {
        "conn_type": "oms",
        "host": url,
        "login": client_id,
        "password": client_secret,
        "extra": json.dumps(extra),
    }


def main() -> None:
    assignment = Assignment(**json.loads(sys.argv[1]))
    module, _, name = assignment.contender.partition(".")
    contender = getattr(importlib.import_module(f"bench.{module}"), name)
    # Nothing handles this signal: it ends the process, whatever that is doing.
    signal.setitimer(signal.ITIMER_REAL, assignment.longest)
    began_at, cpu = time.monotonic(), time.process_time()
    failure = contender(assignment) or ""
    seconds, cpu_seconds = time.monotonic() - began_at, time.process_time() - cpu
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB / 1024
    cost = Measurement(assignment.orders, seconds, cpu_seconds, peak_mib, failure)
    print(f"\n{json.dumps(asdict(cost))}", flush=True)


if __name__ == "__main__":
    main()
