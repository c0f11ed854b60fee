"""The lists of known mistakes: each can be made, and says who catches it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import airflow_provider_oms
from scripts.known_mistakes import SIMULATION, Mutant
from scripts.known_mistakes_of_sets import SET_MUTANTS
from scripts.mutants import EVERY_MUTANT, REPOSITORY

# Where it is installed: in a cell of the matrix it is not in the tree.
PACKAGE = Path(airflow_provider_oms.__file__).parent


@pytest.mark.parametrize("mutant", EVERY_MUTANT, ids=lambda mutant: mutant.title)
def test_it_can_be_made_in_one_place_and_tests_that_exist_catch_it(mutant: Mutant) -> None:
    text = (PACKAGE / mutant.file).read_text(encoding="utf-8")
    assert text.count(mutant.right) == 1
    compile(text.replace(mutant.right, mutant.wrong), mutant.file, "exec")
    assert mutant.tests
    assert all((REPOSITORY / name).is_file() for name in mutant.tests)


@pytest.mark.parametrize("mutant", SET_MUTANTS, ids=lambda mutant: mutant.title)
def test_the_simulation_catches_what_concerns_a_set_or_it_is_said_why_not(mutant: Mutant) -> None:
    assert (SIMULATION in mutant.tests) is not bool(mutant.not_simulated)


def test_no_two_have_one_title() -> None:
    assert Counter(mutant.title for mutant in EVERY_MUTANT).most_common(1)[0][1] == 1
