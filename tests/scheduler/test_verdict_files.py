"""Verdicts that arrive as files, under a real scheduler and a triggerer that is killed.

Every order that was rejected last is canceled once, and none that was accepted last.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from features import has
from patience import wait_until
from standalone import SECONDS_TO_READ_A_DAG, Standalone

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = [
    pytest.mark.airflow_db,
    pytest.mark.slow,
    pytest.mark.needs("a scheduler that is driven over its REST API"),
]

DAG_PATH = "/api/v2/dags/watch_verdicts"
ORDERS = count(37_000_001)
SHOPPER = "eve@example.com"


def write(folder: Path, name: str, *verdicts: tuple[int, str]) -> None:
    """Write a file of verdicts as a fraud check should: under its name only when it is whole."""
    rows = [{"order_id": order, "verdict": word, "email": SHOPPER} for order, word in verdicts]
    part = folder / f"{name}.part"
    part.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    part.rename(folder / name)


def names(folder: Path) -> set[str]:
    """Return which files were moved aside."""
    return {path.name.split("-", 2)[2] for path in folder.glob("*.jsonl")}


@pytest.fixture
def folder(airflow: Standalone) -> Iterator[Path]:
    airflow.api.ask("GET", DAG_PATH, patience=SECONDS_TO_READ_A_DAG)
    path = airflow.home / "verdicts"
    path.mkdir(exist_ok=True)
    airflow.api.ask("PATCH", DAG_PATH, {"is_paused": False})
    yield path
    airflow.api.ask("PATCH", DAG_PATH, {"is_paused": True})


def test_files_are_read_at_least_once_and_their_orders_canceled_once(
    airflow: Standalone, tenant: EmulatorProcess, folder: Path
) -> None:
    first, second, revised, accepted = orders = [next(ORDERS) for _ in range(4)]
    tenant.load_orders([{"orderID": order_id} for order_id in orders])

    def wait_for(order_id: int, *files: str) -> None:
        wait_until(
            lambda: tenant.cancel_posts(order_id) > 0 and names(folder / "done").issuperset(files),
            describe=lambda: f"{sorted(folder.rglob('*'))}, {airflow.api.ask('GET', DAG_PATH)}",
        )

    write(folder, "a.jsonl", (first, "rejected"), (revised, "accepted"), (accepted, "rejected"))
    write(folder, "b.jsonl", (accepted, "accepted"))
    wait_for(first, "a.jsonl", "b.jsonl")
    write(folder, "c.jsonl", (second, "rejected"), (first, "rejected"))
    # At any moment: its events may be stored, or be gone with the triggerer.
    airflow.kill_triggerer()
    write(folder, "d.jsonl", (revised, "rejected"))
    airflow.start_triggerer()
    wait_for(second, "c.jsonl")
    wait_for(revised, "d.jsonl")
    posts = {order_id: tenant.cancel_posts(order_id) for order_id in orders}
    assert posts == {first: 1, second: 1, revised: 1, accepted: 0}
    logs = [airflow.log, *(path for path in airflow.home.rglob("*.log") if path.is_file())]
    # With the event itself, before Airflow 3.4; a triggerer that was started again has its own log.
    of_triggerers = [airflow.log, airflow.home / "triggerer.log"]
    assert any("Trigger fired event" in path.read_text("utf-8") for path in of_triggerers)
    lines = [line for path in logs for line in path.read_text("utf-8").splitlines()]
    leaks = [line for line in lines if SHOPPER in line]
    if not has("a LocalExecutor that keeps to the log level"):
        leaks = [line for line in leaks if "msg=StartupDetails(" not in line]
    assert leaks == []
