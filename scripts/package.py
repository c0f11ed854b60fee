"""Build the wheel and the sdist, and check that they may be released.

They are built twice, from two places with different clocks, rights and locales, and must be the
same to the byte. Then they are checked, and the wheel is installed where nothing of the source is.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Collection
from pathlib import Path

from scripts.addresses import RELATIVE_LINK, VARIABLE, address_of_repository, with_absolute_links

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = "airflow_provider_oms"
DISTRIBUTION = "airflow-provider-oms"
NOTES = REPOSITORY / "build" / "release-notes.md"
CONSTRAINTS = REPOSITORY / "constraints" / "airflow-3.3.txt"
# Hidden files that a forge and an editor read; any other one is a developer's own.
HIDDEN = (".gitignore", ".editorconfig", ".github", ".pre-commit-config.yaml")
_SOMEWHERE_ELSE = {
    "TZ": "Pacific/Kiritimati",
    "LC_ALL": "C",
    "PYTHONHASHSEED": "4711",
    "HOME": "/nonexistent",
}
_A_WHILE_AGO = 1_000_000_000


def run(command: list[str], cwd: str | None = None, **environment: str) -> None:
    """Run a command, and end everything when it fails.

    :param command: what to run.
    :param cwd: where to run it.
    :param environment: environment variables in addition to those that are set.
    :raises SystemExit: when it fails.
    """
    words = [Path(word).name if word.startswith("/") else word for word in command]
    print("$", *words, flush=True)
    inherited = {name: text for name, text in os.environ.items() if not is_of_another(name)}
    done = subprocess.run(command, cwd=cwd, env={**inherited, **environment}, check=False)
    if done.returncode:
        raise SystemExit(f"This failed: {' '.join(command)}")


def is_of_another(variable: str) -> bool:
    """Return whether an environment variable is of another environment, or of another Airflow.

    :param variable: its name.
    """
    return variable == "VIRTUAL_ENV" or variable.startswith("AIRFLOW_")


def build(source: Path, target: Path, environment: dict[str, str] | None = None) -> None:
    """Build the sdist, and the wheel out of it.

    :param source: the tree.
    :param target: where they go; nothing else is there then.
    :param environment: more environment variables.
    """
    # The backend is among the pins; another version of it may build other bytes.
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir"]
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="new-", dir=target.parent) as scratch:
        new = Path(scratch)
        run([*command, str(new), str(source)], **(environment or {}))
        # Unchanged files are left alone: another run of the matrix may be reading it.
        for name in differences(new, target):
            (target / name).unlink(missing_ok=True)
            if (new / name).is_file():
                (new / name).replace(target / name)


def build_elsewhere(target: Path) -> None:
    """Build from a copy of the tree which differs in all that must not matter.

    :param target: where the wheel and the sdist go.
    """
    with tempfile.TemporaryDirectory(prefix="oms-elsewhere-") as scratch:
        copy = Path(scratch) / "another name"
        shutil.copytree(REPOSITORY, copy, ignore=_not_copied)
        for path in [*copy.rglob("*")]:
            os.utime(path, (_A_WHILE_AGO, _A_WHILE_AGO))
            path.chmod(0o700 if path.is_dir() else 0o600)
        build(copy, target, _SOMEWHERE_ELSE)


def _not_copied(_: str, names: list[str]) -> set[str]:
    hidden = {name for name in names if name.startswith(".")} - set(HIDDEN)
    return hidden | {"__pycache__", "build", "dist"}


def differences(one: Path, other: Path) -> list[str]:
    """Return the names of files that are not the same in two directories.

    :param one: a directory.
    :param other: another one.
    """
    names = {path.name for directory in (one, other) for path in directory.iterdir()}
    return sorted(
        name
        for name in names
        if not (one / name).is_file()
        or not (other / name).is_file()
        or (one / name).read_bytes() != (other / name).read_bytes()
    )


def wrong_in_wheel(names: Collection[str], package: Path) -> list[str]:
    """Return the errors in the contents of a wheel: it holds the package and its SBOM alone.

    :param names: the names in the wheel.
    :param package: the package's directory in the source tree.
    """
    found = {name for name in names if not re.match(rf"{PACKAGE}-[^/]+\.dist-info/", name)}
    sboms = re.compile(rf"{PACKAGE}-[^/]+\.dist-info/sboms/sbom\.cdx\.json")
    wanted = {
        f"{PACKAGE}/{path.relative_to(package).as_posix()}"
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    too_much = [f"{name} does not belong there" for name in sorted(found - wanted)]
    missing = [f"{name} is missing" for name in sorted(wanted - found)]
    if not any(map(sboms.fullmatch, names)):
        missing.append("the SBOM is missing")
    return too_much + missing


def is_unwanted(name: str) -> bool:
    """Return whether a file has no business in the sdist.

    :param name: its name there.
    """
    hidden = [part for part in Path(name).parts if part.startswith(".")]
    return name.endswith(".pyc") or not set(hidden) <= set(HIDDEN)


def wrong_with_version(version: str, tag: str | None, changelog: str) -> list[str]:
    """Return the places that disagree with the version, of which there is one place.

    :param version: the version of the package.
    :param tag: the name of a tag that is to be released; ``None`` for none.
    :param changelog: the text of the changelog.
    """
    wrong = []
    latest = re.search(r"^## (\S+)(.*)$", changelog, re.MULTILINE)
    if latest is None or latest[1] != version:
        wrong.append(f"CHANGELOG.md begins with another version than {version}")
    if tag is not None:
        if tag != f"v{version}":
            wrong.append(f"the tag {tag} is not v{version}")
        if latest is not None and "unreleased" in latest[2]:
            wrong.append(f"CHANGELOG.md calls {version} unreleased")
    return wrong


def wrong_with_links(metadata: str, tag: str | None) -> list[str]:
    """Return the errors in the links that PyPI will show.

    :param metadata: the wheel's METADATA, with the README in it.
    :param tag: the name of a tag that is to be released; ``None`` for none.
    """
    if tag is None or not RELATIVE_LINK.search(metadata):
        return []
    return [f"the README's links lead nowhere on PyPI; set {VARIABLE}"]


def release_notes(changelog: str) -> str:
    """Return the newest entry of the changelog, without its heading.

    :param changelog: the text of the changelog.
    """
    return re.split(r"^## .*$", changelog, flags=re.MULTILINE)[1].strip() + "\n"


def write_release_notes(version: str) -> None:
    """Write the text of the release's page.

    :param version: the version of the package.
    """
    notes = release_notes((REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8"))
    if address := address_of_repository():
        notes = with_absolute_links(notes, address, version)
    NOTES.parent.mkdir(exist_ok=True)
    NOTES.write_text(notes, encoding="utf-8")


def version_of(wheel: Path) -> str:
    """Return the version that a wheel is of.

    :param wheel: the wheel.
    """
    return wheel.name.split("-")[1]


def check(dist: Path, tag: str | None) -> None:
    """Check the built files.

    :param dist: where it is.
    :param tag: the name of the tag that is to be released, if any.
    :raises SystemExit: naming everything that is wrong.
    """
    (wheel,) = dist.glob("*.whl")
    (sdist,) = dist.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        wrong = wrong_in_wheel(archive.namelist(), REPOSITORY / PACKAGE)
        (metadata,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        wrong += wrong_with_links(archive.read(metadata).decode(), tag)
    with tarfile.open(sdist) as archive:
        names = archive.getnames()
    wrong += [f"{name} is in the sdist" for name in names if is_unwanted(name)]
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    wrong += wrong_with_version(version_of(wheel), tag, changelog)
    if wrong:
        raise SystemExit("\n".join(wrong))
    run([sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(sdist)])
    run([str(Path(sys.executable).parent / "check-wheel-contents"), str(wheel)])


def install_and_look(dist: Path) -> None:
    """Install the wheel into an empty environment, and print Airflow's view of it.

    :param dist: where the wheel is.
    """
    (wheel,) = dist.glob("*.whl")
    uv = str(Path(sys.executable).parent / "uv")
    with tempfile.TemporaryDirectory(prefix="oms-installed-") as scratch:
        place = Path(scratch)
        inside = str(place / "venv" / "bin" / "python")
        install = [uv, "pip", "install", "--quiet", "--python", inside]
        run([uv, "venv", "--quiet", "--python", sys.executable, str(place / "venv")])
        run([*install, "-r", str(CONSTRAINTS)], UV_LINK_MODE="copy")
        run([*install, "--no-deps", str(wheel)], UV_LINK_MODE="copy")
        run([sys.executable, "-m", "pip", "--python", inside, "check"])
        # Nothing of the source tree is there.
        home = str(place / "airflow")
        seen = [inside, "-m", "airflow", "providers", "get", DISTRIBUTION]
        run(seen, scratch, AIRFLOW_HOME=home)
        times = [inside, str(REPOSITORY / "scripts" / "import_time.py")]
        run(times, scratch, AIRFLOW_HOME=home)


def main() -> int:
    """Build, or build twice and check."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build", help="build the wheel and the sdist")
    building.add_argument("directory", type=Path)
    checking = commands.add_parser("check", help="build twice, compare, check, install")
    checking.add_argument("directory", type=Path)
    checking.add_argument("--tag", help="the tag to release, such as v1.2.3")
    arguments = parser.parse_args()
    dist = arguments.directory.resolve()
    build(REPOSITORY, dist)
    if arguments.command == "check":
        with tempfile.TemporaryDirectory(prefix="oms-again-") as scratch:
            build_elsewhere(Path(scratch) / "dist")
            if different := differences(dist, Path(scratch) / "dist"):
                raise SystemExit(f"Built twice, and not the same: {', '.join(different)}")
        print("built twice, and the same to the byte")
        check(dist, arguments.tag or None)
        install_and_look(dist)
        if arguments.tag:
            (wheel,) = dist.glob("*.whl")
            write_release_notes(version_of(wheel))
    return 0


if __name__ == "__main__":
    sys.exit(main())
