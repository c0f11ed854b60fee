"""Go through the release workflow on this machine, up to the upload.

The steps are those of ``.github/workflows/release.yml``, in a fresh clone of the last commit.
Commands that build, test and compare are run. Actions, and commands that publish, are only named.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # its stubs are not worth a dependency

import airflow_provider_oms
from scripts.addresses import VARIABLE
from scripts.make_venv import version_of

REPOSITORY = Path(__file__).resolve().parent.parent
WORKFLOW = REPOSITORY / ".github" / "workflows" / "release.yml"
TAG = f"v{airflow_provider_oms.__version__}"
# No such forge exists (RFC 2606): files built here cannot be mistaken for a release.
ADDRESS = "https://forge.example/owner/airflow-provider-oms"
RUN_HERE = ("make", "diff")


@dataclass(frozen=True)
class Step:
    """Hold one step of the workflow.

    :param job: the name of the job.
    :param said: the command or the action.
    :param runs: whether it is run here.
    :param python: the Python it needs, such as ``3.11``; empty for any.
    :param environment: the environment variables of the step.
    """

    job: str
    said: str
    runs: bool
    python: str = ""
    environment: dict[str, str] = field(default_factory=dict)


def steps(workflow: dict[str, Any]) -> Iterator[Step]:
    """Go through the steps of a workflow, once for each cell of a job's matrix.

    :param workflow: the workflow, whose jobs are in the sequence in which they run.
    """
    for job in workflow["jobs"].values():
        for cell in job.get("strategy", {}).get("matrix", {}).get("include", [{}]):
            name = filled_in(job["name"], cell)
            for step in job.get("steps", [job]):
                said = (step.get("run") or step["uses"].partition("@")[0]).strip()
                runs = said.split()[0] in RUN_HERE
                variables = step.get("env", {}) if runs else {}
                environment = {key: filled_in(value, cell) for key, value in variables.items()}
                yield Step(name, said, runs, cell.get("python", ""), environment)


def filled_in(text: str, cell: dict[str, str]) -> str:
    """Return a text with the values of a matrix in it.

    :param text: the text, with expressions such as ``${{ matrix.cell }}``.
    :param cell: the values.
    """
    return re.sub(r"\$\{\{ matrix\.(\w+) \}\}", lambda found: cell[found[1]], text)


def dated(changelog: str, day: dt.date) -> str:
    """Return a changelog whose newest entry has a date, as it must have in a release.

    :param changelog: the text of the changelog.
    :param day: the date, for an entry that is called unreleased.
    """
    return changelog.replace("(unreleased)", f"({day})", 1)


def cloned(target: Path) -> None:
    """Clone the last commit, and date its changelog.

    :param target: where the clone goes.
    """
    command = [shutil.which("git") or "git", "clone", "--quiet", str(REPOSITORY), str(target)]
    subprocess.run(command, check=True)
    changelog = target / "CHANGELOG.md"
    before = changelog.read_text(encoding="utf-8")
    after = dated(before, dt.datetime.now(tz=dt.UTC).date())
    changelog.write_text(after, encoding="utf-8")
    if after != before:
        print("The changelog calls this version unreleased; the clone has a date there.")


def run(step: Step, clone: Path, tests: str) -> bool:
    """Run one step, and return whether it passed.

    :param step: the step.
    :param clone: where to run it.
    :param tests: which tests a cell runs; empty for all.
    """
    # The options of the make that runs this are not those of the workflow's.
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("MAKE")}
    environment = {
        **inherited,
        **step.environment,
        VARIABLE: ADDRESS,
        "GITHUB_REF_NAME": TAG,
        "OPTIONS": tests,
    }
    command = ["bash", "-c", step.said]
    return subprocess.run(command, cwd=clone, env=environment, check=False).returncode == 0


def show_files(clone: Path) -> None:
    """Show the files that would be uploaded, and the release's text.

    :param clone: the clone in which it was built.
    """
    print("\n=== up to here; these files would be uploaded")
    for path in (*sorted((clone / "dist").iterdir()), clone / "sbom.cdx.json"):
        content = path.read_bytes()
        print(f"{len(content):>9} bytes  sha256 {hashlib.sha256(content).hexdigest()}  {path.name}")
    notes = (clone / "build" / "release-notes.md").read_text(encoding="utf-8").splitlines()
    print(f"the release's notes have {len(notes)} lines, and begin: {notes[0]}")


def main() -> int:
    """Go through the workflow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", default="", help="which tests a cell runs; all by default")
    tests = parser.parse_args().tests
    job = ""
    with tempfile.TemporaryDirectory(prefix="oms-release-") as scratch:
        clone = Path(scratch) / "clone"
        cloned(clone)
        for step in steps(yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))):
            if step.job != job:
                job = step.job
                print(f"\n=== {job}", flush=True)
            if not step.runs:
                print(f"not here: {step.said}", flush=True)
            elif step.python and version_of(f"python{step.python}") is None:
                print(f"NOT RUN, for want of Python {step.python}: {step.said}", flush=True)
            else:
                print(f"$ {step.said}", flush=True)
                if not run(step, clone, tests):
                    print(f"This failed: {step.said}")
                    return 1
        show_files(clone)
    return 0


if __name__ == "__main__":
    sys.exit(main())
