"""The translated API: order items and shipments, shown, found and canceled as a whole."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from emulator_client import (
    ITEMS_PATH,
    SHIPMENTS_PATH,
    SPLIT,
    SPLIT_ITEMS,
    SPLIT_SHIPMENTS,
    Caller,
)

from airflow_provider_oms.emulator.parts.translated_rules import ITEM_REASONS
from airflow_provider_oms.emulator.testing import EmulatorProcess

FIRST, SECOND = SPLIT_ITEMS
FIRST_SHIPMENT, SECOND_SHIPMENT = SPLIT_SHIPMENTS


@pytest.fixture
def split(split_order: EmulatorProcess, oms: Caller) -> Caller:
    return oms


def open_quantities(oms: Caller) -> dict[int, int]:
    return {line: one["open"] for line, one in oms.tenant.parts(8)["lines"].items()}


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errorCode"]


class TestShowing:
    def test_an_item_names_its_order_and_its_shipment(self, split: Caller) -> None:
        item = split.item(FIRST).json()
        assert item["orderItemID"] == FIRST
        assert (item["orderID"], item["shipmentID"]) == (8, FIRST_SHIPMENT)
        assert (item["itemState"], item["quantity"]) == ("NORMAL", 3)
        assert item in split.get(8).json()["orderItems"]

    def test_a_shipment_has_its_items(self, split: Caller) -> None:
        shipment = split.shipment(SECOND_SHIPMENT).json()
        assert (shipment["shipmentID"], shipment["orderID"]) == (SECOND_SHIPMENT, 8)
        assert shipment["shipmentStatus"] == "READY"
        assert shipment["items"] == [
            {"orderItemID": FIRST, "quantity": 1},
            {"orderItemID": SECOND, "quantity": 2},
        ]
        assert {"shipmentID": SECOND_SHIPMENT, "shipmentStatus": "READY"} in (
            split.get(8).json()["shipments"]
        )

    def test_an_order_loaded_without_parts_has_those_that_it_shows(self, oms: Caller) -> None:
        (item,) = oms.get(1010101).json()["orderItems"]
        assert oms.item(item["orderItemID"]).json() == item
        shipment = oms.shipment(item["shipmentID"]).json()
        assert shipment["items"] == [{"orderItemID": item["orderItemID"], "quantity": 1}]

    @pytest.mark.parametrize("path", [ITEMS_PATH, SHIPMENTS_PATH])
    def test_what_is_not_there_is_refused(self, split: Caller, path: str) -> None:
        assert code(split.call("GET", f"{path}5")) == (404, "ITEM_NOT_FOUND")
        assert code(split.call("GET", f"{path}{'9' * 30}")) == (404, "ITEM_NOT_FOUND")
        assert code(split.call("GET", f"{path}x")) == (400, "INVALID_ID")
        split.tenant.settings(unknown_order_status=400)
        assert code(split.call("GET", f"{path}5")) == (400, "ITEM_NOT_FOUND")

    def test_items_are_found_by_their_order(self, split: Caller) -> None:
        page = split.call("GET", f"{ITEMS_PATH}?orderID=8").json()
        assert page["totalCount"] == 2
        assert [one["orderItemID"] for one in page["collection"]] == [FIRST, SECOND]
        split.cancel_item(FIRST)
        page = split.call("GET", f"{ITEMS_PATH}?orderID=8&itemState=NORMAL").json()
        assert [one["orderItemID"] for one in page["collection"]] == [SECOND]
        page = split.call("GET", f"{ITEMS_PATH.rstrip('/')}?orderID=8&perPage=1&page=2").json()
        assert (page["totalCount"], len(page["collection"])) == (2, 1)
        assert split.call("GET", f"{ITEMS_PATH}?orderID=5").json()["collection"] == []

    def test_shipments_are_found_by_their_order(self, split: Caller) -> None:
        page = split.call("GET", f"{SHIPMENTS_PATH}?orderID=8,1010101").json()
        assert page["totalCount"] == 3
        split.cancel_shipment(FIRST_SHIPMENT)
        page = split.call("GET", f"{SHIPMENTS_PATH}?orderID=8&shipmentStatus=CANCELED").json()
        assert [one["shipmentID"] for one in page["collection"]] == [FIRST_SHIPMENT]

    @pytest.mark.parametrize("query", ["", "?itemState=NORMAL", "?orderID=x", "?orderID=8&page=0"])
    def test_a_search_that_makes_no_sense_is_refused(self, split: Caller, query: str) -> None:
        assert split.call("GET", f"{ITEMS_PATH}{query}").status_code == 400

    def test_a_page_of_items_is_shorter_than_one_of_shipments(self, split: Caller) -> None:
        query = "?orderID=8&perPage=21"
        assert split.call("GET", f"{ITEMS_PATH}{query}").status_code == 400
        assert split.call("GET", f"{SHIPMENTS_PATH}{query}").ok


class TestCancelItem:
    def test_a_whole_item_is_canceled_in_every_shipment(self, split: Caller) -> None:
        answer = split.cancel_item(FIRST)
        assert (answer.status_code, answer.json()["itemState"]) == (200, "CANCELED")
        assert split.item(FIRST).json() == answer.json()
        assert open_quantities(split) == {1: 0, 2: 2}
        states = [one["itemState"] for one in split.get(8).json()["orderItems"]]
        assert states == ["CANCELED", "NORMAL"]
        # The first shipment held nothing else.
        statuses = [one["shipmentStatus"] for one in split.get(8).json()["shipments"]]
        assert statuses == ["CANCELED", "READY"]

    def test_a_search_for_orders_shows_it_too(self, split: Caller) -> None:
        split.cancel_item(SECOND)
        (order,) = split.search("orderID=8").json()["collection"]
        assert [one["itemState"] for one in order["orderItems"]] == ["NORMAL", "CANCELED"]

    @pytest.mark.parametrize("path", ["action/cancel/", "action/cancel"])
    def test_the_slash_at_its_end_may_be_missing(self, split: Caller, path: str) -> None:
        body = {"orderItemID": FIRST, "dispositionReason": "no_inventory"}
        assert split.call("POST", f"{ITEMS_PATH}{path}", json=body).ok
        split.tenant.settings(trailing_slash=False)
        answer = split.call("POST", f"{ITEMS_PATH}{path}", json=body)
        assert answer.status_code == (200 if path.endswith("/") else 404)

    @pytest.mark.parametrize("reason", ITEM_REASONS)
    def test_its_reasons_are_those_of_items(self, split: Caller, reason: str) -> None:
        more = {"dispositionOtherReason": "Why"} if reason == "other" else {}
        assert split.cancel_item(FIRST, dispositionReason=reason, **more).ok

    @pytest.mark.parametrize(
        "changes",
        [
            {"dispositionReason": "created_by_mistake"},
            {"dispositionReason": "other"},
            {"dispositionReason": None},
            {"dispositionReason": "other", "dispositionOtherReason": "x" * 256},
            {"rectifyOrder": "true"},
            {"rectifyOrder": None},
            {"sendCancellationEmails": 1},
            {"cancelChildItems": "no"},
            {"orderItemID": -1},
            {"orderItemID": "1"},
        ],
    )
    def test_a_body_that_breaks_a_rule_is_refused(
        self, split: Caller, changes: dict[str, Any]
    ) -> None:
        assert split.cancel_item(**{"item_id": FIRST, **changes}).status_code == 400
        assert open_quantities(split) == {1: 3, 2: 2}

    def test_the_flags_may_be_given(self, split: Caller) -> None:
        flags = {"rectifyOrder": False, "sendCancellationEmails": True, "cancelChildItems": False}
        assert split.cancel_item(FIRST, **flags).ok

    def test_a_reason_that_is_known_besides_counts_for_items_too(self, split: Caller) -> None:
        assert split.cancel_item(FIRST, dispositionReason="fraud").status_code == 400
        split.tenant.settings(extra_reasons=["fraud"])
        assert split.cancel_item(FIRST, dispositionReason="fraud").ok

    @pytest.mark.parametrize(("children", "left"), [(False, 1), (True, 0)])
    def test_the_items_that_belong_to_it_are_canceled_if_asked_for(
        self, oms: Caller, *, children: bool, left: int
    ) -> None:
        lines = [{}, {"parent": 1}, {}, {"parent": 3}]
        oms.tenant.load_orders([{"orderID": 8, "parts": {"lines": lines}}])
        assert oms.item(SECOND).json()["parentOrderItemID"] == FIRST
        oms.cancel_item(FIRST, cancelChildItems=children)
        assert open_quantities(oms) == {1: 0, 2: left, 3: 1, 4: 1}

    def test_a_canceled_item_is_canceled_once(self, split: Caller) -> None:
        first = split.cancel_item(FIRST)
        assert split.cancel_item(FIRST).json() == first.json()
        split.tenant.settings(canceled_order_status=409)
        assert split.cancel_item(FIRST).status_code == 409
        line = split.tenant.parts(8)["lines"][1]
        assert (line["canceled"], line["cancels"], line["times_canceled"]) == (3, 3, 1)

    def test_an_unknown_item_is_refused(self, split: Caller) -> None:
        assert code(split.cancel_item(5)) == (404, "ITEM_NOT_FOUND")
        assert code(split.cancel_item(0)) == (404, "ITEM_NOT_FOUND")

    def test_what_is_shipped_can_not_be_canceled(self, split: Caller) -> None:
        split.tenant.change_shipment(SECOND_SHIPMENT, "FULFILLED")
        assert split.item(SECOND).json()["itemState"] == "SHIPPED"
        assert split.cancel_item(SECOND).status_code == 409
        # A part of the first item is shipped, and an item is canceled as a whole.
        split.tenant.settings(refused_state_status=400)
        assert split.cancel_item(FIRST).status_code == 400
        assert split.cancel_shipment(SECOND_SHIPMENT).status_code == 400
        assert open_quantities(split) == {1: 2, 2: 0}

    def test_a_shipped_order_refuses_it(self, oms: Caller) -> None:
        oms.tenant.load_orders([{"orderID": 8, "orderState": "SHIPPED", "parts": SPLIT}])
        assert oms.cancel_item(FIRST).status_code == 409
        assert oms.cancel_shipment(FIRST_SHIPMENT).status_code == 409

    def test_an_item_of_a_canceled_order_is_canceled(self, split: Caller) -> None:
        split.cancel(orderID=8)
        assert split.item(FIRST).json()["itemState"] == "CANCELED"
        assert split.shipment(FIRST_SHIPMENT).json()["shipmentStatus"] == "CANCELED"
        assert split.cancel_item(FIRST).ok
        assert split.tenant.parts(8)["lines"][1]["times_canceled"] == 0


class TestCancelShipment:
    def test_a_whole_shipment_is_canceled(self, split: Caller) -> None:
        answer = split.cancel_shipment(SECOND_SHIPMENT)
        assert (answer.status_code, answer.json()["shipmentStatus"]) == (200, "CANCELED")
        assert split.shipment(SECOND_SHIPMENT).json() == answer.json()
        assert open_quantities(split) == {1: 2, 2: 0}
        assert split.item(FIRST).json()["itemState"] == "NORMAL"
        assert split.item(SECOND).json()["itemState"] == "CANCELED"

    @pytest.mark.parametrize(
        "changes",
        [
            {"dispositionReason": "no_inventory"},
            {"dispositionReason": "other"},
            {"shipmentID": 0},
            {"shipmentID": None},
        ],
    )
    def test_a_body_that_breaks_a_rule_is_refused(
        self, split: Caller, changes: dict[str, Any]
    ) -> None:
        body = {"shipmentID": FIRST_SHIPMENT, "dispositionReason": "created_by_mistake", **changes}
        answer = split.call("POST", f"{SHIPMENTS_PATH}action/cancel", json=body)
        assert answer.status_code == 400

    def test_a_canceled_shipment_is_canceled_once(self, split: Caller) -> None:
        first = split.cancel_shipment(FIRST_SHIPMENT)
        assert split.cancel_shipment(FIRST_SHIPMENT).json() == first.json()
        shipment = split.tenant.parts(8)["shipments"][FIRST_SHIPMENT]
        assert (shipment["cancels"], shipment["times_canceled"]) == (2, 1)

    def test_an_unknown_shipment_is_refused(self, split: Caller) -> None:
        assert code(split.cancel_shipment(5)) == (404, "ITEM_NOT_FOUND")


class TestTheOrder:
    def test_it_is_canceled_once_nothing_is_left_of_it(self, split: Caller) -> None:
        split.cancel_item(FIRST)
        assert split.get(8).json()["orderState"] == "READY"
        split.cancel_shipment(SECOND_SHIPMENT)
        assert split.get(8).json()["orderState"] == "CANCELED"
        known = split.tenant.order(8)
        assert (known["native"]["status"], known["times_canceled"]) == ("Cancelled", 0)

    def test_it_may_follow_later(self, split: Caller) -> None:
        split.tenant.settings(order_follows_parts=300)
        split.cancel_item(FIRST)
        split.cancel_item(SECOND)
        order = split.get(8).json()
        assert order["orderState"] == "READY"
        assert {one["itemState"] for one in order["orderItems"]} == {"CANCELED"}
        assert split.tenant.order(8)["orderState"] == "CANCELED"

    def test_it_may_stay_open(self, split: Caller) -> None:
        split.tenant.settings(order_follows_parts="never")
        assert split.cancel_item(FIRST).ok
        assert split.cancel_item(SECOND).ok
        assert split.tenant.order(8)["orderState"] == "READY"
        assert split.cancel(orderID=8).json()["orderState"] == "CANCELED"

    def test_it_stays_open_where_a_part_is_shipped(self, split: Caller) -> None:
        split.tenant.change_shipment(FIRST_SHIPMENT, "FULFILLED")
        split.cancel_shipment(SECOND_SHIPMENT)
        assert split.tenant.order(8)["orderState"] == "READY"
