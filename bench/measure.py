"""One measurement: a contender in a separate process, and its cost.

The contenders are in `plain`, `provider` and `bare`; the comparisons are in `sections`.
"""

from __future__ import annotations

import json
import resource
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from bench.tenant import FIRST_ORDER
from demo.terminal import DemoError
from demo.workplace import REPOSITORY, airflow_environment

REASON = "created_by_mistake"
CLIENT = ("bench", "worth-nothing")
_KIB = 1 if sys.platform != "darwin" else 1024
_LONGEST = 3600.0
_LINES_OF_A_FAILURE = 25


@dataclass(frozen=True)
class Assignment:
    """Hold a contender's assignment.

    :param contender: a module of `bench` and the name of its contender, such as `plain.pool`.
    :param url: the tenant.
    :param orders: how many orders to cancel, from the first one on.
    :param workers: how many at a time.
    :param store_seconds: the time that a write of the operator's journal takes; ``None`` for no
        journal.
    :param first_order: the first order to cancel.
    :param longest: seconds after which the contender is killed; ``None`` for never.
    """

    contender: str
    url: str
    orders: int
    workers: int = 1
    store_seconds: float | None = None
    first_order: int = FIRST_ORDER
    longest: float | None = None

    @property
    def order_ids(self) -> range:
        """Return the orders to cancel."""
        return range(self.first_order, self.first_order + self.orders)


@dataclass(frozen=True)
class Measurement:
    """Hold the cost of one run of a contender.

    :param orders: how many orders it canceled.
    :param seconds: from its first line to its last, without start-up and imports.
    :param cpu_seconds: processor time of its process in that time.
    :param peak_mib: the most memory that its process ever held.
    :param journal_seconds: spent on writing the journal, next to the other work.
    :param failure: why it ended without having canceled all; empty if it gave no reason.
    """

    orders: int
    seconds: float
    cpu_seconds: float
    peak_mib: float
    journal_seconds: float = 0.0
    failure: str = ""

    @property
    def per_second(self) -> float:
        """Return the orders canceled in a second."""
        return self.orders / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Return the milliseconds of processor time for an order."""
        return 1000 * self.cpu_seconds / self.orders


@dataclass(frozen=True)
class Spread:
    """Hold the least, the middle and the most of a few rounds.

    :param values: one of each round.
    """

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Return the spread of some values.

        :param values: one of each round.
        """
        return cls(tuple(values))

    @property
    def median(self) -> float:
        """Return the value in the middle."""
        return statistics.median(self.values)

    def text(self, pattern: str) -> str:
        """Return all three as text, or one where there was one round.

        :param pattern: how a number is written, as for `format`.
        """
        numbers = (min(self.values), self.median, max(self.values))
        written = [format(number, pattern) for number in numbers]
        return " / ".join(written if len(self.values) > 1 else written[:1])


@contextmanager
def measured(orders: int) -> Iterator[Callable[[], Measurement]]:
    """Measure a block; the yielded function returns its cost, once it is over.

    :param orders: how many orders it cancels.
    """
    seconds, cpu = time.monotonic(), time.process_time()
    ended: list[tuple[float, float]] = []

    def cost() -> Measurement:
        (after,) = ended
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB / 1024
        return Measurement(orders, after[0] - seconds, after[1] - cpu, peak)

    yield cost
    ended.append((time.monotonic(), time.process_time()))


def run_in_child(assignment: Assignment, home: Path, *, settle_seconds: float) -> Measurement:
    """Run a contender in a separate process, and return its cost.

    :param assignment: its assignment.
    :param home: the AIRFLOW_HOME of a contender that needs one.
    :param settle_seconds: of the tenant's connection.
    :raises DemoError: when it fails, or is killed.
    """
    with child(assignment, home, settle_seconds=settle_seconds) as wait:
        cost = wait()
    if cost is None:
        raise DemoError(f"{assignment.contender} took more than {assignment.longest} s.")
    return cost


@contextmanager
def child(
    assignment: Assignment, home: Path, *, settle_seconds: float, packages: Path | None = None
) -> Iterator[Callable[[], Measurement | None]]:
    """Run a contender in a separate process; the yielded function waits for its end.

    It returns the cost, or ``None`` for one that was killed after its longest time, and raises
    a ``DemoError`` for one that failed.

    :param assignment: its assignment.
    :param home: the AIRFLOW_HOME of a contender that needs one.
    :param settle_seconds: of the tenant's connection.
    :param packages: a directory with packages that only this contender needs.
    """
    connection = connection_to(assignment.url, settle_seconds=settle_seconds)
    environment = {
        **airflow_environment(home, home),
        "AIRFLOW_CONN_OMS_DEFAULT": json.dumps(connection),
    }
    if packages is not None:
        environment["PYTHONPATH"] = str(packages)
    # Files and not pipes: its output is read only after its end.
    with (
        TemporaryFile("w+") as output,
        TemporaryFile("w+") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "bench.child", json.dumps(asdict(assignment))],
            env=environment,
            cwd=REPOSITORY,
            stdout=output,
            stderr=errors,
        ) as process,
    ):

        def wait() -> Measurement | None:
            status = process.wait(timeout=_LONGEST)
            if status == -signal.SIGALRM:
                return None
            if status:
                said = [*_lines(output), *_lines(errors)][-_LINES_OF_A_FAILURE:]
                raise DemoError("\n".join(said) + f"\n\n{assignment.contender} failed.")
            # Airflow's log may come before it on the same stream.
            return Measurement(**json.loads(_lines(output)[-1]))

        try:
            yield wait
        finally:
            process.kill()


def _lines(file: IO[str]) -> list[str]:
    file.seek(0)
    return file.read().splitlines()


def connection_to(url: str, *, settle_seconds: float) -> dict[str, object]:
    """Return the connection of the operator, as Airflow takes it.

    :param url: the tenant.
    :param settle_seconds: how long a cancel may take to show.
    """
    return {
        "conn_type": "oms",
        "host": url,
        "login": CLIENT[0],
        "password": CLIENT[1],
        "extra": {
            "tenant_id": "10001",
            "environment": "sandbox",
            "settle_seconds": settle_seconds,
        },
    }
