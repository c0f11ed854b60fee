"""What Airflow's own command line says about the installed package."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

import airflow_provider_oms

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
