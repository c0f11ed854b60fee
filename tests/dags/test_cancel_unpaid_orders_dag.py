"""`cancel_unpaid_orders` in real Airflow: one task finds the orders by a rule and cancels them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dag_runs import RunDag

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.airflow_db

DAG_ID = "cancel_unpaid_orders"
UNPAID, YOUNG, PAID, RELEASED = 6700001, 6700002, 6700003, 6700004
HOLD = {"orderState": "PAYMENT_HOLD", "orderStatus": "PAYMENT_HOLD"}


@pytest.fixture
def export(oms: EmulatorProcess, tmp_path: Path) -> str:
    """Return a file of four orders, of which one is to be canceled, and one is off hold."""
    order_ids = (UNPAID, YOUNG, PAID)
    oms.load_orders(
        [*({"orderID": order_id, **HOLD} for order_id in order_ids), {"orderID": RELEASED}]
    )
    old = (datetime.now(UTC) - timedelta(days=20)).isoformat()
    young = datetime.now(UTC).isoformat()
    rows = [
        "order_id,placed_at,paid_at",
        f"{UNPAID},{old},",
        f"{YOUNG},{young},",
        f"{PAID},{old},{young}",
        f"{RELEASED},{old},",
    ]
    path = tmp_path / "open.csv"
    path.write_text("\n".join([*rows, ""]), encoding="utf-8")
    return str(path)


def outcomes(run: Any) -> dict[str, int]:
    found: dict[str, int] = run.results["cancel_unpaid"][0]["outcomes"]
    return found


def test_it_begins_with_a_dry_run(oms: EmulatorProcess, run_dag: RunDag, export: str) -> None:
    run = run_dag(DAG_ID, orders_path=export)
    assert run.state == "failed"  # for the order that is off hold
    assert outcomes(run) == {"would_cancel": 1, "not_cancelable": 1}
    assert oms.requests(method="POST", path="/api/v2/order/action/cancel") == []


def test_the_unpaid_order_is_canceled_and_the_guard_keeps_the_released_one(
    oms: EmulatorProcess, run_dag: RunDag, export: str
) -> None:
    run = run_dag(DAG_ID, orders_path=export, dry_run=False)
    assert outcomes(run) == {"canceled": 1, "not_cancelable": 1}
    assert {each: oms.order(each)["cancels"] for each in (UNPAID, YOUNG, PAID, RELEASED)} == {
        UNPAID: 1,
        YOUNG: 0,
        PAID: 0,
        RELEASED: 0,
    }


def test_no_order_is_no_failure(oms: EmulatorProcess, run_dag: RunDag, export: str) -> None:
    run = run_dag(DAG_ID, orders_path=export, days=60, dry_run=False)
    assert (run.state, outcomes(run)) == ("success", {})
    assert oms.requests() == []
