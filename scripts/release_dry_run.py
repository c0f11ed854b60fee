"""Go through the release workflow on this machine, up to the upload.

The steps are those of ``.github/workflows/release.yml``, in a fresh clone of the last commit.
Commands that build, test and compare are run. Actions, and commands that publish, are only named.
The environment variable ``OPTIONS`` names the tests that a cell runs, which are all by default.
"""

from __future__ import annotations

import datetime as dt
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

REPOSITORY = Path(__file__).resolve().parent.parent
WORKFLOW = REPOSITORY / ".github" / "workflows" / "release.yml"
TAG = f"v{airflow_provider_oms.__version__}"
# No such forge exists (RFC 2606): files built here cannot be mistaken for a release.
ADDRESS = "https://forge.example/owner/airflow-provider-oms"
RUN_HERE = ("make", "diff")


@dataclass(frozen=True)
class Step:
    """Hold one step of the workflow.

    :param runs: whether it is run here.
    :param python: the Python it needs, such as ``3.11``; empty for any.
    """

    said: str
    runs: bool
    python: str = ""
    environment: dict[str, str] = field(default_factory=dict)


def steps(workflow: dict[str, Any]) -> Iterator[Step]:
    for job in workflow["jobs"].values():
        for cell in job.get("strategy", {}).get("matrix", {}).get("include", [{}]):
            for step in job.get("steps", [job]):
                said = (step.get("run") or step["uses"].partition("@")[0]).strip()
                runs = said.split()[0] in RUN_HERE
                variables = step.get("env", {}) if runs else {}
                environment = {key: filled_in(value, cell) for key, value in variables.items()}
                yield Step(said, runs, cell.get("python", ""), environment)


def filled_in(text: str, cell: dict[str, str]) -> str:
    return re.sub(r"\$\{\{ matrix\.(\w+) \}\}", lambda found: cell[found[1]], text)


def dated(changelog: str, day: dt.date) -> str:
    """Return a changelog whose newest entry has a date, as it must have in a release."""
    return changelog.replace("(unreleased)", f"({day})", 1)


def run(step: Step, clone: Path) -> None:
    # The options of the make that runs this are not those of the workflow's.
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("MAKE")}
    settings = {VARIABLE: ADDRESS, "GITHUB_REF_NAME": TAG}
    environment = {**inherited, **step.environment, **settings}
    command = ["bash", "-c", step.said]
    if subprocess.run(command, cwd=clone, env=environment, check=False).returncode:
        raise SystemExit(f"This failed: {step.said}")


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="oms-release-") as scratch:
        clone = Path(scratch) / "clone"
        git = shutil.which("git") or "git"
        subprocess.run([git, "clone", "--quiet", str(REPOSITORY), str(clone)], check=True)
        changelog = clone / "CHANGELOG.md"
        today = dt.datetime.now(tz=dt.UTC).date()
        changelog.write_text(dated(changelog.read_text("utf-8"), today), encoding="utf-8")
        for step in steps(yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))):
            if not step.runs:
                print(f"not here: {step.said}", flush=True)
            elif step.python and shutil.which(f"python{step.python}") is None:
                print(f"NOT RUN, for want of Python {step.python}: {step.said}", flush=True)
            else:
                print(f"$ {step.said}", flush=True)
                run(step, clone)
        print("These files would be uploaded:")
        notes = clone / "build" / "release-notes.md"
        for path in (*sorted((clone / "dist").iterdir()), clone / "sbom.cdx.json", notes):
            print(f"{path.stat().st_size:>9} bytes  {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
