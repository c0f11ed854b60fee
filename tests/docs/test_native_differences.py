"""The statements about native tenants on the page of faults, checked with a native emulator."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pages import rows, text_of

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.cancellation.outcomes import CancellationResult
from airflow_provider_oms.cancellation.policy import policy_for
from airflow_provider_oms.cancellation.runner import cancel_order
from airflow_provider_oms.emulator.testing import EmulatorProcess

ROWS = {
    what: native
    for what, _, native in rows(
        text_of("docs/what-happens-when.md"), "| what happens | translated | native |"
    )
}
SHOP = "external_id:SHOP-"


@pytest.fixture
def oms(emulator: EmulatorProcess) -> EmulatorProcess:
    """Give a tenant with three orders, of which two on different sites have one number."""
    emulator.settings(native_order_numbers="site")
    emulator.load_orders(
        {"orderID": one, "native": {"orderNumber": max(2, one), "siteId": one, **more}}
        for one, more in (
            (1, {"externalId": "SHOP-1"}),
            (2, {"externalId": "SHOP-2"}),
            (3, {"externalId": "SHOP-3", "restrictCancellation": True}),
        )
    )
    emulator.clear_requests()
    return emulator


def canceled(oms: EmulatorProcess, order_id: str, reason: str = "Fraud") -> CancellationResult:
    extra = {"api": "native", "tenant_id": oms.tenant, "settle_seconds": 0.3, "deadline": 1}
    settings = TenantSettings.from_connection(name="c", host=oms.url, extra=json.dumps(extra))
    policy = policy_for(settings, only_if_states=None)
    with OmsClient(settings) as client:
        return cancel_order(client, client.dialect.cancel_request(order_id, reason), policy)


@pytest.mark.parametrize(
    ("what", "order_id", "switches", "outcome", "cancels"),
    [
        ("success, and our order is canceled in it", f"{SHOP}1", {}, "canceled", 1),
        (
            "success, and our order is not canceled in it: the cancel was taken",
            f"{SHOP}1",
            {"native_cancel_shows": "never"},
            "not_canceled",
            1,
        ),
        (
            "409, and a read shows the order open",
            f"{SHOP}1",
            {"native_unlisted_reason": 409, "native_reasons": ["Other"]},
            "refused",
            1,
        ),
        ("409, and a read shows the order open", f"{SHOP}3", {}, "not_cancelable", 1),
        ("the order is named by a number, and none has it", "number:7", {}, "not_found", 0),
        ("the order is named by a number, and several have it", "number:2", {}, "refused", 0),
        ("the number cannot be looked up", f"{SHOP}1", {"search_status": 500}, "not_attempted", 0),
    ],
)
def test_it_ends_as_the_page_says(
    what: str, order_id: str, switches: dict[str, Any], outcome: str, cancels: int, oms: Any
) -> None:
    assert f"`{outcome}`" in ROWS[what]
    if switches:
        oms.settings(**switches)
    assert canceled(oms, order_id).outcome == outcome
    assert len(oms.requests(call="cancel")) == cancels


def test_an_order_that_is_canceled_already_is_said_to_be(oms: EmulatorProcess) -> None:
    assert oms.cancel_by_system(1)
    assert ROWS["409, and a read shows the order canceled"] == "the same"
    assert canceled(oms, f"{SHOP}1").outcome == "already_canceled"
