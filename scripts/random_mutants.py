"""Draw random mutants of `api/` and `cancellation/`, and show which live under the fast tests.

For each mutant only the tests run that reach the lines it changes, which one run of all of them
under coverage has shown; for lines executed at import, all that reach the module or one that
imports from it, and those that reach no line at all: they read the objects that an import has made.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import coverage

import airflow_provider_oms
from scripts.mutants import REPOSITORY, copy_to
from scripts.mutation import RandomMutant, draw

PACKAGE = "airflow_provider_oms"
# In a cell of the matrix it is not in the tree.
INSTALLED = Path(airflow_provider_oms.__file__).parent
LAYERS = ("api", "cancellation")
EQUIVALENT = REPOSITORY / "scripts" / "equivalent_mutants.toml"
ENOUGH = 0.95
# The additional seconds that a mutant may cost one test, and a whole run of them.
_SECONDS_PER_TEST = 30
_SECONDS_PER_RUN = 90


@dataclass(frozen=True)
class Equivalent:
    """Hold one mutant that is the same program.

    :param file: the module, under the package.
    :param right: the line as it is.
    :param wrong: the line as the mutant has it.
    :param why: the reason.
    """

    file: str
    right: str
    wrong: str
    why: str

    def is_of(self, mutant: RandomMutant) -> bool:
        """Return whether a mutant is this one."""
        return mutant.file == f"{PACKAGE}/{self.file}" and mutant.lines == (
            self.right.split("\n"),
            self.wrong.split("\n"),
        )


def known_equivalents() -> list[Equivalent]:
    """Return the mutants that are known to be the same program.

    :raises SystemExit: when a line of them is not in the code any more.
    """
    entries = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8")).get("mutant", [])
    known = [Equivalent(**entry) for entry in entries]
    for one in known:
        code = (INSTALLED / one.file).read_text(encoding="utf-8")
        lines = [line.strip() for line in code.splitlines()]
        if any(line not in lines for line in one.right.split("\n")):
            raise SystemExit(f"{EQUIVALENT.name}: {one.file} has no line {one.right!r} any more")
    return known


class Reach:
    """Know which tests reach which line, and how long each test takes.

    :param scratch: a directory to write to.
    :param tree: a copy of the repository without any mutant.
    :raises SystemExit: when a test fails there: it would seem to kill whatever it is shown.
    """

    def __init__(self, scratch: Path, tree: Path) -> None:
        data, seconds = scratch / "coverage", scratch / "seconds.json"
        command = [sys.executable, "-m", "scripts.reach", str(data), str(seconds)]
        done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"A test fails without any mutant:\n{done.stdout}{done.stderr}")
        self.seconds: dict[str, float] = json.loads(seconds.read_text(encoding="utf-8"))
        measured = coverage.CoverageData(str(data))
        measured.read()
        self._lines = {
            str(Path(file).relative_to(tree.resolve())): measured.contexts_by_lineno(file)
            for file in measured.measured_files()
        }
        self._code = {file: (tree / file).read_text(encoding="utf-8") for file in self._lines}
        by_line = (tests for lines in self._lines.values() for tests in lines.values())
        self._only_reading = set(self.seconds).difference(*by_line)

    def tests_of(self, mutant: RandomMutant) -> list[str]:
        """Return the tests that reach the lines of a mutant, as pytest names them."""
        lines = self._lines.get(mutant.file, {})
        span = range(mutant.first, mutant.last + 1)
        found = {test for line in span for test in lines.get(line, ()) if test}
        if not found and any("" in lines.get(line, ()) for line in span):
            name = mutant.file.removesuffix(".py").replace("/", ".")
            readers = [mutant.file, *(file for file in self._lines if name in self._code[file])]
            by_line = (tests for file in readers for tests in self._lines.get(file, {}).values())
            found = self._only_reading.union(*by_line) - {""}
        return sorted(found)


def near(mutant: RandomMutant) -> Callable[[str], bool]:
    """Tell the tests of a mutant's own layer, which need no Airflow and so take less to start."""
    layer = mutant.file.split("/")[1]
    return lambda test: test.startswith(f"tests/{layer}/")


