"""`cancel_order` in real Airflow: the values that its form accepts, and the text of a failure."""

from __future__ import annotations

import os
import signal
import socket
import threading
from datetime import timedelta
from typing import Any

import pytest
from dag_runs import DagFolder, Run, RunDag, connect
from raw_server import RawServer, answer

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.airflow_db

ORDER = 1010101
BYSTANDER = 1010102
INPUT = {"order_id": ORDER, "disposition_reason": "customer_changed_mind"}


@pytest.fixture(autouse=True)
def orders(oms: EmulatorProcess) -> None:
    oms.load_orders([{"orderID": ORDER}, {"orderID": BYSTANDER}])


def states(oms: EmulatorProcess) -> dict[int, str]:
    return {order_id: order["orderState"] for order_id, order in oms.orders().items()}


def the_one_error_line(run: Run) -> str:
    (line,) = set(run.last_words())
    assert run.state == "failed"
    return line


@pytest.mark.backends
def test_it_cancels_the_order_of_the_form_and_no_other(
    oms: EmulatorProcess, run_dag: RunDag
) -> None:
    run = run_dag("cancel_order", **INPUT)
    assert run.state == "success"
    assert run.results["cancel"][0]["outcome"] == "canceled"
    assert oms.cancel_posts(ORDER) == 1
    assert states(oms) == {**states(oms), ORDER: "CANCELED", BYSTANDER: "READY"}
    assert oms.order(ORDER)["dispositionReason"] == "customer_changed_mind"
    assert f"Canceling order {ORDER} at {oms.url} (environment sandbox, tenant 10001)" in run.log


def test_the_explanation_goes_with_the_reason_other(oms: EmulatorProcess, run_dag: RunDag) -> None:
    text = "Rejected, case 7"
    more = {"disposition_reason": "other", "disposition_other_reason": text}
    assert run_dag("cancel_order", **{**INPUT, **more}).state == "success"
    assert oms.order(ORDER)["dispositionOtherReason"] == text


def test_a_run_knows_nothing_of_what_the_one_before_was_given(
    oms: EmulatorProcess, run_dag: RunDag
) -> None:
    more = {"disposition_reason": "other", "disposition_other_reason": "Rejected, case 7"}
    assert run_dag("cancel_order", **{**INPUT, **more}).state == "success"
    run = run_dag("cancel_order", **{**INPUT, "order_id": BYSTANDER})
    assert run.state == "success", run.log
    assert oms.order(BYSTANDER)["dispositionOtherReason"] is None


def test_its_task_is_found_by_the_order(oms: EmulatorProcess, run_dag: RunDag) -> None:
    assert run_dag("cancel_order", **INPUT).names["cancel"] == [f"order {ORDER}"]
    assert run_dag("cancel_order", **{**INPUT, "order_id": 77}).names["cancel"] == ["order 77"]


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_an_empty_explanation_is_none(
    oms: EmulatorProcess, run_dag: RunDag, empty: str | None
) -> None:
    assert run_dag("cancel_order", **INPUT, disposition_other_reason=empty).state == "success"
    (request,) = oms.requests(order_id=ORDER)
    assert (
        request["body"] == f'{{"orderID": {ORDER}, "dispositionReason": "customer_changed_mind"}}'
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"order_id": None},
        {"order_id": 0},
        {"order_id": "1010101"},
        {"order_id": 1.5},
        {"order_id": 2**53},
        {"disposition_reason": None},
        {"disposition_reason": "fraud"},
        {"disposition_other_reason": "x" * 256},
    ],
)
def test_the_form_refuses_what_it_can_see_is_wrong(
    oms: EmulatorProcess, run_dag: RunDag, wrong: dict[str, Any]
) -> None:
    with pytest.raises(Exception, match="Invalid input for param"):
        run_dag("cancel_order", **{**INPUT, **wrong})
    assert oms.requests() == []


def test_a_trigger_without_input_cancels_nothing(oms: EmulatorProcess, run_dag: RunDag) -> None:
    with pytest.raises(Exception, match=r"(?i)param"):
        run_dag("cancel_order")
    assert oms.requests() == []


