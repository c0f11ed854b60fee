"""The native API: canceling an order, in both ways, and the possible differences."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from emulator_client import ORDERS_PATH, Caller, NativeCaller
from patience import wait_until

PAID = {"paymentStatus": "Paid", "totalCollected": 20, "amountAvailableForRefund": 20}
#: Cancels an order, with the parameters of the reason.
Way = Callable[[NativeCaller, str], requests.Response]
WAYS: dict[str, Way] = {
    "with a reason": lambda native, order_id: native.cancel(order_id, reasonCode="Fraud"),
    "by an action": lambda native, order_id: native.act(order_id),
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    return WAYS[request.param]


def error_code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errorCode"]


def age(text: str) -> timedelta:
    return abs(datetime.now(UTC) - datetime.fromisoformat(text))


CONFLICT = (409, "VALIDATION_CONFLICT")
INVALID = (400, "MISSING_OR_INVALID_PARAMETER")


def test_a_cancel_cancels_the_order_in_both_dialects(
    native: NativeCaller, oms: Caller, way: Way
) -> None:
    answer = way(native, native.id)
    order = answer.json()
    assert (answer.status_code, order["id"], order["status"]) == (200, native.id, "Cancelled")
    assert age(order["cancelledDate"]) < timedelta(minutes=5)
    assert (order["paymentStatus"], order["availableActions"]) == ("Void", [])
    assert native.get(native.id).json() == order
    assert oms.get(1010101).json()["orderState"] == "CANCELED"


def test_a_cancel_in_the_other_dialect_shows_too(native: NativeCaller, oms: Caller) -> None:
    oms.cancel()
    order = native.get(native.id).json()
    assert (order["status"], order["paymentStatus"]) == ("Cancelled", "Void")


def test_cancels_are_counted_whichever_dialect_and_way(native: NativeCaller, oms: Caller) -> None:
    oms.cancel()
    for each in WAYS.values():
        each(native, native.id)
    native.call("POST", f"{ORDERS_PATH}/{native.id}/actions", data=b"{")
    native.act(native.id, "ReopenOrder")
    native.get(native.id)
    tenant = native.tenant
    assert tenant.cancels(1010101) == tenant.cancels(native.id) == 4
    assert (tenant.order(native.id)["cancels"], tenant.cancel_posts(1010101)) == (4, 1)
    assert tenant.order(1010101)["times_canceled"] == 1


def test_cancels_for_an_order_that_is_not_there_are_counted(native: NativeCaller) -> None:
    unknown = f"{'ab' * 12}00002711"
    native.cancel(unknown.upper())
    native.cancel(unknown)
    assert native.tenant.cancels(unknown) == 2
    assert native.tenant.cancels("1" * 32) == native.tenant.cancels(77) == 0


def test_the_reason_is_kept(native: NativeCaller) -> None:
    native.cancel(native.id, reasonCode="Other", moreInfo="Flagged", description="A description")
    known = native.tenant.order(native.id)
    assert (known["dispositionReason"], known["dispositionOtherReason"]) == ("Other", "Flagged")


def test_names_may_be_in_any_letter_case(native: NativeCaller) -> None:
    native.cancel(native.id, ReasonCode="NoInventory")
    assert native.tenant.order(1010101)["dispositionReason"] == "NoInventory"
    path = f"{ORDERS_PATH}/{native.load(80)}/actions"
    answer = native.call("POST", path, json={"ActionName": "cancelorder"})
    assert answer.json()["status"] == "Cancelled"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"reasonCode": 5}', b"\xff"])
def test_a_body_that_is_none_is_a_conflict(native: NativeCaller, body: bytes) -> None:
    headers = {**native.headers, "Content-Type": "application/json"}
    path = f"{ORDERS_PATH}/cancel/{native.id}"
    assert error_code(native.call("PUT", path, data=body, headers=headers)) == CONFLICT
    path = f"{ORDERS_PATH}/{native.id}/actions"
    assert error_code(native.call("POST", path, data=body, headers=headers)) == CONFLICT
    assert native.tenant.order(1010101)["times_canceled"] == 0


def test_a_body_must_be_called_json(native: NativeCaller) -> None:
    path = f"{ORDERS_PATH}/cancel/{native.id}"
    assert error_code(native.call("PUT", path, data={"reasonCode": "Fraud"})) == CONFLICT


def test_an_empty_reason_is_one(native: NativeCaller) -> None:
    assert native.cancel(native.id).json()["status"] == "Cancelled"


@pytest.mark.parametrize("action", ["ReopenOrder", "", None, 5])
def test_another_action_is_not_available(native: NativeCaller, action: object) -> None:
    assert error_code(native.act(native.id, action)) == CONFLICT
    assert native.get(native.id).json()["status"] == "Accepted"


class TestReasons:
    def test_one_that_is_not_listed_may_be_refused(self, native: NativeCaller) -> None:
        native.tenant.settings(native_unlisted_reason=409)
        assert error_code(native.cancel(native.id, reasonCode="Made up.")) == CONFLICT
        assert error_code(native.cancel(native.id)) == CONFLICT
        native.tenant.settings(native_unlisted_reason=400)
        assert error_code(native.cancel(native.id, reasonCode="Made up.")) == INVALID
        assert native.cancel(native.id, reasonCode="Fraud").ok
        native.tenant.settings(native_unlisted_reason="accept")
        assert native.cancel(native.load(81), reasonCode="Made up.").ok

    def test_one_that_needs_more_may_be_refused_without_it(self, native: NativeCaller) -> None:
        native.tenant.settings(native_unexplained_reason=409)
        assert error_code(native.cancel(native.id, reasonCode="Other")) == CONFLICT
        assert error_code(native.cancel(native.id, reasonCode="Other", moreInfo="")) == CONFLICT
        assert native.cancel(native.id, reasonCode="Other", moreInfo="Why not").ok
        native.tenant.settings(native_unexplained_reason="accept")
        assert native.cancel(native.load(82), reasonCode="Other").ok


class TestOrdersThatRefuse:
    @pytest.mark.parametrize("status", ["Pending", "Created", "Abandoned", "Completed"])
    def test_a_status_may_refuse(self, native: NativeCaller, way: Way, status: str) -> None:
        order_id = native.load(83, status=status)
        assert error_code(way(native, order_id)) == CONFLICT
        assert native.get(order_id).json()["status"] == status

    def test_which_ones_do_can_be_switched(self, native: NativeCaller) -> None:
        native.tenant.settings(native_refused_statuses="accepted")
        assert error_code(native.cancel(native.id)) == CONFLICT
        assert native.cancel(native.load(84, status="Pending")).ok

    def test_an_imported_order_of_the_past_refuses(self, native: NativeCaller) -> None:
        assert error_code(native.cancel(native.load(84, isHistoricalImport=True))) == CONFLICT

    @pytest.mark.parametrize(
        ("given", "switch"),
        [
            ({"status": "Cancelled"}, "native_canceled_order_status"),
            ({"fulfillmentStatus": "Fulfilled"}, "native_fulfilled_status"),
            ({"fulfillmentStatus": "PartiallyFulfilled"}, "native_partly_fulfilled_status"),
        ],
    )
    def test_the_answer_to_an_order_past_canceling_can_be_switched(
        self, native: NativeCaller, way: Way, given: dict[str, Any], switch: str
    ) -> None:
        order_id = native.load(85, **given)
        before = native.get(order_id).json()
        assert error_code(way(native, order_id)) == CONFLICT
        if switch != "native_canceled_order_status":
            native.tenant.settings(**{switch: 400})
            assert error_code(way(native, order_id)) == INVALID
        native.tenant.settings(**{switch: 200})
        assert way(native, order_id).json() == before
        assert native.get(order_id).json() == before
        assert native.tenant.order(order_id)["times_canceled"] == 0

    def test_a_restriction_may_bind_applications(self, native: NativeCaller, way: Way) -> None:
        order_id = native.load(86, restrictCancellation=True)
        assert error_code(way(native, order_id)) == CONFLICT
        native.tenant.settings(native_restriction_binds=False)
        assert way(native, order_id).json()["status"] == "Cancelled"


class TestMoney:
    def test_money_that_is_captured_refuses(self, native: NativeCaller, way: Way) -> None:
        order_id = native.load(87, **PAID)
        assert error_code(way(native, order_id)) == CONFLICT
        assert native.get(order_id).json()["status"] == "Accepted"

    def test_unless_it_has_been_credited(self, native: NativeCaller) -> None:
        assert native.cancel(native.load(88, **PAID, amountRefunded=20)).ok

    def test_it_may_be_kept(self, native: NativeCaller, way: Way) -> None:
        native.tenant.settings(native_captured="keep")
        order = way(native, native.load(89, **PAID)).json()
        assert (order["status"], order["paymentStatus"]) == ("Cancelled", "Paid")
        assert (order["totalCollected"], order["amountRefunded"]) == (20, 0)

    def test_it_may_be_credited(self, native: NativeCaller, way: Way) -> None:
        native.tenant.settings(native_captured="credit")
        payments = [{"status": "Collected", "amountCollected": 20}, "odd"]
        order = way(native, native.load(90, **PAID, payments=payments)).json()
        assert (order["status"], order["amountRefunded"]) == ("Cancelled", 20)
        assert order["amountAvailableForRefund"] == 0
        credited = {"status": "Credited", "amountCollected": 20, "amountCredited": 20}
        assert order["payments"] == [credited, "odd"]


class TestCancelsThatTakeTime:
    def test_a_cancel_may_show_later(self, native: NativeCaller, oms: Caller, way: Way) -> None:
        native.tenant.settings(native_cancel_shows=300)
        order = way(native, native.id).json()
        assert (order["status"], order["cancelledDate"]) == ("Accepted", None)
        assert native.get(native.id).json() == order
        assert native.find("orderNumber eq 1010101").json()["items"] == [order]
        assert oms.get(1010101).json()["orderState"] == "READY"
        assert native.tenant.order(1010101)["native"]["status"] == "Cancelled"

    def test_until_it_does(self, native: NativeCaller) -> None:
        native.tenant.settings(native_cancel_shows=0.2)
        assert native.cancel(native.id).json()["status"] == "Accepted"
        wait_until(lambda: native.get(native.id).json()["status"] == "Cancelled")

    def test_or_never(self, native: NativeCaller, way: Way) -> None:
        native.tenant.settings(native_cancel_shows="never")
        answer = way(native, native.id)
        assert (answer.status_code, answer.json()["status"]) == (200, "Accepted")
        known = native.tenant.order(1010101)
        assert (known["orderState"], known["times_canceled"], known["cancels"]) == ("READY", 0, 1)
        assert error_code(way(native, native.load(91, status="Completed"))) == CONFLICT

    def test_a_note_is_kept_while_it_does_not_show(self, native: NativeCaller) -> None:
        native.tenant.settings(native_cancel_shows=300)
        native.cancel(native.id)
        native.note(native.id, "waiting")
        assert [one["text"] for one in native.get(native.id).json()["notes"]] == ["waiting"]
        assert native.tenant.order(1010101)["native"]["notes"][0]["text"] == "waiting"


class TestCancelsByTheSystem:
    def test_an_order_can_be_canceled_without_a_call(self, native: NativeCaller) -> None:
        tenant = native.tenant
        assert tenant.cancel_by_system(native.id)
        assert native.get(native.id).json()["status"] == "Cancelled"
        known = tenant.order(1010101)
        assert (known["times_canceled"], known["cancels"]) == (0, 0)
        assert not tenant.cancel_by_system(1010101)

    def test_it_can_show_later(self, native: NativeCaller) -> None:
        native.tenant.cancel_by_system(1010101, after=0.2)
        wait_until(lambda: native.get(native.id).json()["status"] == "Cancelled")

    def test_an_order_that_is_not_there_is_said_to_be_so(self, native: NativeCaller) -> None:
        for order_id in (5, "x", "1" * 32, "9" * 25):
            url = f"{native.tenant.url}/_emulator/orders/{order_id}"
            assert requests.post(f"{url}/cancel", timeout=30).status_code == 404
            assert requests.get(url, timeout=30).status_code == 404
