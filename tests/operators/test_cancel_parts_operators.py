"""The operators of parts: templated, mappable, with a journal and a result also on failure."""

from __future__ import annotations

import inspect
import json
import socket
from typing import Any
from unittest.mock import MagicMock

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException
from interruption import interruptible
from raw_server import RawServer, Script, answer, hang_up

from airflow_provider_oms.cancellation.parts.tasks import PartOptions
from airflow_provider_oms.exceptions import OmsInvalidInputError, OmsPartsCancellationError
from airflow_provider_oms.hooks.oms import OmsHook
from airflow_provider_oms.operators.oms import (
    OmsCancelOrderItemsOperator,
    OmsCancelShipmentOperator,
)

ORDER = {"orderID": 8, "orderState": "READY", "orderStatus": "READY"}
ITEM = {"orderItemID": 81, "orderID": 8, "itemState": "NORMAL", "quantity": 2}
OTHER = {**ITEM, "orderItemID": 82}
CORRELATION_ID = "0123456789abcdef0123456789abcdef"
BOTH = [OmsCancelOrderItemsOperator, OmsCancelShipmentOperator]
ARGUMENTS: dict[Any, dict[str, Any]] = {
    OmsCancelOrderItemsOperator: {"items": [81], "send_notifications": False},
    OmsCancelShipmentOperator: {"shipment_id": 5},
}


def says(document: object, status: str = "200 OK") -> Script:
    return answer(status, json.dumps(document).encode(), (f"x-vol-correlation: {CORRELATION_ID}",))


# The search says that another item is open, and a read of it proves that.
READ = [
    says(ORDER),
    says(ITEM),
    says({"totalCount": 2, "collection": [ITEM, OTHER]}),
    says(OTHER),
]
CANCELED = says({**ITEM, "itemState": "CANCELED"})
NO_SUCH_ITEM = says({"code": 5002}, "404 Not Found")


class Store(dict[str, Any]):
    def set(self, key: str, value: Any) -> None:
        self[key] = value


def context(**more: Any) -> Any:
    return {"ti": MagicMock(try_number=1), **more}


@pytest.fixture
def oms(monkeypatch: pytest.MonkeyPatch) -> RawServer:
    server = RawServer([*READ, *READ, CANCELED])
    extra = {"tenant_id": "10001", "settle_seconds": 0, "deadline": 2}
    connection = {"conn_type": "oms", "host": server.url, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_OMS_DEFAULT", json.dumps(connection))
    return server


def operator(kind: Any = OmsCancelOrderItemsOperator, **arguments: Any) -> Any:
    reason = "no_inventory" if kind is OmsCancelOrderItemsOperator else "created_by_mistake"
    given = {"order_id": 8, "disposition_reason": reason, **ARGUMENTS[kind], **arguments}
    return kind(task_id="cancel", **given)


def test_its_result_is_a_small_dict(oms: RawServer) -> None:
    with oms:
        result = operator().execute(context())
    assert json.loads(json.dumps(result)) == {
        "order_id": 8,
        "looked_up_id": None,
        "outcome": "canceled",
        "order_state": "READY",
        "order_status": "READY",
        "parts": [
            {
                "shipment": None,
                "lines": [{"line": 81, "quantity": 2}],
                "outcome": "canceled",
                "confirmed_by": "answer",
                "correlation_id": CORRELATION_ID,
                "reason": "",
            }
        ],
    }
    assert len(oms.requests) == 9


def test_what_it_does_is_in_the_tasks_store(oms: RawServer) -> None:
    store = Store()
    with oms:
        operator().execute(context(task_state_store=store))
    assert store["oms_parts_plan"]["parts"] == [[8, "line", None, [[81, 81, 0, 2, 0, 0]]]]
    assert store["oms_parts_progress"]["ended"] == {"8/line:81": ["canceled", "answer"]}


@pytest.mark.parametrize("kind", BOTH)
def test_the_result_is_pushed_before_a_failure_is_raised(oms: RawServer, kind: Any) -> None:
    oms.script = [says(ORDER), NO_SUCH_ITEM]
    task_context = context()
    with oms, pytest.raises(OmsPartsCancellationError) as failure:
        operator(kind).execute(task_context)
    assert isinstance(failure.value, AirflowFailException)
    (push,) = task_context["ti"].xcom_push.call_args_list
    assert push.kwargs["key"] == "return_value"
    assert push.kwargs["value"]["outcome"] == "not_found"
    assert push.kwargs["value"] == failure.value.result.as_dict()


class Timeout(BaseException):
    """As Airflow's execution_timeout raises it: no Exception."""


@pytest.mark.parametrize("is_xcom_broken", [False, True])
def test_the_result_is_pushed_before_a_timeout_goes_on(
    oms: RawServer, is_xcom_broken: bool
) -> None:
    def say_nothing(connection: socket.socket, _: bytes) -> None:
        interrupt()
        connection.recv(1)

    oms.script = [*READ, *READ, say_nothing]
    task_context = context()
    push = task_context["ti"].xcom_push
    push.side_effect = ConnectionError("no XCom") if is_xcom_broken else None
    with oms, interruptible(Timeout) as interrupt, pytest.raises(Timeout):
        operator().execute(task_context)
    (call,) = push.call_args_list
    assert call.kwargs["value"]["parts"][0]["outcome"] == "unknown"


def test_no_xcom_means_none_on_failure_either(oms: RawServer) -> None:
    oms.script = [says(ORDER), NO_SUCH_ITEM]
    task_context = context()
    with oms, pytest.raises(OmsPartsCancellationError):
        operator(do_xcom_push=False).execute(task_context)
    task_context["ti"].xcom_push.assert_not_called()


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (OmsCancelOrderItemsOperator, {"items": []}),
        (OmsCancelOrderItemsOperator, {"items": "{{ oops }}"}),
        (OmsCancelOrderItemsOperator, {"items": [{"line": 81, "quantity": None}]}),
        (OmsCancelOrderItemsOperator, {"disposition_reason": "created_by_mistake"}),
        (OmsCancelOrderItemsOperator, {"send_notifications": None}),
        (OmsCancelOrderItemsOperator, {"allow_whole_order": "maybe"}),
        (OmsCancelOrderItemsOperator, {"block_assignment": True}),
        (OmsCancelOrderItemsOperator, {"order_id": 0}),
        (OmsCancelShipmentOperator, {"shipment_id": "5.0"}),
        (OmsCancelShipmentOperator, {"send_notifications": False}),
        (OmsCancelShipmentOperator, {"disposition_reason": "no_inventory"}),
        (OmsCancelShipmentOperator, {"dry_run": "perhaps"}),
        (OmsCancelOrderItemsOperator, {"only_if_states": None}),
        (OmsCancelShipmentOperator, {"only_if_states": ""}),
    ],
)
def test_bad_input_is_refused_when_it_runs(
    oms: RawServer, kind: Any, wrong: dict[str, Any]
) -> None:
    task = operator(kind, **wrong)
    with oms, pytest.raises(OmsInvalidInputError, match="Nothing was sent"):
        task.execute(context())
    assert oms.requests == []


