"""The native API: shipments, shown and canceled, as a whole or in part."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from emulator_client import (
    NATIVE_SHIPMENTS_PATH,
    SPLIT,
    SPLIT_SHIPMENTS,
    Caller,
    NativeCaller,
)

from airflow_provider_oms.emulator.testing import EmulatorProcess

FIRST, SECOND = SPLIT_SHIPMENTS


@pytest.fixture
def split(split_order: EmulatorProcess, native: NativeCaller) -> NativeCaller:
    return native


def load(native: NativeCaller, **given: Any) -> None:
    native.tenant.load_orders([{"orderID": 8, "parts": SPLIT, "native": given}])


def quantities(native: NativeCaller, number: int) -> dict[int, int]:
    return {one["lineId"]: one["quantity"] for one in native.shipment(number).json()["items"]}


def code(answer: requests.Response) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"code", "message", "errors"}
    return answer.status_code, body["code"]


class TestShowing:
    def test_a_shipment_has_its_lines(self, split: NativeCaller) -> None:
        order = split.get(split.tenant.native_id(8)).json()
        assert [one["quantity"] for one in order["items"]] == [3, 2]
        shipment = split.shipment(SECOND).json()
        assert shipment["orderId"] == order["id"]
        assert shipment["shipmentNumber"] == SECOND
        assert (shipment["shipmentStatus"], shipment["fulfillmentStatus"]) == (
            "READY",
            "NotFulfilled",
        )
        assert shipment["canceledItems"] == []
        for item, line in zip(shipment["items"], order["items"], strict=True):
            assert (item["lineId"], item["originalOrderItemId"]) == (line["lineId"], line["id"])
            assert item["productCode"] == line["product"]["productCode"]
        assert quantities(split, SECOND) == {1: 1, 2: 2}

    def test_only_the_fields_asked_for_come_back(self, split: NativeCaller) -> None:
        query = "?fields=shipmentNumber,items[lineId,quantity]"
        assert split.shipment(FIRST, query).json() == {
            "shipmentNumber": FIRST,
            "items": [{"lineId": 1, "quantity": 2}],
        }
        order_id = split.tenant.native_id(8)
        page = split.find_shipments(f"orderId=={order_id}", fields="shipmentNumber").json()
        assert page["_embedded"]["shipments"][0] == {"shipmentNumber": FIRST}

    def test_it_has_an_etag_that_changes_with_it(self, split: NativeCaller) -> None:
        before = split.shipment(FIRST).headers["ETag"]
        other = split.shipment(SECOND).headers["ETag"]
        after = split.cancel_lines(FIRST, {1: 1}).headers["ETag"]
        assert after != before
        assert split.shipment(FIRST).headers["ETag"] == after
        assert split.shipment(SECOND).headers["ETag"] == other

    def test_what_is_not_there_is_refused(self, split: NativeCaller) -> None:
        assert code(split.shipment(5)) == (404, "ITEM_NOT_FOUND")
        assert code(split.shipment("x")) == (400, "MISSING_OR_INVALID_PARAMETER")
        assert code(split.shipment(2**31)) == (400, "MISSING_OR_INVALID_PARAMETER")
        assert code(split.cancel_lines(5, {1: 1})) == (404, "ITEM_NOT_FOUND")
        assert code(split.cancel_shipment(5)) == (404, "ITEM_NOT_FOUND")
        for path in ("canceled", "canceledItems"):
            answer = split.call("PUT", f"{NATIVE_SHIPMENTS_PATH}/5/{path}", data=b"{")
            assert code(answer) == (404, "ITEM_NOT_FOUND")
        nothing = split.call("GET", f"{NATIVE_SHIPMENTS_PATH}/5/nothing")
        assert (nothing.status_code, nothing.content) == (404, b"")

    def test_an_error_has_the_shape_that_is_switched_on(self, split: NativeCaller) -> None:
        split.tenant.settings(native_error_body="html")
        assert split.shipment(5).headers["Content-Type"].startswith("text/html")
        split.tenant.settings(native_error_body="platform")
        # The order service keeps its own.
        assert "errorCode" in split.get("abcde").json()

    def test_a_site_has_its_own_shipments(self, split: NativeCaller) -> None:
        split.tenant.settings(native_site="scope")
        load(split, siteId=2)
        assert split.shipment(FIRST, **{"x-vol-site": "2"}).ok
        assert split.shipment(FIRST, **{"x-vol-site": "1"}).status_code == 404
        for site, found in (("1", 1), ("2", 2)):
            headers = {**split.headers, "x-vol-site": site}
            page = split.call("GET", NATIVE_SHIPMENTS_PATH, headers=headers).json()
            assert page["page"]["totalElements"] == found
        assert split.cancel_shipment(FIRST, **{"x-vol-site": "1"}).status_code == 404
        path = f"{NATIVE_SHIPMENTS_PATH}/order/{split.tenant.native_id(8)}/canceled"
        headers = {**split.headers, "x-vol-site": "1"}
        assert split.call("PUT", path, json={}, headers=headers).status_code == 404


class TestCancelItems:
    def test_a_quantity_of_a_line_is_canceled(self, split: NativeCaller) -> None:
        shipment = split.cancel_lines(SECOND, {2: 1}).json()
        assert shipment == split.shipment(SECOND).json()
        assert quantities(split, SECOND) == {1: 1, 2: 1}
        (canceled,) = shipment["canceledItems"]
        assert (canceled["lineId"], canceled["quantity"]) == (2, 1)
        assert "shipmentStatusReason" not in shipment
        assert canceled["canceledReason"] == {"reasonCode": "NoInventory"}
        assert (canceled["blockAssignment"], canceled["originalQuantity"]) == (False, 2)
        assert quantities(split, FIRST) == {1: 2}

    def test_a_repeat_cancels_more(self, split: NativeCaller) -> None:
        for _ in range(2):
            split.cancel_lines(SECOND, {2: 1})
        shipment = split.shipment(SECOND).json()
        assert [one["quantity"] for one in shipment["canceledItems"]] == [1, 1]
        line = split.tenant.parts(8)["lines"][2]
        assert (line["canceled"], line["cancels"], line["times_canceled"]) == (2, 2, 2)

    def test_several_lines_are_canceled_in_one_call(self, split: NativeCaller) -> None:
        split.cancel_lines(SECOND, {1: 1, 2: 1})
        assert quantities(split, SECOND) == {2: 1}

    def test_a_line_of_which_nothing_is_left_may_stay(self, split: NativeCaller) -> None:
        split.cancel_lines(SECOND, {1: 1})
        assert quantities(split, SECOND) == {2: 2}
        split.tenant.settings(native_items_left="keep")
        assert quantities(split, SECOND) == {1: 0, 2: 2}

    def test_a_shipment_is_canceled_once_nothing_is_left_in_it(self, split: NativeCaller) -> None:
        assert split.cancel_lines(FIRST, {1: 2}).json()["shipmentStatus"] == "CANCELED"
        order = split.get(split.tenant.native_id(8)).json()
        assert (order["status"], [one["quantity"] for one in order["items"]]) == (
            "Accepted",
            [3, 2],
        )
        split.cancel_lines(SECOND, {1: 1, 2: 2})
        order = split.get(split.tenant.native_id(8)).json()
        assert order["status"] == "Cancelled"

    def test_more_than_is_open_is_refused_or_capped(self, split: NativeCaller) -> None:
        assert code(split.cancel_lines(SECOND, {1: 1, 2: 3})) == (409, "VALIDATION_CONFLICT")
        split.tenant.settings(native_excess_quantity=400)
        assert split.cancel_lines(SECOND, {2: 3}).status_code == 400
        assert quantities(split, SECOND) == {1: 1, 2: 2}
        split.tenant.settings(native_excess_quantity="cap")
        assert split.cancel_lines(SECOND, {2: 3}).ok
        assert split.tenant.parts(8)["lines"][2]["canceled"] == 2

    @pytest.mark.parametrize(
        "body",
        [
            None,
            [],
            {},
            {"items": []},
            {"items": [5]},
            {"items": [{"lineId": 1}]},
            {"items": [{"quantity": 1}]},
            {"items": [{"lineId": 1, "quantity": 0}]},
            {"items": [{"lineId": 1, "quantity": "1"}]},
            {"items": [{"lineId": 7, "quantity": 1}]},
            {"items": [{"lineId": 1, "quantity": 1}, {"lineId": 1, "quantity": 1}]},
            {"items": [{"lineId": 1, "quantity": 1, "canceledReason": "x"}]},
            {"items": [{"lineId": 1, "quantity": 1, "canceledReason": {"reasonCode": 1}}]},
            {"items": [{"lineId": 1, "quantity": 1}], "sendNotifications": "no"},
            {"items": [{"lineId": 1, "quantity": 1}], "blockAssignment": 0},
            {"items": [{"lineId": 1, "quantity": 1}], "isUserAction": None},
        ],
    )
    def test_a_body_that_breaks_a_rule_is_refused(self, split: NativeCaller, body: object) -> None:
        path = f"{NATIVE_SHIPMENTS_PATH}/{FIRST}/canceledItems"
        assert code(split.call("PUT", path, json=body))[0] == 400
        assert quantities(split, FIRST) == {1: 2}

    def test_a_body_must_be_json(self, split: NativeCaller) -> None:
        path = f"{NATIVE_SHIPMENTS_PATH}/{FIRST}/canceledItems"
        for arguments in ({"data": "x=1"}, {"data": b"{", "headers": _json(split)}):
            assert split.call("PUT", path, **arguments).status_code == 400

    @pytest.mark.parametrize("status", ["CANCELED", "FULFILLED", "REASSIGNED", "DELETED"])
    def test_a_shipment_that_has_ended_is_refused(self, split: NativeCaller, status: str) -> None:
        split.tenant.change_shipment(FIRST, status)
        assert code(split.cancel_lines(FIRST, {1: 1})) == (409, "VALIDATION_CONFLICT")
        assert code(split.cancel_shipment(FIRST)) == (409, "VALIDATION_CONFLICT")

    @pytest.mark.parametrize("status", ["BACKORDER", "CUSTOMER_CARE", "FUTURE"])
    def test_a_shipment_that_waits_can_be_canceled(self, split: NativeCaller, status: str) -> None:
        split.tenant.change_shipment(FIRST, status)
        assert split.cancel_lines(FIRST, {1: 1}).json()["shipmentStatus"] == status

    def test_a_reason_that_is_not_listed_may_be_refused(self, split: NativeCaller) -> None:
        split.tenant.settings(native_reasons=["Other"], native_unlisted_reason=409)
        assert split.cancel_lines(FIRST, {1: 1}).status_code == 409
        assert split.cancel_shipment(FIRST).ok

    def test_an_order_with_restrict_edit_may_refuse(self, split: NativeCaller) -> None:
        load(split, restrictEdit=True, restrictCancellation=True)
        assert split.cancel_lines(FIRST, {1: 1}).status_code == 409
        load(split, restrictCancellation=True)
        assert split.cancel_lines(FIRST, {1: 1}).ok
        split.tenant.settings(native_restriction_binds=False)
        load(split, restrictEdit=True)
        assert split.cancel_lines(FIRST, {1: 1}).ok

    def test_what_is_left_of_a_reassigned_shipment_is_in_a_new_one(
        self, split: NativeCaller
    ) -> None:
        split.cancel_lines(FIRST, {1: 1})
        new = split.tenant.change_shipment(FIRST, "REASSIGNED")
        assert quantities(split, new) == {1: 1}
        line = split.tenant.parts(8)["lines"][1]
        assert (line["ordered"], line["open"], line["canceled"]) == (3, 2, 1)
        split.cancel_lines(new, {1: 1})
        assert split.tenant.parts(8)["lines"][1]["open"] == 1


class TestCancelShipment:
    def test_a_whole_shipment_is_canceled(self, split: NativeCaller, oms: Caller) -> None:
        shipment = split.cancel_shipment(SECOND).json()
        assert shipment["shipmentStatus"] == "CANCELED"
        assert shipment["shipmentStatusReason"] == {"reasonCode": "Other", "moreInfo": "Why"}
        assert oms.shipment(SECOND).json()["shipmentStatus"] == "CANCELED"
        lines = split.tenant.parts(8)["lines"]
        assert {line: one["open"] for line, one in lines.items()} == {1: 2, 2: 0}

    def test_a_canceled_one_may_stay_as_it_is(self, split: NativeCaller) -> None:
        first = split.cancel_shipment(FIRST)
        assert split.cancel_shipment(FIRST).status_code == 409
        split.tenant.settings(native_canceled_shipment_status=200)
        assert split.cancel_shipment(FIRST).json() == first.json()
        assert split.cancel_lines(FIRST, {1: 1}).status_code == 409
        shipment = split.tenant.parts(8)["shipments"][FIRST]
        assert (shipment["cancels"], shipment["times_canceled"]) == (4, 1)

    def test_all_shipments_of_an_order_are_canceled(self, split: NativeCaller) -> None:
        split.tenant.change_shipment(FIRST, "FULFILLED")
        path = f"{NATIVE_SHIPMENTS_PATH}/order/{split.tenant.native_id(8)}/canceled"
        answer = split.call("PUT", path, json={"canceledReason": {"reasonCode": "Other"}})
        statuses = [one["shipmentStatus"] for one in answer.json()["_embedded"]["shipments"]]
        assert statuses == ["FULFILLED", "CANCELED"]
        assert split.call("PUT", path, json={}).ok
        unknown = f"{NATIVE_SHIPMENTS_PATH}/order/{'0' * 32}/canceled"
        assert code(split.call("PUT", unknown, json={})) == (404, "ITEM_NOT_FOUND")

    def test_a_success_may_be_201(self, split: NativeCaller) -> None:
        split.tenant.settings(native_shipment_success=201)
        assert split.cancel_lines(FIRST, {1: 1}).status_code == 201
        assert split.cancel_shipment(FIRST).status_code == 201
        path = f"{NATIVE_SHIPMENTS_PATH}/order/{split.tenant.native_id(8)}/canceled"
        assert split.call("PUT", path, json={}).status_code == 201
        assert split.shipment(FIRST).status_code == 200

    def test_shipments_of_a_canceled_order_are_canceled(self, split: NativeCaller) -> None:
        split.cancel(split.tenant.native_id(8))
        shipment = split.shipment(FIRST).json()
        assert (shipment["shipmentStatus"], shipment["items"]) == ("CANCELED", [])
        assert [one["quantity"] for one in shipment["canceledItems"]] == [2]
        assert split.cancel_lines(FIRST, {1: 1}).status_code == 409

    def test_an_order_whose_money_is_captured_is_credited(self, split: NativeCaller) -> None:
        load(split, paymentStatus="Paid", totalCollected=20)
        split.cancel_shipment(FIRST)
        split.cancel_shipment(SECOND)
        order = split.get(split.tenant.native_id(8)).json()
        assert (order["status"], order["amountRefunded"]) == ("Cancelled", 20)
        (event,) = split.pull("?filter=topic eq order.cancelled").json()["items"]
        assert event["entityId"] == order["id"]


class TestConcurrency:
    @pytest.mark.parametrize("whole", [True, False])
    def test_a_shipment_that_has_changed_is_not_canceled(
        self, split: NativeCaller, *, whole: bool
    ) -> None:
        def cancel(etag: str) -> requests.Response:
            headers = {"If-Match": etag}
            if whole:
                return split.cancel_shipment(SECOND, **headers)
            return split.cancel_lines(SECOND, {2: 1}, headers)

        etag = split.shipment(SECOND).headers["ETag"]
        split.cancel_lines(SECOND, {1: 1})
        assert code(cancel(etag)) == (412, "PRECONDITION_FAILED")
        assert quantities(split, SECOND) == {2: 2}
        assert cancel(f'"x", {split.shipment(SECOND).headers["ETag"]}').ok

    def test_any_shipment_matches_a_star(self, split: NativeCaller) -> None:
        assert split.cancel_lines(FIRST, {1: 1}, {"If-Match": "*"}).ok

    def test_it_may_be_ignored(self, split: NativeCaller) -> None:
        split.tenant.settings(native_if_match="ignore")
        assert split.cancel_lines(FIRST, {1: 1}, {"If-Match": '"x"'}).ok

    def test_a_shipment_that_has_been_fulfilled_does_not_match(self, split: NativeCaller) -> None:
        etag = split.shipment(FIRST).headers["ETag"]
        split.tenant.change_shipment(FIRST, "FULFILLED")
        assert split.cancel_shipment(FIRST, **{"If-Match": etag}).status_code == 412


def _json(native: NativeCaller) -> dict[str, str]:
    return {**native.headers, "Content-Type": "application/json"}
