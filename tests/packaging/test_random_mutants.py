"""Random mutants: the same for a seed, each another program, and none that only talks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

Draw = Callable[..., list[Any]]

MODULE = '''\
"""A module."""

from __future__ import annotations

import logging

__all__ = ["LIMIT", "is_large"]

log = logging.getLogger(__name__)
LIMIT: int = 7


def is_large(value: int, words: str | None = None) -> bool:
    """Return whether a value is large."""
    log.info("looking at %s", value)
    if value > LIMIT and words != "small":
        return True
    return sum([value, 1]) == 100
'''


@pytest.fixture
def draw(tmp_path: Path) -> Draw:
    # Only the newest Airflow's environment has the tool.
    pytest.importorskip("mutmut")
    from scripts import mutation  # noqa: PLC0415 - as above

    path = tmp_path / "package" / "module.py"
    path.parent.mkdir()

    def mutants(code: str = MODULE, seed: int = 1, *, by_kind: bool = False) -> list[Any]:
        path.write_text(code, encoding="utf-8")
        return list(mutation.draw([path], tmp_path, seed, by_kind=by_kind))

    return mutants


def lines_of(mutant: Any) -> tuple[list[str], list[str]]:
    """Return the lines it takes out and those it puts in, without their indentation."""
    changed = mutant.diff.splitlines()
    removed = [line[1:].strip() for line in changed if line.startswith("-")]
    return removed, [line[1:].strip() for line in changed if line.startswith("+")]


def test_a_seed_decides_which_are_drawn_and_in_which_order(draw: Draw) -> None:
    first = [mutant.diff for mutant in draw(seed=1)]
    assert first == [mutant.diff for mutant in draw(seed=1)]
    other = [mutant.diff for mutant in draw(seed=2)]
    assert other != first
    assert sorted(other) == sorted(first)


def test_each_kind_can_be_drawn_as_often_as_any_other(draw: Draw) -> None:
    code = "def add(a):\n    return sum([a, a, a, a], a) + 1\n"
    kinds = {one.operator for one in draw(code)}
    assert len(kinds) > 2
    assert {one.operator for one in draw(code, by_kind=True)[: len(kinds)]} == kinds
    assert any(
        {one.operator for one in draw(code, seed)[: len(kinds)]} != kinds for seed in range(9)
    )


def test_each_compiles_and_is_another_program_than_all_others(draw: Draw) -> None:
    mutants = draw()
    assert len(mutants) > 10
    for mutant in mutants:
        compile(mutant.text, "mutant", "exec")
        assert mutant.file == "package/module.py"
    assert len({mutant.text for mutant in mutants} | {MODULE}) == len(mutants) + 1


def test_a_table_an_edge_and_a_condition_are_among_them(draw: Draw) -> None:
    changes = [lines_of(mutant) for mutant in draw()]
    assert (["LIMIT: int = 7"], ["LIMIT: int = 8"]) in changes
    condition = 'if value > LIMIT and words != "small":'
    assert ([condition], [condition.replace(">", ">=")]) in changes
    assert ([condition], [condition.replace("and", "or")]) in changes
    assert (["return True"], ["return False"]) in changes


def test_what_is_written_for_people_and_for_mypy_stays(draw: Draw) -> None:
    removed = [line for mutant in draw() for line in lines_of(mutant)[0]]
    for word in ("import", "__all__", "log.info", "def ", '"""'):
        assert not any(word in line for line in removed), word


def test_it_knows_the_lines_of_the_statement_that_it_changes(draw: Draw) -> None:
    code = "def add(a, b):\n    return sum(\n        [a, b, 1]\n    )\n"
    (span,) = {one.lines for one in draw(code) if lines_of(one)[1] == ["[a, b, 2]"]}
    assert span == range(2, 4)
