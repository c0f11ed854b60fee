"""A single order that ends as the caller expects skips its task, and any other end fails it."""

from __future__ import annotations

import json
import logging
import re
from typing import Any
from unittest.mock import MagicMock

import pytest
from airflow.providers.common.compat.sdk import (
    DAG,
    AirflowFailException,
    AirflowSkipException,
    task,
)
from raw_server import RawServer, answer

from airflow_provider_oms.cancellation.outcomes import ACCEPTABLE, Outcome
from airflow_provider_oms.exceptions import OmsCancellationError, OmsInvalidInputError
from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator, OmsCancelOrderOperator

ORDER = {"orderID": 1010101, "orderState": "SHIPPED", "orderStatus": "SHIPPED"}
NOT_FOUND = answer("404 Not Found", b'{"code": 5002}')
REFUSED = answer("409 Conflict", b'{"code": 5003, "message": "shipped"}')
SHIPPED = answer("200 OK", json.dumps(ORDER).encode())
FAILS = answer("503 Service Unavailable", b"{}")
ENDS = {
    "not_found": [NOT_FOUND],
    "not_cancelable": [REFUSED, SHIPPED],
    "refused": [answer("400 Bad Request", b'{"code": 5001}'), answer("400 Bad Request", b"{}")],
    "unknown": [FAILS],
}


