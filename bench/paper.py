"""The bench's output: tables, goals, the machine's facts; on the terminal, and in the docs."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil
from tabulate import tabulate

from scripts.tables import put

_CPU_FACTS = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Goal:
    """Hold a figure next to its goal.

    :param pattern: how both are written, as for `format`.
    :param at_most: whether the bound is the most; it is the least otherwise.
    :param unit: what follows the number.
    """

    name: str
    figure: float
    bound: float
    pattern: str = ".2f"
    at_most: bool = False
    unit: str = ""

    def row(self) -> tuple[str, str, str, str]:
        missing = self.figure - self.bound if self.at_most else self.bound - self.figure
        found, bound, short = (
            format(number, self.pattern) + self.unit
            for number in (self.figure, self.bound, missing)
        )
        goal = f"{'at most' if self.at_most else 'at least'} {bound}"
        return self.name, found, goal, "reached" if missing <= 0 else f"SHORT by {short}"


class Paper:
    """Print as the figures come in, and keep all of it."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.goals: list[Goal] = []

    def say(self, text: str) -> None:
        self._parts.append(text)
        print(f"{text}\n", flush=True)

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        align = ("left", *("right" for _ in headings[1:]))
        self.say(tabulate(rows, headings, "pipe", disable_numparse=True, colalign=align))

    def say_goals(self) -> None:
        if self.goals:
            self.say("### Goals")
            self.table(("what", "found", "goal", "verdict"), [one.row() for one in self.goals])

    def write(self, document: Path, begin: str, end: str) -> None:
        """Put all of it into a document, between the markers of its begin and its end."""
        text = "\n{}\n".format("\n\n".join(self._parts))
        page = put(text, document.read_text(encoding="utf-8"), begin, end)
        document.write_text(page, encoding="utf-8")


def machine_facts(*more_packages: str) -> list[tuple[str, str]]:
    """Return the facts that a figure depends on, other than the code."""
    load = ", ".join(f"{number:.1f}" for number in os.getloadavg())
    memory = psutil.virtual_memory().total / 2**30
    packages = ("apache-airflow", *more_packages, "requests", "urllib3")
    return [
        ("processors", f"{os.cpu_count()} of {_cpu_model()}"),
        ("memory", f"{memory:.0f} GiB"),
        ("system", platform.platform()),
        ("Python", platform.python_version()),
        *((name, version(name)) for name in packages),
        ("load average before", load),
        ("date", datetime.now(UTC).date().isoformat()),
    ]


def _cpu_model() -> str:
    if _CPU_FACTS.is_file():
        for line in _CPU_FACTS.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
