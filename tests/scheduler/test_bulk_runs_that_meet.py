"""Runs under a real scheduler whose sets overlap: two triggers at once, and a backfill."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from patience import wait_until
from shared_orders import cancels_of_those_who_knew
from standalone import SECONDS_TO_READ_A_DAG, Standalone, TaskInRun

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = [
    pytest.mark.airflow_db,
    pytest.mark.slow,
    pytest.mark.needs("task_state_store"),
]

BACKFILL_DAG = "cancel_for_each_day"
DAYS = ("2026-01-01", "2026-01-02", "2026-01-03")
# The duration of every cancel until all runs are under way.
LATENCY = 1.0


@pytest.fixture
def oms(tenant: EmulatorProcess) -> Iterator[EmulatorProcess]:
    """Give a tenant that takes its time, and that refuses to cancel canceled orders."""
    tenant.clear_faults()
    tenant.settings(canceled_order_status=409)
    tenant.add_fault("slow", seconds=LATENCY)
    yield tenant
    tenant.clear_faults()
    tenant.reset_settings()


def begin(oms: EmulatorProcess, sets: dict[Path, range]) -> None:
    oms.clear_requests()
    for path, order_ids in sets.items():
        oms.load_orders([{"orderID": order_id} for order_id in order_ids])
        path.write_text("".join(f"{order_id}\n" for order_id in order_ids), encoding="utf-8")


def wait_until_all_send(oms: EmulatorProcess, sets: Iterable[range]) -> None:
    """Wait until something of each set was sent, and let the OMS be quick from then on."""

    def all_send() -> bool:
        seen = {request["order_id"] for request in oms.requests(method="POST")}
        return all(seen & set(order_ids) for order_ids in sets)

    wait_until(all_send, 150)
    oms.clear_faults()


def outcomes_in(results: Path) -> dict[int, str]:
    rows = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    assert len({row["order_id"] for row in rows}) == len(rows)
    return {row["order_id"]: row["outcome"] for row in rows}


def assert_true(oms: EmulatorProcess, results: dict[Path, range]) -> None:
    """Compare the runs' reports with the OMS, and their requests with their knowledge."""
    at_the_oms = oms.orders()
    told: dict[int, list[str]] = {}
    for path, order_ids in results.items():
        outcomes = outcomes_in(path)
        assert sorted(outcomes) == list(order_ids)
        for order_id, outcome in outcomes.items():
            told.setdefault(order_id, []).append(outcome)
    for order_id, outcomes_of_it in told.items():
        assert at_the_oms[order_id]["orderState"] == "CANCELED"
        assert at_the_oms[order_id]["times_canceled"] == 1
        # One run has canceled it, and the others found it so.
        assert sorted(outcomes_of_it, reverse=True) == [
            "canceled",
            *["already_canceled"] * (len(outcomes_of_it) - 1),
        ]
        assert oms.cancel_posts(order_id) <= len(outcomes_of_it)
    # A cancel that is answered late counts as an answer from the moment it was acted on.
    requests = [
        {**one, "fault": None if one["fault"] == "slow" else one["fault"]} for one in oms.requests()
    ]
    assert cancels_of_those_who_knew(requests) == []


def test_two_runs_at_once_are_true_and_send_nothing_for_what_they_know_is_canceled(
    airflow: Standalone, oms: EmulatorProcess, tmp_path: Path
) -> None:
    sets = {"first": range(24_000_001, 24_000_401), "second": range(24_000_201, 24_000_601)}
    begin(oms, {tmp_path / f"{name}.jsonl": order_ids for name, order_ids in sets.items()})
    tasks: list[TaskInRun] = []
    for name in sets:
        conf = {
            "orders_path": str(tmp_path / f"{name}.jsonl"),
            "results_path": str(tmp_path / f"{name}-results.jsonl"),
        }
        tasks.append(airflow.trigger("cancel_in_bulk", conf, task_id="cancel"))
    wait_until_all_send(oms, sets.values())
    for task in tasks:
        assert task.wait_for_end(timeout=300)["state"] == "success"
        assert task.tries() == [(1, "success")]
    spans = [(task.now()["start_date"], task.now()["end_date"]) for task in tasks]
    assert max(start for start, _ in spans) < min(end for _, end in spans)
    assert_true(oms, {tmp_path / f"{name}-results.jsonl": sets[name] for name in sets})


def test_so_is_a_backfill_and_doing_it_again_sends_nothing(
    airflow: Standalone, oms: EmulatorProcess, tmp_path: Path
) -> None:
    # Each day's orders have half of their number in common with the next day's.
    sets = {
        day: range(25_000_001 + 100 * number, 25_000_201 + 100 * number)
        for number, day in enumerate(DAYS)
    }
    begin(oms, {tmp_path / f"{day}.jsonl": order_ids for day, order_ids in sets.items()})
    results = {tmp_path / f"{day}-results.jsonl": order_ids for day, order_ids in sets.items()}

    backfill(airflow, tmp_path, "none", lambda: wait_until_all_send(oms, sets.values()))
    assert [run["state"] for run in runs_of(airflow)] == ["success"] * 3
    assert_true(oms, results)

    first = {path: outcomes_in(path) for path in results}
    oms.clear_requests()
    backfill(airflow, tmp_path, "completed")
    assert [run["state"] for run in runs_of(airflow)] == ["success"] * 3
    # The journal stays with a day's run: nothing is sent, and nothing else is said.
    assert oms.requests(path="/api/v2/order") == []
    assert {path: outcomes_in(path) for path in results} == first


def backfill(
    airflow: Standalone, directory: Path, reprocess: str, meanwhile: Callable[[], object] = bool
) -> None:
    """Run all three days at once, to their end.

    A separate process creates it: where Airflow's API server meets a lock of SQLite half-way, its
    transaction stays open, and no later call gets through.
    """
    airflow.api.ask("GET", f"/api/v2/dags/{BACKFILL_DAG}", patience=SECONDS_TO_READ_A_DAG)
    before = backfills_of(airflow)
    command = [
        *("backfill", "create", f"--dag-id={BACKFILL_DAG}"),
        *(f"--from-date={DAYS[0]}T00:00:00Z", f"--to-date={DAYS[-1]}T00:00:00Z"),
        f"--dag-run-conf={json.dumps({'directory': str(directory)})}",
        *(f"--reprocess-behavior={reprocess}", f"--max-active-runs={len(DAYS)}"),
    ]
    for _ in range(5):
        done = airflow.command(*command)
        begun = backfills_of(airflow).keys() - before.keys()
        if done.returncode == 0:
            break
        # One that met a lock half-way has no runs, and would stand in the way of the next.
        for one in begun:
            airflow.api.ask("PUT", f"/api/v2/backfills/{one}/cancel")
    assert done.returncode == 0, done.stdout + done.stderr
    meanwhile()
    one = max(begun)
    wait_until(lambda: backfills_of(airflow)[one]["completed_at"] is not None, 150)


def backfills_of(airflow: Standalone) -> dict[int, dict[str, str | None]]:
    found = airflow.api.ask("GET", f"/api/v2/backfills?dag_id={BACKFILL_DAG}")["backfills"]
    return {one["id"]: one for one in found}


def runs_of(airflow: Standalone) -> list[dict[str, str]]:
    runs: list[dict[str, str]] = airflow.api.ask("GET", f"/api/v2/dags/{BACKFILL_DAG}/dagRuns")[
        "dag_runs"
    ]
    return runs
