"""What Airflow's own command line says about the installed package."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from features import has

import airflow_provider_oms
from airflow_provider_oms.cli.definition import COMMANDS

pytestmark = pytest.mark.slow

# Each starts as `airflow` does, in one process; the modules of ours that are there before any of
# them runs come first.
PROGRAM = """
import contextlib, io, json, sys
from airflow.cli import cli_parser

parser = cli_parser.get_parser()
said = {"": parser.format_help()}
ours = [name for name in sys.modules if name.startswith("airflow_provider_oms")]
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.suppress(SystemExit):
        args = parser.parse_args(words.split())
        args.func(args)
    said[words] = output.getvalue()
print(json.dumps([said, ours]))
"""
LIST, HOOKS, OURS = "providers list --output json", "providers hooks --output json", "oms --help"


@pytest.fixture(scope="module")
def told() -> tuple[dict[str, str], list[str]]:
    """Return the output of each command line, "" for the help, and the modules then loaded."""
    lines = [LIST, HOOKS, *([OURS] if has("commands of providers") else [])]
    command = [sys.executable, "-c", PROGRAM, json.dumps(lines)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said, ours = json.loads(done.stdout.splitlines()[-1])
    return said, ours


def rows(output: str) -> list[dict[str, Any]]:
    # Log lines may come before the document.
    found: list[dict[str, Any]] = json.loads(output[output.index("[{") :])
    return found


def test_it_is_listed_with_its_version(told: tuple[dict[str, str], list[str]]) -> None:
    listed = rows(told[0][LIST])
    (row,) = [r for r in listed if r["package_name"] == "airflow-provider-oms"]
    assert row["version"] == airflow_provider_oms.__version__


def test_its_connection_type_is_listed_with_its_hook(
    told: tuple[dict[str, str], list[str]],
) -> None:
    (row,) = [r for r in rows(told[0][HOOKS]) if r["connection_type"] == "oms"]
    assert row["class"] == "airflow_provider_oms.hooks.oms.OmsHook"
    assert row["conn_id_attribute_name"] == "oms_conn_id"
    assert row["hook_name"] == "Kibo OMS"


@pytest.mark.needs("commands of providers")
def test_its_commands_are_among_airflows_and_cost_nothing_until_they_are_used(
    told: tuple[dict[str, str], list[str]],
) -> None:
    said, loaded = told
    assert "Look up what happened to orders on Kibo's OMS" in said[""]
    assert set(loaded) == {
        "airflow_provider_oms",
        "airflow_provider_oms.cli",
        "airflow_provider_oms.cli.definition",
        "airflow_provider_oms.get_provider_info",
    }


@pytest.mark.needs("commands of providers")
def test_airflow_has_each_of_its_commands(told: tuple[dict[str, str], list[str]]) -> None:
    for one in COMMANDS:
        assert f"\n    {one.name} " in told[0][OURS]
