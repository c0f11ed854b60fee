"""A worker that was given up, and comes back: a pause of its machine, or a network that was cut."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import psutil
import pytest
from patience import wait_until
from standalone import Standalone

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = [
    pytest.mark.airflow_db,
    pytest.mark.slow,
    pytest.mark.needs("task_state_store", "retries of a task without a heartbeat"),
]

ORDERS = range(26_000_001, 26_000_801)
WORKERS = 8  # of the DAG
CANCEL_PATH = "/api/v2/order/action/cancel"


def test_an_attempt_that_was_given_up_begins_nothing_and_reports_nothing_when_it_comes_back(
    airflow: Standalone, tenant: EmulatorProcess, tmp_path: Path
) -> None:
    tenant.clear_requests()
    tenant.load_orders([{"orderID": order_id} for order_id in ORDERS])
    orders, results = tmp_path / "orders.jsonl", tmp_path / "results.jsonl"
    orders.write_text("".join(f"{order_id}\n" for order_id in ORDERS), encoding="utf-8")
    # The first attempt would take a minute and a half by itself, the second one is not slowed.
    tenant.add_fault("slow", seconds=1)
    conf = {"orders_path": str(orders), "results_path": str(results)}
    task = airflow.trigger("cancel_in_bulk", conf, task_id="cancel")
    wait_until(lambda: len(tenant.requests(method="POST", path=CANCEL_PATH)) > 5 * WORKERS, 150)
    first = task.process()
    paused = [first, psutil.Process(first.ppid())]
    for process in paused:
        process.send_signal(signal.SIGSTOP)
    tenant.clear_faults()
    try:
        # Another attempt takes over and comes to the end of the set.
        assert task.wait_for_end(timeout=300)["state"] == "success"
        written = results.read_text(encoding="utf-8")
    finally:
        for process in reversed(paused):
            process.send_signal(signal.SIGCONT)
    first.wait(120)
    assert task.tries() == [(1, "failed"), (2, "success")]
    rows = [json.loads(line) for line in written.splitlines()]
    assert {row["order_id"]: row["outcome"] for row in rows} == dict.fromkeys(ORDERS, "canceled")
    # The paused attempt began no more cancels. Only a request that the pause caught between the
    # last look at the clock and the socket leaves afterwards; each worker has one at most.
    twice = [order_id for order_id in ORDERS if tenant.cancel_posts(order_id) != 1]
    assert len(twice) <= WORKERS
    assert {tenant.cancel_posts(order_id) for order_id in twice} <= {2}
    assert results.read_text(encoding="utf-8") == written
    assert task.result()["outcomes"] == {"canceled": len(ORDERS)}
