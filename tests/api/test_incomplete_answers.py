"""An answer that breaks off shows nothing, even where the part that came can be read by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from requests.structures import CaseInsensitiveDict

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.errors import (
    OmsAnotherTenantError,
    OmsError,
    OmsUnexpectedResponseError,
    OmsWrongServerError,
)
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.look_ups import host_in
from airflow_provider_oms.api.part_calls import Parts
from airflow_provider_oms.api.review import Reviews
from airflow_provider_oms.api.transport import Response

ID, ITEM_ID = "137a94b6402be0000137196800002711", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
NATIVE = {"api": "native", "tenant_id": "10001", "environment": "sandbox", "search_with_or": True}
TRANSLATED = {"tenant_id": "10001", "environment": "sandbox"}
ORDERS, SHIPMENTS = "/api/commerce/orders", "/api/commerce/shipments"
ORDER = {
    "id": ID,
    "tenantId": 10001,
    "orderNumber": 7,
    "status": "Canceled",
    "version": "V.7",
    "items": [{"id": ITEM_ID, "lineId": 1, "quantity": 5}],
}
SHIPMENT = {
    "shipmentNumber": 11,
    "orderId": ID,
    "tenantId": 10001,
    "shipmentStatus": "READY",
    "items": [{"lineId": 1, "originalOrderItemId": ITEM_ID, "quantity": 3}],
}
EIGHT = {"orderID": 8, "orderState": "CANCELED", "orderStatus": "CANCELED"}
ITEM = {"orderItemID": 81, "orderID": 8, "itemState": "NORMAL", "quantity": 2, "shipmentID": 5}
EIGHTS_SHIPMENT = {"shipmentID": 5, "orderID": 8, "shipmentStatus": "READY"}
DOCUMENTS: dict[str, object] = {
    ORDERS: {"totalCount": 1, "items": [ORDER]},
    f"{ORDERS}/{ID}": ORDER,
    f"{ORDERS}/cancel/reasons": {"items": [{"reasonCode": "Fraud"}]},
    f"{SHIPMENTS}/11": SHIPMENT,
    SHIPMENTS: {"_embedded": {"shipments": [SHIPMENT]}, "page": {"totalElements": 1}},
    "/api/event/pull": {"totalCount": 0, "items": []},
    "/api/v2/order/": {"totalCount": 1, "collection": [EIGHT]},
    "/api/v2/order/8": EIGHT,
    "/api/v2/orderItem/81": ITEM,
    "/api/v2/orderItem/": {"totalCount": 1, "collection": [ITEM]},
    "/api/v2/shipment/5": EIGHTS_SHIPMENT,
}


@dataclass
class Tenant:
    """Answer as a tenant does; the response from one path breaks off after its document.

    :param breaks_off_at: the path; empty for none.
    :param others: documents in place of the usual ones.
    """

    breaks_off_at: str = ""
    others: dict[str, object] = field(default_factory=dict)

    def exchange(self, method: str, url: str, **_: Any) -> Response:
        path = urlsplit(url).path
        document = (DOCUMENTS | self.others).get(path, ORDER if ORDERS in path else EIGHT)
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return Response(200, CaseInsensitiveDict(), body, path != self.breaks_off_at)

    def close(self) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Call:
    """One call of a client, and the path from which its last response comes."""

    api: dict[str, Any]
    path: str
    make: Callable[[OmsClient], object]


CALLS = {
    "order": Call(NATIVE, f"{ORDERS}/{ID}", lambda client: client.get_order(ID)),
    "number": Call(NATIVE, ORDERS, lambda client: client.get_order("number:7")),
    "orders": Call(NATIVE, ORDERS, lambda client: client.find_orders([ID])),
    "reasons": Call(NATIVE, f"{ORDERS}/cancel/reasons", lambda client: client.list_reasons()),
    "shipment": Call(
        NATIVE, f"{SHIPMENTS}/11", lambda client: Parts(client).get_parts(ID, shipments=[11])
    ),
    "shipments": Call(NATIVE, SHIPMENTS, lambda client: Parts(client).get_parts(ID, is_whole=True)),
    "order in review": Call(NATIVE, f"{ORDERS}/{ID}", lambda client: Reviews(client).order(ID)),
    "orders in review": Call(NATIVE, ORDERS, lambda client: Reviews(client).orders(at_most=9)),
    "events": Call(
        NATIVE,
        "/api/event/pull",
        lambda client: Reviews(client).events(datetime.now(UTC), is_filtered=True),
    ),
    "translated order": Call(TRANSLATED, "/api/v2/order/8", lambda client: client.get_order(8)),
    "translated orders": Call(TRANSLATED, "/api/v2/order/", lambda client: client.find_orders([8])),
    "translated item": Call(
        TRANSLATED, "/api/v2/orderItem/81", lambda client: Parts(client).get_parts(8, lines=[81])
    ),
    "translated shipment": Call(
        TRANSLATED, "/api/v2/shipment/5", lambda client: Parts(client).get_parts(8, shipments=[5])
    ),
}


def client_of(tenant: Tenant, extra: dict[str, Any], patch: pytest.MonkeyPatch) -> OmsClient:
    patch.setattr("airflow_provider_oms.api.client.Transport", lambda **_: tenant)
    return OmsClient(TenantSettings.from_connection(name="a", extra=extra))


@pytest.mark.parametrize("name", CALLS)
def test_a_whole_document_in_it_is_no_whole_answer(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = CALLS[name]
    with client_of(Tenant(), call.api, monkeypatch) as client:
        call.make(client)
    with (
        client_of(Tenant(call.path), call.api, monkeypatch) as client,
        pytest.raises(OmsUnexpectedResponseError) as error,
    ):
        call.make(client)
    assert error.value.evidence is Evidence.AMBIGUOUS


@pytest.mark.parametrize("breaks_off", [False, True])
def test_the_parts_of_a_translated_order_are_not_all_there(
    breaks_off: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = Tenant("/api/v2/orderItem/" if breaks_off else "")
    with client_of(tenant, TRANSLATED, monkeypatch) as client:
        shown = Parts(client).get_parts(8, lines=[81], is_whole=True)
    assert shown.shows_all is not breaks_off


@pytest.mark.parametrize(
    ("name", "document", "is_told"),
    [
        ("order", {**ORDER, "tenantId": 10002}, "of another tenant"),
        ("order", b"<html>Welcome", "tenant_id is wrong"),
        ("translated order", b"<html>Welcome", "tenant_id or host is wrong"),
        ("translated item", b"<html>Welcome", "tenant_id or host is wrong"),
    ],
)
@pytest.mark.parametrize("breaks_off", [False, True])
def test_it_tells_nothing_about_who_answered(
    name: str, document: object, is_told: str, breaks_off: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = CALLS[name]
    tenant = Tenant(call.path if breaks_off else "", {call.path: document})
    with client_of(tenant, call.api, monkeypatch) as client, pytest.raises(OmsError) as error:
        call.make(client)
    assert (is_told in str(error.value)) is not breaks_off
    assert isinstance(error.value, OmsAnotherTenantError) is (
        isinstance(document, dict) and not breaks_off
    )


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"id": 10001, "domain": "t10001.sandbox.mozu.com"}', None),
        (b"<html>Welcome", OmsWrongServerError),
        (b'{"id": 10002, "domain": "t10001.sandbox.mozu.com"}', OmsUnexpectedResponseError),
    ],
)
def test_nor_does_it_tell_a_tenants_host(body: bytes, kind: type[OmsError] | None) -> None:
    settings = TenantSettings.from_connection(name="a", extra=NATIVE)
    whole = Response(200, CaseInsensitiveDict(), body)
    if kind is None:
        assert host_in(whole, settings) == "https://t10001.sandbox.mozu.com"
    else:
        with pytest.raises(kind):
            host_in(whole, settings)
    with pytest.raises(OmsUnexpectedResponseError, match="a body that broke off"):
        host_in(Response(200, CaseInsensitiveDict(), body, False), settings)
