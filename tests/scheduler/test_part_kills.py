"""A task that is killed between a cancel of a quantity and its answer, under a real scheduler."""

from __future__ import annotations

import pytest
from features import has
from standalone import Standalone

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = [
    pytest.mark.airflow_db,
    pytest.mark.slow,
    pytest.mark.needs("a scheduler that is driven over its REST API"),
]

HANGING = 600


@pytest.mark.parametrize(("order_id", "acts"), [(551, True), (552, False)])
def test_the_next_attempt_cancels_no_more_than_was_asked_for(
    order_id: int, acts: bool, airflow: Standalone, tenant: EmulatorProcess
) -> None:
    parts = {"lines": [3, 2], "shipments": [{"items": {"1": 3, "2": 2}}]}
    tenant.load_orders([{"orderID": order_id, "parts": parts}])
    tenant.add_fault(
        "hang", call="cancel_items", order_id=order_id, seconds=HANGING, acts=acts, times=1
    )
    conf = {"order_id": tenant.native_id(order_id)}
    task = airflow.trigger("cancel_part_with_one_retry", conf, task_id="cancel")
    tenant.wait_for_cancel_post(order_id, timeout=300, call="cancel_items")
    task.kill()
    if not has("retries of a task whose process was killed"):
        assert task.wait_for_end()["state"] == "failed"
        task.clear()
    has_journal = has("task_state_store")
    ended = task.wait_for_end(timeout=300)["state"]
    assert ended == ("success" if has_journal else "failed")
    result = task.result()
    # Without a journal it is unknown whether the first attempt canceled it, and nothing is sent.
    assert result["outcome"] == ("canceled" if has_journal else "unknown")
    line = tenant.parts(order_id)["lines"][1]
    assert line["canceled"] == (1 if acts or has_journal else 0)
    assert line["cancels"] == (1 if acts or not has_journal else 2)
