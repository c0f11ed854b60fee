"""A sensor that waits in a real triggerer, which is killed and comes back."""

from __future__ import annotations

import pytest
from standalone import Standalone

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = [
    pytest.mark.airflow_db,
    pytest.mark.slow,
    pytest.mark.needs("a scheduler that is driven over its REST API"),
]

LINK = "https://admin.example.com/orders/"


def load(tenant: EmulatorProcess, order_id: int, state: str) -> None:
    tenant.load_orders([{"orderID": order_id, "orderState": state, "orderStatus": state}])


def test_a_wait_goes_on_where_it_was_when_the_triggerer_comes_back(
    airflow: Standalone, tenant: EmulatorProcess
) -> None:
    load(tenant, 601, "READY")
    task = airflow.trigger("wait_for_order", {"order_id": 601}, task_id="wait")
    task.wait_until_it_rests()
    airflow.kill_triggerer()
    before = len(tenant.requests(order_id=601))
    load(tenant, 601, "SHIPPED")
    airflow.start_triggerer()
    assert task.wait_for_end(timeout=300)["state"] == "success"
    assert task.result() == {"order_id": 601, "order_state": "SHIPPED", "order_status": "SHIPPED"}
    assert task.tries() == [(1, "success")]
    requests = tenant.requests(order_id=601)
    assert len(requests) > before
    assert {request["method"] for request in requests} == {"GET"}
    assert task.links() == {"Order in Kibo": f"{LINK}601"}


def test_nothing_secret_and_nothing_of_the_shopper_is_in_what_airflow_keeps(
    airflow: Standalone, tenant: EmulatorProcess
) -> None:
    load(tenant, 602, "READY")
    task = airflow.trigger("wait_for_order", {"order_id": 602}, task_id="wait")
    task.wait_until_it_rests()
    trigger = str(task.now()["trigger"])
    load(tenant, 602, "CANCELED")
    assert task.wait_for_end(timeout=300)["state"] == "failed"
    log = task.wait_for_log("Order 602 is CANCELED")
    shopper = tenant.order(602)["order"]
    for kept in (trigger, log, airflow.log.read_text(encoding="utf-8")):
        assert tenant.client_secret not in kept
        for value in (shopper.get("shippingAddressInformation") or {"none": "at all"}).values():
            assert not (isinstance(value, str) and len(value) > 5 and value in kept)
    assert task.links() == {"Order in Kibo": f"{LINK}602"}
