"""Draw random mutants of `api/` and `cancellation/`, and show which live under the fast tests.

For each mutant only the tests run that reach the lines it changes, which one run of all of them
under coverage has shown; for a line that an import runs, all tests of the two layers.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import coverage

from scripts.mutants import PACKAGE, REPOSITORY, fails, tree_with
from scripts.mutation import RandomMutant, draw

LAYERS = ("api", "cancellation")
# What `make unit` runs.
FAST = ["--unit"]
# The others may be programs that do the same.
ENOUGH = 0.95
_AT_A_TIME = 2

Reach = dict[str, dict[int, list[str]]]


def reach_of_tests() -> Reach:
    """Run the fast tests once, and return those that reach each line, by module and line.

    :raises SystemExit: when one fails: it would seem to kill whatever it is shown.
    """
    with tempfile.TemporaryDirectory(prefix="oms-reach-") as scratch:
        data = str(Path(scratch) / "coverage")
        command = [sys.executable, "-m", "pytest", "--quiet", "-p", "scripts.reach", *FAST]
        environment = {**os.environ, "REACH": data, "COVERAGE_CORE": "ctrace"}
        subprocess.run(command, cwd=REPOSITORY, env=environment, check=True)
        measured = coverage.CoverageData(data)
        measured.read()
        return {
            str(Path(file).relative_to(REPOSITORY)): measured.contexts_by_lineno(file)
            for file in measured.measured_files()
        }


def lives(mutant: RandomMutant, reach: Reach) -> bool:
    lines = reach.get(mutant.file, {})
    reaching = {test for line in mutant.lines for test in lines.get(line, ())}
    tests = sorted(reaching - {""})
    layer = f"tests/{mutant.file.split('/')[1]}/"
    with tree_with(mutant.file, mutant.text) as tree:
        if reaching == {""}:
            return not fails(tree, [*FAST, *(f"tests/{one}" for one in LAYERS)])
        # The layer's own tests need no Airflow, and so less time to begin.
        for are_near in (True, False):
            chosen = [test for test in tests if test.startswith(layer) is are_near]
            names = tree / "chosen-tests.txt"
            names.write_text("\n".join(chosen), encoding="utf-8")
            if chosen and fails(tree, [f"@{names}"]):
                return False
    return True


def modules(words: list[str]) -> list[Path]:
    """Return the modules of the two layers whose paths hold one of the words, or all."""
    return [
        path
        for layer in LAYERS
        for path in sorted((REPOSITORY / PACKAGE / layer).rglob("*.py"))
        if not words or any(word in str(path.relative_to(REPOSITORY)) for word in words)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only modules with one of these in their path")
    parser.add_argument("--seed", type=int, default=1, help="decides which are drawn")
    parser.add_argument("--count", type=int, default=100, help="how many are drawn")
    parser.add_argument("--by-kind", action="store_true", help="draw each kind of change as often")
    options = parser.parse_args()
    drawn = draw(modules(options.words), REPOSITORY, options.seed, by_kind=options.by_kind)
    mutants = list(islice(drawn, options.count))
    print(f"{len(mutants)} random mutants, seed {options.seed}; first every test once", flush=True)
    reach = reach_of_tests()
    living = 0
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        answers = pool.map(lambda mutant: lives(mutant, reach), mutants)
        for mutant, is_alive in zip(mutants, answers, strict=True):
            if is_alive:
                living += 1
                print(f"LIVES   {mutant.file}:{mutant.lines[-1]} ({mutant.operator})")
                print(re.sub(r"^", "        ", mutant.diff, flags=re.MULTILINE), flush=True)
    died = len(mutants) - living
    print(f"{died} of {len(mutants)} random mutants died; {ENOUGH:.0%} must")
    return 0 if mutants and died >= ENOUGH * len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
