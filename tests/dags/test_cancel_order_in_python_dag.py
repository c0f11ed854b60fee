"""`cancel_order_in_python` in real Airflow: the hook in a user's own task."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from dag_runs import DagFolder, RunDag, connect

from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import OmsCancellationError

pytestmark = pytest.mark.airflow_db


def test_an_unpaid_order_is_canceled_and_a_paid_one_is_not(
    oms: EmulatorProcess, run_dag: RunDag
) -> None:
    oms.load_orders([{"orderID": 1010101, "orderState": "PAYMENT_HOLD"}, {"orderID": 1010102}])
    unpaid, paid = (run_dag("cancel_order_in_python", order_id=one) for one in (1010101, 1010102))
    assert (unpaid.state, paid.state) == ("success", "success")
    assert unpaid.results["cancel_unpaid"] == [{"order_id": 1010101, "outcome": "canceled"}]
    assert paid.results["cancel_unpaid"] == [{"order_id": 1010102, "outcome": "not_cancelable"}]
    assert (oms.cancel_posts(1010101), oms.cancel_posts(1010102)) == (1, 0)
    again = run_dag("cancel_order_in_python", order_id=1010101)
    assert again.results["cancel_unpaid"] == [{"order_id": 1010101, "outcome": "already_canceled"}]
    assert oms.cancel_posts(1010101) == 1


def test_an_order_that_still_waits_and_cannot_be_canceled_fails_the_task(
    oms: EmulatorProcess, run_dag: RunDag
) -> None:
    oms.load_orders([{"orderID": 1010101, "orderState": "PAYMENT_HOLD"}])
    oms.set_faults([{"kind": "status", "status": 409}])
    run = run_dag("cancel_order_in_python", order_id=1010101)
    oms.clear_faults()
    assert run.state == "failed"
    assert "not_cancelable" in run.log
    assert oms.order(1010101)["orderState"] == "PAYMENT_HOLD"


def test_a_retry_says_canceled_of_what_an_earlier_attempt_has_canceled(
    oms: EmulatorProcess,
    example_dags: DagFolder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    oms.load_orders([{"orderID": 1010101, "orderState": "PAYMENT_HOLD"}])
    connect(monkeypatch, oms, extra={"deadline": 3})
    cancel = example_dags.dags["cancel_order_in_python"].get_task("cancel_unpaid").python_callable
    oms.set_faults([{"kind": "drop"}, {"kind": "drop", "call": "get", "when": "before", "skip": 1}])
    with pytest.raises(OmsCancellationError, match="unknown") as failure:
        cancel("1010101")
    assert not isinstance(failure.value, AirflowFailException)
    oms.clear_faults()
    monkeypatch.setenv("AIRFLOW_CTX_TRY_NUMBER", "2")
    assert cancel("1010101") == {"order_id": 1010101, "outcome": "canceled"}
    assert oms.cancel_posts(1010101) == 1


def test_anything_else_fails_the_task(oms: EmulatorProcess, run_dag: RunDag) -> None:
    assert run_dag("cancel_order_in_python", order_id=77).state == "failed"