def test_the_form_asks_for_an_integer_a_choice_and_an_optional_text(
    example_dags: DagFolder,
) -> None:
    params = example_dags.dags["cancel_order"].params
    schemas = {name: params.get_param(name).schema for name in params}
    limits = {"type": "integer", "minimum": 1, "maximum": 2**53 - 1}
    assert limits.items() <= schemas["order_id"].items()
    assert all("title" in schema for schema in schemas.values())
    assert schemas["disposition_reason"]["enum"][-1] == "other"
    assert schemas["disposition_other_reason"]["type"] == ["null", "string"]


class TestFailures:
    def test_bad_input_sends_nothing(self, oms: EmulatorProcess, run_dag: RunDag) -> None:
        run = run_dag("cancel_order", **{**INPUT, "disposition_reason": "other"})
        assert "disposition_other_reason must be" in the_one_error_line(run)
        assert "Nothing was sent." in the_one_error_line(run)
        assert oms.requests() == []

    @pytest.mark.backends
    def test_wrong_credentials_end_at_the_token(
        self, oms: EmulatorProcess, run_dag: RunDag, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect(monkeypatch, oms, password="not-the-secret")
        run = run_dag("cancel_order", **INPUT)
        line = the_one_error_line(run)
        assert f"Order {ORDER}: forbidden" in line
        assert "check the connection's login (client id), password (client secret)" in line
        assert [request["method"] for request in oms.requests()] == ["POST"]
        assert oms.cancel_posts(ORDER) == 0
        assert "not-the-secret" not in run.log

    @pytest.mark.backends
    def test_an_unknown_order_is_named(self, oms: EmulatorProcess, run_dag: RunDag) -> None:
        run = run_dag("cancel_order", **{**INPUT, "order_id": 77})
        line = the_one_error_line(run)
        assert "Order 77: not_found" in line
        assert "check the order id and the connection's tenant and environment" in line
        assert oms.cancel_posts(77) == 1
        assert run.results["cancel"][0]["outcome"] == "not_found"
        assert (states(oms)[ORDER], states(oms)[BYSTANDER]) == ("READY", "READY")

    def test_a_tenant_without_translated_apis_is_called_probable(
        self, oms: EmulatorProcess, run_dag: RunDag, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page = answer("404 Not Found", b"<html>nothing here</html>")
        with RawServer([page]) as somewhere_else:
            connect(monkeypatch, oms, host=somewhere_else.url, extra={"auth_url": oms.url})
            run = run_dag("cancel_order", **INPUT)
        line = the_one_error_line(run)
        assert "The tenant is probably not configured for translated APIs" in line
        assert "an HTML page" in line
        assert len(somewhere_else.requests) == 1

    def test_a_dead_host_is_given_up_at_the_deadline(
        self, oms: EmulatorProcess, run_dag: RunDag, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        extra = {"auth_url": oms.url, "deadline": 1}
        connect(monkeypatch, oms, host=f"http://127.0.0.1:{port}", extra=extra)
        run = run_dag("cancel_order", **INPUT)
        line = the_one_error_line(run)
        assert f"Order {ORDER}: not_attempted, no cancel took effect; " in line
        assert f"127.0.0.1:{port}" in line
        assert oms.cancel_posts(ORDER) == 0

    def test_a_wrong_connection_names_every_field(
        self, oms: EmulatorProcess, run_dag: RunDag, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect(monkeypatch, oms, extra={"environment": "prod", "tenant": "10001"})
        line = the_one_error_line(run_dag("cancel_order", **INPUT))
        assert "environment" in line
        assert "tenant" in line
        assert oms.requests() == []

    @pytest.mark.needs("a dag.test() that goes on after a task's timeout")
    def test_a_timeout_of_airflows_leaves_a_result(
        self,
        oms: EmulatorProcess,
        run_dag: RunDag,
        example_dags: DagFolder,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        dag = example_dags.read("cancel_order")
        dag.get_task("cancel").execution_timeout = timedelta(minutes=10)
        monkeypatch.setattr(example_dags, "read", lambda dag_id: {"cancel_order": dag}[dag_id])
        oms.set_faults([{"kind": "hang", "seconds": 30, "times": 1}])

        def time_out() -> None:
            """Let Airflow's own alarm ring as soon as the cancel has arrived."""
            oms.wait_for_cancel_post(ORDER)
            os.kill(os.getpid(), signal.SIGALRM)

        threading.Thread(target=time_out).start()
        run = run_dag("cancel_order", **INPUT)
        oms.clear_faults()
        assert run.state == "failed"
        assert run.results["cancel"][0]["outcome"] == "unknown"
        assert oms.cancel_posts(ORDER) == 1
