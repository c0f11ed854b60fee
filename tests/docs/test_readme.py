"""The README: its code is code that runs, its tables agree with the code."""

from __future__ import annotations

import json
import re
import shlex

import pytest
from pages import DOCS, blocks, is_part_of_an_example, rows, text_of

from airflow_provider_oms.api.validation import KNOWN_DISPOSITION_REASONS
from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.hooks.oms import OmsHook

README = text_of("README.md")


def test_every_python_snippet_is_a_piece_of_an_example_dag() -> None:
    snippets = blocks(README, "python")
    assert len(snippets) == 2
    assert all(is_part_of_an_example(snippet) for _, snippet in snippets)
    assert not is_part_of_an_example('OmsCancelOrderOperator(task_id="another")\n')


def test_the_table_of_outcomes_is_the_codes() -> None:
    ends = {
        (True, False): "succeeds",
        (False, True): "fails, may be retried",
        (False, False): "fails at once, no retry",
    }
    table = rows(README, "| outcome | meaning | the task |")
    assert [[name, end] for name, _, end in table] == [
        [f"`{one}`", ends[one.is_success, one.may_be_retried]] for one in Outcome
    ]
    assert all(meaning for _, meaning, _ in table)


def test_the_connections_of_the_readme_configure_the_same_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (assignment,) = [
        block for _, block in blocks(README, "bash") if "AIRFLOW_CONN_OMS_DEFAULT" in block
    ]
    command, word = shlex.split(assignment)
    assert command == "export"  # or the pasted value reaches no other command
    name, _, value = word.partition("=")
    (uri,) = re.findall(r"`(oms://\S+)`", README)
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW_CONN_OMS_URI", uri)
    assert OmsHook().settings == OmsHook("oms_uri").settings
    assert OmsHook().settings.environment == json.loads(value)["extra"]["environment"]


def test_it_names_the_reasons_that_are_always_admitted() -> None:
    sentence = README.partition("The reason is ")[2].partition(", which needs")[0]
    assert tuple(re.findall(r"`(\w+)`", sentence)) == KNOWN_DISPOSITION_REASONS


def test_it_leads_to_every_page_for_users() -> None:
    pages = {f"docs/{page.name}" for page in DOCS.glob("*.md")} - {"docs/index.md"}
    assert [page for page in pages if f"]({page})" not in README] == []
