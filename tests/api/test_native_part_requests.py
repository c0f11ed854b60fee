"""Requests about parts for a native tenant, held to Kibo's published files, and their answers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import openapi
import pytest
from requests.structures import CaseInsensitiveDict

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.errors import (
    OmsError,
    OmsLockedError,
    OmsNotFoundError,
    OmsUnexpectedResponseError,
)
from airflow_provider_oms.api.part_calls import Parts
from airflow_provider_oms.api.parts import (
    Flags,
    OrderParts,
    PartCancel,
    PartKind,
    Reason,
    Share,
)
from airflow_provider_oms.api.transport import Response
from airflow_provider_oms.emulator.native.fields import read_fields, thin

ID, ITEM = "137a94b6402be0000137196800002711", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
WHY, FLAGS = Reason("no_inventory", "Shelf 7"), Flags(send_notifications=False)
ORDER: dict[str, Any] = {
    "id": ID,
    "status": "Accepted",
    "tenantId": 10001,
    "version": "V.7",
    "items": [{"id": ITEM, "lineId": 1, "quantity": 5}],
}
SHIPMENT: dict[str, Any] = {
    "shipmentNumber": 11,
    "orderId": ID,
    "tenantId": 10001,
    "shipmentStatus": "READY",
    "items": [{"lineId": 1, "originalOrderItemId": ITEM, "quantity": 3}],
    "canceledItems": [{"lineId": 1, "originalOrderItemId": ITEM, "quantity": 2}],
}
PAGE = {"_embedded": {"shipments": [SHIPMENT]}, "page": {"number": 0, "totalElements": 1}}
PATH = "/api/commerce/shipments"


@dataclass
class Tenant:
    """Answer as a tenant does, and keep the requests."""

    answers: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"7"'})
    sent: list[tuple[str, str, Any, dict[str, str]]] = field(default_factory=list)

    def exchange(self, method: str, url: str, **more: Any) -> Response:
        path, query = urlsplit(url).path, parse_qs(urlsplit(url).query)
        self.sent.append((method, url.partition("mozu.com")[2], more["json"], more["headers"]))
        known = {PATH: PAGE, f"{PATH}/11": SHIPMENT, f"{PATH}/11/canceled": SHIPMENT}
        known |= {f"{PATH}/11/canceledItems": SHIPMENT, **self.answers}
        body = thin(known.get(path, ORDER), read_fields(query.get("responseFields", [""])[0]))
        headers = {"x-vol-correlation": "c0ffee", **self.headers}
        status = 200 if path.startswith("/api/commerce/orders") else self.status
        return Response(status, CaseInsensitiveDict(headers), json.dumps(body).encode())

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture
def tenant(monkeypatch: pytest.MonkeyPatch) -> Tenant:
    made = Tenant()
    monkeypatch.setattr("airflow_provider_oms.api.client.Transport", lambda **_: made)
    return made


def parts(**more: Any) -> Parts:
    fields = {"api": "native", "tenant_id": "10001", "environment": "sandbox"}
    extra = {**fields, "reason_codes": {"no_inventory": "NoInventory"}, **more}
    return Parts(OmsClient(TenantSettings.from_connection(name="a", extra=extra)))


def cancel(kind: PartKind, shipment: int | None = 11, *, keep: int = 0, **more: Any) -> PartCancel:
    shares = () if kind is PartKind.SHIPMENT else (Share(1, 2, WHY, keep),)
    if kind is PartKind.ORDER_LINE:
        shares, shipment = (Share(ITEM, 2, WHY, keep),), None
    return PartCancel(kind, ID, shipment, shares, WHY, FLAGS, **more)


CALLS: dict[str, Any] = {
    "order": lambda: parts().get_parts(ID),
    "plan": lambda: parts().get_parts(ID, lines=[1], is_whole=True),
    "plan of a shipment": lambda: parts().get_parts(ID, shipments=[11], is_whole=True),
    "read": lambda: parts().get_parts(ID, lines=[1], shipments=[11]),
    "lines": lambda: post(cancel(PartKind.SHIPMENT_LINES, version='"7"')),
    "shipment": lambda: post(cancel(PartKind.SHIPMENT, version='"7"')),
    "edit": lambda: post(cancel(PartKind.ORDER_LINE, keep=3, version="V.7")),
    "delete": lambda: post(cancel(PartKind.ORDER_LINE)),
}


def post(wanted: PartCancel) -> OrderParts:
    calls = parts()
    return calls.post_part(wanted, calls.get_parts(ID, shipments=[11]))


@pytest.mark.parametrize("name", CALLS)
def test_it_fits(name: str, tenant: Tenant) -> None:
    folder = openapi.folder()
    if folder is None:
        pytest.skip(openapi.MISSING)
    files = {
        "orders": openapi.Published(folder / "openapi_commerce.json"),
        "shipments": openapi.Published(folder / "openapi_fulfillment.json"),
    }
    CALLS[name]()
    problems = [
        found
        for method, url, body, _ in tenant.sent
        for found in files[url.split("/")[3].partition("?")[0]].problems(
            method, url, sent=body, status=0
        )
    ]
    assert problems == []


@pytest.mark.parametrize("name", CALLS)
def test_only_what_was_asked_for_as_a_whole_shows_all(name: str, tenant: Tenant) -> None:
    shown = CALLS[name]()
    assert shown.shows_all is (name not in ("read", "lines", "shipment"))
    assert shown.has_shipments is (name not in ("edit", "delete"))


@pytest.mark.parametrize("keep", [0, 1, 3])
def test_an_edit_goes_to_the_version_that_was_read(keep: int, tenant: Tenant) -> None:
    post(cancel(PartKind.ORDER_LINE, keep=keep, version="V.7"))
    method, url, body, _ = tenant.sent[-1]
    path, _, query = url.partition("?")
    item = f"/api/commerce/orders/{ID}/items/{ITEM}"
    expected = ("PUT", f"{item}/quantity/{keep}") if keep else ("DELETE", item)
    assert (method, path, body) == (*expected, None)
    assert query.startswith("updateMode=ApplyToOriginal&version=V.7")


@pytest.mark.parametrize("name", ["edit", "delete"])
def test_an_edit_of_an_order_shows_its_lines_and_no_shipment(name: str, tenant: Tenant) -> None:
    shown = CALLS[name]()
    assert (shown.has_shipments, shown.shipments) == (False, ())
    assert [(line.name, line.open) for line in shown.lines] == [(1, 5)]


def test_a_cancel_of_lines_says_all_that_it_can_say(tenant: Tenant) -> None:
    CALLS["lines"]()
    method, url, body, headers = tenant.sent[-1]
    assert (method, url) == ("PUT", f"{PATH}/11/canceledItems")
    reason = {"reasonCode": "NoInventory", "moreInfo": "Shelf 7"}
    assert body == {
        "items": [{"lineId": 1, "quantity": 2, "canceledReason": reason}],
        "blockAssignment": False,
        "sendNotifications": False,
    }
    assert headers["If-Match"] == '"7"'


def test_without_an_etag_no_version_is_named(tenant: Tenant) -> None:
    post(cancel(PartKind.SHIPMENT_LINES))
    assert "If-Match" not in tenant.sent[-1][3]


@pytest.mark.parametrize("etag", ["7", '"\n"', "", '"' + "x" * 201 + '"'])
def test_what_is_no_etag_is_none(tenant: Tenant, etag: str) -> None:
    tenant.headers["ETag"] = etag
    (shipment,) = parts().get_parts(ID, shipments=[11]).shipments
    assert shipment.etag is None


def test_a_read_shows_what_is_open_and_what_is_canceled(tenant: Tenant) -> None:
    shown = parts().get_parts(ID, shipments=[11])
    (line,) = shown.lines
    assert (line.name, line.item_id, line.open, line.canceled) == (1, ITEM, 3, 2)
    assert (shown.version, shown.shipments[0].etag) == ("V.7", '"7"')
    assert shown.order.correlation_id == "c0ffee"


@pytest.mark.parametrize(("at_first", "is_open"), [({"originalQuantity": 5}, 3), ({}, 5)])
def test_what_is_canceled_is_not_open_though_the_quantity_stays(
    tenant: Tenant, at_first: dict[str, int], is_open: int
) -> None:
    item = {**SHIPMENT["items"][0], "quantity": 5, **at_first}
    tenant.answers[f"{PATH}/11"] = {**SHIPMENT, "items": [item]}
    assert parts().get_parts(ID, shipments=[11]).lines[0].open == is_open


@pytest.mark.parametrize("embedded", [{}, {"_embedded": {}}, {"_embedded": {"shipments": []}}])
@pytest.mark.parametrize("quantity", [5, 0])
def test_a_page_may_have_nothing_embedded(
    tenant: Tenant, embedded: dict[str, Any], quantity: int
) -> None:
    item = {**ORDER["items"][0], "quantity": quantity}
    tenant.answers[f"/api/commerce/orders/{ID}"] = {**ORDER, "items": [item]}
    tenant.answers[PATH] = {**embedded, "page": {"totalElements": 0}}
    shown = parts().get_parts(ID, is_whole=True)
    assert (shown.has_shipments, shown.lines[0].open) == (False, quantity)


@pytest.mark.parametrize("has_shipments", [False, True])
def test_a_line_without_a_number_has_its_id_until_there_are_shipments(
    tenant: Tenant, has_shipments: bool
) -> None:
    tenant.answers[f"/api/commerce/orders/{ID}"] = {**ORDER, "items": [{"id": ITEM, "quantity": 5}]}
    other = {**SHIPMENT, "items": [{"lineId": 2, "quantity": 1}], "canceledItems": []}
    tenant.answers[f"{PATH}/11"] = other
    shown = [other] if has_shipments else []
    tenant.answers[PATH] = {
        "_embedded": {"shipments": shown},
        "page": {"totalElements": len(shown)},
    }
    lines = parts().get_parts(ID, is_whole=True).lines
    found = [(line.name, line.open, line.canceled) for line in lines]
    # The numbers of a shipment's lines are what it can be asked about.
    assert found == ([(2, 1, 0)] if has_shipments else [(ITEM, 5, 0)])


def test_what_was_shipped_or_moved_is_not_open(tenant: Tenant) -> None:
    moved = [
        {**SHIPMENT, "shipmentNumber": number, "shipmentStatus": status, "shipmentType": kind}
        for number, status, kind in [
            (12, "FULFILLED", "STH"),
            (13, "REASSIGNED", "STH"),
            (14, "READY", "Transfer"),
        ]
    ]
    tenant.answers[PATH] = {"_embedded": {"shipments": moved}, "page": {"totalElements": 3}}
    shown = parts().get_parts(ID, is_whole=True)
    assert (shown.lines[0].open, shown.lines[0].fulfilled) == (0, 3)
    assert [one.number for one in shown.shipments] == [12, 13]


@pytest.mark.parametrize(
    "change",
    [
        {"items": None},
        {"items": [{"lineId": 1, "quantity": -1}]},
        {"items": [{"lineId": 1}]},
        {"items": [{"lineId": 2, "originalOrderItemId": ITEM, "quantity": 1}]},
        {"canceledItems": [7]},
        {"shipmentNumber": 12},
        {"shipmentStatus": None},
        {"orderId": None},
        {"tenantId": 10002},
    ],
)
def test_an_answer_that_cannot_be_counted_proves_nothing(
    tenant: Tenant, change: dict[str, Any]
) -> None:
    tenant.answers[f"{PATH}/11"] = {**SHIPMENT, **change}
    with pytest.raises(OmsUnexpectedResponseError):
        parts().get_parts(ID, shipments=[11])


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({**SHIPMENT, "shipmentNumber": 12}, "another one"),
        ({"items": []}, "something that is no OMS order"),
    ],
)
def test_what_came_instead_of_a_shipment_is_named(
    tenant: Tenant, answer: dict[str, Any], found: str
) -> None:
    tenant.answers[f"{PATH}/11"] = answer
    with pytest.raises(OmsUnexpectedResponseError, match=f"with {found} instead of shipment 11"):
        parts().get_parts(ID, shipments=[11])


def test_a_shipment_of_another_order_is_not_this_ones(tenant: Tenant) -> None:
    tenant.answers[f"{PATH}/11"] = {**SHIPMENT, "orderId": ITEM}
    with pytest.raises(OmsNotFoundError, match="another order's"):
        parts().get_parts(ID, shipments=[11])


@pytest.mark.parametrize("change", [{"_embedded": {"shipments": [{}]}}, {"page": {}}, {"page": 7}])
def test_a_page_that_is_none_proves_nothing(tenant: Tenant, change: dict[str, Any]) -> None:
    tenant.answers[PATH] = {**PAGE, **change}
    with pytest.raises(OmsUnexpectedResponseError):
        parts().get_parts(ID, is_whole=True)


def test_the_shipments_of_several_pages_are_shown_in_the_order_of_their_numbers(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = [{**SHIPMENT, "shipmentNumber": number} for number in (13, 12, 11)]
    pages = [{"_embedded": {"shipments": one}} for one in (shown[:2], shown[2:])]
    tenant.answers |= {f"{PATH}/{one['shipmentNumber']}": one for one in shown}
    exchange = tenant.exchange

    def turn(method: str, url: str, **more: Any) -> Response:
        if "?filter=" in url:
            tenant.answers[PATH] = {**pages.pop(0), "page": {"totalElements": 3}}
        return exchange(method, url, **more)

    monkeypatch.setattr(tenant, "exchange", turn)
    found = parts().get_parts(ID, is_whole=True)
    assert [one.number for one in found.shipments] == [11, 12, 13]
    asked = [url for _, url, *_ in tenant.sent if "?filter=" in url]
    search = f"{PATH}?filter=orderId%3D%3D{ID}&page={{}}&pageSize=100"
    assert asked == [search.format(0), search.format(1)]


def test_a_secret_in_a_correlation_id_is_not_kept(tenant: Tenant) -> None:
    tenant.headers["x-vol-correlation"] = "of-s3cret-key"
    assert parts().get_parts(ID).order.correlation_id == "of-s3cret-key"
    calls = parts(secret_headers={"X-Key": "s3cret-key"})
    assert calls.get_parts(ID).order.correlation_id is None


def test_a_search_without_end_is_given_up_and_does_not_count_as_all(tenant: Tenant) -> None:
    assert parts().get_parts(ID, is_whole=True).shows_all
    tenant.sent.clear()
    tenant.answers[PATH] = {**PAGE, "page": {"totalElements": 9999}}
    assert not parts().get_parts(ID, is_whole=True).shows_all
    searches = [url for _, url, *_ in tenant.sent if url.startswith(f"{PATH}?")]
    assert [int(parse_qs(url)["page"][0]) for url in searches] == [*range(50)]


@pytest.mark.parametrize(("status", "kind"), [(412, OmsLockedError), (404, OmsNotFoundError)])
def test_a_refusal_says_what_it_is_about(tenant: Tenant, status: int, kind: type[OmsError]) -> None:
    calls = parts()
    before = calls.get_parts(ID, shipments=[11])
    tenant.status = status
    with pytest.raises(kind, match="shipment"):
        calls.post_part(cancel(PartKind.SHIPMENT), before)
