"""CONTRIBUTING: its table agrees with the decision, and its examples are changes that work."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from cell import package_directory
from pages import REPOSITORY, blocks, rows, text_of
from requests.structures import CaseInsensitiveDict
from stories import CANCELED, OPEN, POST, Story, reply

from airflow_provider_oms.api import errors, responses
from airflow_provider_oms.api.errors import OmsConflictError, OmsRefusedError
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.transport import Response
from airflow_provider_oms.cancellation.decision import Call, Done, Wait

PAGE = text_of("CONTRIBUTING.md")
ROWS = rows(PAGE, "| an answer proves (`Evidence`) | sent next | outcome | retried |")


def due(story: Story) -> Call | Done:
    """Return the next step after all waiting."""
    decision = story.next()
    while isinstance(decision, Wait):
        story.now = decision.until
        decision = story.next()
    return decision


def test_the_table_has_every_kind_of_evidence() -> None:
    assert [row[0].strip("`") for row in ROWS] == list(Evidence.__members__)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row[0].strip("`")))
def test_a_row_of_the_table_is_what_the_decision_does(row: list[str]) -> None:
    evidence = Evidence[row[0].strip("`")]
    brought = {Evidence.CANCELED: CANCELED, Evidence.OPEN: OPEN}.get(evidence, reply(evidence))
    story = Story()
    story.then(brought)
    decision = first = due(story)
    while not isinstance(decision, Done):
        story.then(brought if decision == POST else OPEN)
        decision = due(story)
    sent_next = "nothing" if isinstance(first, Done) else first.action.value
    is_retried = "yes" if decision.outcome.may_be_retried else "no"
    assert row[1:] == [sent_next, f"`{decision.outcome}`", is_retried]


def test_the_line_for_a_locked_order_proves_that_it_is_locked() -> None:
    (line,) = [text for _, text in blocks(PAGE, "python") if "OmsLockedError" in text]
    tree = ast.parse(f"{{{line}}}", mode="eval")
    kinds = eval(compile(tree, "CONTRIBUTING.md", "eval"), vars(responses))  # noqa: S307 - our page
    ((status, (kind, _)),) = kinds.items()
    assert status not in responses._KINDS
    assert kind.evidence is Evidence.LOCKED


def test_make_rules_runs_each_test_that_the_page_names_for_a_rule() -> None:
    named = re.findall(r"`(tests/\S+\.py)`", str(rows(PAGE, "| the rule | its test |")))
    (run,) = re.findall(r"^RULES = ((?:.*\\\n)*.*)$", text_of("Makefile"), re.MULTILINE)
    files = run.replace("\\\n", " ").split()
    assert len(named) > 10
    assert set(named) <= set(files)
    assert [name for name in files if not (REPOSITORY / name).is_file()] == []


def test_a_proof_comes_from_each_module_that_the_page_names_for_it() -> None:
    table = rows(PAGE, "| evidence | comes from `_KINDS`, and also from |")
    for evidence, places in table:
        kinds = {
            name
            for name, kind in vars(errors).items()
            if isinstance(kind, type)
            and issubclass(kind, errors.OmsError)
            and kind.evidence.name in re.findall(r"`(\w+)`", evidence)
        }
        for place in re.findall(r"`(airflow_provider_oms/\S+\.py)`", places):
            assert kinds & set(re.findall(r"\w+", code_of(place))), (evidence, place)


def code_of(place: str) -> str:
    """Return the code of a module of the package, which may be installed somewhere else."""
    return (package_directory().parent / place).read_text(encoding="utf-8")


def changed(place: Path) -> ModuleType:
    """Return `api/responses.py` with the page's two changes."""
    package = package_directory()
    copies = {
        package / "api" / "responses.py": place / package.name / "api" / "responses.py",
        REPOSITORY / "tests" / "api" / "test_responses.py": place / "tests/api/test_responses.py",
    }
    for source, copy in copies.items():
        copy.parent.mkdir(parents=True)
        shutil.copy(source, copy)
    for _, change in blocks(PAGE, "diff"):
        subprocess.run(["git", "apply", "-"], cwd=place, input=change, text=True, check=True)  # noqa: S607 - whichever the reader has
    assert "RETURN_REQUIRED" in (place / "tests/api/test_responses.py").read_text("utf-8")
    module = place / package.name / "api" / "responses.py"
    spec = importlib.util.spec_from_file_location("changed_responses", module)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_the_change_for_a_code_of_a_tenants_own_does_what_it_says(tmp_path: Path) -> None:
    body = json.dumps({"errorCode": "RETURN_REQUIRED", "message": "Please start a return."})
    headers = CaseInsensitiveDict({"x-vol-correlation": "0123456789abcdef0123456789abcdef"})
    answer = Response(422, headers, body.encode())
    assert type(responses.error_of(answer)) is OmsRefusedError
    assert type(changed(tmp_path).error_of(answer)) is OmsConflictError
