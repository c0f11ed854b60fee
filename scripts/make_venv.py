"""Build one of the project's virtual environments from pinned versions, or leave it as it is.

Needs nothing but the standard library, and runs on old Pythons too, to name a missing requirement.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
TOOLS = REPOSITORY / "constraints" / "tools.txt"
OLDEST = (3, 11)
# The exit status that tells noxfile.py that an environment cannot exist on this machine.
NO_PYTHON = 3


def version_of(command: str) -> tuple[int, ...] | None:
    """Return the version of an interpreter, or ``None`` when the command runs none."""
    code = "import sys; print(*sys.version_info[:3])"
    try:
        answer = subprocess.run([command, "-c", code], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return tuple(int(part) for part in answer.stdout.split())


def find_python(below: tuple[int, ...]) -> tuple[str, tuple[int, ...]] | None:
    """Return an interpreter from 3.11 up to ``below`` and its version, or ``None``.

    :param below: the first version that is too new.
    """
    for command in candidates():
        version = version_of(command)
        if version is not None and OLDEST <= version[:2] < below:
            return command, version
    return None


def candidates() -> list[str]:
    """Return the commands to look at, that of the Makefile first."""
    preferred = os.environ.get("PYTHON") or "python3"
    return [preferred, "python3.12", "python3.11", "python3.13", "python3.14"]


def fingerprint(constraints: Path, version: tuple[int, ...]) -> str:
    """Return a text that changes whenever the environment has to be built again."""
    # The path counts, for a virtual environment does not survive being moved.
    digest = hashlib.sha256(f"{version} {REPOSITORY}".encode())
    package = REPOSITORY / "airflow_provider_oms" / "__init__.py"
    for path in (constraints, TOOLS, REPOSITORY / "pyproject.toml", package, Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def run(title: str, command: list[str]) -> None:
    print(f"  {title} …", flush=True)
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_LINK_MODE": "copy"}
    # A uv or a pip that belongs to another environment must not be led back to it.
    environment.pop("VIRTUAL_ENV", None)
    if subprocess.run(command, env=environment, check=False, cwd=str(REPOSITORY)).returncode:
        raise SystemExit(f"This step failed: {title} ({' '.join(command)})")


def build(directory: Path, constraints: Path, python: str) -> None:
    inside = str(directory / "bin" / "python")
    uv = [str(directory / "bin" / "uv"), "pip", "install", "--quiet", "--python", inside]
    # Everything the build of the package needs is among the pins.
    package = ["--no-deps", "--no-build-isolation", "--editable", "."]
    run(f"create {directory.name}", [python, "-m", "venv", "--clear", str(directory)])
    run("install uv", [inside, "-m", "pip", "install", "--quiet", "-r", str(TOOLS)])
    run("install the pinned packages", [*uv, "-r", str(constraints)])
    run("install this package", [*uv, *package])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", help="where the environment goes, such as .venv")
    parser.add_argument("constraints", help="file of pinned versions")
    parser.add_argument("--below", default="3.15", help="first version that is too new")
    arguments = parser.parse_args()
    directory = REPOSITORY / arguments.directory
    if directory.is_symlink():
        # `venv --clear` empties the directory that the link leads to.
        raise SystemExit(f"{arguments.directory} is a link; remove it, and let this make its own")
    constraints = REPOSITORY / arguments.constraints
    found = find_python(tuple(int(part) for part in arguments.below.split(".")))
    if found is None:
        print(
            f"This needs Python 3.11 or newer, below {arguments.below}, and none of "
            f"{', '.join(candidates())} is one.\n"
            "Install one, or name one: make PYTHON=/path/to/python3.12 …",
            file=sys.stderr,
        )
        return NO_PYTHON
    python, version = found
    stamp = directory / "built-from.txt"
    wanted = fingerprint(constraints, version)
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        print(f"Setting up {directory.name} with {python} (once; later runs reuse it)")
        build(directory, constraints, python)
        stamp.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
