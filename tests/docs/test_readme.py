"""The README: its code is code that runs, its tables say what the code says."""

from __future__ import annotations

import json
import re
import shlex

import pytest
from snippets import REPOSITORY, blocks, marked_regions

from airflow_provider_oms.api.config import EXTRA_FIELDS, TenantSettings
from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.hooks.oms import OmsHook

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table that begins with a heading row."""
    table = README.partition(heading)[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_every_python_snippet_is_a_region_of_an_example_dag() -> None:
    snippets = [block.strip() for block in blocks(README, "python")]
    assert len(snippets) == 3
    assert set(snippets) <= set(marked_regions().values())


def test_the_table_of_outcomes_is_the_codes() -> None:
    ends = {
        (True, False): "succeeds",
        (False, True): "fails, may be retried",
        (False, False): "fails at once, no retry",
    }
    assert rows("| outcome | meaning | the task |") == [
        [f"`{one}`", one.meaning, ends[one.is_success, one.may_be_retried]] for one in Outcome
    ]


def test_the_connections_of_the_readme_configure_the_same_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (assignment,) = [
        block for block in blocks(README, "bash") if "AIRFLOW_CONN_OMS_DEFAULT" in block
    ]
    (word,) = shlex.split(assignment)
    name, _, value = word.partition("=")
    (uri,) = re.findall(r"`(oms://\S+)`", README)
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW_CONN_OMS_URI", uri)
    assert OmsHook().settings == OmsHook("oms_uri").settings
    assert OmsHook().settings.environment == json.loads(value)["extra"]["environment"]


def test_the_connection_to_a_local_oms_is_the_emulators_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (export,) = [block for block in blocks(README, "bash") if "AIRFLOW_CONN_OMS_LOCAL" in block]
    _, word = shlex.split(export)
    name, _, value = word.partition("=")
    with EmulatorProcess() as emulator:
        fields = json.loads(value)
        assert fields["password"] == emulator.client_secret
        monkeypatch.setenv(name, value.replace("http://127.0.0.1:8787", emulator.url))
        assert OmsHook("oms_local").test_connection()[0]


def test_the_table_of_fields_names_every_field_with_its_default() -> None:
    documented: dict[str, str] = {}
    for names, _, default in rows("| field | meaning | default |"):
        fields, defaults = re.findall(r"`(\w+)`", names), default.split(", ")
        documented.update(zip(fields, defaults * len(fields), strict=False))
    assert list(documented) == list(EXTRA_FIELDS)
    for name, default in documented.items():
        if default.isdigit():
            assert float(default) == TenantSettings.model_fields[name].default, name


def test_every_file_and_make_target_it_names_exists() -> None:
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", README):
        assert (REPOSITORY / link).is_file(), link
    targets = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    named = re.findall(r"\bmake ([a-z-]+)", README)
    assert named
    assert set(named) <= set(targets)
