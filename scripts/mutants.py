"""Put the known mistakes into a copy of the tree, one at a time, and show which tests catch each.

The tests must pass without any mistake first. A mistake that one of its test files does not catch
makes it fail, and so does one whose text is not in the code any more.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = "airflow_provider_oms"
# A mistake can make a test wait for what never comes.
_SECONDS_PER_TEST = 60
_SECONDS_PER_RUN = 1800


@dataclass(frozen=True)
class Mistake:
    """Hold one mistake.

    :param right: text of the code as it is; it must occur once.
    :param wrong: the text in its place.
    :param tests: the test files, under `tests`, each of which has to catch it.
    :param not_simulated: why the simulation does not catch a mistake that concerns a set.
    """

    title: str
    file: str
    right: str
    wrong: str
    tests: list[str]
    not_simulated: str = ""

    def applied_to(self, code: str) -> str:
        if code.count(self.right) != 1:
            raise ValueError(f"{self.title}: its text occurs {code.count(self.right)} times")
        return code.replace(self.right, self.wrong)


def known_mistakes() -> list[Mistake]:
    text = (REPOSITORY / "scripts" / "known_mistakes.toml").read_text(encoding="utf-8")
    return [
        Mistake(title, file, **entry)
        for file, entries in tomllib.loads(text).items()
        for title, entry in entries.items()
    ]


def copy_to(tree: Path) -> None:
    """Copy every file that git knows, or would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    for name in filter(None, done.stdout.split("\0")):
        source = REPOSITORY / name
        # A file that was removed is in git's index until that is recorded.
        if source.is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, tree / name)


@contextmanager
def tree_with(file: str, code: str) -> Iterator[Path]:
    """Make a copy of the tree in which one file is another, for as long as it is used."""
    with tempfile.TemporaryDirectory(prefix="oms-mutant-") as scratch:
        tree = Path(scratch)
        copy_to(tree)
        (tree / file).write_text(code, encoding="utf-8")
        yield tree


def fails(tree: Path, arguments: Iterable[str], *, shown: bool = False) -> bool:
    """Run tests in a tree, and return whether one of them fails."""
    command = [sys.executable, "-m", "pytest", "--quiet", "--exitfirst", "--tb=no"]
    command += [f"--timeout={_SECONDS_PER_TEST}", "--hypothesis-seed=0", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(tree), "HYPOTHESIS_PROFILE": "find"}
    try:
        done = subprocess.run(
            command,
            cwd=tree,
            env=environment,
            stdout=None if shown else subprocess.DEVNULL,
            timeout=_SECONDS_PER_RUN,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def try_out(mistake: Mistake) -> bool:
    file = f"{PACKAGE}/{mistake.file}"
    code = mistake.applied_to((REPOSITORY / file).read_text(encoding="utf-8"))
    with tree_with(file, code) as tree:
        missed = [test for test in mistake.tests if not fails(tree, [f"tests/{test}"])]
    result = f"MISSED by {', '.join(missed)}" if missed else "caught"
    print(f"{result}: {mistake.title}", flush=True)
    return not missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only mistakes with these words in their title")
    words = parser.parse_args().words
    chosen = [one for one in known_mistakes() if all(word in one.title for word in words)]
    tests = sorted({f"tests/{test}" for mistake in chosen for test in mistake.tests})
    # A test that fails anyway would seem to catch every mistake.
    if fails(REPOSITORY, tests, shown=True):
        raise SystemExit("A test fails without any mistake")
    missed = sum(not try_out(mistake) for mistake in chosen)
    print(f"{len(chosen) - missed} of {len(chosen)} known mistakes were caught")
    return 0 if chosen and not missed else 1


if __name__ == "__main__":
    sys.exit(main())
