"""The page of patterns: its code is the examples' own, and no example is left out."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any
from unittest.mock import MagicMock

import pytest
from finished_runs import finished
from jinja2 import Environment, StrictUndefined
from pages import blocks, is_part_of, is_part_of_an_example, marked_regions, text_of

from airflow_provider_oms.cancellation.bulk.report import Report
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome

PAGE = text_of("docs/patterns.md")
SNIPPETS = [snippet for _, snippet in blocks(PAGE, "python")]


def test_every_section_has_a_snippet() -> None:
    _, *sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    assert sections
    assert [section for section in sections if not blocks(section, "python")] == []


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_every_python_snippet_is_lines_of_an_example(snippet: str) -> None:
    assert is_part_of_an_example(snippet)


def test_a_snippet_that_is_no_longer_the_code_is_noticed() -> None:
    region = "with DAG() as dag:\n    first = 1\n    second = 2"
    assert is_part_of("first = 1\nsecond = 2", region)
    assert not is_part_of("first = 1\nsecond = 3", region)
    assert not is_part_of("irst = 1\nsecond = 2", region)
    assert not is_part_of("first = 1\n\nsecond = 2", region)


def test_the_call_by_hand_is_the_snippets_own() -> None:
    ((_, command),) = blocks(PAGE, "bash")
    words = shlex.split(command)
    body = json.loads(words[words.index("--json") + 1])
    code = marked_regions()["trigger_over_rest"]
    assert body.pop("dag_run_id") == f"cancel-{body['conf']['order_id']}"
    assert set(body) == {"logical_date", "conf"}
    assert all(f'"{key}"' in code for key in [*body, *body["conf"], "dag_run_id"])
    assert any(word.endswith("/api/v2/dags/cancel_order/dagRuns") for word in words)


def test_the_text_shown_is_that_of_a_run() -> None:
    shipped = CancellationResult(3000005, Outcome.NOT_CANCELABLE, order_state="SHIPPED")
    missing = CancellationResult(5, Outcome.NOT_FOUND)
    run = finished(*[Outcome.CANCELED] * 10)
    run.add(shipped)
    run.add(missing)
    report = Report(run, 12, 0, False, 1, 1.0, ())
    ((_, shown),) = blocks(PAGE, "text")
    assert shown == f"{report.text(None)}\n"


@pytest.mark.parametrize(
    ("summary", "sent"), [({"text": "No order failed."}, "No order failed."), (None, "The task")]
)
def test_what_a_chat_is_sent_is_a_text_also_without_a_summary(summary: Any, sent: str) -> None:
    (template,) = re.findall(r"""`text="(\{\{[^`]+\}\})"`""", PAGE)
    ti = MagicMock()
    ti.xcom_pull.return_value = summary
    rendered = Environment(undefined=StrictUndefined).from_string(template).render(ti=ti)  # noqa: S701 - plain text
    assert rendered.startswith(sent)
