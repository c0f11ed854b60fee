"""Build one of the project's virtual environments from pinned versions, or leave it as it is.

Needs nothing but the standard library, and runs on old Pythons too, to name a missing requirement.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
TOOLS = REPOSITORY / "constraints" / "tools.txt"
OLDEST = (3, 11)
# The exit status that tells check.py that an environment cannot exist on this machine.
NO_PYTHON = 3


class NoPythonError(Exception):
    """Say that no interpreter of a fitting version was found."""


def version_of(command: str) -> tuple[int, ...] | None:
    """Return the version of an interpreter, or ``None`` when the command runs none."""
    code = "import sys; print(*sys.version_info[:3])"
    try:
        answer = subprocess.run([command, "-c", code], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return tuple(int(part) for part in answer.stdout.split())


def find_python(preferred: str, below: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """Return an interpreter from 3.11 up to ``below``, and its version.

    :param preferred: the command to look at first (``PYTHON`` of the Makefile).
    :param below: the first version that is too new.
    :raises NoPythonError: when there is none.
    """
    others = [f"python3.{minor}" for minor in (12, 11, 13, 14) if (3, minor) < below]
    for command in [preferred, *others]:
        version = version_of(command)
        if version is not None and OLDEST <= version[:2] < below:
            return command, version
    found = version_of(preferred)
    seen = f"{preferred} is {'.'.join(map(str, found))}" if found else f"{preferred} does not run"
    wanted = f"Python 3.{OLDEST[1]} or newer, below {'.'.join(map(str, below))}"
    raise NoPythonError(
        f"This needs {wanted}, and none was found: {seen}, and none of {', '.join(others)} runs.\n"
        f"Install one, or name one: make PYTHON=/path/to/python3.12 …"
    )


def fingerprint(constraints: Path, version: tuple[int, ...]) -> str:
    """Return a text that changes whenever the environment has to be built again."""
    digest = hashlib.sha256()
    package = REPOSITORY / "airflow_provider_oms" / "__init__.py"
    for path in (constraints, TOOLS, REPOSITORY / "pyproject.toml", package, Path(__file__)):
        digest.update(path.read_bytes())
    # The path counts, for a virtual environment does not survive being moved.
    facts = {"files": digest.hexdigest(), "python": version, "place": str(REPOSITORY)}
    return json.dumps(facts, sort_keys=True)


def run(title: str, command: list[str], *, may_fail: bool = False) -> bool:
    """Run one step, showing its name and how long it took.

    :return: whether it worked; never ``False`` unless ``may_fail``.
    """
    print(f"  {title} …", flush=True)
    started = time.monotonic()
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_LINK_MODE": "copy"}
    # A uv or a pip that belongs to another environment must not be led back to it.
    environment.pop("VIRTUAL_ENV", None)
    done = subprocess.run(command, env=environment, check=False, cwd=str(REPOSITORY))
    print(f"  {title}: {time.monotonic() - started:.1f} s", flush=True)
    if done.returncode and not may_fail:
        raise SystemExit(f"This step failed: {title} ({' '.join(command)})")
    return done.returncode == 0


def build(directory: Path, constraints: Path, python: str) -> None:
    """Create the environment and install the pins and, editable, the package."""
    run(f"create {directory.name}", [python, "-m", "venv", "--clear", str(directory)])
    inside = str(directory / "bin" / "python")
    pip = [inside, "-m", "pip", "install", "--quiet"]
    uv = [str(directory / "bin" / "uv"), "pip", "install", "--quiet", "--python", inside]
    pins = ["-r", str(constraints)]
    # Everything the build of the package needs is among the pins.
    package = ["--no-deps", "--no-build-isolation", "--editable", "."]
    with_uv = run("install uv", [*pip, "-r", str(TOOLS)], may_fail=True)
    with_uv = with_uv and run("install the pinned packages", [*uv, *pins], may_fail=True)
    if not with_uv:
        print("  uv could not do it; pip takes longer.", flush=True)
        run("install the pinned packages with pip", [*pip, *pins])
    run("install this package", [*(uv if with_uv else pip), *package])


def main() -> int:
    """Build the environment named on the command line unless it is there already."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", help="where the environment goes, such as .venv")
    parser.add_argument("constraints", help="file of pinned versions")
    parser.add_argument("--python", default=os.environ.get("PYTHON") or "python3")
    parser.add_argument("--below", default="3.15", help="first version that is too new")
    arguments = parser.parse_args()
    directory = REPOSITORY / arguments.directory
    constraints = REPOSITORY / arguments.constraints
    below = tuple(int(part) for part in arguments.below.split("."))
    try:
        python, version = find_python(arguments.python, below)
    except NoPythonError as error:
        print(error, file=sys.stderr)
        return NO_PYTHON
    stamp = directory / "built-from.json"
    wanted = fingerprint(constraints, version)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return 0
    pretty = ".".join(map(str, version))
    print(f"Setting up {directory.name} with Python {pretty} (once; later runs reuse it)")
    build(directory, constraints, python)
    stamp.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
