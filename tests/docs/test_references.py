"""Everything that the pages point to exists: files, headings, tests, and make's targets."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from pages import REPOSITORY, prose
from stories import OPEN, POST, Story, reply

import airflow_provider_oms
from airflow_provider_oms.api import responses
from airflow_provider_oms.api.errors import OmsLockedError
from airflow_provider_oms.cancellation.history import Action

PACKAGE = Path(airflow_provider_oms.__file__).parent
CONTRIBUTING = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
PAGES = sorted(
    path
    for path in (*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md"))
    if path.is_file()
)
GUARANTEES = (REPOSITORY / "docs" / "guarantees.md").read_text(encoding="utf-8")


def of(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


def anchors(page: Path) -> set[str]:
    """Return what headings of a page can be linked to by, as forges and Sphinx make it."""
    titles = re.findall(r"^#+ (.+)$", prose(page.read_text(encoding="utf-8")), re.MULTILINE)
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title) for title in titles]
    return {re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-") for title in plain}


def names_in(path: Path) -> set[str]:
    """Return the names that a module defines, anywhere."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    return names | {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


@pytest.mark.parametrize("page", PAGES, ids=of)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?![a-z]+:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert target.is_relative_to(REPOSITORY), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=of)
def test_every_test_that_is_named_exists(page: Path) -> None:
    for path, name in re.findall(r"(tests/[\w/]+\.py)::(\w+)", page.read_text(encoding="utf-8")):
        assert name in names_in(REPOSITORY / path), name


@pytest.mark.parametrize("page", PAGES, ids=of)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = re.findall(
        r"^([a-z][a-z0-9.-]*):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE
    )
    named = re.findall(
        r"(?:`|^)(?:[A-Z_]+=\S+ )*make ([a-z][a-z0-9.-]*)", page.read_text("utf-8"), re.MULTILINE
    )
    assert set(named) <= set(targets)


def test_every_guarantee_names_a_test_that_holds_it() -> None:
    table = GUARANTEES.partition("| promise | held by |")[2].partition("\n\n")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    assert len(rows) > 10
    assert [row for row in rows if "::" not in row] == []


def test_the_lines_that_an_error_code_changes_are_where_contributors_are_sent() -> None:
    page = " ".join((REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8").split())
    for path, names in {
        "api/responses.py": (
            "_KINDS",
            "_kind_of_range",
            "_OF_STATE",
            "_CANNOT_CANCEL",
            "_OF_REQUEST",
        ),
        "api/connection_test.py": ("_NO_SUCH_ORDER",),
        "api/errors.py": ("evidence",),
        "api/evidence.py": ("Evidence",),
        "cancellation/decision.py": ("_VERDICTS",),
        "cancellation/history.py": ("NOTHING_HAPPENED",),
    }.items():
        assert set(names) <= names_in(PACKAGE / path)
        assert f"`airflow_provider_oms/{path}`" in page
        for name in names:
            assert f"`{name}`" in page


def test_the_line_for_another_status_is_one_of_its_table() -> None:
    (line,) = re.findall(r"^    412: (.*),$", CONTRIBUTING, re.MULTILINE)
    kind, message = eval(line, {"OmsLockedError": OmsLockedError})  # noqa: S307 - our own page
    assert (kind, message) == responses._KINDS[423]
    assert 412 not in responses._KINDS
    story = Story()
    story.then(reply(kind.evidence))
    assert story.then(OPEN) == POST
    assert [event.action for event in story.history.events] == [Action.POST, Action.READ]
