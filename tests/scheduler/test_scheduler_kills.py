"""A task that is ended between its cancel and the answer, under a real scheduler.

Whatever ended it, the next attempt reads the order first, and cancels it only if that is open.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import psutil
import pytest
from features import has
from standalone import Standalone, TaskInRun

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = [
    pytest.mark.airflow_db,
    pytest.mark.slow,
    pytest.mark.needs("a scheduler that is driven over its REST API"),
]

DAG_ID = "cancel_with_one_retry"
SETTLE_SECONDS = 3
# Longer than any test takes: no answer comes before the order's end is known.
HANGING = 600


def begin(
    airflow: Standalone, tenant: EmulatorProcess, order_id: int, *, acts: bool, hanging: float
) -> TaskInRun:
    """Start a task, and return once its cancel is at the OMS, which does not answer."""
    tenant.load_orders([{"orderID": order_id, "orderState": "READY", "orderStatus": "READY"}])
    tenant.add_fault("hang", order_id=order_id, seconds=hanging, acts=acts, times=1)
    task = airflow.trigger(DAG_ID, {"order_id": order_id}, task_id="cancel")
    tenant.wait_for_cancel_post(order_id, timeout=300)
    return task


def kill(task: TaskInRun) -> None:
    task.kill()
    if not has("retries of a task whose process was killed"):
        # Airflow 3.0 takes it for a final failure, and leaves the rest to a person.
        assert task.wait_for_end()["state"] == "failed"
        task.clear()


def kill_supervisor(task: TaskInRun) -> None:
    """Kill the process that watches over the task's, which then goes on alone."""
    supervisor = task.process().parent()
    assert supervisor is not None
    supervisor.kill()


def mark_failed_and_clear(task: TaskInRun) -> None:
    task.mark_failed()
    task.clear()


def requests(tenant: EmulatorProcess, order_id: int) -> list[tuple[str, datetime]]:
    """Return the method and the time of every request about an order, as they came in."""
    return [
        (request["method"], datetime.fromisoformat(request["time"]))
        for request in tenant.requests(order_id=order_id)
    ]


def assert_second_attempt_ended_canceled(task: TaskInRun, confirmed_by: str) -> None:
    assert task.wait_for_end(timeout=300)["state"] == "success"
    assert task.tries() == [(1, "failed"), (2, "success")]
    result = task.result()
    assert result["outcome"] == "canceled"
    assert result["confirmed_by"] == confirmed_by
    assert result["order_state"] == "CANCELED"
    assert any("in doubt from an earlier attempt" in said for said in task.log_of(2))


@pytest.mark.parametrize(
    ("order_id", "end"),
    [(501, kill), (502, mark_failed_and_clear), (506, kill_supervisor)],
)
def test_a_cancel_that_the_oms_acted_on_is_found_by_a_read_and_not_sent_again(
    order_id: int,
    end: Callable[[TaskInRun], None],
    airflow: Standalone,
    tenant: EmulatorProcess,
    record_property: Callable[[str, object], None],
) -> None:
    task = begin(airflow, tenant, order_id, acts=True, hanging=HANGING)
    process = task.process()
    end(task)
    assert_second_attempt_ended_canceled(task, confirmed_by="read")
    # One whose supervisor was killed still waits for its answer.
    with suppress(psutil.NoSuchProcess):
        process.kill()
    if end is kill:
        is_retried = has("retries of a task whose process was killed")
        how = "is retried, and reads first" if is_retried else "fails; cleared, it reads first"
        record_property("degrades:a task whose process is killed", how)
    assert [method for method, _ in requests(tenant, order_id)] == ["POST", "GET"]
    assert tenant.order(order_id)["times_canceled"] == 1


@pytest.mark.parametrize(("order_id", "end"), [(503, kill), (504, mark_failed_and_clear)])
def test_a_cancel_that_was_lost_is_sent_again_when_reads_have_shown_the_order_open_long_enough(
    order_id: int, end: Callable[[TaskInRun], None], airflow: Standalone, tenant: EmulatorProcess
) -> None:
    task = begin(airflow, tenant, order_id, acts=False, hanging=HANGING)
    end(task)
    assert_second_attempt_ended_canceled(task, confirmed_by="answer")
    (first, _), *reads, (last, posted_at) = requests(tenant, order_id)
    assert (first, last) == ("POST", "POST")
    assert {method for method, _ in reads} == {"GET"}
    # Between the beginning of the second attempt and its cancel is all of the settling.
    began_at = datetime.fromisoformat(task.now()["start_date"])
    assert (posted_at - began_at).total_seconds() > SETTLE_SECONDS
    assert tenant.order(order_id)["times_canceled"] == 1


def test_a_task_that_was_marked_failed_sends_no_further_cancel(
    airflow: Standalone, tenant: EmulatorProcess
) -> None:
    # Airflow sends SIGTERM within 5 s, which ends nothing by itself, and kills the process another
    # 5 s later. In between, the cancel turns out to be lost, and it would be time for the next.
    task = begin(airflow, tenant, 505, acts=False, hanging=6)
    process = task.process()
    task.mark_failed()
    process.wait(120)
    assert [method for method, _ in requests(tenant, 505)].count("POST") == 1
    assert tenant.order(505)["orderState"] == "READY"