@pytest.fixture
def oms(monkeypatch: pytest.MonkeyPatch) -> RawServer:
    server = RawServer([NOT_FOUND])
    extra = {"tenant_id": "10001", "settle_seconds": 0, "deadline": 0.5}
    connection = {"conn_type": "oms", "host": server.url, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_OMS_DEFAULT", json.dumps(connection))
    return server


def operator(**arguments: Any) -> OmsCancelOrderOperator:
    given = {"order_id": 1010101, "disposition_reason": "created_by_mistake", **arguments}
    return OmsCancelOrderOperator(task_id="cancel", **given)


def context(attempt: int = 1) -> Any:
    return {"ti": MagicMock(try_number=attempt)}


@pytest.mark.parametrize("outcome", ["not_found", "not_cancelable"])
@pytest.mark.parametrize("named", [str, lambda outcome: [outcome], lambda outcome: (outcome,)])
def test_an_order_that_ends_so_skips_the_task_once_its_result_is_pushed_and_logged(
    oms: RawServer,
    outcome: str,
    named: Any,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    oms.script = list(ENDS[outcome])
    task_context = context()
    with (
        oms,
        caplog.at_level(logging.INFO),
        pytest.raises(AirflowSkipException, match=f"Order 1010101 ended {outcome}, which skip_on_"),
    ):
        operator(skip_on_outcomes=named(outcome)).execute(task_context)
    ((call,),) = [task_context["ti"].xcom_push.call_args_list]
    assert call.kwargs["key"] == "return_value"
    assert call.kwargs["value"]["outcome"] == outcome
    # Airflow 2 logs through logging, Airflow 3 through structlog to standard output.
    log = capfd.readouterr().out + caplog.text
    assert re.search(rf"Order 1010101(?: is \w+)?: {outcome}, ", log)


@pytest.mark.parametrize(
    ("outcome", "skipped"),
    [
        ("not_found", "not_cancelable"),
        ("not_cancelable", ["not_found"]),
        ("refused", ["not_found", "not_cancelable"]),
        ("unknown", ["not_found", "not_cancelable"]),
        ("not_found", None),
        ("not_found", []),
        ("not_found", ""),
    ],
)
def test_any_other_end_fails_it(oms: RawServer, outcome: str, skipped: Any) -> None:
    oms.script = list(ENDS[outcome])
    with oms, pytest.raises(OmsCancellationError) as failure:
        operator(skip_on_outcomes=skipped).execute(context())
    assert failure.value.result.outcome == outcome
    assert isinstance(failure.value, AirflowFailException) is (outcome != "unknown")


def test_a_guard_that_does_not_let_the_order_through_counts_as_not_cancelable(
    oms: RawServer,
) -> None:
    oms.script = [SHIPPED]
    guarded = operator(only_if_states=["READY"], skip_on_outcomes="not_cancelable")
    with oms, pytest.raises(AirflowSkipException):
        guarded.execute(context())
    assert [request.split()[0] for request in oms.requests] == [b"GET"]


def test_a_later_attempt_is_skipped_for_what_its_read_shows(oms: RawServer) -> None:
    oms.script = [NOT_FOUND]
    with oms, pytest.raises(AirflowSkipException):
        operator(skip_on_outcomes="not_found").execute(context(attempt=2))
    assert [request.split()[0] for request in oms.requests] == [b"GET"]


def test_no_xcom_means_none_when_it_is_skipped_either(oms: RawServer) -> None:
    task_context = context()
    with oms, pytest.raises(AirflowSkipException):
        operator(skip_on_outcomes="not_found", do_xcom_push=False).execute(task_context)
    task_context["ti"].xcom_push.assert_not_called()


WRONG: list[Any] = [
    *("NOT_FOUND", "99", 99, True, " ", "None", {"not_found": 1}, [None], [["not_found"]]),
    ["not_found", "unknown"],
    *(outcome for outcome in Outcome if outcome not in ACCEPTABLE),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_literal_that_cannot_be_accepted_is_refused_when_the_file_is_read(wrong: Any) -> None:
    rule = "must be not_cancelable, not_found, a list of these, or left out; got "
    with pytest.raises(OmsInvalidInputError, match=f"skip_on_outcomes {rule}"):
        operator(skip_on_outcomes=wrong)
    with pytest.raises(OmsInvalidInputError, match=f"accepted_outcomes {rule}"):
        OmsBulkCancelOrdersOperator(task_id="cancel", orders=[1], accepted_outcomes=wrong)


@pytest.mark.parametrize(
    ("make", "name", "over"),
    [
        (OmsCancelOrderOperator, "skip_on_outcomes", {"order_id": [1]}),
        (OmsBulkCancelOrdersOperator, "accepted_outcomes", {"orders": [[1]]}),
    ],
)
def test_so_is_one_of_a_mapped_task_whose_operator_is_made_when_it_runs(
    make: Any, name: str, over: dict[str, Any]
) -> None:
    with pytest.raises(OmsInvalidInputError, match=f"{name} must be"):
        make.partial(task_id="cancel", disposition_reason="other", **{name: "refused"})
    with DAG("mapped", schedule=None):
        for number, value in enumerate(["not_found", "{{ params.accepted }}", ["not_found"]]):
            given = {"task_id": f"cancel_{number}", name: value}
            mapped = make.partial(disposition_reason="other", **given).expand(**over)
            assert getattr(mapped.unmap(over), name) == value


@pytest.mark.parametrize("is_listed", [False, True])
def test_what_another_task_returns_is_not_looked_at_before_it_is_there(is_listed: bool) -> None:
    with DAG("of_a_task", schedule=None):
        names = task(task_id="names")(lambda: "not_found")()
        skipped = [names, "not_found"] if is_listed else names
        assert operator(skip_on_outcomes=skipped).skip_on_outcomes is skipped


def test_what_a_template_comes_out_as_is_refused_before_anything_is_sent(oms: RawServer) -> None:
    with DAG("templates", schedule=None):
        task = operator(skip_on_outcomes="{{ params.skipped }}")
    task.render_template_fields({"params": {"skipped": "forbidden"}})
    with oms, pytest.raises(OmsInvalidInputError, match=r"skip_on_outcomes.*Nothing was sent"):
        task.execute(context())
    assert oms.requests == []


@pytest.mark.parametrize("rendered", ['["not_found"]', "not_found", "not_cancelable, not_found"])
def test_a_template_comes_out_as_a_word_a_list_or_a_json_array(
    oms: RawServer, rendered: str
) -> None:
    with DAG("templates", schedule=None):
        task = operator(skip_on_outcomes="{{ params.skipped }}")
    task.render_template_fields({"params": {"skipped": rendered}})
    with oms, pytest.raises(AirflowSkipException):
        task.execute(context())
