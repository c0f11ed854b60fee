"""Build the wheel and the sdist into `dist`, and check that they may be released.

They are built twice, from two places with different clocks, rights and locales, and must be the
same to the byte. `make matrix` installs the wheel, and tests it where nothing of the source is.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from scripts.addresses import RELATIVE_LINK, VARIABLE, address_of_repository, with_absolute_links
from scripts.mutants import PACKAGE, REPOSITORY, copy_to

DIST = REPOSITORY / "dist"
CHANGELOG = REPOSITORY / "CHANGELOG.md"
NOTES = REPOSITORY / "build" / "release-notes.md"
_SOMEWHERE_ELSE = {
    "TZ": "Pacific/Kiritimati",
    "LC_ALL": "C",
    "PYTHONHASHSEED": "4711",
    "HOME": "/nonexistent",
}
_A_WHILE_AGO = 1_000_000_000


def run(command: list[str], cwd: Path = REPOSITORY, **environment: str) -> None:
    """Run a command, and end everything when it fails."""
    print("$", *(Path(word).name if word.startswith("/") else word for word in command), flush=True)
    # Those of another environment, or of another Airflow, must not lead there.
    inherited = {
        name: text
        for name, text in os.environ.items()
        if name not in ("VIRTUAL_ENV", "PYTHONPATH") and not name.startswith("AIRFLOW_")
    }
    if subprocess.run(command, cwd=cwd, env={**inherited, **environment}, check=False).returncode:
        raise SystemExit(f"This failed: {' '.join(command)}")


def build(source: Path, target: Path, **environment: str) -> None:
    """Build the sdist, and the wheel out of it, into a directory that is emptied first."""
    shutil.rmtree(target, ignore_errors=True)
    # The backend is among the pins; another version of it may build other bytes.
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target)]
    run(command, source, **environment)


def build_elsewhere(scratch: Path) -> Path:
    """Build from a copy of the tree which differs in all that must not matter."""
    copy = scratch / "another name"
    copy_to(copy)
    for path in [*copy.rglob("*")]:
        os.utime(path, (_A_WHILE_AGO, _A_WHILE_AGO))
        path.chmod(0o700 if path.is_dir() else 0o600)
    build(copy, scratch / "dist", **_SOMEWHERE_ELSE)
    return scratch / "dist"


def differences(one: Path, other: Path) -> list[str]:
    here, there = (
        {(path.name, path.read_bytes()) for path in directory.iterdir()}
        for directory in (one, other)
    )
    return sorted({name for name, _ in here ^ there})


def wrong_with_version(version: str, tag: str, changelog: str) -> list[str]:
    """Return the places that disagree with the version, of which there is one place.

    :param tag: the name of a tag that is to be released; empty for none.
    """
    wrong = []
    latest = re.search(r"^## (\S+)(.*)$", changelog, re.MULTILINE)
    if latest is None or latest[1] != version:
        wrong.append(f"CHANGELOG.md begins with another version than {version}")
    if tag and tag != f"v{version}":
        wrong.append(f"the tag {tag} is not v{version}")
    if tag and latest is not None and "unreleased" in latest[2]:
        wrong.append(f"CHANGELOG.md calls {version} unreleased")
    return wrong


def wrong_with_links(metadata: str, tag: str) -> list[str]:
    if tag and RELATIVE_LINK.search(metadata):
        return [f"the README's links lead nowhere on PyPI; set {VARIABLE}"]
    return []


def check(wheel: Path, tag: str, changelog: str) -> None:
    name, version = wheel.name.split("-")[:2]
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"{info}/METADATA").decode()
        has_sbom = f"{info}/sboms/sbom.cdx.json" in archive.namelist()
    wrong = [] if has_sbom else ["the SBOM is missing"]
    wrong += wrong_with_links(metadata, tag) + wrong_with_version(version, tag, changelog)
    if wrong:
        raise SystemExit("\n".join(wrong))
    run([sys.executable, "-m", "twine", "check", "--strict", *map(str, DIST.iterdir())])
    # The wheel has every file of the package, and nothing else.
    contents = str(Path(sys.executable).parent / "check-wheel-contents")
    run([contents, "--package", PACKAGE, "--toplevel", PACKAGE, str(wheel)])


def release_notes(changelog: str, version: str) -> str:
    """Return the newest entry of the changelog, without its heading."""
    notes = re.split(r"^## .*$", changelog, flags=re.MULTILINE)[1].strip() + "\n"
    address = address_of_repository()
    return with_absolute_links(notes, address, version) if address else notes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tag", default="", help="the tag to release, such as v1.2.3")
    tag = parser.parse_args().tag
    build(REPOSITORY, DIST)
    with tempfile.TemporaryDirectory(prefix="oms-again-") as scratch:
        if different := differences(DIST, build_elsewhere(Path(scratch))):
            raise SystemExit(f"Built twice, and not the same: {', '.join(different)}")
    print("built twice, and the same to the byte")
    (wheel,) = DIST.glob("*.whl")
    changelog = CHANGELOG.read_text(encoding="utf-8")
    check(wheel, tag, changelog)
    if tag:
        NOTES.parent.mkdir(exist_ok=True)
        NOTES.write_text(release_notes(changelog, tag.removeprefix("v")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
