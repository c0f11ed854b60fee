"""The imports of a task's process: Airflow's own part, and nothing heavy on top of it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

HEAVY = ("alembic", "fastapi", "flask", "numpy", "pandas", "sqlalchemy", "starlette", "uvicorn")
OF_AIRFLOW = (
    "from airflow.providers.common.compat.sdk import Asset, BaseHook, BaseOperator, "
    "BaseOperatorLink, BaseSensorOperator, ObjectStoragePath, Stats, XCom, conf; "
    "import airflow.triggers.base"
)
OURS = (
    "hooks.oms",
    "operators.oms",
    "operators.bulk",
    "operators.review",
    "decorators.oms",
    "sensors.oms",
    "triggers.oms",
    "triggers.review",
    "plugins.orders_page",
)
# One that is heavy, and that no task imports.
SERVER = "emulator.server"
# One process for all of them, which says what each imports that was not there before.
REPORT = """
import importlib, json, sys
exec(sys.argv[1])
known, new = set(sys.modules), {}
for name in sys.argv[2:]:
    importlib.import_module(f"airflow_provider_oms.{name}")
    new[name] = sorted(set(sys.modules) - known)
    known |= set(sys.modules)
print(json.dumps(new))
"""


@pytest.fixture(scope="module")
def heavy() -> dict[str, set[str]]:
    """Return the heavy modules that each module of ours imports in addition to those before it."""
    done = subprocess.run(
        [sys.executable, "-c", REPORT, OF_AIRFLOW, *OURS, SERVER],
        capture_output=True,
        text=True,
        check=True,
    )
    new: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return {
        name: {module for module in modules if module.partition(".")[0] in HEAVY}
        for name, modules in new.items()
    }


@pytest.mark.parametrize("ours", OURS)
def test_nothing_heavy_is_imported_that_airflow_does_not_import_itself(
    ours: str, heavy: dict[str, set[str]]
) -> None:
    assert heavy[ours] == set()


def test_a_heavy_import_would_be_seen(heavy: dict[str, set[str]]) -> None:
    assert "uvicorn" in heavy[SERVER]
