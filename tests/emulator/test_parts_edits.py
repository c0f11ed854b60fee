"""The native API: editing the items of an order that has no shipments yet."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from emulator_client import ORDERS_PATH, Caller, NativeCaller

ITEMS = (f"{10_000_000_801:032x}", f"{10_000_000_802:032x}")
FIRST, SECOND = ITEMS


def load(native: NativeCaller, **given: Any) -> str:
    parts = {"lines": [3, 2], "shipments": []}
    order = {"orderID": 8, "parts": parts, "native": {"status": "PendingReview", **given}}
    native.tenant.load_orders([order])
    return native.tenant.native_id(8)


@pytest.fixture
def order_id(native: NativeCaller) -> str:
    return load(native)


def items(native: NativeCaller, order_id: str) -> dict[str, int]:
    return {one["id"]: one["quantity"] for one in native.get(order_id).json()["items"]}


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errorCode"]


def test_the_quantity_of_an_item_is_lowered(native: NativeCaller, order_id: str) -> None:
    answer = native.keep(order_id, FIRST, 1)
    assert answer.json() == native.get(order_id).json()
    assert items(native, order_id) == {FIRST: 1, SECOND: 2}
    line = native.tenant.parts(8)["lines"][1]
    assert (line["ordered"], line["open"], line["canceled"]) == (3, 1, 2)
    assert (line["cancels"], line["times_canceled"]) == (1, 1)


def test_an_item_is_removed(native: NativeCaller, order_id: str) -> None:
    assert native.keep(order_id, FIRST.upper(), 0).ok
    assert items(native, order_id) == {SECOND: 2}
    assert code(native.keep(order_id, FIRST, 0)) == (404, "ITEM_NOT_FOUND")
    assert native.find("orderNumber eq 8").json()["items"][0]["items"][0]["id"] == SECOND


def test_the_same_quantity_again_changes_nothing(native: NativeCaller, order_id: str) -> None:
    first = native.keep(order_id, FIRST, 1)
    assert native.keep(order_id, FIRST, 1).json() == first.json()
    line = native.tenant.parts(8)["lines"][1]
    assert (line["canceled"], line["cancels"], line["times_canceled"]) == (2, 2, 1)


def test_only_the_fields_asked_for_come_back(native: NativeCaller, order_id: str) -> None:
    answer = native.keep(order_id, FIRST, 1, "?responseFields=id,items(lineId,quantity)")
    assert answer.json() == {
        "id": order_id,
        "items": [{"lineId": 1, "quantity": 1}, {"lineId": 2, "quantity": 2}],
    }


def test_each_edit_makes_a_new_version(native: NativeCaller, order_id: str) -> None:
    before = native.get(order_id).json()["version"]
    after = native.keep(order_id, FIRST, 2, f"?version={before}").json()["version"]
    assert after != before
    assert code(native.keep(order_id, FIRST, 1, f"?version={before}")) == (
        409,
        "VALIDATION_CONFLICT",
    )
    assert code(native.keep(order_id, SECOND, 0, f"?version={before}"))[0] == 409
    assert native.keep(order_id, FIRST, 1, f"?version={after}&updateMode=ApplyToOriginal").ok
    assert items(native, order_id) == {FIRST: 1, SECOND: 2}


@pytest.mark.parametrize("version", [None, "abc"])
def test_an_order_may_have_another_kind_of_version_or_none(
    native: NativeCaller, version: str | None
) -> None:
    order_id = load(native, version=version)
    after = native.keep(order_id, FIRST, 2).json()["version"]
    assert (after == version) == (version is None)


@pytest.mark.parametrize(
    ("item", "quantity", "status"),
    [
        ("x", 1, 400),
        (FIRST, "x", 400),
        (FIRST, 2**31, 400),
        ("0" * 32, 1, 404),
        (FIRST, 4, 409),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused(
    native: NativeCaller, order_id: str, item: str, quantity: Any, status: int
) -> None:
    assert native.keep(order_id, item, quantity).status_code == status
    assert items(native, order_id) == {FIRST: 3, SECOND: 2}


def test_a_quantity_of_0_is_refused(native: NativeCaller, order_id: str) -> None:
    path = f"{ORDERS_PATH}/{order_id}/items/{FIRST}/quantity/0"
    assert native.call("PUT", path).status_code == 409


def test_an_unknown_order_is_refused(native: NativeCaller) -> None:
    assert code(native.keep("0" * 32, FIRST, 1)) == (404, "ITEM_NOT_FOUND")
    assert native.keep("5", FIRST, 1).status_code == 400


@pytest.mark.parametrize(
    "given", [{"status": "Completed"}, {"status": "Cancelled"}, {"restrictEdit": True}]
)
def test_some_orders_can_not_be_edited(native: NativeCaller, given: dict[str, Any]) -> None:
    assert code(native.keep(load(native, **given), FIRST, 1)) == (409, "VALIDATION_CONFLICT")


def test_an_order_with_shipments_can_not_be_edited(
    native: NativeCaller, split_order: object
) -> None:
    order_id = native.tenant.native_id(8)
    assert code(native.keep(order_id, FIRST, 1)) == (409, "VALIDATION_CONFLICT")


def test_a_search_may_show_an_edit_later(native: NativeCaller, order_id: str) -> None:
    native.tenant.settings(search_lag=300)
    native.keep(order_id, FIRST, 1)
    (found,) = native.find("orderNumber eq 8").json()["items"]
    assert [one["quantity"] for one in found["items"]] == [3, 2]
    assert items(native, order_id) == {FIRST: 1, SECOND: 2}


def test_an_order_of_which_nothing_is_left_is_canceled(native: NativeCaller, order_id: str) -> None:
    native.keep(order_id, FIRST, 0)
    assert native.get(order_id).json()["status"] == "PendingReview"
    native.keep(order_id, SECOND, 0)
    assert native.get(order_id).json()["status"] == "Cancelled"


def test_the_translated_api_shows_what_is_left(
    native: NativeCaller, order_id: str, oms: Caller
) -> None:
    native.keep(order_id, FIRST, 1)
    assert oms.get(8).json()["shipments"] == []
    native.keep(order_id, FIRST, 0)
    first, second = oms.get(8).json()["orderItems"]
    assert (first["itemState"], second["itemState"]) == ("CANCELED", "NORMAL")


def test_the_translated_api_cancels_an_item_that_is_in_no_shipment(
    native: NativeCaller, order_id: str, oms: Caller
) -> None:
    assert oms.cancel_item(10_000_000_801).status_code == 200
    assert items(native, order_id) == {SECOND: 2}
