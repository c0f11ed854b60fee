"""The newcomer's hour: what the page has somebody type is typed again, and prints what it shows."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cell import package_directory
from pages import REPOSITORY, blocks, text_of

from demo.workplace import airflow_environment

PAGE = text_of("docs/newcomers-hour.md")
ADDRESS = "127.0.0.1:8787"
END = "--- what the test puts between two commands ---"


def typed(session: str) -> list[tuple[str, str]]:
    """Return each command of a block with what is shown of its output."""
    found: list[tuple[str, str]] = []
    for line in session.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif line.startswith("> ") and not found[-1][1]:
            found[-1] = (f"{found[-1][0]}\n{line[2:]}", "")
        else:
            found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
    return found


def missing(shown: str, printed: str) -> str | None:
    """Return the first piece between two `…` that was not printed there, or None."""
    # The page breaks lines where it likes, and so does Airflow.
    first, *pieces = ("".join(piece.split()) for piece in shown.split("…"))
    text = "".join(printed.split())
    if not pieces:
        return None if first == text else first or text
    if not text.startswith(first):
        return first
    at = len(first)
    for piece in pieces[:-1]:
        found = text.find(piece, at)
        if found < 0:
            return piece
        at = found + len(piece)
    return None if text[at:].endswith(pieces[-1]) else pieces[-1]


def files() -> dict[str, str]:
    """Return the files that the page has its reader save, by their names."""
    found = {}
    for language, content in blocks(PAGE):
        if language in ("python", "diff"):
            before = PAGE.partition(f"```{language}\n{content}```")[0]
            name = re.search(r"saved as `([^`]+)`:\n\n\Z", before)
            assert name, content
            found[name[1]] = content
    return found


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("", "\n"),
        ("one two", "one\n  two\n"),
        ("one … three", "one, two and three"),
        ("…two…", "one two three"),
        ("…", "anything"),
    ],
)
def test_what_is_shown_may_be_shortened(shown: str, printed: str) -> None:
    assert missing(shown, printed) is None


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("", "an error"),
        ("one", "one two"),
        ("…one", "one two"),
        ("two…", "one two"),
        ("…two…one…", "one two"),
        ("…one…one", "one"),
    ],
)
def test_what_is_shown_and_was_not_printed_is_found(shown: str, printed: str) -> None:
    assert missing(shown, printed) is not None


def test_only_what_installs_is_left_out() -> None:
    ((_, left_out),) = blocks(PAGE, "bash")
    commands = [shlex.split(line)[0] for line in left_out.splitlines()]
    assert commands == ["python3", ".", "pip"]
    assert "only cloning and installing is left to the machine that tests" in " ".join(PAGE.split())
    others = {language for language, _ in blocks(PAGE)} - {"bash"}
    assert others == {"text", "python", "diff"}


def place_of_the_reader(place: Path) -> dict[str, str]:
    """Lay out what the reader has after installing, and return the environment of their shell."""
    clone = place / "airflow-provider-oms"
    no_caches = shutil.ignore_patterns("__pycache__")
    package = package_directory()
    shutil.copytree(package, clone / package.name, ignore=no_caches)
    shutil.copytree(REPOSITORY / "tests", clone / "tests", ignore=no_caches)
    shutil.copy(REPOSITORY / "pyproject.toml", clone)
    python = clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    for name, content in files().items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(content, encoding="utf-8")
    inherited = airflow_environment(place, place)
    environment = {
        name: value
        for name, value in inherited.items()
        if not name.startswith(("AIRFLOW_", "PYTEST_"))
    }
    # In the place of `pip install -e`.
    return {**environment, "PYTHONPATH": str(clone)}


@contextmanager
def started(emulator: str) -> Iterator[tuple[str, str]]:
    """Start the emulator on a free port, and give what it says and its address."""
    command = [sys.executable, *shlex.split(emulator)[1:], "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            said = process.stdout.readline()
            address = re.search(r"127\.0\.0\.1:\d+", said)
            assert address, said
            yield said, address[0]
        finally:
            process.terminate()


def run(commands: list[str], place: Path, environment: dict[str, str]) -> list[str]:
    """Run commands in one shell, one after the other, and return what each printed."""
    # The status goes on to the next command, which may ask for it.
    between = f"status=$?; echo; echo '{END}'; (exit $status)"
    script = "\n".join(f"{command}\n{between}" for command in commands)
    done = subprocess.run(
        ["bash", "-c", script],  # noqa: S607 - whichever the reader has
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout.split(END)[:-1]


@pytest.mark.airflow_db
@pytest.mark.slow
@pytest.mark.needs(
    "a scheduler that is driven over its REST API", "a log of dag.test() that is like a worker's"
)
@pytest.mark.timeout(1200)
def test_what_is_typed_prints_what_is_shown(tmp_path: Path) -> None:
    (start, *sessions) = [content for _, content in blocks(PAGE, "text")]
    ((emulator, listening),) = typed(start)
    with started(emulator) as (said, address):
        assert missing(listening, said.replace(address, ADDRESS)) is None
        here = [session.replace(ADDRESS, address) for session in sessions]
        steps = [step for session in here for step in typed(session)]
        printed = run([command for command, _ in steps], tmp_path, place_of_the_reader(tmp_path))
    assert len(printed) == len(steps)
    wrong = [
        f"$ {command}\nhas not printed: {lacking}\nbut:\n{text[-6000:]}"
        for (command, shown), text in zip(steps, printed, strict=True)
        if (lacking := missing(shown, text)) is not None
    ]
    assert not wrong, "\n\n".join(wrong)
