"""Faults meet calls on parts of orders as they meet those on whole orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from emulator_client import (
    ITEMS_PATH,
    NATIVE_SHIPMENTS_PATH,
    ORDERS_PATH,
    SHIPMENTS_PATH,
    SPLIT_ITEMS,
    SPLIT_SHIPMENTS,
    Caller,
    NativeCaller,
)

from airflow_provider_oms.emulator.calls import OrderIds, read_call
from airflow_provider_oms.emulator.parts.calls import Named
from airflow_provider_oms.emulator.testing import EmulatorError, EmulatorProcess

ID = "137a94b6402be0000137196800002711"
ITEM, SHIPMENT = SPLIT_ITEMS[1], SPLIT_SHIPMENTS[1]
NO_ANSWER = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
ITEM_CANCEL, SHIPMENT_CANCEL = f"{ITEMS_PATH}action/cancel/", f"{SHIPMENTS_PATH}action/cancel"
LINE_CANCEL = f"{NATIVE_SHIPMENTS_PATH}/6/canceledItems"
LINES = b'{"items":[{"lineId":1,"quantity":2},{"lineId":3,"quantity":"x"}]}'

Cancel = Callable[[EmulatorProcess], requests.Response]
#: Each cancels something of line 2: the call's name, the call, and how many it cancels.
CANCELS: dict[str, tuple[str, Cancel, int]] = {
    "item": ("cancel_items", lambda tenant: Caller(tenant).cancel_item(ITEM), 2),
    "shipment": ("cancel_shipment", lambda tenant: Caller(tenant).cancel_shipment(SHIPMENT), 2),
    "native lines": (
        "cancel_items",
        lambda tenant: NativeCaller(tenant).cancel_lines(SHIPMENT, {2: 1}),
        1,
    ),
    "native shipment": (
        "cancel_shipment",
        lambda tenant: NativeCaller(tenant).cancel_shipment(SHIPMENT),
        2,
    ),
    "native shipments": (
        "cancel_shipments",
        lambda tenant: NativeCaller(tenant).call(
            "PUT", f"{NATIVE_SHIPMENTS_PATH}/order/{tenant.native_id(8)}/canceled", json={}
        ),
        2,
    ),
}


@pytest.mark.parametrize(
    ("method", "path", "body", "name", "named"),
    [
        ("POST", ITEM_CANCEL, b'{"orderItemID":5}', "cancel_items", Named(item=5)),
        ("POST", ITEM_CANCEL[:-1], b'{"orderItemID":"5"}', "cancel_items", Named(item=5)),
        ("POST", ITEM_CANCEL, b"[]", "cancel_items", Named()),
        ("POST", ITEM_CANCEL, b"{", "cancel_items", Named()),
        ("POST", SHIPMENT_CANCEL, b'{"shipmentID":6}', "cancel_shipment", Named(6)),
        ("GET", f"{ITEMS_PATH}5", b"", "get_item", Named(item=5)),
        ("GET", f"{ITEMS_PATH}x", b"", "get_item", Named()),
        ("GET", ITEMS_PATH, b"", "search_items", Named()),
        ("GET", ITEMS_PATH[:-1], b"", "search_items", Named()),
        ("GET", f"{SHIPMENTS_PATH}6/", b"", "get_shipment", Named(6)),
        ("GET", SHIPMENTS_PATH, b"", "search_shipments", Named()),
        ("GET", f"{SHIPMENTS_PATH}6/x", b"", "other", None),
        ("PUT", f"{SHIPMENTS_PATH}6", b"", "other", None),
        ("GET", NATIVE_SHIPMENTS_PATH, b"", "search_shipments", Named()),
        ("GET", f"{NATIVE_SHIPMENTS_PATH}/6", b"", "get_shipment", Named(6)),
        ("PUT", f"{NATIVE_SHIPMENTS_PATH}/6/canceled", b"", "cancel_shipment", Named(6)),
        ("PUT", LINE_CANCEL, LINES, "cancel_items", Named(6, lines={1: 2, 3: None})),
        ("PUT", LINE_CANCEL, b"[]", "cancel_items", Named(6)),
        ("PUT", LINE_CANCEL, b'{"items":[{}]}', "cancel_items", Named(6)),
        ("PUT", f"{NATIVE_SHIPMENTS_PATH}/6", b"", "other", None),
        ("GET", f"{NATIVE_SHIPMENTS_PATH}x", b"", "other", None),
    ],
)
def test_a_rule_knows_each_call_by_its_name(
    method: str, path: str, body: bytes, name: str, named: Named | None
) -> None:
    call = read_call(method, path, body)
    assert (call.name, call.named, call.order) == (name, named, OrderIds())


@pytest.mark.parametrize(
    ("method", "path", "name", "named"),
    [
        ("PUT", f"{NATIVE_SHIPMENTS_PATH}/order/{ID}/canceled", "cancel_shipments", Named()),
        ("DELETE", f"{ORDERS_PATH}/{ID}/items/{ID}", "edit_items", Named(item=ID)),
        ("PUT", f"{ORDERS_PATH}/{ID}/items/{ID}/quantity/2", "edit_items", Named(item=ID)),
        ("PUT", f"{ORDERS_PATH}/{ID}/items/x/quantity/2", "edit_items", Named()),
    ],
)
def test_some_calls_name_their_order(method: str, path: str, name: str, named: Named) -> None:
    call = read_call(method, path, b"")
    assert (call.name, call.named, call.order) == (name, named, OrderIds(native=ID))


@pytest.mark.parametrize("which", CANCELS)
@pytest.mark.parametrize(
    ("kind", "parameters", "status", "acts"),
    [
        ("drop", {"when": "before"}, None, False),
        ("drop", {"when": "after"}, None, True),
        ("drop", {"when": "mid_answer"}, None, True),
        ("hang", {"seconds": 0.1}, None, True),
        ("slow", {"seconds": 0.1, "acts": "last"}, 200, True),
        ("status", {"status": 503}, 503, False),
        ("status", {"status": 502, "acts": True, "body": "html"}, 502, True),
        ("status", {"status": 409, "body": "fulfillment"}, 409, False),
        ("status", {"status": 201, "acts": True, "body": "order"}, 201, True),
        ("throttle", {"retry_after": 60}, 429, False),
        ("unauthorized", {}, 401, False),
        ("answer", {"body": "empty"}, 200, True),
        ("answer", {"body": "earlier_order", "acts": False}, 200, False),
        ("gzip", {}, 200, True),
        ("late", {"seconds": 0, "answer": "error"}, 502, True),
        ("close_after", {}, 200, True),
    ],
)
def test_a_fault_does_to_a_cancel_of_a_part_what_it_does_to_one_of_an_order(
    split_order: EmulatorProcess,
    which: str,
    kind: str,
    parameters: dict[str, Any],
    status: int | None,
    *,
    acts: bool,
) -> None:
    call, cancel, quantity = CANCELS[which]
    split_order.add_fault(kind, call=call, times=1, **parameters)
    try:
        answered = cancel(split_order).status_code
    except NO_ANSWER:
        answered = None
    line = split_order.parts(8)["lines"][2]
    assert (answered, line["canceled"], line["times_canceled"]) == (
        status,
        quantity if acts else 0,
        int(acts),
    )
    (logged,) = split_order.requests(call=call)
    assert (logged["fault"], logged["status"], logged["order_id"]) == (kind, status, 8)


@pytest.mark.parametrize("which", CANCELS)
def test_a_late_cancel_shows_in_no_read(split_order: EmulatorProcess, which: str) -> None:
    oms, native = Caller(split_order), NativeCaller(split_order)
    call, cancel, quantity = CANCELS[which]
    order_id = split_order.native_id(8)

    def reads() -> list[Any]:
        paths = (
            f"{ITEMS_PATH}{ITEM}",
            f"{SHIPMENTS_PATH}{SHIPMENT}",
            f"{ITEMS_PATH}?orderID=8",
            f"{SHIPMENTS_PATH}?orderID=8",
            "/api/v2/order/8",
            "/api/v2/order/?orderID=8",
            f"{NATIVE_SHIPMENTS_PATH}/{SHIPMENT}",
            f"{NATIVE_SHIPMENTS_PATH}?filter=orderId=={order_id}",
            f"{ORDERS_PATH}/{order_id}",
        )
        answers = [oms.call("GET", path) for path in paths]
        return [(one.json(), one.headers.get("ETag")) for one in answers]

    before = reads()
    split_order.add_fault("late", call=call, seconds=300, times=1)
    answer = cancel(split_order)
    assert answer.status_code == 200
    assert reads() == before
    assert split_order.parts(8)["lines"][2]["canceled"] == quantity
    # The next cancel meets the true quantities, not those that are shown.
    again = native.cancel_lines(SHIPMENT, {2: 2})
    assert again.status_code == 409
    etag = native.shipment(SHIPMENT).headers["ETag"]
    assert native.cancel_lines(SHIPMENT, {1: 1}, {"If-Match": etag}).status_code == 412


def test_a_late_cancel_does_not_hold_up_another_one(split_order: EmulatorProcess) -> None:
    native = NativeCaller(split_order)
    split_order.add_fault("late", call="cancel_items", seconds=300, times=1)
    native.cancel_lines(SHIPMENT, {2: 1})
    native.cancel_lines(SHIPMENT, {1: 1})
    shipment = native.shipment(SHIPMENT).json()
    assert [(one["lineId"], one["quantity"]) for one in shipment["items"]] == [(2, 2)]


def test_a_late_cancel_shows_in_time(split_order: EmulatorProcess) -> None:
    oms = Caller(split_order)
    split_order.add_fault("late", call="cancel_items", seconds=0.001, times=1)
    oms.cancel_item(ITEM)
    states = (oms.item(ITEM).json()["itemState"] for _ in range(1000))
    assert any(state == "CANCELED" for state in states)


def test_an_order_follows_its_last_late_cancel(split_order: EmulatorProcess) -> None:
    oms = Caller(split_order)
    oms.cancel_item(SPLIT_ITEMS[0])
    split_order.add_fault("late", call="cancel_items", seconds=300)
    oms.cancel_item(ITEM)
    assert oms.get(8).json()["orderState"] == "READY"
    assert split_order.order(8)["orderState"] == "CANCELED"


def test_a_late_edit_shows_in_no_read(native: NativeCaller) -> None:
    parts = {"lines": [3, 2], "shipments": []}
    native.tenant.load_orders([{"orderID": 8, "parts": parts}])
    order_id = native.tenant.native_id(8)
    before = native.get(order_id).json()
    native.tenant.add_fault("late", call="edit_items", seconds=300, times=1)
    item = before["items"][0]["id"]
    assert native.keep(order_id, item, 1).json() == before
    assert native.find("orderNumber eq 8").json()["items"] == [before]
    # Its version is not the present one any more.
    assert native.keep(order_id, item, 1, f"?version={before['version']}").status_code == 409


@pytest.mark.parametrize(
    ("call", "path"),
    [
        ("get_item", f"{ITEMS_PATH}{ITEM}"),
        ("search_items", f"{ITEMS_PATH}?orderID=8"),
        ("get_shipment", f"{SHIPMENTS_PATH}{SHIPMENT}"),
        ("search_shipments", f"{SHIPMENTS_PATH}?orderID=8"),
        ("get_shipment", f"{NATIVE_SHIPMENTS_PATH}/{SHIPMENT}"),
        ("search_shipments", NATIVE_SHIPMENTS_PATH),
    ],
)
def test_a_read_meets_a_fault_of_its_own(
    split_order: EmulatorProcess, call: str, path: str
) -> None:
    oms = Caller(split_order)
    split_order.add_fault("status", call=call, status=503, times=1)
    assert oms.get(8).ok
    assert oms.call("GET", path).status_code == 503
    assert oms.call("GET", path).ok


def test_a_rule_may_be_about_a_part_or_about_its_order(split_order: EmulatorProcess) -> None:
    oms, native = Caller(split_order), NativeCaller(split_order)
    first, second = SPLIT_SHIPMENTS
    for part, others in ((second, first), (SPLIT_ITEMS[1], SPLIT_ITEMS[0])):
        split_order.set_faults([{"kind": "status", "status": 503, "call": "any", "part_id": part}])
        read = oms.shipment if part == second else oms.item
        assert (read(part).status_code, read(others).status_code) == (503, 200)
        assert oms.get(8).ok
    rule = {"kind": "status", "status": 503, "call": "any", "part_id": [first, second]}
    split_order.set_faults([rule])
    assert native.shipment(second).status_code == oms.cancel_shipment(first).status_code == 503
    for order_id in (8, split_order.native_id(8)):
        rule = {"kind": "status", "status": 503, "call": "get_shipment", "order_id": order_id}
        split_order.set_faults([rule])
        assert native.shipment(second).status_code == oms.shipment(first).status_code == 503


@pytest.mark.parametrize(
    ("cancel", "name"),
    [
        (CANCELS["item"][1], "orderItemID"),
        (CANCELS["shipment"][1], "shipmentID"),
        (CANCELS["native lines"][1], "shipmentNumber"),
    ],
)
def test_an_answer_can_be_another_part_or_the_one_before(
    split_order: EmulatorProcess, cancel: Cancel, name: str
) -> None:
    split_order.add_fault("answer", call="any", body="earlier_order", acts=False, skip=1, times=1)
    earlier = cancel(split_order).json()
    assert split_order.parts(8)["lines"][2]["canceled"] == 0
    split_order.clear_faults()
    split_order.add_fault("answer", call="any", body="other_order", skip=1, times=1)
    other = cancel(split_order).json()
    assert other[name] == earlier[name] + 1
    assert other.get("orderID") == earlier.get("orderID")
    assert split_order.parts(8)["lines"][2]["canceled"] > 0


def test_a_cancel_of_a_part_can_be_waited_for(split_order: EmulatorProcess) -> None:
    with pytest.raises(EmulatorError, match="no cancel_items for order 8 within"):
        split_order.wait_for_cancel_post(8, 0, call="cancel_items")
    Caller(split_order).cancel_item(ITEM)
    split_order.wait_for_cancel_post(8, 0, call="cancel_items")
