"""`cancel_failed_reviews` in real Airflow, on a native tenant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dag_runs import RunDag, connect

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.airflow_db

DAG_ID = "cancel_failed_reviews"
FIRST = 6_900_001


@pytest.fixture(autouse=True)
def native(oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give two orders whose fraud check failed, one that passed, and one that was accepted."""
    connect(monkeypatch, oms, extra={"api": "native"})
    oms.clear_orders()
    failed, passed = ({"validationResults": [{"status": one}]} for one in ("Fail", "Pass"))
    held = {"status": "PendingReview"}
    natives = [held | failed, held | failed, held | passed, {"status": "Accepted"} | failed]
    orders = [{"orderID": FIRST + at, "native": one} for at, one in enumerate(natives)]
    oms.load_orders(orders)
    yield
    oms.clear_orders()


def canceled(oms: EmulatorProcess) -> list[int]:
    return [at for at in range(4) if oms.order(FIRST + at)["times_canceled"]]


def test_it_cancels_the_orders_whose_fraud_check_failed(
    oms: EmulatorProcess, run_dag: RunDag
) -> None:
    run = run_dag(DAG_ID)
    assert run.state == "success"
    assert canceled(oms) == [0, 1]
    assert [oms.cancels(FIRST + at) for at in range(4)] == [1, 1, 0, 0]
    assert run.results["cancel"][0]["outcomes"] == {"canceled": 2}
    assert oms.order(FIRST)["dispositionReason"] == "Fraud"


def test_an_order_that_was_accepted_meanwhile_is_kept_and_seen(
    oms: EmulatorProcess, run_dag: RunDag
) -> None:
    # The list is made of a search and a read, and the guard of another read.
    accepted = {**oms.order(FIRST)["native"], "status": "Accepted"}
    oms.add_fault(
        "status",
        call="get",
        order_id=FIRST,
        skip=1,
        status=200,
        body={**accepted, "tenantId": 10001},
    )
    run = run_dag(DAG_ID)
    oms.clear_faults()
    assert run.state == "failed"
    assert "only_if_states does not name Accepted" in run.log
    assert canceled(oms) == [1]
    assert oms.cancels(FIRST) == 0


def test_a_dry_run_cancels_nothing(oms: EmulatorProcess, run_dag: RunDag) -> None:
    run = run_dag(DAG_ID, dry_run=True)
    assert run.state == "success"
    assert run.results["cancel"][0]["outcomes"] == {"would_cancel": 2}
    assert canceled(oms) == []


def test_a_result_that_it_does_not_know_stops_the_run_and_is_named(
    oms: EmulatorProcess, run_dag: RunDag
) -> None:
    oms.load_orders(
        [
            {
                "orderID": FIRST + 3,
                "native": {"status": "PendingReview", "validationResults": [{"status": "Denied"}]},
            }
        ]
    )
    run = run_dag(DAG_ID)
    assert run.state == "failed"
    assert run.states["cancel"] == ["upstream_failed"]
    words = run.last_words()[-1]
    assert "(number 6900004): validationResults.0.status must be one of the words" in words
    assert canceled(oms) == []


def test_none_in_review_is_a_run_that_does_nothing(oms: EmulatorProcess, run_dag: RunDag) -> None:
    oms.clear_orders()
    run = run_dag(DAG_ID)
    assert run.state == "success"
    assert run.results["cancel"][0]["orders"] == 0
