"""Cancel Order: the documented rules, each on both sides of its bound, and each open point."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_client import CANCEL_PATH, EXAMPLE, Caller


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in EXAMPLE.items() if name != field}


def test_the_documented_example_cancels_the_order(oms: Caller) -> None:
    before = oms.get(1010101).json()
    answer = oms.cancel()
    assert answer.status_code == 200
    after = answer.json()
    assert after == oms.get(1010101).json()
    assert list(after) == list(before)
    assert (after["orderState"], after["orderStatus"]) == ("CANCELED", "CANCELED")
    assert {item["itemState"] for item in after["orderItems"]} == {"CANCELED"}
    assert {one["shipmentStatus"] for one in after["shipments"]} == {"CANCELED"}
    assert (after["customerTotal"], after["total"]) == (0, before["total"])
    known = oms.tenant.order(1010101)
    assert (known["times_canceled"], known["cancels"]) == (1, 1)
    assert known["dispositionReason"] == "other"
    assert known["dispositionOtherReason"] == "Customer changed mind"


@pytest.mark.parametrize(
    "order_id", [None, "1010101", "", 0, -1, 1010101.0, True, [1010101], {"id": 1}]
)
def test_an_order_id_must_be_an_integer_from_1(oms: Caller, order_id: object) -> None:
    assert oms.cancel(orderID=order_id).status_code == 400
    assert oms.tenant.order(1010101)["times_canceled"] == 0


def test_an_order_id_may_be_a_string_of_digits_where_that_is_switched_on(oms: Caller) -> None:
    oms.tenant.settings(numeric_string_ids=True)
    assert oms.cancel(orderID="1010101x").status_code == 400
    assert oms.cancel(orderID="1010101").status_code == 200


@pytest.mark.parametrize("field", ["orderID", "dispositionReason", "dispositionOtherReason"])
def test_a_field_that_is_missing_is_named(oms: Caller, field: str) -> None:
    refusal = oms.cancel(without(field))
    assert refusal.status_code == 400
    assert refusal.json()["errorCode"] == "MISSING_REQUEST_DATA"
    assert field in refusal.json()["message"]


@pytest.mark.parametrize("reason", ["", "Other", "fraud", None, 7])
def test_a_reason_must_be_a_documented_one(oms: Caller, reason: object) -> None:
    assert oms.cancel(dispositionReason=reason).status_code == 400


@pytest.mark.parametrize("reason", ["customer_changed_mind", "created_by_mistake"])
def test_the_other_documented_reasons_need_no_explanation(oms: Caller, reason: str) -> None:
    body = {"orderID": 1010101, "dispositionReason": reason}
    assert oms.cancel(body).status_code == 200
    assert oms.tenant.order(1010101)["dispositionReason"] == reason


def test_reasons_can_be_added_or_not_be_checked_at_all(oms: Caller) -> None:
    body = {"orderID": 1010101, "dispositionReason": "fraud"}
    assert oms.cancel(body).status_code == 400
    oms.tenant.settings(extra_reasons=["fraud"])
    assert oms.cancel(body).status_code == 200
    oms.tenant.settings(extra_reasons=[], reasons="lenient")
    assert oms.cancel(body | {"dispositionReason": "anything"}).status_code == 200
    assert oms.cancel(body | {"dispositionReason": ""}).status_code == 400


@pytest.mark.parametrize("length", [1, 255])
def test_an_explanation_of_1_to_255_characters_passes(oms: Caller, length: int) -> None:
    assert oms.cancel(dispositionOtherReason="é" * length).status_code == 200


@pytest.mark.parametrize("text", ["", "x" * 256, "€" * 37, None, 7, "\ud800"])
def test_any_other_explanation_is_refused(oms: Caller, text: object) -> None:
    assert oms.cancel(dispositionOtherReason=text).status_code == 400


def test_a_euro_sign_counts_seven_unless_switched_off(oms: Caller) -> None:
    assert oms.cancel(dispositionOtherReason="€" * 36).status_code == 200
    oms.tenant.settings(latin1_lengths=False)
    assert oms.cancel(dispositionOtherReason="€" * 255).status_code == 200


def test_an_explanation_with_another_reason_is_ignored_or_refused(oms: Caller) -> None:
    changes = {"dispositionReason": "created_by_mistake"}
    assert oms.cancel(**changes).status_code == 200
    assert oms.tenant.order(1010101)["dispositionOtherReason"] is None
    oms.tenant.settings(explanation_without_other="refuse")
    assert oms.cancel(**changes).status_code == 400


def test_other_without_an_explanation_can_be_accepted(oms: Caller) -> None:
    oms.tenant.settings(other_without_explanation="accept")
    assert oms.cancel(without("dispositionOtherReason")).status_code == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b'{"orderID": NaN}', b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(oms: Caller, body: bytes) -> None:
    headers = oms.headers | {"Content-Type": "application/json"}
    assert oms.call("POST", CANCEL_PATH, data=body, headers=headers).status_code == 400


def test_another_content_type_is_refused(oms: Caller) -> None:
    assert oms.call("POST", CANCEL_PATH, data=EXAMPLE).status_code == 400
    assert oms.tenant.order(1010101)["times_canceled"] == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_post_cancels(oms: Caller, method: str) -> None:
    assert oms.call(method, CANCEL_PATH, json=EXAMPLE).status_code in (400, 405)
    assert oms.tenant.order(1010101)["times_canceled"] == 0


def test_an_unknown_order_is_not_found(oms: Caller) -> None:
    assert oms.cancel(orderID=5).status_code == 404
    assert oms.cancel(orderID=10**30).status_code == 404


@pytest.mark.parametrize("state", ["SHIPPED", "RETURNED"])
def test_the_states_that_refuse_are_a_setting(oms: Caller, state: str) -> None:
    oms.tenant.settings(refused_states=[state], refused_state_status=400)
    oms.tenant.load_orders([{"orderID": 7, "orderState": state}])
    assert oms.cancel(orderID=7).status_code == 400
    assert oms.get(7).json()["orderState"] == state
    oms.tenant.settings(refused_states=[])
    assert oms.cancel(orderID=7).status_code == 200


def test_a_shipped_order_is_a_conflict(oms: Caller) -> None:
    oms.tenant.load_orders([{"orderID": 7, "orderStatus": "SHIPPED"}])
    assert oms.cancel(orderID=7).status_code == 409


@pytest.mark.parametrize("status", [200, 409])
def test_a_second_cancel_changes_nothing(oms: Caller, status: int) -> None:
    oms.tenant.settings(canceled_order_status=status)
    first = oms.cancel().json()
    second = oms.cancel(dispositionOtherReason="Another reason")
    assert second.status_code == status
    assert oms.get(1010101).json() == first
    known = oms.tenant.order(1010101)
    assert (known["times_canceled"], known["cancels"]) == (1, 2)
    assert known["dispositionOtherReason"] == "Customer changed mind"
