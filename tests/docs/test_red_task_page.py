"""The page for a red task: each outcome that is left is there, and its calls are Airflow's own."""

from __future__ import annotations

import importlib
import json
import re
import shlex

import pytest
from pages import blocks, commands, rows, text_of

from airflow_provider_oms.cancellation.outcomes import Outcome

PAGE = text_of("docs/red-task.md")
COMMANDS = [command for _, block in blocks(PAGE, "bash") for command in commands(block)]
HEADING = "| outcome | what to do | clear the task? |"


def test_each_outcome_that_is_not_a_success_is_there_once() -> None:
    named = [word for row in rows(PAGE, HEADING) for word in re.findall(r"`(\w+)`", row[0])]
    expected = [one.value for one in Outcome if not one.is_success]
    assert sorted(set(named) & set(Outcome)) == sorted(expected)


def test_an_order_that_another_attempt_can_settle_is_cleared_and_no_other_without_a_cause() -> None:
    for outcome, _, cleared in rows(PAGE, HEADING):
        for word in set(re.findall(r"`(\w+)`", outcome)) & set(Outcome):
            assert (cleared == "yes") == Outcome(word).may_be_retried, word


@pytest.mark.needs("a scheduler that is driven over its REST API")
def test_the_call_that_clears_is_one_that_airflow_takes() -> None:
    models = "airflow.api_fastapi.core_api.datamodels.task_instances"
    body = importlib.import_module(models).ClearTaskInstancesBody
    (command,) = [one for one in COMMANDS if "clearTaskInstances" in one]
    words = shlex.split(command)
    given = json.loads(words[words.index("--json") + 1])
    checked = body.model_validate(given)
    assert set(given) <= set(body.model_fields)
    assert (checked.dry_run, checked.only_failed) == (True, True)
