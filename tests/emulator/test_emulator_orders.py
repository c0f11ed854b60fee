"""Get Order, Search Orders, and the form of an order."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_client import Caller
from patience import wait_until

# The general block of the contract, in its order.
GENERAL = [
    "orderID",
    "orderType",
    "isTestOrder",
    "deliveryMethod",
    "orderCurrency",
    "orderDate",
    "orderState",
    "orderStatus",
    "customerSubtotal",
    "subtotal",
    "estimatedShipping",
    "customerTotal",
    "customerTotalNet",
    "total",
    "singlePackageRequested",
    "shippingAddress",
]


def test_the_order_has_the_documented_general_block_first(oms: Caller) -> None:
    order = oms.get(1010101).json()
    assert list(order)[: len(GENERAL)] == GENERAL
    assert (order["orderID"], order["orderState"], order["orderStatus"]) == (
        1010101,
        "READY",
        "READY",
    )
    for block in ("shippingAddressInformation", "customer", "orderItems", "shipments"):
        assert order[block]


def test_what_was_loaded_replaces_what_is_made_up(oms: Caller) -> None:
    oms.tenant.load_orders([{"orderID": 9, "orderStatus": "SHIPPED", "externalOrderID": "X"}])
    order = oms.get(9).json()
    assert (order["orderState"], order["orderStatus"]) == ("SHIPPED", "SHIPPED")
    assert order["externalOrderID"] == "X"


def test_ids_beyond_32_bits_work(oms: Caller) -> None:
    oms.tenant.load_orders([{"orderID": 9000000000}])
    assert oms.get(9000000000).json()["orderID"] == 9000000000


@pytest.mark.parametrize(("setting", "status"), [({}, 404), ({"unknown_order_status": 400}, 400)])
def test_an_unknown_order_is_said_to_be_so(
    oms: Caller, setting: dict[str, Any], status: int
) -> None:
    oms.tenant.settings(**setting)
    for order_id in (5, 2**64, int("9" * 30)):
        refusal = oms.get(order_id)
        assert refusal.status_code == status
        assert refusal.json()["errorCode"] == "ITEM_NOT_FOUND"


@pytest.mark.parametrize("order_id", ["0", "-1", "1.0", "abc", "%D9%A1", "1e3", "9" * 5000])
def test_what_is_no_id_is_refused(oms: Caller, order_id: str) -> None:
    assert oms.get(order_id).status_code == 400


def test_other_methods_and_other_paths_are_refused(oms: Caller) -> None:
    assert oms.call("DELETE", "/api/v2/order/1010101").status_code == 405
    assert oms.call("GET", "/api/v2/nothing").status_code == 404


def test_a_trailing_slash_is_tolerated_unless_switched_off(oms: Caller) -> None:
    assert oms.call("GET", "/api/v2/order/1010101/").ok
    oms.tenant.settings(trailing_slash=False)
    assert oms.call("GET", "/api/v2/order/1010101/").status_code == 404
    assert oms.call("GET", "/api/v2/order/1010101").ok


@pytest.mark.parametrize(
    ("shape", "content"),
    [
        ("platform", '"errorCode"'),
        ("classic", '"additionalInfo"'),
        ("html", "<h1>"),
    ],
)
def test_an_error_has_the_shape_that_is_switched_on(oms: Caller, shape: str, content: str) -> None:
    oms.tenant.settings(error_body=shape)
    assert content in oms.get(5).text


def test_an_error_can_be_without_a_body(oms: Caller) -> None:
    oms.tenant.settings(error_body="empty")
    assert (oms.get(5).status_code, oms.get(5).text) == (404, "")


class TestSearch:
    @pytest.fixture(autouse=True)
    def _orders(self, oms: Caller) -> None:
        shipped = [{"orderID": 100 + n, "orderState": "SHIPPED"} for n in range(12)]
        oms.tenant.load_orders(shipped)

    def found(self, oms: Caller, query: str) -> tuple[int, list[int]]:
        page = oms.search(query).json()
        return page["totalCount"], [order["orderID"] for order in page["collection"]]

    def test_it_finds_by_ids_and_by_status(self, oms: Caller) -> None:
        assert self.found(oms, "orderID=100,101,1010101,5") == (3, [100, 101, 1010101])
        assert self.found(oms, "orderID=100,1010101&orderStatus=SHIPPED") == (1, [100])
        assert self.found(oms, "orderID=5") == (0, [])

    def test_it_gives_pages_of_ten_unless_told(self, oms: Caller) -> None:
        ids = "orderID=" + ",".join(str(100 + n) for n in range(12))
        assert self.found(oms, ids) == (12, list(range(100, 110)))
        assert self.found(oms, f"{ids}&page=2") == (12, [110, 111])
        assert self.found(oms, f"{ids}&perPage=5&page=3") == (12, [110, 111])
        assert self.found(oms, f"{ids}&page=3") == (12, [])

    @pytest.mark.parametrize(
        "query",
        [
            "",
            "page=1",
            "unknown=1",
            "orderID=abc",
            "orderID=0",
            "orderID=1&perPage=101",
            "orderID=1&perPage=0",
            "orderID=1&page=x",
        ],
    )
    def test_a_search_that_makes_no_sense_is_refused(self, oms: Caller, query: str) -> None:
        assert oms.search(query).status_code == 400


class TestASearchThatIsNotAsDocumented:
    IDS = (101, 102, 103, 104)
    QUERY = "orderID=101,102,103,104"

    @pytest.fixture(autouse=True)
    def _orders(self, oms: Caller) -> None:
        oms.tenant.load_orders([{"orderID": order_id} for order_id in self.IDS])

    def states(self, oms: Caller) -> dict[int, str]:
        page = oms.search(self.QUERY).json()
        return {order["orderID"]: order["orderState"] for order in page["collection"]}

    def test_it_can_be_missing_or_fail_while_orders_are_shown(self, oms: Caller) -> None:
        for status in (404, 500):
            oms.tenant.settings(search_status=status)
            assert oms.search(self.QUERY).status_code == status
            assert oms.get(101).ok
        oms.tenant.settings(search_status=404, error_body="classic")
        assert oms.search(self.QUERY).json()["code"] == 5002

    def test_it_can_have_another_shape(self, oms: Caller) -> None:
        oms.tenant.settings(search_shape="list")
        assert [order["orderID"] for order in oms.search(self.QUERY).json()] == list(self.IDS)
        oms.tenant.settings(search_shape="items")
        page = oms.search(self.QUERY).json()
        assert set(page) == {"totalCount", "items"}
        assert [order["orderID"] for order in page["items"]] == list(self.IDS)

    def test_it_can_leave_orders_out(self, oms: Caller) -> None:
        oms.tenant.settings(search_leaves_out=2)
        assert list(self.states(oms)) == [101, 103]
        assert oms.search(self.QUERY).json()["totalCount"] == 2
        assert oms.get(102).ok

    def test_it_can_ignore_which_orders_are_asked_for(self, oms: Caller) -> None:
        oms.tenant.settings(search_ignores_ids=True)
        page = oms.search("orderID=5&perPage=100").json()
        assert set(self.IDS) <= {order["orderID"] for order in page["collection"]}

    def test_it_can_show_a_cancel_later_than_a_read_does(self, oms: Caller) -> None:
        oms.tenant.settings(search_lag=300)
        assert oms.cancel(orderID=101).json()["orderState"] == "CANCELED"
        assert oms.get(101).json()["orderState"] == "CANCELED"
        assert self.states(oms)[101] == "READY"
        assert oms.search(f"{self.QUERY}&orderStatus=CANCELED").json()["totalCount"] == 0

    def test_so_it_can_show_an_order_that_is_loaded_again(self, oms: Caller) -> None:
        oms.tenant.settings(search_lag=300)
        oms.tenant.load_orders([{"orderID": 101, "orderState": "SHIPPED"}])
        oms.tenant.load_orders([{"orderID": 101, "orderState": "BACKORDER"}, {"orderID": 9105}])
        assert oms.get(101).json()["orderState"] == "BACKORDER"
        assert self.states(oms)[101] == "READY"
        assert oms.search("orderID=9105").json()["totalCount"] == 0

    def test_its_lag_ends(self, oms: Caller) -> None:
        oms.tenant.settings(search_lag=0.2)
        oms.cancel(orderID=101)
        oms.tenant.load_orders([{"orderID": 102, "orderState": "SHIPPED"}])
        wait_until(lambda: self.states(oms)[101] == "CANCELED")
        wait_until(lambda: self.states(oms)[102] == "SHIPPED")

    def test_its_lag_comes_on_top_of_that_of_a_late_cancel(self, oms: Caller) -> None:
        oms.tenant.settings(search_lag=300)
        oms.tenant.add_fault("late", seconds=0.1)
        oms.cancel(orderID=101)
        wait_until(lambda: oms.get(101).json()["orderState"] == "CANCELED")
        assert self.states(oms)[101] == "READY"
