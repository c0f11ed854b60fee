"""A task that is killed between a cancel of a quantity and its answer, under a real scheduler."""

from __future__ import annotations

import pytest
from features import has
from standalone import Standalone, TaskInRun

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = [
    pytest.mark.airflow_db,
    pytest.mark.slow,
    pytest.mark.needs("a scheduler that is driven over its REST API"),
]

HANGING = 600
PARTS = {"lines": [3, 2], "shipments": [{"items": {"1": 3, "2": 2}}]}


def wait_for_next_attempt(task: TaskInRun) -> str:
    """Return how the task ended, after an attempt of it was killed."""
    if not has("retries of a task whose process was killed"):
        assert task.wait_for_end()["state"] == "failed"
        task.clear()
    return str(task.wait_for_end(timeout=300)["state"])


@pytest.mark.parametrize(("order_id", "acts"), [(551, True), (552, False)])
def test_the_next_attempt_cancels_no_more_than_was_asked_for(
    order_id: int, acts: bool, airflow: Standalone, tenant: EmulatorProcess
) -> None:
    tenant.load_orders([{"orderID": order_id, "parts": PARTS}])
    tenant.add_fault(
        "hang", call="cancel_items", order_id=order_id, seconds=HANGING, acts=acts, times=1
    )
    conf = {"order_id": tenant.native_id(order_id)}
    task = airflow.trigger("cancel_part_with_one_retry", conf, task_id="cancel")
    tenant.wait_for_cancel_post(order_id, timeout=300, call="cancel_items")
    task.kill()
    has_journal = has("task_state_store")
    assert wait_for_next_attempt(task) == ("success" if has_journal else "failed")
    result = task.result()
    # Without a journal it is unknown whether the first attempt canceled it, and nothing is sent.
    assert result["outcome"] == ("canceled" if has_journal else "unknown")
    line = tenant.parts(order_id)["lines"][1]
    assert line["canceled"] == (1 if acts or has_journal else 0)
    assert line["cancels"] == (1 if acts or not has_journal else 2)


@pytest.mark.parametrize(("first", "acts"), [(561, True), (571, False)])
def test_in_a_set_too_and_orders_that_were_not_begun_get_theirs(
    first: int, acts: bool, airflow: Standalone, tenant: EmulatorProcess
) -> None:
    whole, under_way, untouched = first, first + 1, first + 2
    in_part = [{"orderID": order_id, "parts": PARTS} for order_id in (under_way, untouched)]
    tenant.load_orders([{"orderID": whole}, *in_part])
    tenant.add_fault(
        "hang", call="cancel_items", order_id=under_way, seconds=HANGING, acts=acts, times=1
    )
    one_piece = {"line": 1, "quantity": 1}
    orders = [
        {"order_id": tenant.native_id(under_way), **one_piece},
        {"order_id": tenant.native_id(untouched), **one_piece},
        tenant.native_id(whole),
    ]
    task = airflow.trigger("cancel_parts_with_one_retry", {"orders": orders}, task_id="cancel")
    tenant.wait_for_cancel_post(under_way, timeout=300, call="cancel_items")
    task.kill()
    has_journal = has("task_state_store")
    assert wait_for_next_attempt(task) == ("success" if has_journal else "failed")
    outcomes = task.result()["outcomes"]
    # Without a journal, any order may have been canceled by the first attempt.
    assert outcomes == ({"canceled": 3} if has_journal else {"canceled": 1, "unknown": 2})
    assert tenant.cancels(whole) == 1
    lines = [tenant.parts(order_id)["lines"][1]["canceled"] for order_id in (under_way, untouched)]
    assert lines == ([1, 1] if has_journal else [int(acts), 0])
