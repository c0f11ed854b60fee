"""What Airflow's own command line says about the installed package."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

import airflow_provider_oms
from airflow_provider_oms.cli.definition import COMMANDS

pytestmark = pytest.mark.slow


def providers(what: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "airflow", "providers", what, "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    # Log lines may come before the document.
    rows: list[dict[str, Any]] = json.loads(done.stdout[done.stdout.index("[{") :])
    return rows


def test_it_is_listed_with_its_version() -> None:
    (row,) = [r for r in providers("list") if r["package_name"] == "airflow-provider-oms"]
    assert row["version"] == airflow_provider_oms.__version__


def test_its_connection_type_is_listed_with_its_hook() -> None:
    (row,) = [r for r in providers("hooks") if r["connection_type"] == "oms"]
    assert row["class"] == "airflow_provider_oms.hooks.oms.OmsHook"
    assert row["conn_id_attribute_name"] == "oms_conn_id"
    assert row["hook_name"] == "Kibo OMS"


@pytest.mark.needs("commands of providers")
def test_its_commands_are_among_airflows_and_cost_nothing_until_they_are_used() -> None:
    code = (
        "import json, sys; from airflow.cli import cli_parser; "
        "help = cli_parser.get_parser().format_help(); "
        "ours = [m for m in sys.modules if m.startswith('airflow_provider_oms')]; "
        "print(json.dumps([help, ours]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    text, loaded = json.loads(done.stdout.splitlines()[-1])
    assert "Look up what happened to orders on Kibo's OMS" in text
    assert set(loaded) == {
        "airflow_provider_oms",
        "airflow_provider_oms.cli",
        "airflow_provider_oms.cli.definition",
        "airflow_provider_oms.get_provider_info",
    }


@pytest.mark.needs("commands of providers")
def test_airflow_has_each_of_its_commands() -> None:
    command = [sys.executable, "-m", "airflow", "oms", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for one in COMMANDS:
        assert f"\n    {one.name} " in done.stdout
