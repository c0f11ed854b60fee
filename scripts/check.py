"""Run every check of `make test`, one after the other, and print the result of each at the end.

A failed check does not stop the others, so that one run shows everything there is to fix. With
`lint` as its argument only the first ones run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
BIN = REPOSITORY / ".venv" / "bin"
NEWEST = f"{BIN}/python"
OLDEST = str(REPOSITORY / ".venv-2.11" / "bin" / "python")
# The exit status of make_venv.py where this machine has no fitting Python.
NO_PYTHON = 3

ZIZMOR = ["--offline", "--quiet", "--persona=auditor", ".github"]
LINT = {
    "ruff check, with Airflow's rules": [NEWEST, "-m", "ruff", "check", "."],
    "ruff format": [NEWEST, "-m", "ruff", "format", "--check", "."],
    "mypy --strict": [NEWEST, "-m", "mypy"],
    # No shellcheck and no network, so that the result is the same on every machine.
    "actionlint": [f"{BIN}/actionlint", "-shellcheck=", "-pyflakes="],
    "zizmor, at its strictest": [f"{BIN}/zizmor", *ZIZMOR],
    "plain words": [NEWEST, "-m", "scripts.words"],
}
# Five at a time, for most of the time is waiting; what shares an Airflow stays together.
PYTEST = ["-m", "pytest", "--numprocesses=5", "--dist=loadscope"]
SET_UP = [os.environ.get("PYTHON") or "python3", "scripts/make_venv.py"]
TESTS = {
    "wheel and sdist": [NEWEST, "-m", "scripts.package"],
    "every test on Airflow 3.3.2": [NEWEST, *PYTEST],
    "set-up for Airflow 2.11.2": [
        *SET_UP,
        ".venv-2.11",
        "constraints/airflow-2.11.txt",
        "--below=3.13",
    ],
    "the tests about Airflow on Airflow 2.11.2": [OLDEST, *PYTEST, "--about-airflow"],
}


def main() -> int:
    """Run all checks, or those of lint."""
    checks = LINT if sys.argv[1:] == ["lint"] else {**LINT, **TESTS}
    summary = []
    passed = True
    for title, command in checks.items():
        print(f"\n=== {title}", flush=True)
        started = time.monotonic()
        status = subprocess.run(command, cwd=REPOSITORY, check=False).returncode
        is_set_up = command[:2] == SET_UP
        result = "FAILED" if status else "passed"
        if is_set_up and status == NO_PYTHON:
            result = "NOT RUN, for want of Python 3.11 or 3.12,"
        else:
            passed = passed and status == 0
        summary.append(f"{result} after {time.monotonic() - started:.1f} s: {title}")
        if is_set_up and status:
            break
    print("\n=== summary", *summary, sep="\n")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