@pytest.mark.parametrize("kind", BOTH)
def test_every_argument_but_one_is_templated(kind: Any) -> None:
    arguments = {*inspect.signature(kind).parameters} - {"kwargs", "in_doubt", "dry_run"}
    assert {*kind.template_fields} == arguments | {"is_dry_run"}


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        (OmsCancelOrderItemsOperator, OmsHook.cancel_items),
        (OmsCancelShipmentOperator, OmsHook.cancel_shipment),
    ],
)
def test_an_option_that_is_left_out_means_the_same_in_task_hook_and_set(
    kind: Any, method: Any
) -> None:
    of_set = inspect.signature(PartOptions.checked).parameters
    of_task, of_hook = (inspect.signature(one).parameters for one in (kind, method))
    shared = of_set.keys() & of_task.keys() & of_hook.keys()
    assert {"send_notifications", "block_assignment", "allow_whole_order"} <= shared
    for name in shared:
        assert of_task[name].default == of_hook[name].default, name
        if of_task[name].default is not inspect.Parameter.empty:
            assert of_task[name].default == of_set[name].default, name


@pytest.mark.parametrize("is_native", [False, True])
def test_items_can_come_from_a_template(oms: RawServer, is_native: bool) -> None:
    with DAG("templated", schedule=None, render_template_as_native_obj=is_native):
        task = operator(items="{{ params.lines | tojson }}", send_notifications="{{ true }}")
    task.render_template_fields({"params": {"lines": [{"line": 81}]}})
    with oms:
        assert task.execute(context())["outcome"] == "canceled"
    assert b'"sendCancellationEmails": true' in oms.requests[-1]


@pytest.mark.parametrize("kind", BOTH)
def test_a_mapped_task_keeps_airflows_defaults(kind: Any) -> None:
    with DAG("mapped", schedule=None):
        task = kind.partial(task_id="cancel", disposition_reason="x").expand_kwargs([{}])
    # Of a class between it and BaseOperator, Airflow 3.3 would take None.
    assert task.inlets == []
    assert task.outlets == []


def test_what_a_mapped_task_would_lose_is_refused() -> None:
    with DAG("mapped", schedule=None), pytest.raises(TypeError, match="send_notifications"):
        OmsCancelOrderItemsOperator.partial(
            task_id="cancel", default_args={"send_notifications": False}
        )


def test_nothing_more_is_sent_once_it_is_told_to_end(oms: RawServer) -> None:
    task = operator()

    def kill(connection: socket.socket, _: bytes) -> None:
        task.on_kill()
        hang_up(connection, b"")

    oms.script = [*READ, *READ, kill]
    with oms, pytest.raises(OmsPartsCancellationError) as failure:
        task.execute(context())
    assert failure.value.result.outcome.value == "unknown"
    assert len(oms.requests) == 9
