"""Run every check of `make test`, one after the other, and print the result of each at the end.

A failed check does not stop the others, so that one run shows everything there is to fix.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
BIN = REPOSITORY / ".venv" / "bin"
PYTHON_NEWEST = f"{BIN}/python"
PYTHON_OLDEST = str(REPOSITORY / ".venv-2.11" / "bin" / "python")
NO_PYTHON = 3


@dataclass(frozen=True)
class Check:
    """Hold one check.

    :param title: its name, for the person at the terminal.
    :param command: what to run.
    """

    title: str
    command: list[str]


LINT = [
    Check("ruff check, with Airflow's rules", [PYTHON_NEWEST, "-m", "ruff", "check", "."]),
    Check("ruff format", [PYTHON_NEWEST, "-m", "ruff", "format", "--check", "."]),
    Check("mypy --strict", [PYTHON_NEWEST, "-m", "mypy"]),
    # No shellcheck and no network, so that the result is the same on every machine.
    Check("actionlint", [f"{BIN}/actionlint", "-shellcheck=", "-pyflakes="]),
    Check(
        "zizmor, at its strictest",
        [f"{BIN}/zizmor", "--offline", "--quiet", "--persona=auditor", ".github"],
    ),
    Check("plain words", [PYTHON_NEWEST, "-m", "scripts.words"]),
]
# Four at a time, for most of the time is waiting; what shares an Airflow stays together.
PYTEST = ["-m", "pytest", "--numprocesses=4", "--dist=loadscope"]
TESTS_NEWEST = Check("every test on Airflow 3.3.2", [PYTHON_NEWEST, *PYTEST])
PACKAGE = Check("wheel and sdist", [PYTHON_NEWEST, "-m", "scripts.package"])
SET_UP_OLDEST = Check(
    "set-up for Airflow 2.11.2",
    [
        os.environ.get("PYTHON") or "python3",
        "scripts/make_venv.py",
        ".venv-2.11",
        "constraints/airflow-2.11.txt",
        "--below=3.13",
    ],
)
TESTS_OLDEST = Check(
    "the tests about Airflow on Airflow 2.11.2",
    [PYTHON_OLDEST, *PYTEST, "--about-airflow"],
)


def run(check: Check, summary: list[str]) -> int:
    """Run one check, add its line to the summary, and return its exit status."""
    print(f"\n=== {check.title}", flush=True)
    started = time.monotonic()
    status = subprocess.run(check.command, cwd=REPOSITORY, check=False).returncode
    seconds = time.monotonic() - started
    word = "passed" if status == 0 else "FAILED"
    summary.append(f"{word:<8} {seconds:6.1f} s  {check.title}")
    return status


def run_oldest(summary: list[str]) -> bool:
    """Run the tests on the oldest Airflow, if this machine has a Python it installs on."""
    status = run(SET_UP_OLDEST, summary)
    if status == NO_PYTHON:
        summary[-1] = f"NOT RUN            {TESTS_OLDEST.title}: no Python 3.11 or 3.12 here"
        return True
    return status == 0 and run(TESTS_OLDEST, summary) == 0


def main() -> int:
    """Run all checks, or those asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=["all", "lint"], default="all")
    what = parser.parse_args().what
    started = time.monotonic()
    summary: list[str] = []
    passed = [run(check, summary) == 0 for check in LINT]
    if what == "all":
        passed.append(run(PACKAGE, summary) == 0)
        passed.append(run(TESTS_NEWEST, summary) == 0)
        passed.append(run_oldest(summary))
    print(f"\n=== summary, after {time.monotonic() - started:.0f} s")
    print("\n".join(summary))
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