def survives(tests: list[str], tree: Path, seconds: float) -> bool:
    """Run tests in a tree, and return whether all of them pass.

    :param tests: the tests.
    :param tree: the tree.
    :param seconds: their duration without a mutant.
    """
    names = tree / "chosen-tests.txt"
    names.write_text("\n".join(tests), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "--quiet", "--exitfirst", "--tb=no"]
    command += [f"--timeout={_SECONDS_PER_TEST}", "--hypothesis-seed=0", f"@{names}"]
    try:
        done = subprocess.run(
            command,
            cwd=tree,
            capture_output=True,
            check=False,
            timeout=_SECONDS_PER_RUN + 3 * seconds,
            env={**os.environ, "HYPOTHESIS_PROFILE": "find"},
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


class Trial:
    """Try mutants in separate trees, one for each that is tried at the same time.

    :param reach: what knows the tests.
    :param trees: copies of the repository.
    """

    def __init__(self, reach: Reach, trees: list[Path]) -> None:
        self._reach = reach
        self._free: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for tree in trees:
            self._free.put(tree)
        self._times = iter(range(1, 1_000_000))

    def lives(self, mutant: RandomMutant) -> tuple[bool, int]:
        """Return whether a mutant lives, and how many tests were asked at most."""
        tests = self._reach.tests_of(mutant)
        tree = self._free.get()
        try:
            return self._try_in(tree, mutant, tests), len(tests)
        finally:
            self._free.put(tree)

    def _try_in(self, tree: Path, mutant: RandomMutant, tests: list[str]) -> bool:
        module = tree / mutant.file
        right = module.read_text(encoding="utf-8")
        self._write(module, mutant.text)
        is_near = near(mutant)
        groups = [
            [test for test in tests if is_near(test)],
            [test for test in tests if not is_near(test)],
        ]
        try:
            return all(
                survives(group, tree, sum(self._reach.seconds[test] for test in group))
                for group in groups
                if group
            )
        finally:
            self._write(module, right)

    def _write(self, module: Path, text: str) -> None:
        module.write_text(text, encoding="utf-8")
        # Python trusts a cached module by its time and size: no two texts may share both.
        at = int(time.time()) + next(self._times)
        os.utime(module, (at, at))


def modules(words: list[str]) -> list[Path]:
    """Return the modules of the two layers whose names hold one of the words, or all."""
    found = [
        path
        for layer in LAYERS
        for path in sorted((REPOSITORY / PACKAGE / layer).rglob("*.py"))
        if not words or any(word in str(path.relative_to(REPOSITORY)) for word in words)
    ]
    if not found:
        raise SystemExit(f"No module of {' and '.join(LAYERS)} has {' or '.join(words)} in it")
    return found


def choose(paths: list[Path], seed: int, count: int) -> list[RandomMutant]:
    """Return mutants, without those known to be the same program."""
    known = known_equivalents()
    chosen: list[RandomMutant] = []
    for mutant in draw(paths, REPOSITORY, seed):
        if len(chosen) == count:
            break
        if not any(one.is_of(mutant) for one in known):
            chosen.append(mutant)
    return chosen


def show(mutant: RandomMutant, tests: int) -> None:
    """Print a mutant that lives."""
    reached = f"{tests} tests reach it" if tests else "no test reaches it"
    print(f"LIVES   {mutant.file}:{mutant.first} ({mutant.operator}; {reached})")
    print(re.sub(r"^", "        ", mutant.diff, flags=re.MULTILINE), flush=True)


def try_all(mutants: list[RandomMutant], trial: Trial, jobs: int, until: float) -> tuple[int, int]:
    """Try mutants, print those that live, and return how many were tried and how many died.

    :param mutants: the mutants.
    :param trial: tries one.
    :param jobs: how many at once.
    :param until: when no further one is begun, by the monotonic clock.
    """
    tried = died = 0

    def one(mutant: RandomMutant) -> tuple[RandomMutant, bool, int] | None:
        return (mutant, *trial.lives(mutant)) if time.monotonic() < until else None

    with ThreadPoolExecutor(jobs) as pool:
        for verdict in pool.map(one, mutants):
            if verdict is None:
                continue
            mutant, is_alive, tests = verdict
            tried += 1
            died += not is_alive
            if is_alive:
                show(mutant, tests)
    return tried, died


def main() -> int:
    """Draw mutants, try them, and fail when too many live."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only modules with one of these in their path")
    parser.add_argument("--seed", type=int, default=1, help="decides which are drawn")
    parser.add_argument("--count", type=int, default=100, help="how many are drawn")
    parser.add_argument("--jobs", type=int, default=2, help="how many are tried at once")
    parser.add_argument("--minutes", type=float, default=30, help="begin none after so long")
    options = parser.parse_args()
    mutants = choose(modules(options.words), options.seed, options.count)
    began_at = time.monotonic()
    print(
        f"{len(mutants)} random mutants, seed {options.seed}; first every test once …", flush=True
    )
    with tempfile.TemporaryDirectory(prefix="oms-random-mutants-") as directory:
        scratch = Path(directory)
        trees = [scratch / f"tree-{number}" for number in range(options.jobs)]
        for tree in trees:
            copy_to(tree)
        trial = Trial(Reach(scratch, trees[0]), trees)
        tried, died = try_all(mutants, trial, options.jobs, began_at + 60 * options.minutes)
    share = died / tried if tried else 0.0
    print(
        f"{died} of {tried} random mutants died ({share:.1%}; {ENOUGH:.0%} must), "
        f"{time.monotonic() - began_at:.0f} s"
        + (f"; {len(mutants) - tried} had no turn in the time" if tried < len(mutants) else "")
    )
    return 0 if share >= ENOUGH else 1


if __name__ == "__main__":
    sys.exit(main())
