"""The page for those who come from HttpOperator: its statements about that operator are true."""

from __future__ import annotations

import json
import re
from typing import Any
from unittest.mock import MagicMock

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowException
from airflow.providers.http.hooks.http import HttpHook
from pages import blocks, rows, text_of
from raw_server import RawServer, answer

from airflow_provider_oms.emulator.testing import EmulatorProcess

PAGE = text_of("docs/migrating.md")
BEFORE, AFTER, NATIVE = (content for _, content in blocks(PAGE, "python"))
CHANGES = {
    cells[0]: cells[1] for cells in rows(PAGE, "| | `HttpOperator` | `OmsCancelOrderOperator` |")
}
ORDER_ID = 1010101


@pytest.fixture
def tenant(emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> EmulatorProcess:
    emulator.load_orders([{"orderID": ORDER_ID}])
    connect(monkeypatch, emulator.url)
    oms = {"conn_type": "oms", "host": emulator.url}
    extra = {"tenant_id": emulator.tenant, "settle_seconds": 1}
    monkeypatch.setenv("AIRFLOW_CONN_OMS_DEFAULT", json.dumps({**oms, "extra": extra}))
    return emulator


def connect(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_KIBO", json.dumps({"conn_type": "http", "host": address}))


def task_of(snippet: str) -> Any:
    with DAG(dag_id="of_the_page", schedule=None) as dag:
        exec(compile(snippet, "docs/migrating.md", "exec"), {})  # noqa: S102 - our own page
    (task,) = dag.tasks
    # The one thing that needs rendering is the token, which the emulator does without here.
    if hasattr(task, "headers"):
        task.headers.pop("Authorization")
    return task


def context() -> Any:
    return {"ti": MagicMock(try_number=1)}


@pytest.mark.parametrize("snippet", [BEFORE, AFTER], ids=["before", "after"])
def test_both_cancel_the_order(tenant: EmulatorProcess, snippet: str) -> None:
    task_of(snippet).execute(context())
    assert tenant.order(ORDER_ID)["orderState"] == "CANCELED"
    assert tenant.cancel_posts(ORDER_ID) == 1


def test_the_native_one_cancels_the_shops_own_number(
    tenant: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant.load_orders([{"orderID": 7, "native": {"externalId": "SHOP-1042"}}])
    extra = {"api": "native", "tenant_id": tenant.tenant, "settle_seconds": 1}
    oms = {"conn_type": "oms", "host": tenant.url, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_OMS_DEFAULT", json.dumps(oms))
    task_of(NATIVE).execute(context())
    assert (tenant.order(7)["orderState"], tenant.cancels(7)) == ("CANCELED", 1)


def test_before_a_retry_sends_again_what_was_acted_on(tenant: EmulatorProcess) -> None:
    assert "a retry sends the cancel again" in CHANGES["no answer, or a 5xx"]
    tenant.add_fault("status", status=503, acts=True, times=1)
    task = task_of(BEFORE)
    with pytest.raises(AirflowException):
        task.execute(context())
    assert tenant.order(ORDER_ID)["orderState"] == "CANCELED"
    task.execute(context())
    assert tenant.cancel_posts(ORDER_ID) == 2


def test_after_the_order_is_read_instead(tenant: EmulatorProcess) -> None:
    tenant.add_fault("status", status=503, acts=True, times=1)
    assert task_of(AFTER).execute(context())["confirmed_by"] == "read"
    assert tenant.cancel_posts(ORDER_ID) == 1


def test_before_the_whole_answer_goes_to_xcom(tenant: EmulatorProcess) -> None:
    assert CHANGES["XCom"].startswith("the text of the answer, with the shopper's name")
    returned = task_of(BEFORE).execute(context())
    assert json.loads(returned) == tenant.order(ORDER_ID)["order"]


def test_before_the_test_button_sends_a_post(monkeypatch: pytest.MonkeyPatch) -> None:
    assert CHANGES["the *Test* button"] == "sends a POST to the host's root"
    with RawServer([answer("200 OK")]) as server:
        connect(monkeypatch, server.url)
        hook = HttpHook(http_conn_id="kibo")
        assert hook.test_connection()[0]  # type: ignore[no-untyped-call]  # it is not typed
        assert re.match(rb"POST / HTTP", server.requests[0])


def test_before_any_2xx_and_3xx_is_a_success_unless_the_answer_is_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert CHANGES["success"] == "any 2xx or 3xx, unless `response_check` says otherwise"
    with RawServer([answer("304 Not Modified")]) as server:
        connect(monkeypatch, server.url)
        unchecked = re.sub(r"    response_check=.*\n", "", BEFORE)
        assert unchecked != BEFORE
        assert task_of(unchecked).execute(context()) == ""
