"""The operator as a task runs it, without Airflow's start of a task around it.

Its journal goes to a stand-in that takes as long for a write as Airflow's own store.
"""

from __future__ import annotations

import json
import time
from typing import Any

from airflow_provider_oms.exceptions import OmsBulkCancellationError
from airflow_provider_oms.operators.bulk import OmsBulkCancelOrdersOperator
from bench.measure import REASON, Assignment


class _StandInStore:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._values: dict[str, str] = {}

    def get(self, key: str, default: Any = None) -> Any:
        return json.loads(self._values[key]) if key in self._values else default

    def set(self, key: str, value: Any) -> None:
        self._values[key] = json.dumps(value)
        # The writer waits, as it does for a real store's answer.
        time.sleep(self._seconds)


class _TaskInstance:
    try_number = 1
    map_index = -1

    def xcom_push(self, key: str, value: Any) -> None:
        json.dumps({key: value})


def operator(assignment: Assignment) -> str:
    """Cancel the set with the operator's own `execute`, and return why it did not cancel all."""
    context: Any = {"ti": _TaskInstance(), "outlet_events": {}}
    if assignment.store_seconds is not None:
        context["task_state_store"] = _StandInStore(assignment.store_seconds)
    task = OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders=list(assignment.order_ids),
        disposition_reason=REASON,
        max_orders=assignment.orders,
        max_workers=assignment.workers,
    )
    try:
        outcomes = dict(task.execute(context)["outcomes"])
    except OmsBulkCancellationError as error:
        return str(error)
    is_done = outcomes == {"canceled": assignment.orders}
    return "" if is_done else f"not all orders ended canceled: {outcomes}"
