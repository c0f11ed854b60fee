"""The native API: finding orders by a filter, in pages."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_client import ORDERS_PATH, NativeCaller

SHOP = "Shop's #1"


@pytest.fixture(autouse=True)
def _orders(native: NativeCaller) -> None:
    native.tenant.settings(native_filter_or=True)
    states = ("PENDING", "PAYMENT_HOLD", "READY")
    native.tenant.load_orders(
        {"orderID": number, "orderState": states[number % 3], "native": {"siteId": 900}}
        for number in range(900, 930)
    )
    native.load(930, externalId=SHOP, siteId=900)


def numbers(native: NativeCaller, text: str, **parameters: Any) -> list[int]:
    page = native.find(f"siteId eq 900 and ({text})", **parameters).json()
    return [order["orderNumber"] for order in page["items"]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("orderNumber eq 905", [905]),
        ("orderNumber eq '905'", [905]),
        ("ORDERNUMBER EQ 905", [905]),
        ("  orderNumber   eq 905 ", [905]),
        ("orderNumber eq -5", []),
        ("orderNumber gt 928", [929, 930]),
        ("orderNumber ge 929 and orderNumber le 929", [929]),
        ("orderNumber lt 902 and orderNumber ne 900", [901]),
        ("orderNumber eq 905 or orderNumber eq 907", [905, 907]),
        ("orderNumber eq 905 or orderNumber ge 906 and orderNumber lt 908", [905, 906, 907]),
        ("(orderNumber eq 905 or orderNumber ge 906) and orderNumber lt 908", [905, 906, 907]),
        ("(orderNumber eq 905 or orderNumber ge 906) and orderNumber lt 906", [905]),
        ("externalId eq EXT-905", [905]),
        ("externalId eq ext-905", [905]),
        ('externalId eq "Shop\'s #1"', [930]),
        ("externalId eq 'Shop''s #1'", [930]),
        ("externalId eq 'or' or orderNumber eq 905", [905]),
        ("externalId cont '-92' and externalId sw ext", list(range(920, 930))),
        ("externalId sw 905", []),
        ("externalId cont %", []),
        ("status eq pendingreview and orderNumber le 906", [901, 904]),
        ("status ne Accepted and orderNumber lt 903", [900, 901]),
        ("submittedDate lt 2000-01-01T00:00:00Z", []),
        ("cancelledDate ge 2000-01-01T00:00:00Z", []),
        (
            "paymentStatus eq Authorized and fulfillmentStatus eq NotFulfilled",
            list(range(900, 920)),
        ),
    ],
)
def test_a_filter_finds_what_it_says(native: NativeCaller, text: str, found: list[int]) -> None:
    assert numbers(native, text) == found


def test_an_order_is_found_by_its_id(native: NativeCaller) -> None:
    order_id = native.tenant.native_id(905)
    assert numbers(native, f"id eq {order_id.upper()}") == [905]


@pytest.mark.parametrize(
    "text",
    [
        "orderNumber",
        "orderNumber eq",
        "orderNumber is 5",
        "orderNumber eq x",
        "orderNumber eq 1 orderNumber eq 2",
        "orderNumber eq 1 and",
        f"orderNumber eq {'9' * 30}",
        "orderNumber cont 5",
        "customerAccount eq 5",
        "'orderNumber' eq 5",
        "externalId eq 'x",
        "externalId eq A B",
        "(orderNumber eq 1",
        "orderNumber eq 1)",
        f"{'(' * 100}orderNumber eq 1{')' * 100}",
        "or",
        "externalId eq X; DROP TABLE orders",
    ],
)
def test_a_filter_that_can_not_be_read_is_refused(native: NativeCaller, text: str) -> None:
    answer = native.find(text)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "MISSING_OR_INVALID_PARAMETER")


def test_alternatives_are_understood_where_the_tenant_does(native: NativeCaller) -> None:
    native.tenant.settings(native_filter_or=False)
    assert native.find("orderNumber eq 905").json()["totalCount"] == 1
    assert native.find("externalId eq 'a or b'").json()["totalCount"] == 0
    assert native.find("orderNumber eq 905 or orderNumber eq 907").status_code == 400
    assert native.find("(orderNumber eq 905)").status_code == 400


def test_it_gives_pages_of_twenty_unless_told(native: NativeCaller) -> None:
    page = native.find("siteId eq 900").json()
    assert {name: value for name, value in page.items() if name != "items"} == {
        "startIndex": 0,
        "pageSize": 20,
        "pageCount": 2,
        "totalCount": 31,
    }
    assert len(page["items"]) == 20
    page = native.find("siteId eq 900", startIndex=30, pageSize=15).json()
    assert (page["startIndex"], page["pageSize"], page["pageCount"]) == (30, 15, 3)
    assert [order["orderNumber"] for order in page["items"]] == [930]
    assert native.find("siteId eq 900", startIndex=31).json()["items"] == []


def test_a_page_has_two_hundred_orders_at_most(native: NativeCaller) -> None:
    assert native.find("siteId eq 900", pageSize=400).json()["pageSize"] == 200
    native.tenant.settings(native_large_page=400)
    assert native.find("siteId eq 900", pageSize=400).status_code == 400
    assert native.find("siteId eq 900", pageSize=200).ok


@pytest.mark.parametrize(
    "parameters",
    [
        {"pageSize": 0},
        {"pageSize": "x"},
        {"startIndex": -1},
        {"startIndex": "9" * 30},
        {"sortBy": "nothing asc"},
        {"sortBy": "orderNumber up"},
        {"sortBy": "orderNumber asc x"},
        {"responseFields": "items("},
    ],
)
def test_other_parameters_must_make_sense_too(
    native: NativeCaller, parameters: dict[str, Any]
) -> None:
    assert native.find("siteId eq 900", **parameters).status_code == 400


def test_it_sorts_as_it_is_told(native: NativeCaller) -> None:
    few = "orderNumber ge 927 and orderNumber le 929"
    assert numbers(native, few, sortBy="orderNumber desc") == [929, 928, 927]
    by_status = numbers(native, few, sortBy="status, orderNumber desc")
    assert by_status == [929, 927, 928]  # Accepted, Pending, PendingReview


def test_only_the_fields_asked_for_come_back(native: NativeCaller) -> None:
    page = native.find("orderNumber eq 905", responseFields="totalCount,items(id,status)").json()
    order = {"id": native.tenant.native_id(905), "status": "Accepted"}
    assert page == {"totalCount": 1, "items": [order]}


def test_without_a_filter_it_finds_all(native: NativeCaller) -> None:
    found = native.call("GET", ORDERS_PATH).json()["totalCount"]
    # Other tests have left orders that a search does not show yet.
    assert 32 <= found <= len(native.tenant.orders())


def test_it_can_lag_fail_and_leave_out_as_the_other_dialects_does(native: NativeCaller) -> None:
    native.tenant.settings(search_lag=300, native_captured="keep")
    order_id = native.tenant.native_id(905)
    assert native.cancel(order_id).json()["status"] == "Cancelled"
    assert native.find("orderNumber eq 905").json()["items"][0]["status"] == "Accepted"
    assert native.find("orderNumber eq 905 and status eq Cancelled").json()["totalCount"] == 0
    native.load(9999)
    assert native.find("orderNumber eq 9999").json()["totalCount"] == 0
    native.tenant.settings(search_lag=0, search_leaves_out=2)
    assert numbers(native, "orderNumber ge 927") == [927, 929]
    native.tenant.settings(search_status=500)
    answer = native.find("orderNumber eq 927")
    assert (answer.status_code, answer.json()["errorCode"]) == (500, "UNEXPECTED_ERROR")
