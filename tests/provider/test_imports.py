"""The imports of a task's process: Airflow's own part, and nothing heavy on top of it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

HEAVY = ("alembic", "fastapi", "flask", "numpy", "pandas", "sqlalchemy", "starlette", "uvicorn")
AIRFLOW = "from airflow.providers.common.compat.sdk import {}"
NAMES = "Asset, BaseHook, BaseOperator, BaseOperatorLink, ObjectStoragePath, Stats, XCom, conf"


def heavy_modules_after(code: str) -> set[str]:
    """Return the modules of heavy packages that are there after some code has run."""
    report = f"import json, sys; {code}; print(json.dumps(list(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", report], capture_output=True, text=True, check=True
    )
    modules = json.loads(done.stdout.splitlines()[-1])
    return {name for name in modules if name.partition(".")[0] in HEAVY}


@pytest.mark.parametrize(
    "ours",
    [
        "operators.oms",
        "operators.bulk",
        "operators.review",
        "decorators.oms",
        "sensors.oms",
        "hooks.oms",
        "triggers.oms",
        "triggers.review",
    ],
)
def test_nothing_heavy_is_imported_that_airflow_does_not_import_itself(ours: str) -> None:
    names = f"{NAMES}, BaseSensorOperator; import airflow.triggers.base"
    of_airflow = heavy_modules_after(AIRFLOW.format(names))
    assert heavy_modules_after(f"import airflow_provider_oms.{ours}") - of_airflow == set()


def test_a_heavy_import_would_be_seen() -> None:
    assert "sqlalchemy" in heavy_modules_after("import sqlalchemy")
    assert "fastapi" in heavy_modules_after("import airflow_provider_oms.emulator.server")
