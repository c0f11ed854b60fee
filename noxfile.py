"""`make test` and `make lint`: every check; `make matrix`: each Airflow and Python with the wheel.

A failed check does not stop the others, so that one run shows everything there is to fix.

A cell of the matrix holds pinned packages, the wheel, and the unpacked sdist without the package:
the tests can only import files that the wheel has put there. Each writes down the results of its
tests, for ``scripts/compatibility.py``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tarfile
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.needs_version = ">=2026.10"
nox.options.error_on_external_run = True
nox.options.error_on_missing_interpreters = True

ROOT = Path(__file__).resolve().parent
DIST = ROOT / ".nox" / "dist"
REPORTS = ROOT / ".nox" / "cells"
PACKAGE = "airflow_provider_oms"

# The last one is a pre-release.
AIRFLOWS = ("2.11", "3.0", "3.1", "3.2", "3.3", "3.4")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# The first Python that an Airflow does not install on.
TOO_NEW = {"2.11": "3.13", "3.0": "3.13", "3.1": "3.14"}
CELLS = [
    (python, airflow)
    for airflow in AIRFLOWS
    for python in PYTHONS
    if airflow not in TOO_NEW or python < TOO_NEW[airflow]
]
# Only the oldest and the newest release run the tests that touch nothing of Airflow.
WHOLE = {CELLS[0], (PYTHONS[-1], AIRFLOWS[-2])}
# On the newest Python of each Airflow the tests also drive a real scheduler. They are the slowest.
DRIVEN = {airflow: python for python, airflow in CELLS}
# Two cells at a time leave little of a machine to each.
PATIENCE = "--timeout=300"
# Interrupted tests end the processes that they have started; a whole Airflow takes a while.
SECONDS_TO_TIDY_UP = 60.0
# What looks at the tables that this very run is there to fill.
WITHOUT_TABLES = "--ignore=tests/docs/test_compatibility_page.py"

BIN = ROOT / ".venv" / "bin"
NEWEST = str(BIN / "python")
OLDEST = str(ROOT / ".venv-2.11" / "bin" / "python")
# The exit status of make_venv.py where this machine has no fitting Python.
NO_PYTHON = 3
LINT = {
    "ruff check": [NEWEST, "-m", "ruff", "check", "."],
    "ruff format": [NEWEST, "-m", "ruff", "format", "--check", "."],
    "mypy": [NEWEST, "-m", "mypy"],
    # No shellcheck and no network, so that the result is the same on every machine.
    "actionlint": [str(BIN / "actionlint"), "-shellcheck=", "-pyflakes="],
    "zizmor": [str(BIN / "zizmor"), "--offline", "--quiet", "--persona=auditor", ".github"],
    "plain words": [NEWEST, "-m", "scripts.words"],
}
# Five at a time, for most of the time is waiting; what shares an Airflow stays together.
PYTEST = ["-m", "pytest", "--numprocesses=5", "--dist=loadscope"]


@nox.session(python=False)
@nox.parametrize("tool", [*LINT], ids=[*LINT])
def lint(session: nox.Session, tool: str) -> None:
    """Look at the code, the workflows and the words."""
    session.run(*LINT[tool], external=True)


@nox.session(python=False)
def package(session: nox.Session) -> None:
    """Build the wheel and the sdist, and check them."""
    session.run(NEWEST, "-m", "scripts.package", external=True)


@nox.session(python=False)
def newest(session: nox.Session) -> None:
    """Run every test on Airflow 3.3.2."""
    session.run(NEWEST, *PYTEST, external=True, interrupt_timeout=SECONDS_TO_TIDY_UP)


@nox.session(python=False)
def oldest(session: nox.Session) -> None:
    """Run the tests about Airflow on Airflow 2.11.2, where there is a Python for it."""
    python = os.environ.get("PYTHON") or "python3"
    constraints = "constraints/airflow-2.11.txt"
    make_venv = [python, "scripts/make_venv.py", ".venv-2.11", constraints, "--below=3.13"]
    try:
        session.run(*make_venv, external=True)
    except CommandFailed as failure:
        if failure.return_code == NO_PYTHON:
            session.skip("this machine has neither Python 3.11 nor 3.12")
        raise
    session.run(
        *(OLDEST, *PYTEST, "--about-airflow"),
        external=True,
        interrupt_timeout=SECONDS_TO_TIDY_UP,
    )


@nox.session(python=False, default=False)
def build(session: nox.Session) -> None:
    """Build the wheel and the sdist that all cells share."""
    shutil.rmtree(DIST, ignore_errors=True)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(DIST)]
    session.run(*command, external=True)


@nox.session(
    venv_backend="uv",
    download_python="never",
    requires=["build"],
    allow_parallel=True,
    default=False,
)
@nox.parametrize(
    ("python", "airflow"),
    CELLS,
    ids=[f"airflow-{airflow}-python-{python}" for python, airflow in CELLS],
)
def cell(session: nox.Session, airflow: str) -> None:
    """Install the wheel next to one Airflow, and run the tests that apply."""
    python = str(session.python)
    (wheel,) = DIST.glob("*.whl")
    report = REPORTS / f"airflow-{airflow}-python-{python}.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    session.install("-r", f"constraints/airflow-{airflow}.txt")
    session.install("--no-deps", str(wheel))
    inside = str(Path(session.bin) / "python")
    session.run(sys.executable, "-m", "pip", "--python", inside, "check", external=True)
    tree = unpacked(Path(session.create_tmp()))
    everything = ["tests"]
    if (python, airflow) not in WHOLE:
        everything.append("--about-airflow")
    if DRIVEN[airflow] != python:
        everything.append("--ignore=tests/scheduler")
    with session.chdir(tree):
        session.run(
            "python",
            "-m",
            "pytest",
            "--quiet",
            f"--cell={report}",
            PATIENCE,
            WITHOUT_TABLES,
            *(session.posargs or everything),
            interrupt_timeout=SECONDS_TO_TIDY_UP,
        )
    found = json.loads(report.read_text(encoding="utf-8"))
    found["wheel"] = hashlib.sha256(wheel.read_bytes()).hexdigest()
    found["all_areas"] = not session.posargs
    report.write_text(json.dumps(found, indent=1), encoding="utf-8")


def unpacked(directory: Path) -> Path:
    """Return the sdist's tree, without the package.

    :param directory: where to unpack it.
    """
    (sdist,) = DIST.glob("*.tar.gz")
    tree = directory / sdist.name.removesuffix(".tar.gz")
    shutil.rmtree(tree, ignore_errors=True)
    with tarfile.open(sdist) as archive:
        archive.extractall(directory, filter="data")
    shutil.rmtree(tree / PACKAGE)
    return tree
