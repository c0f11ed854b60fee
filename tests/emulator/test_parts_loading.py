"""Loading orders with their lines and shipments, and the control API's view of them."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from emulator_client import SPLIT_ITEMS, SPLIT_SHIPMENTS, Caller, NativeCaller

from airflow_provider_oms.emulator.testing import EmulatorError, EmulatorProcess


def load(tenant: EmulatorProcess, parts: Any, **order: Any) -> dict[str, Any]:
    tenant.load_orders([{"orderID": 8, "parts": parts, **order}])
    return tenant.parts(8)


def test_an_order_gets_lines_if_asked_for(tenant: EmulatorProcess) -> None:
    parts = load(tenant, {})
    assert {line: one["ordered"] for line, one in parts["lines"].items()} == {1: 3, 2: 2}
    (shipment,) = parts["shipments"].values()
    assert shipment["items"] == {
        "1": {"ordered": 3, "open": 3, "canceled": 0, "fulfilled": 0},
        "2": {"ordered": 2, "open": 2, "canceled": 0, "fulfilled": 0},
    }
    assert parts["canceled"] is False


def test_the_ledger_has_every_part(split_order: EmulatorProcess) -> None:
    parts = split_order.parts(8)
    assert parts["orderID"] == 8
    assert parts == split_order.parts(split_order.native_id(8))
    first, second = SPLIT_ITEMS
    assert parts["lines"][1] == {
        "line": 1,
        "orderItemID": first,
        "id": f"{first:032x}",
        "ordered": 3,
        "open": 3,
        "canceled": 0,
        "fulfilled": 0,
        "cancels": 0,
        "times_canceled": 0,
    }
    assert [*parts["shipments"]] == [*SPLIT_SHIPMENTS]
    assert parts["shipments"][SPLIT_SHIPMENTS[1]]["ordered"] == 3
    assert second == parts["lines"][2]["orderItemID"]


def test_its_own_names_can_be_given(tenant: EmulatorProcess, oms: Caller) -> None:
    lines = [{"line": 7, "quantity": 4, "orderItemID": 0, "id": "a" * 32}]
    shipments = [{"items": {"7": 4}, "number": 12, "status": "BACKORDER", "type": "BOPIS"}]
    load(tenant, {"lines": lines, "shipments": shipments})
    assert oms.item(0).json()["quantity"] == 4
    shipment = oms.shipment(12).json()
    assert (shipment["shipmentStatus"], shipment["shipmentStateType"]) == ("BACKORDER", "BOPIS")


@pytest.mark.parametrize(
    ("shipments", "status"),
    [
        ([{"items": {"1": 3}, "status": "FULFILLED"}], "Fulfilled"),
        ([{"items": {"1": 1}, "status": "FULFILLED"}, {"items": {"1": 2}}], "PartiallyFulfilled"),
        ([{"items": {"1": 3}}], "NotFulfilled"),
    ],
)
def test_the_native_order_says_how_much_of_it_is_fulfilled(
    native: NativeCaller, shipments: list[Any], status: str
) -> None:
    parts = load(native.tenant, {"lines": [3], "shipments": shipments})
    order = native.get(native.tenant.native_id(8)).json()
    assert order["fulfillmentStatus"] == status
    line = parts["lines"][1]
    assert line["open"] + line["fulfilled"] == 3
    own = {"fulfillmentStatus": "NotFulfilled"}
    load(native.tenant, {"lines": [3], "shipments": shipments}, native=own)
    order = native.get(native.tenant.native_id(8)).json()
    assert order["fulfillmentStatus"] == "NotFulfilled"


def test_a_shipment_that_is_fulfilled_meanwhile_makes_its_order_so(native: NativeCaller) -> None:
    parts = load(native.tenant, {"lines": [2], "shipments": [{"items": {"1": 1}}] * 2})
    order_id = native.tenant.native_id(8)
    for number, status in zip(parts["shipments"], ("PartiallyFulfilled", "Fulfilled"), strict=True):
        native.tenant.change_shipment(number, "FULFILLED")
        assert native.get(order_id).json()["fulfillmentStatus"] == status


def test_a_shipped_order_has_fulfilled_shipments(oms: Caller) -> None:
    oms.tenant.load_orders([{"orderID": 8, "orderState": "SHIPPED"}])
    (shipment,) = oms.get(8).json()["shipments"]
    assert shipment["shipmentStatus"] == "FULFILLED"
    assert oms.shipment(shipment["shipmentID"]).json()["shipmentStatus"] == "FULFILLED"
    (line,) = oms.tenant.parts(8)["lines"].values()
    assert (line["open"], line["fulfilled"]) == (0, 1)


def test_what_is_fulfilled_stays_so_when_the_order_is_canceled(oms: Caller) -> None:
    shipments = [{"items": {"1": 1}, "status": "FULFILLED"}, {"items": {"1": 2}}]
    load(oms.tenant, {"lines": [3], "shipments": shipments})
    order = oms.cancel(orderID=8).json()
    assert [one["shipmentStatus"] for one in order["shipments"]] == ["FULFILLED", "CANCELED"]
    line = oms.tenant.parts(8)["lines"][1]
    assert (line["open"], line["canceled"], line["fulfilled"]) == (0, 2, 1)


def test_the_parts_of_a_canceled_order_are_canceled(oms: Caller) -> None:
    parts = load(oms.tenant, {}, orderState="CANCELED")
    assert parts["canceled"] is True
    assert {one["open"] for one in parts["lines"].values()} == {0}
    assert {one["itemState"] for one in oms.get(8).json()["orderItems"]} == {"CANCELED"}


@pytest.mark.parametrize(
    ("parts", "wrong"),
    [
        (None, "parts"),
        ([], "parts"),
        ({"items": []}, "parts.items"),
        ({"lines": []}, "parts.lines"),
        ({"lines": [0]}, "parts.lines.0.quantity"),
        ({"lines": [{"id": "x"}]}, "parts.lines.0.id"),
        ({"lines": [1], "shipments": [{}]}, "parts.shipments.0.items"),
        ({"lines": [1], "shipments": [{"items": {"1": 1}, "status": "x"}]}, "status"),
        ({"lines": [1], "shipments": [{"items": {"1": 0}}]}, "parts.shipments.0.items"),
        ({"lines": [1], "shipments": [{"items": {"2": 1}}]}, "there is no line 2"),
        ({"lines": [{"parent": 9}]}, "there is no line 9"),
        ({"lines": [2], "shipments": [{"items": {"1": 1}}]}, "line 1 has a quantity of 2, and 1"),
        ({"lines": [{"line": 2}, 1]}, "two have the same line"),
        ({"lines": [{"orderItemID": 5}, {"orderItemID": 5}]}, "two have the same orderItemID"),
        ({"lines": [{"id": "a" * 32}, {"id": "a" * 32}]}, "two have the same id"),
        (
            {"lines": [2], "shipments": [{"items": {"1": 1}, "number": 5}] * 2},
            "two have the same shipment number",
        ),
    ],
)
def test_parts_that_make_no_sense_are_refused(
    tenant: EmulatorProcess, parts: object, wrong: str
) -> None:
    with pytest.raises(EmulatorError, match=wrong):
        load(tenant, parts)
    assert 8 not in tenant.orders()


@pytest.mark.parametrize(
    "order", [{"orderItems": []}, {"shipments": []}, {"native": {"items": []}}]
)
def test_lines_are_given_in_one_way_only(tenant: EmulatorProcess, order: dict[str, Any]) -> None:
    with pytest.raises(EmulatorError, match="order 8 has its lines under parts and"):
        load(tenant, {}, **order)


def test_lines_that_are_given_as_the_api_shows_them_count(oms: Caller) -> None:
    order = {
        "orderItems": [
            {"orderItemID": 5, "quantity": 4, "shipmentID": 6, "itemState": "NORMAL"},
            {"orderItemID": 7, "quantity": 1, "itemState": "CANCELED"},
        ],
        "shipments": [{"shipmentID": 6, "shipmentStatus": "READY"}],
    }
    oms.tenant.load_orders([{"orderID": 8, **order, "native": {"items": []}}])
    assert oms.cancel_item(5).json()["itemState"] == "CANCELED"
    assert oms.tenant.parts(8)["canceled"] is True


def test_of_two_lines_with_one_number_the_first_counts(native: NativeCaller) -> None:
    items = [{"id": digit * 32, "lineId": 3} for digit in "ab"]
    native.tenant.load_orders([{"orderID": 8, "orderItems": [], "native": {"items": items}}])
    lines = native.tenant.parts(8)["lines"]
    assert {number: one["id"] for number, one in lines.items()} == {3: "a" * 32}


@pytest.mark.parametrize(
    "odd",
    [
        {"orderItems": None, "shipments": "x"},
        {"orderItems": [None, {"orderItemID": "x"}], "shipments": [5, {"shipmentID": None}]},
        {"native": {"items": None}},
        {"native": {"items": [{"id": 5, "lineId": "x"}, 7]}},
    ],
)
def test_odd_values_do_no_harm(native: NativeCaller, odd: dict[str, Any]) -> None:
    native.tenant.load_orders([{"orderID": 8, **odd}])
    assert native.tenant.parts(8)["orderID"] == 8
    assert native.find_shipments("orderNumber==8").ok
    assert native.get(native.tenant.native_id(8)).ok


def test_an_order_that_is_loaded_again_is_reset(split_order: EmulatorProcess) -> None:
    oms = Caller(split_order)
    oms.cancel_item(SPLIT_ITEMS[0])
    load(split_order, {"lines": [1]})
    line = split_order.parts(8)["lines"][1]
    assert (line["ordered"], line["canceled"], line["times_canceled"]) == (1, 0, 0)
    # A line that it no longer has is not found.
    assert oms.item(SPLIT_ITEMS[1]).status_code == 404
    assert oms.shipment(SPLIT_SHIPMENTS[1]).status_code == 404


def test_parts_go_with_their_orders(split_order: EmulatorProcess) -> None:
    oms = Caller(split_order)
    split_order.clear_orders()
    assert oms.item(SPLIT_ITEMS[0]).status_code == 404
    with pytest.raises(EmulatorError, match="404"):
        split_order.parts(8)


def test_a_shipment_that_is_not_there_has_no_status(tenant: EmulatorProcess) -> None:
    for number in (5, 10**30):
        with pytest.raises(EmulatorError, match="404"):
            tenant.change_shipment(number, "READY")
    with pytest.raises(EmulatorError, match="status"):
        tenant.change_shipment(5, "x")


def test_the_log_says_which_part_a_call_names(split_order: EmulatorProcess) -> None:
    oms, native = Caller(split_order), NativeCaller(split_order)
    split_order.clear_requests()
    oms.cancel_item(SPLIT_ITEMS[1])
    oms.get(8)
    native.cancel_lines(SPLIT_SHIPMENTS[0], {1: 1})
    item, whole, lines = split_order.requests(order_id=8)
    assert item["parts"] == {"shipment": None, "item": SPLIT_ITEMS[1], "lines": {}}
    assert (item["call"], item["native_id"]) == ("cancel_items", split_order.native_id(8))
    assert '"dispositionReason": "no_inventory"' in item["body"]
    assert whole["parts"] is None
    assert lines["parts"] == {"shipment": SPLIT_SHIPMENTS[0], "item": None, "lines": {"1": 1}}
    oms.call("GET", "/api/v2/orderItem/?orderID=8")
    assert split_order.requests(call="search_items")[0]["query"] == "orderID=8"


def test_the_ledger_counts_what_was_refused_as_named_only(split_order: EmulatorProcess) -> None:
    native = NativeCaller(split_order)
    shipment = SPLIT_SHIPMENTS[1]
    assert native.cancel_lines(shipment, {2: 5}).status_code == 409
    native.cancel_lines(shipment, {1: 1, 2: 1})
    native.cancel_shipment(shipment)
    parts = split_order.parts(8)
    counts = ("cancels", "times_canceled")
    assert [parts["lines"][2][name] for name in counts] == [2, 2]
    assert [parts["lines"][1][name] for name in counts] == [1, 1]
    assert [parts["shipments"][shipment][name] for name in counts] == [3, 2]
    split_order.clear_requests()
    assert split_order.parts(8)["lines"][2]["cancels"] == 0
    assert split_order.parts(8)["lines"][2]["times_canceled"] == 2


def test_the_control_api_refuses_what_is_no_order(tenant: EmulatorProcess) -> None:
    answer = requests.get(f"{tenant.url}/_emulator/orders/x/parts", timeout=30)
    assert answer.status_code == 404
