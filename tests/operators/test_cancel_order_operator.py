"""The operator: templated, mappable, validated when it runs, its result there also on failure."""

from __future__ import annotations

import json
import socket
from typing import Any
from unittest.mock import MagicMock

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException
from interruption import interruptible
from raw_server import RawServer, answer

from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.exceptions import OmsCancellationError, OmsInvalidInputError
from airflow_provider_oms.operators.oms import OmsCancelOrderOperator

CANCELED = {"orderID": 1010101, "orderState": "CANCELED", "orderStatus": "CANCELED"}
CORRELATION_ID = "0123456789abcdef0123456789abcdef"
RESPONSE = answer(
    "200 OK", json.dumps(CANCELED).encode(), (f"x-vol-correlation: {CORRELATION_ID}",)
)


def context() -> Any:
    return {"ti": MagicMock(try_number=1)}


@pytest.fixture
def oms(monkeypatch: pytest.MonkeyPatch) -> RawServer:
    server = RawServer([RESPONSE])
    extra = {"tenant_id": "10001", "settle_seconds": 0, "deadline": 2}
    connection = {"conn_type": "oms", "host": server.url, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_OMS_DEFAULT", json.dumps(connection))
    return server


def operator(**arguments: Any) -> OmsCancelOrderOperator:
    given = {"order_id": 1010101, "disposition_reason": "created_by_mistake", **arguments}
    return OmsCancelOrderOperator(task_id="cancel", **given)


def test_the_contracts_example_leaves_the_operator_byte_for_byte(oms: RawServer) -> None:
    with oms:
        operator(
            order_id="1010101",
            disposition_reason="other",
            disposition_other_reason="Customer changed mind",
        ).execute(context())
    head, _, body = oms.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /api/v2/order/action/cancel HTTP/1.1"
    assert b"x-vol-tenant: 10001" in lines
    assert b"Content-Type: application/json" in lines
    assert body == (
        b'{"orderID": 1010101, "dispositionReason": "other", '
        b'"dispositionOtherReason": "Customer changed mind"}'
    )
    assert len(oms.requests) == 1


def test_its_result_is_a_small_dict(oms: RawServer) -> None:
    with oms:
        result = operator().execute(context())
    assert json.loads(json.dumps(result)) == {
        "order_id": 1010101,
        "looked_up_id": None,
        "outcome": "canceled",
        "confirmed_by": "answer",
        "order_state": "CANCELED",
        "order_status": "CANCELED",
        "correlation_id": CORRELATION_ID,
    }


def test_the_result_is_pushed_before_a_failure_is_raised(oms: RawServer) -> None:
    oms.script = [answer("404 Not Found", b'{"code": 5002}')]
    task_context = context()
    with oms, pytest.raises(OmsCancellationError) as failure:
        operator().execute(task_context)
    assert isinstance(failure.value, AirflowFailException)
    task_context["ti"].xcom_push.assert_called_once_with(
        key="return_value",
        value={
            "order_id": 1010101,
            "looked_up_id": None,
            "outcome": "not_found",
            "confirmed_by": "read",
            "order_state": None,
            "order_status": None,
            "correlation_id": None,
        },
    )


class Timeout(BaseException):
    """As Airflow's execution_timeout raises it: no Exception."""


@pytest.mark.parametrize("is_xcom_broken", [False, True])
def test_the_result_is_pushed_before_a_timeout_goes_on(
    oms: RawServer, is_xcom_broken: bool
) -> None:
    def say_nothing(connection: socket.socket, _: bytes) -> None:
        interrupt()
        connection.recv(1)

    oms.script = [say_nothing]
    task_context = context()
    push = task_context["ti"].xcom_push
    push.side_effect = ConnectionError("no XCom") if is_xcom_broken else None
    with oms, interruptible(Timeout) as interrupt, pytest.raises(Timeout):
        operator().execute(task_context)
    (call,) = push.call_args_list
    assert call.kwargs["key"] == "return_value"
    assert (call.kwargs["value"]["order_id"], call.kwargs["value"]["outcome"]) == (
        1010101,
        "unknown",
    )


def test_no_xcom_means_none_on_failure_either(oms: RawServer) -> None:
    oms.script = [answer("404 Not Found", b'{"code": 5002}')]
    task_context = context()
    with oms, pytest.raises(OmsCancellationError):
        operator(do_xcom_push=False).execute(task_context)
    task_context["ti"].xcom_push.assert_not_called()


def test_bad_input_is_accepted_by_the_constructor_and_refused_when_it_runs(oms: RawServer) -> None:
    with oms:
        refused: tuple[dict[str, Any], ...] = (
            {"order_id": 0},
            {"order_id": "{{ oops }}"},
            {"disposition_reason": "fraud"},
            {"disposition_reason": "other"},
            {"disposition_other_reason": "explained"},
            {"only_if_states": []},
        )
        for arguments in refused:
            task = operator(**arguments)
            with pytest.raises(OmsInvalidInputError, match="Nothing was sent"):
                task.execute(context())
        assert oms.requests == []


def test_every_argument_is_templated(oms: RawServer) -> None:
    with DAG("templates", schedule=None):
        task = operator(
            order_id="{{ params.id }}",
            disposition_reason="{{ params.reason }}",
            disposition_other_reason="Case {{ params.case }}",
            order_key="{{ params.key }}",
            note="Canceled by {{ params.case }}",
            only_if_states=["{{ params.state }}"],
            skip_on_outcomes=["not_{{ params.skipped }}"],
            oms_conn_id="oms_{{ params.tenant }}",
        )
    params = {"id": 5, "reason": "other", "case": "C-1", "state": "READY", "tenant": "eu"}
    params |= {"key": "number", "skipped": "found"}
    task.render_template_fields({"params": params})
    assert (task.order_id, task.disposition_reason) == ("5", "other")
    assert task.disposition_other_reason == "Case C-1"
    assert (task.order_key, task.note) == ("number", "Canceled by C-1")
    assert task.only_if_states == ["READY"]
    assert task.skip_on_outcomes == ["not_found"]
    assert task.oms_conn_id == "oms_eu"
    assert set(OmsCancelOrderOperator.template_fields) == {
        "order_id",
        "disposition_reason",
        "disposition_other_reason",
        "order_key",
        "note",
        "only_if_states",
        "skip_on_outcomes",
        "oms_conn_id",
    }


@pytest.mark.parametrize("is_native", [False, True])
@pytest.mark.parametrize("states", [None, "", []])
def test_a_guard_that_renders_to_nothing_lets_no_order_through(
    oms: RawServer, states: object, is_native: bool
) -> None:
    with DAG("guarded", schedule=None, render_template_as_native_obj=is_native):
        task = operator(only_if_states="{{ params.states }}")
    task.render_template_fields({"params": {"states": states}})
    with oms, pytest.raises(OmsInvalidInputError, match=r"only_if_states.*Nothing was sent"):
        task.execute(context())
    assert oms.requests == []


def test_a_guard_that_is_none_lets_no_order_through_in_a_mapped_task_either(
    oms: RawServer,
) -> None:
    # A mapped task's operator is made with the rendered arguments.
    task = operator(only_if_states=None)
    with oms, pytest.raises(OmsInvalidInputError, match=r"only_if_states.*Nothing was sent"):
        task.execute(context())
    assert oms.requests == []


def test_a_task_that_is_told_to_end_before_it_has_begun_sends_nothing(oms: RawServer) -> None:
    task = operator()
    task.on_kill()
    with oms, pytest.raises(OmsCancellationError, match="told to end") as failure:
        task.execute(context())
    assert failure.value.result.outcome is Outcome.NOT_ATTEMPTED
    assert oms.requests == []


@pytest.mark.parametrize(
    ("number", "in_doubt", "method"),
    [
        (1, None, b"POST"),
        (1, True, b"GET"),
        (2, None, b"GET"),
        (2, False, b"GET"),
        # As `airflow tasks test` has it.
        (0, None, b"GET"),
        (0, False, b"POST"),
    ],
)
def test_only_a_known_first_attempt_sends_unread(
    oms: RawServer, number: int, in_doubt: bool | None, method: bytes
) -> None:
    task_context: Any = {"ti": MagicMock(try_number=number)}
    with oms:
        operator(in_doubt=in_doubt).execute(task_context)
    assert [request.split()[0] for request in oms.requests] == [method]


def test_it_can_be_mapped() -> None:
    with DAG("mapped", schedule=None) as dag:
        OmsCancelOrderOperator.partial(
            task_id="by_id", disposition_reason="created_by_mistake"
        ).expand(order_id=[1, 2])
        OmsCancelOrderOperator.partial(task_id="by_case", disposition_reason="other").expand_kwargs(
            [{"order_id": 1, "disposition_other_reason": "Case 1"}]
        )
    assert set(dag.task_dict) == {"by_id", "by_case"}
