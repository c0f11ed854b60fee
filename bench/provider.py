"""The operator as a task runs it, without Airflow's start of a task around it.

Its journal goes to a stand-in that takes as long for a write as Airflow's own store.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from airflow_provider_oms import bulk_work
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.validation import CancelRequest, OrderId
from airflow_provider_oms.cancellation.bulk.driver import BulkRun
from airflow_provider_oms.cancellation.bulk.journal import Journal
from airflow_provider_oms.cancellation.bulk.limits import Limits
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet
from airflow_provider_oms.cancellation.history import Policy
from airflow_provider_oms.exceptions import OmsBulkCancellationError
from airflow_provider_oms.operators.bulk import OmsBulkCancelOrdersOperator
from bench.measure import REASON, Assignment, Measurement, measured

_SECONDS_FOR_A_CANCEL = 0.005


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
    """Cancel the set with the operator's own `execute`, all of it.

    :param assignment: what to do.
    """
    cost = operator_to_its_end(assignment)
    if cost.failure:
        raise ValueError(cost.failure)
    return cost


def operator_to_its_end(assignment: Assignment) -> Measurement:
    """Let the operator's own `execute` cancel the set, or end otherwise.

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
    # Otherwise the time spent on its journal could not be measured.
    with patch.object(bulk_work, "BulkRun", _SeenRun), measured(assignment.orders) as cost:
        try:
            outcomes = dict(task.execute(context)["outcomes"])
            is_done = outcomes == {"canceled": assignment.orders}
            failure = "" if is_done else f"not all orders ended canceled: {outcomes}"
        except OmsBulkCancellationError as error:
            failure = str(error)
    return replace(cost(), journal_seconds=_SeenRun.latest.journal_seconds, failure=failure)


class _Elsewhere(StandInStore):
    """Keep nothing in this process, as a real store does."""

    def set(self, key: str, value: Any) -> None:
        super().set(key, value)
        self._values.clear()


class _EveryCancelActs:
    """Stand in for a client of a tenant whose order ids are hexadecimal; it makes no request.

    Each cancel takes some time, because a run takes up orders for two seconds ahead: without it,
    these would be far more than in any real run.
    """

    def get_order(self, order_id: Any, /) -> Order:
        return Order(order_id, "CANCELED", "CANCELED", {}, uuid.uuid4().hex)

    def find_orders(self, order_ids: Iterable[Any], /) -> dict[Any, Order]:
        return {order_id: self.get_order(order_id) for order_id in order_ids}

    def post_cancel(
        self, request: CancelRequest, /, *, may_send: Callable[[], bool] | None = None
    ) -> Order:
        if may_send is None or not may_send():
            raise ValueError("the bench let a cancel leave that may not")
        time.sleep(_SECONDS_FOR_A_CANCEL)
        return self.get_order(request.order_id)


def _silent() -> logging.Logger:
    # What formats a line is imported with the first one: that is no memory of an order.
    log = logging.Logger("bench")  # noqa: LOG001 - apart from all others
    log.addHandler(logging.NullHandler())
    return log


def hexadecimal(assignment: Assignment) -> Measurement:
    """Run the engine over a set whose ids are 32 hexadecimal digits, without a request.

    :param assignment: what to do.
    """
    with measured(assignment.orders) as cost:
        requests: dict[OrderId, CancelRequest] = {}
        for number in assignment.order_ids:
            order_id = uuid.uuid5(uuid.NAMESPACE_OID, str(number)).hex
            requests[order_id] = CancelRequest(order_id, REASON, None)
        store = _Elsewhere(assignment.store_seconds or 0.0)
        run = BulkRun(
            _EveryCancelActs(),
            OrderSet(requests),
            Policy(),
            Journal(store, now=time.time(), order_ids=requests),
            Limits(max_workers=assignment.workers),
            log=_silent(),
        )
        run.run()
    if run.tally.total != assignment.orders or run.tally.failures:
        raise ValueError(f"not all orders ended canceled: {run.tally.as_text()}")
    return cost()
