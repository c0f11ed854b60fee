"""Apply known mistakes, one at a time, and show which tests catch each.

Works on a copy of the tree, in which the tests must pass without any mistake first. A mistake that
no test catches makes it fail, and so does one whose text is not in the code any more.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scripts.known_mistakes import MUTANTS, SIMULATION, Mutant
from scripts.known_mistakes_of_approvals import APPROVAL_MUTANTS
from scripts.known_mistakes_of_look_ups import LOOK_UP_MUTANTS
from scripts.known_mistakes_of_parts import PART_MUTANTS
from scripts.known_mistakes_of_reviews import REVIEW_MUTANTS
from scripts.known_mistakes_of_sets import SET_MUTANTS
from scripts.known_mistakes_of_verdicts import VERDICT_MUTANTS

EVERY_MUTANT = (
    *MUTANTS,
    *APPROVAL_MUTANTS,
    *LOOK_UP_MUTANTS,
    *PART_MUTANTS,
    *REVIEW_MUTANTS,
    *SET_MUTANTS,
    *VERDICT_MUTANTS,
)
REPOSITORY = Path(__file__).resolve().parent.parent
# Of processor time, in which the simulation has to catch a mistake.
SIMULATED_SECONDS = 10


def apply(mutant: Mutant, tree: Path) -> None:
    """Put a mistake into a copy of the code.

    :param mutant: the mistake.
    :param tree: the copy.
    """
    path = tree / "airflow_provider_oms" / mutant.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutant.right) != 1:
        raise SystemExit(f"{mutant.title}: its text occurs {text.count(mutant.right)} times")
    path.write_text(text.replace(mutant.right, mutant.wrong), encoding="utf-8")


def run_tests(tree: Path, test_file: str) -> subprocess.CompletedProcess[str]:
    """Run one test file in a tree, and return how that ended and its output.

    :param tree: the tree.
    :param test_file: the file, relative to it.
    """
    # A mistake can make a test wait for what never comes, so each has a bound.
    options = ["--quiet", "--tb=no", "-rfE", "-p", "no:cacheprovider", "--timeout=30"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, test_file],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_PROFILE": "find"},
    )


def caught_by(tree: Path, test_file: str) -> list[str]:
    """Run one test file in a tree, and return the names of the tests that failed.

    :param tree: the tree.
    :param test_file: the file, relative to it.
    """
    printed = run_tests(tree, test_file).stdout
    return re.findall(r"^(?:FAILED|ERROR) \S+?::(?:\w+::)?(\w+)", printed, re.MULTILINE)


def copy_to(tree: Path) -> None:
    """Copy every file that git knows, or would add.

    :param tree: where to.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    for name in filter(None, done.stdout.split("\0")):
        source = REPOSITORY / name
        # A file that was removed is in git's index until that is recorded.
        if source.is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, tree / name)


def check_without_mistake(chosen: list[Mutant], tree: Path) -> None:
    """Run every test file that is to catch a mistake once on the code as it is.

    :param chosen: the mistakes.
    :param tree: a copy without any.
    :raises SystemExit: when a test fails there: it would seem to catch whatever it is shown.
    """
    for test_file in dict.fromkeys(one for mutant in chosen for one in mutant.tests):
        done = run_tests(tree, test_file)
        if done.returncode:
            raise SystemExit(f"{test_file} fails without any mistake:\n{done.stdout}{done.stderr}")


def show(mutant: Mutant, caught: dict[str, list[str]]) -> bool:
    """Print what caught a mistake, and return whether every file asked did."""
    missed = [test_file for test_file, names in caught.items() if not names]
    print(f"{'MISSED' if missed else 'caught'}  {mutant.title}")
    for test_file, names in caught.items():
        first = list(dict.fromkeys(names))[:2]
        more = f" and {len(names) - len(first)} more" if len(names) > len(first) else ""
        print(f"        {test_file}: {', '.join(first) or 'nothing'}{more}")
    if mutant.not_simulated:
        print(f"        not simulated: {mutant.not_simulated}")
    sys.stdout.flush()
    return not missed


def try_tests(mutant: Mutant, tree: Path) -> bool:
    """Ask the tests about a mistake, print their results, and return whether each caught it.

    :param mutant: the mistake.
    :param tree: a copy that has it.
    """
    return show(mutant, {one: caught_by(tree, one) for one in mutant.tests})


def run_simulation(tree: Path) -> tuple[bool, str]:
    """Run stories in a tree, and return whether one broke a promise, and which and how soon.

    :param tree: the tree.
    """
    command = [sys.executable, "-m", "tests.simulation", f"--until-broken={SIMULATED_SECONDS}"]
    done = subprocess.run(
        command,
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        timeout=30 * SIMULATED_SECONDS,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    if not done.stdout:
        raise SystemExit(f"the simulation does not run:\n{done.stderr}")
    return bool(done.returncode), done.stdout.strip()


def try_simulation(mutant: Mutant, tree: Path) -> bool:
    """Ask the simulation alone about a mistake, and return whether its result is as listed.

    :param mutant: the mistake.
    :param tree: a copy that has it.
    """
    is_caught, said = run_simulation(tree)
    is_expected = is_caught is (SIMULATION in mutant.tests)
    print(f"{'caught' if is_caught else 'lives '}  {mutant.title}\n        {said}")
    if not is_expected:
        print("        UNEXPECTED: the list says otherwise")
    elif mutant.not_simulated:
        print(f"        not simulated: {mutant.not_simulated}")
    sys.stdout.flush()
    return is_expected


def main() -> int:
    """Try every mistake, or those whose title holds the words given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only mistakes with these words in their title")
    parser.add_argument(
        "--simulation",
        action="store_true",
        help="ask only the simulation, about mistakes that concern a set, and say how long it took",
    )
    options = parser.parse_args()
    known = SET_MUTANTS if options.simulation else EVERY_MUTANT
    chosen = [one for one in known if all(word in one.title for word in options.words)]
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="oms-mutants-") as scratch:
        tree = Path(scratch) / "tree"
        copy_to(tree)
        if not options.simulation:
            check_without_mistake(chosen, tree)
        elif (without_mistake := run_simulation(tree))[0]:
            raise SystemExit(f"without any mistake, {without_mistake[1]}")
        shutil.rmtree(tree)
        fine = True
        for mutant in chosen:
            copy_to(tree)
            apply(mutant, tree)
            fine &= (try_simulation if options.simulation else try_tests)(mutant, tree)
            shutil.rmtree(tree)
    print(f"{len(chosen)} mistakes, {time.monotonic() - started:.0f} s")
    return 0 if fine and chosen else 1


if __name__ == "__main__":
    sys.exit(main())
