"""`cancel_order_in_python` in real Airflow: the hook in a task of one's own."""

from __future__ import annotations

import pytest
from dag_runs import RunDag

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.airflow_db


def test_an_unpaid_order_is_canceled_and_a_paid_one_is_not(
    oms: EmulatorProcess, run_dag: RunDag
) -> None:
    oms.load_orders([{"orderID": 1010101, "orderState": "PAYMENT_HOLD"}, {"orderID": 1010102}])
    unpaid, paid = (run_dag("cancel_order_in_python", order_id=one) for one in (1010101, 1010102))
    assert (unpaid.state, paid.state) == ("success", "success")
    assert unpaid.results["cancel_unpaid"] == [{"order_id": 1010101, "outcome": "canceled"}]
    assert paid.results["cancel_unpaid"] == [{"order_id": 1010102, "outcome": "left alone"}]
    assert (oms.cancel_posts(1010101), oms.cancel_posts(1010102)) == (1, 0)
    again = run_dag("cancel_order_in_python", order_id=1010101)
    assert again.results["cancel_unpaid"] == [{"order_id": 1010101, "outcome": "left alone"}]
    assert oms.cancel_posts(1010101) == 1
