"""The known mistakes: each can be made, and names the tests that catch it."""

from __future__ import annotations

from pathlib import Path

import pytest

import airflow_provider_oms
from scripts.mutants import REPOSITORY, Mistake, known_mistakes

# Where it is installed: in a cell of the matrix it is not in the tree.
PACKAGE = Path(airflow_provider_oms.__file__).parent
SIMULATED = ("cancellation/bulk/", "cancellation/object_log.py")
SIMULATION = "simulation/test_simulation.py"


@pytest.mark.parametrize("mistake", known_mistakes(), ids=lambda mistake: mistake.title)
def test_it_can_be_made_in_one_place_and_tests_that_exist_catch_it(mistake: Mistake) -> None:
    code = (PACKAGE / mistake.file).read_text(encoding="utf-8")
    compile(mistake.applied_to(code), mistake.file, "exec")
    assert mistake.tests
    assert all((REPOSITORY / "tests" / name).is_file() for name in mistake.tests)


@pytest.mark.parametrize("mistake", known_mistakes(), ids=lambda mistake: mistake.title)
def test_the_simulation_catches_one_about_a_set_or_a_reason_is_given(mistake: Mistake) -> None:
    if mistake.file.startswith(SIMULATED):
        assert (SIMULATION in mistake.tests) is not bool(mistake.not_simulated)
    else:
        assert not mistake.not_simulated
