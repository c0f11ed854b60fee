"""The native API: reading orders and what belongs to them, and how a wrong call is refused."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
import requests
from emulator_client import ORDERS_PATH, Caller, NativeCaller

from airflow_provider_oms.emulator.testing import EmulatorError, EmulatorProcess

GIVEN = "137a94b6402be0000137196800002711"
ASKED = "id,orderNumber,tenantId,siteId,status,cancelledDate,availableActions"


def error_code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errorCode"]


class TestOneBook:
    def test_an_order_has_ids_in_both_dialects(self, native: NativeCaller) -> None:
        order = native.get(native.id).json()
        assert re.fullmatch("[0-9a-f]{24}00002711", order["id"])
        assert order["id"] == native.id
        assert (order["tenantId"], order["siteId"]) == (10001, 1)
        assert (order["orderNumber"], order["externalId"]) == (1010101, "EXT-1010101")
        assert native.tenant.order(native.id)["orderID"] == 1010101

    def test_an_order_can_be_loaded_with_native_ids_of_its_own(self, native: NativeCaller) -> None:
        given = {"id": GIVEN, "orderNumber": 42, "externalId": "SHOP-42", "siteId": 7}
        assert native.load(42, **given) == GIVEN
        assert native.get(GIVEN).json().items() >= given.items()
        known = native.tenant.orders()[42]["native"]
        assert known == {**given, "status": "Accepted"}

    def test_orders_have_different_ids(self, native: NativeCaller) -> None:
        native.tenant.load_orders([{"orderID": order_id} for order_id in range(300, 320)])
        assert len({native.tenant.native_id(order_id) for order_id in range(300, 320)}) == 20

    @pytest.mark.parametrize(
        ("state", "status"),
        [
            ("READY", "Accepted"),
            ("PAYMENT_HOLD", "PendingReview"),
            ("SHIPPED", "Completed"),
            ("CANCELED", "Cancelled"),
            ("PENDING", "Pending"),
            ("PAYMENT_ERROR", "Errored"),
        ],
    )
    def test_each_dialect_has_its_own_words_for_a_state(
        self, native: NativeCaller, state: str, status: str
    ) -> None:
        native.tenant.load_orders([{"orderID": 50, "orderState": state}])
        assert native.get(native.tenant.native_id(50)).json()["status"] == status
        native.load(51, status=status)
        assert native.tenant.order(51)["orderState"] == state

    def test_a_status_without_a_twin_is_that_of_an_open_order(self, native: NativeCaller) -> None:
        native.load(52, status="PendingShipment")
        assert native.tenant.order(52)["orderState"] == "READY"
        native.tenant.load_orders([{"orderID": 53, "orderState": "CUSTOMER_CARE"}])
        assert native.tenant.order(53)["native"]["status"] == "Accepted"

    def test_a_canceled_order_says_when_it_was_canceled(self, native: NativeCaller) -> None:
        order = native.get(native.load(54, status="Cancelled")).json()
        assert datetime.fromisoformat(order["cancelledDate"]).year >= 2024
        assert order["paymentStatus"] == "Void"
        assert native.get(native.id).json()["cancelledDate"] is None

    def test_an_order_is_never_canceled_in_one_dialect_only(self, tenant: EmulatorProcess) -> None:
        order = {"orderID": 55, "orderState": "READY", "native": {"status": "Cancelled"}}
        with pytest.raises(EmulatorError, match="order 55 is canceled in one dialect only"):
            tenant.load_orders([order])

    @pytest.mark.parametrize(
        "wrong",
        [
            {"id": "x"},
            {"id": GIVEN.upper()},
            {"id": 5},
            {"orderNumber": 0},
            {"orderNumber": 2**31},
            {"orderNumber": "5"},
            {"siteId": None},
            {"siteId": -1},
            {"externalId": 5},
            {"status": None},
            {"notes": None},
        ],
    )
    def test_what_it_goes_by_itself_must_make_sense(
        self, native: NativeCaller, wrong: dict[str, Any]
    ) -> None:
        with pytest.raises(EmulatorError, match=f"native.{next(iter(wrong))} must"):
            native.load(56, **wrong)
        assert 56 not in native.tenant.orders()

    def test_what_belongs_to_the_native_order_must_be_an_object(
        self, tenant: EmulatorProcess
    ) -> None:
        with pytest.raises(EmulatorError, match="native must be an object"):
            tenant.load_orders([{"orderID": 57, "native": []}])

    def test_two_orders_can_not_have_the_same_id_or_number(self, native: NativeCaller) -> None:
        own = native.load(60, id="60" * 16, orderNumber=6000)
        for twin in ({"id": own}, {"orderNumber": 6000}, {"orderNumber": 6000, "siteId": 2}):
            with pytest.raises(EmulatorError, match="orders 60 and 61 can not both have"):
                native.load(61, **twin)
        assert 61 not in native.tenant.orders()
        assert native.load(60, id=own, orderNumber=6000) == own

    def test_numbers_can_be_unique_for_each_site_only(self, native: NativeCaller) -> None:
        native.tenant.settings(native_order_numbers="site")
        native.load(62, orderNumber=6200, siteId=1)
        native.load(63, orderNumber=6200, siteId=2)
        assert native.find("orderNumber eq 6200").json()["totalCount"] == 2
        with pytest.raises(EmulatorError, match=r"orders 6[23] and 64 can not both have"):
            native.load(64, orderNumber=6200, siteId=2)

    def test_odd_values_in_the_translated_order_do_no_harm(self, native: NativeCaller) -> None:
        odd: dict[str, Any] = {
            "orderID": 65,
            "customer": None,
            "orderItems": [],
            "externalOrderID": None,
        }
        native.tenant.load_orders([{**odd, "orderDate": "never", "total": "x"}])
        assert native.get(native.tenant.native_id(65)).ok

    def test_an_id_too_large_for_a_number_has_none(self, native: NativeCaller) -> None:
        native.tenant.load_orders([{"orderID": 9000000000}])
        order = native.get(native.tenant.native_id(9000000000)).json()
        assert order["orderNumber"] is None


class TestReading:
    def test_an_id_may_be_in_any_letter_case(self, native: NativeCaller) -> None:
        assert native.get(native.id.upper()).json()["id"] == native.id

    def test_only_the_fields_asked_for_come_back(self, native: NativeCaller) -> None:
        order = native.get(native.id, f"?responseFields={ASKED}").json()
        assert set(order) == set(ASKED.split(","))
        nested = native.get(native.id, "?responseFields=id,items(product(name),lineId),x(y)").json()
        assert set(nested) == {"id", "items"}
        assert [set(item) for item in nested["items"]] == [{"product", "lineId"}]
        assert [set(item["product"]) for item in nested["items"]] == [{"name"}]

    @pytest.mark.parametrize("fields", ["id,items(", "id)", "(id)", "id;status", "a(b", "a((b))"])
    def test_fields_that_can_not_be_read_are_refused(
        self, native: NativeCaller, fields: str
    ) -> None:
        answer = native.get(native.id, f"?responseFields={fields}")
        assert error_code(answer) == (400, "MISSING_OR_INVALID_PARAMETER")

    def test_the_fields_of_every_call_can_be_chosen(self, native: NativeCaller) -> None:
        one, query = f"{ORDERS_PATH}/{native.id}", "?responseFields="
        note = native.call("POST", f"{one}/notes{query}text", json={"text": "x"}).json()
        assert note == {"text": "x"}
        assert native.call("GET", f"{one}/notes{query}text").json() == [{"text": "x"}]
        reasons = native.call("GET", f"{ORDERS_PATH}/cancel/reasons{query}totalCount")
        assert reasons.json() == {"totalCount": 4}
        path = f"{ORDERS_PATH}/cancel/{native.id}{query}id,status"
        canceled = native.call("PUT", path, json={"reasonCode": "Fraud"}).json()
        assert canceled == {"id": native.id, "status": "Cancelled"}
        tenant = native.call("GET", f"/api/platform/tenants/10001{query}id").json()
        assert tenant == {"id": 10001}

    def test_the_actions_of_an_order_follow_its_status(self, native: NativeCaller) -> None:
        def actions(**given: Any) -> list[str]:
            order_id = native.load(70, **given)
            listed: list[str] = native.call("GET", f"{ORDERS_PATH}/{order_id}/actions").json()
            assert native.get(order_id).json()["availableActions"] == listed
            return listed

        assert actions(status="Pending") == ["SubmitOrder"]
        assert "CancelOrder" in actions(status="PendingReview")
        assert "CancelOrder" in actions(status="Processing")
        assert actions(status="Cancelled") == []
        assert "CancelOrder" not in actions(status="Submitted", restrictCancellation=True)
        native.tenant.settings(native_restriction_binds=False)
        assert "CancelOrder" in actions(status="Submitted", restrictCancellation=True)

    def test_the_reasons_are_listed(self, native: NativeCaller) -> None:
        native.tenant.settings(native_reasons=["NoInventory", "Other"])
        page = native.call("GET", f"{ORDERS_PATH}/cancel/reasons").json()
        assert page["totalCount"] == 2
        assert page["items"] == [
            {"reasonCode": "NoInventory", "name": "No Inventory", "needsMoreInfo": False},
            {"reasonCode": "Other", "name": "Other", "needsMoreInfo": True},
        ]

    def test_a_category_that_is_not_known_has_no_reasons(self, native: NativeCaller) -> None:
        native.tenant.settings(native_reason_categories=["SHOPPER", "Transfer"])
        path = f"{ORDERS_PATH}/cancel/reasons"
        counts = [
            native.call("GET", f"{path}{query}").json()["totalCount"]
            for query in ("", "?category=transfer", "?category=FXCB")
        ]
        assert counts == [4, 4, 0]

    def test_the_tenant_tells_its_domain(self, native: NativeCaller) -> None:
        native.load(71, siteId=5)
        told = native.call("GET", "/api/platform/tenants/10001").json()
        host = native.tenant.url.removeprefix("http://")
        assert (told["id"], told["domain"]) == (10001, host)
        assert {site["id"] for site in told["sites"]} >= {1, 5}
        native.tenant.settings(native_tenant_domain="t10001.sandbox.mozu.com")
        told = native.call("GET", "/api/platform/tenants/10001").json()
        assert told["domain"] == "t10001.sandbox.mozu.com"
        for other in ("10002", "x"):
            answer = native.call("GET", f"/api/platform/tenants/{other}")
            assert error_code(answer) == (404, "ITEM_NOT_FOUND")


class TestNotes:
    def test_a_note_is_kept_with_the_order(self, native: NativeCaller) -> None:
        order_id = native.load(72)
        note = native.note(order_id, "Flagged by the fraud model").json()
        assert note["text"] == "Flagged by the fraud model"
        native.note(order_id, "x" * 250)
        listed = native.call("GET", f"{ORDERS_PATH}/{order_id}/notes").json()
        assert [one["text"] for one in listed] == [note["text"], "x" * 250]
        assert len({one["id"] for one in listed}) == 2
        assert native.get(order_id).json()["notes"] == listed

    @pytest.mark.parametrize("text", ["", None, 5, "x" * 251, "\ud800"])
    def test_a_note_that_is_none_is_refused(self, native: NativeCaller, text: object) -> None:
        order_id = native.load(73)
        assert error_code(native.note(order_id, text)) == (409, "VALIDATION_CONFLICT")
        assert native.get(order_id).json()["notes"] == []

    def test_a_canceled_order_may_refuse_one(self, native: NativeCaller) -> None:
        order_id = native.load(74, status="Cancelled")
        assert native.note(order_id, "x").ok
        native.tenant.settings(native_note_on_canceled=409)
        assert error_code(native.note(order_id, "x")) == (409, "VALIDATION_CONFLICT")
        assert native.note(native.load(75), "x").ok


class TestRefusals:
    @pytest.mark.parametrize(
        "text", ["abcde", "5", GIVEN[:-1], f"{GIVEN}0", f"g{GIVEN[1:]}", "%C2"]
    )
    def test_a_malformed_id_is_refused(self, native: NativeCaller, text: str) -> None:
        for answer in (native.get(text), native.cancel(text), native.act(text)):
            assert error_code(answer) == (400, "MISSING_OR_INVALID_PARAMETER")

    def test_an_unknown_id_is_not_found(self, native: NativeCaller) -> None:
        unknown = f"{'0' * 24}00002711"
        for answer in (
            native.get(unknown),
            native.cancel(unknown),
            native.act(unknown),
            native.note(unknown, "x"),
            native.call("PUT", f"{ORDERS_PATH}/cancel/{unknown}", data=b"{"),
        ):
            assert error_code(answer) == (404, "ITEM_NOT_FOUND")

    @pytest.mark.parametrize(
        "path",
        [
            "/api/commerce/nothing",
            "/api/commerce/orders/x/y/z",
            "/api/platform/nothing",
            f"{ORDERS_PATH}/cancel/{GIVEN}/x",
        ],
    )
    def test_an_unknown_address_has_an_empty_answer_without_a_correlation(
        self, native: NativeCaller, path: str
    ) -> None:
        answer = native.call("GET", path)
        assert (answer.status_code, answer.content) == (404, b"")
        assert "x-vol-correlation" not in answer.headers

    def test_every_other_answer_has_a_correlation(self, native: NativeCaller) -> None:
        refusal = native.get("abcde")
        assert refusal.json()["correlationId"] == refusal.headers["x-vol-correlation"]
        assert re.fullmatch("[0-9a-f]{32}", native.get(native.id).headers["x-vol-correlation"])

    def test_another_method_is_refused(self, native: NativeCaller) -> None:
        answer = native.call("DELETE", f"{ORDERS_PATH}/{native.id}")
        assert answer.status_code == 405
        assert answer.headers["Allow"] == "GET"

    def test_an_error_has_the_shape_that_is_switched_on(self, native: NativeCaller) -> None:
        native.tenant.settings(native_error_body="fulfillment")
        refusal = native.get("abcde").json()
        assert set(refusal) == {"code", "message", "errors"}
        assert refusal["errors"] == [{"code": refusal["code"], "message": refusal["message"]}]
        native.tenant.settings(native_error_body="html")
        assert native.get("abcde").headers["Content-Type"].startswith("text/html")
        native.tenant.settings(native_error_body="empty")
        assert native.get("abcde").content == b""
        native.tenant.settings(native_error_body="platform")
        assert native.get("abcde").json()["additionalErrorData"] == []

    def test_a_call_needs_a_token_which_both_dialects_share(
        self, native: NativeCaller, oms: Caller
    ) -> None:
        path = f"{ORDERS_PATH}/{native.id}"
        assert native.call("GET", path, headers={"Authorization": f"Bearer {oms.token}"}).ok
        for authorization, code in (
            (None, "UNAUTHORIZED"),
            ("Basic abc", "UNAUTHORIZED"),
            ("Bearer made-up", "INVALID_ACCESS_TOKEN"),
        ):
            headers = {} if authorization is None else {"Authorization": authorization}
            assert error_code(native.call("GET", path, headers=headers)) == (401, code)

    def test_a_call_may_have_to_name_its_site(self, native: NativeCaller) -> None:
        there, elsewhere = native.load(76, siteId=7), native.load(77, siteId=8)
        of_site = {**native.headers, "x-vol-site": "7"}

        def status(order_id: str, **headers: str) -> int:
            path = f"{ORDERS_PATH}/{order_id}"
            return native.call("GET", path, headers={**native.headers, **headers}).status_code

        assert status(elsewhere, **{"x-vol-site": "7"}) == 200
        native.tenant.settings(native_site="require")
        assert (status(there), status(there, **{"x-vol-site": "x"})) == (400, 400)
        assert status(elsewhere, **{"x-vol-site": "7"}) == 200
        native.tenant.settings(native_site="scope")
        assert (status(there), status(elsewhere)) == (200, 200)
        assert (status(there, **{"x-vol-site": "7"}), status(elsewhere, **of_site)) == (200, 404)
        found = native.call("GET", f"{ORDERS_PATH}?filter=orderNumber ge 76", headers=of_site)
        assert [one["id"] for one in found.json()["items"]] == [there]
        canceled = native.call("PUT", f"{ORDERS_PATH}/cancel/{elsewhere}", headers=of_site, json={})
        assert error_code(canceled) == (404, "ITEM_NOT_FOUND")
