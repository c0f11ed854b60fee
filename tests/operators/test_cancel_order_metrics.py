"""The operator for one order emits the metrics and spans of a set of one, however it ends."""

from __future__ import annotations

import json
import socket
from typing import Any
from unittest.mock import MagicMock

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException
from interruption import interruptible
from measured import TASK, context_of, record_metrics, record_spans
from opentelemetry import trace
from raw_server import RawServer, answer

from airflow_provider_oms.exceptions import OmsCancellationError, OmsInvalidInputError
from airflow_provider_oms.operators.oms import OmsCancelOrderOperator

ORDER = {"orderID": 1010101, "orderState": "CANCELED", "orderStatus": "CANCELED"}
CANCELED = answer("200 OK", json.dumps(ORDER).encode())
NOT_FOUND = answer("404 Not Found", b'{"code": 5002}')
TAGS = {**TASK, "tenant": "10001", "dry_run": "false"}


@pytest.fixture
def oms(monkeypatch: pytest.MonkeyPatch) -> RawServer:
    server = RawServer([CANCELED])
    extra = {"tenant_id": "10001", "settle_seconds": 0, "deadline": 2}
    connection = {"conn_type": "oms", "host": server.url, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_OMS_DEFAULT", json.dumps(connection))
    return server


def cancel(oms: RawServer, **arguments: Any) -> None:
    given = {"order_id": 1010101, "disposition_reason": "created_by_mistake", **arguments}
    with oms:
        OmsCancelOrderOperator(task_id="cancel", **given).execute(context_of())


def test_a_canceled_order_is_counted_and_its_run_measured(
    oms: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = record_metrics(monkeypatch)
    cancel(oms)
    assert [(metric.name, metric.tags) for metric in metrics] == [
        ("oms.orders.canceled", {**TAGS, "outcome": "canceled"}),
        ("oms.orders.in_doubt", TAGS),
        ("oms.run.duration", TAGS),
    ]
    assert 0 < metrics[-1].value < 60_000


@pytest.mark.parametrize(
    ("skipped", "error"), [(None, OmsCancellationError), ("not_found", AirflowSkipException)]
)
def test_so_is_one_that_fails_or_skips_the_task(
    oms: RawServer, monkeypatch: pytest.MonkeyPatch, skipped: Any, error: type[Exception]
) -> None:
    oms.script = [NOT_FOUND]
    metrics, exporter = record_metrics(monkeypatch), record_spans(monkeypatch)
    with pytest.raises(error):
        cancel(oms, skip_on_outcomes=skipped)
    assert [metric.name for metric in metrics] == [
        "oms.orders.not_found",
        "oms.orders.in_doubt",
        "oms.run.duration",
        "oms.order.duration",
    ]
    order, run = exporter.get_finished_spans()
    assert (order.name, run.name) == ("oms.order", "oms.run")
    assert (order.status.status_code is trace.StatusCode.ERROR) == (skipped is None)


class Timeout(BaseException):
    """As Airflow's execution_timeout raises it: no Exception."""


def test_one_that_a_timeout_leaves_in_doubt_is_counted_once_and_shown_by_the_gauge(
    oms: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = record_metrics(monkeypatch)
    with interruptible(Timeout) as interrupt:

        def say_nothing(connection: socket.socket, _: bytes) -> None:
            interrupt()
            connection.recv(1)

        oms.script = [say_nothing]
        with pytest.raises(Timeout):
            cancel(oms)
    values = {metric.name: metric.value for metric in metrics}
    assert (values["oms.orders.unknown"], values["oms.orders.in_doubt"]) == (1, 1)
    assert len(values) == len(metrics)


def test_what_is_refused_before_anything_is_sent_is_no_order(
    oms: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = record_metrics(monkeypatch)
    with pytest.raises(OmsInvalidInputError):
        cancel(oms, order_id=-1)
    assert metrics == []


def test_metrics_that_cannot_be_emitted_change_nothing_else(
    oms: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_oms.metrics.Stats", MagicMock(incr=1))
    cancel(oms)
    assert len(oms.requests) == 1
