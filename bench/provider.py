"""The operator as a task runs it, without Airflow's start of a task around it.

Its journal goes to a stand-in that takes as long for a write as Airflow's own store.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from airflow_provider_oms.cancellation.bulk.driver import BulkRun
from airflow_provider_oms.operators import bulk
from airflow_provider_oms.operators.bulk import OmsBulkCancelOrdersOperator
from bench.measure import REASON, Assignment, Measurement, measured


class StandInStore:
    """Keep values in memory, after the time that a real store takes.

    :param seconds: for one write; the writer waits, as it does for a real store's answer.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._values: dict[str, str] = {}

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, or the default.

        :param key: the key.
        :param default: for a key without a value.
        """
        return json.loads(self._values[key]) if key in self._values else default

    def set(self, key: str, value: Any) -> None:
        """Keep a value.

        :param key: its key.
        :param value: anything that JSON can hold.
        """
        self._values[key] = json.dumps(value)
        time.sleep(self._seconds)


class _TaskInstance:
    try_number = 1
    map_index = -1

    def xcom_push(self, key: str, value: Any) -> None:
        json.dumps({key: value})


class _SeenRun(BulkRun):
    latest: _SeenRun

    def run(self) -> None:
        _SeenRun.latest = self
        super().run()


def operator(assignment: Assignment) -> Measurement:
    """Cancel the set with the operator's own `execute`.

    :param assignment: what to do.
    """
    context: Any = {"ti": _TaskInstance(), "outlet_events": {}}
    if assignment.store_seconds is not None:
        context["task_state_store"] = StandInStore(assignment.store_seconds)
    task = OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders=list(assignment.order_ids),
        disposition_reason=REASON,
        max_orders=assignment.orders,
        max_workers=assignment.workers,
    )
    # What it spends on its journal is its own secret otherwise.
    with patch.object(bulk, "BulkRun", _SeenRun), measured(assignment.orders) as cost:
        summary = task.execute(context)
    if summary["outcomes"] != {"canceled": assignment.orders}:
        raise ValueError(f"not all orders ended canceled: {summary}")
    return replace(cost(), journal_seconds=_SeenRun.latest.journal_seconds)
