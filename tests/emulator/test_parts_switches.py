"""Each switch about parts has its documented effect and no other, in the calls about parts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import requests
from emulator_client import (
    ITEMS_PATH,
    NATIVE_SHIPMENTS_PATH,
    SHIPMENTS_PATH,
    SPLIT,
    Caller,
    NativeCaller,
)

from airflow_provider_oms.emulator.parts.settings import PartSettings
from airflow_provider_oms.emulator.testing import EmulatorError

pytestmark = pytest.mark.slow

NEW = itertools.count(8)
JSON = {"Accept": "application/json"}


class Order:
    """An order that no other probe asks about, whose first line is in two shipments."""

    def __init__(self, native: NativeCaller) -> None:
        self.id = next(NEW)
        self.native = native
        self.oms = Caller(native.tenant)
        self.first, self.second = (100_000_000 + self.id * 100 + place for place in (1, 2))
        self.items = tuple(10_000_000_000 + self.id * 100 + place for place in (1, 2))
        native.tenant.load_orders([{"orderID": self.id, "parts": SPLIT}])

    def lines(self, lines: dict[int, int], **headers: str) -> requests.Response:
        return self.native.cancel_lines(self.second, lines, {**JSON, **headers})

    def shipment(self, **headers: str) -> requests.Response:
        return self.native.shipment(self.second, **{**JSON, **headers})

    def whole(self, number: int, **headers: str) -> requests.Response:
        return self.native.cancel_shipment(number, **{**JSON, **headers})

    def all(self) -> requests.Response:
        path = f"{NATIVE_SHIPMENTS_PATH}/order/{self.native.tenant.native_id(self.id)}/canceled"
        return self.native.call("PUT", path, json={}, headers={**self.native.headers, **JSON})


def emptied(order: Order) -> requests.Response:
    order.lines({1: 1})
    return order.shipment()


def last(order: Order) -> requests.Response:
    for item in order.items:
        order.oms.cancel_item(item)
    return order.oms.get(order.id)


PROBES: dict[str, Callable[[Order], requests.Response]] = {
    "read": lambda order: order.shipment(),
    "read in any type": lambda order: order.shipment(Accept="*/*"),
    "read an emptied line": emptied,
    "cancel a line": lambda order: order.lines({2: 1}),
    "cancel too much": lambda order: order.lines({2: 9}),
    "cancel, another etag": lambda order: order.lines({2: 1}, **{"If-Match": '"x"'}),
    "cancel a shipment": lambda order: order.whole(order.first),
    "cancel it again": lambda order: order.whole(order.first) and order.whole(order.first),
    "cancel all": lambda order: order.all(),
    "find": lambda order: order.native.call(
        "GET",
        f"{NATIVE_SHIPMENTS_PATH}?filter=shipmentNumber=={order.first}",
        headers={**order.native.headers, **JSON},
    ),
    "find nothing": lambda order: order.native.call(
        "GET",
        f"{NATIVE_SHIPMENTS_PATH}?filter=shipmentNumber==5",
        headers={**order.native.headers, **JSON},
    ),
    "find items": lambda order: order.oms.call("GET", f"{ITEMS_PATH}?orderID={order.id}"),
    "cancel an item": lambda order: order.oms.cancel_item(order.items[0]),
    "cancel the last item": last,
}
SUCCESSES = ("cancel a line", "cancel a shipment", "cancel all")
# A switch, another value than its default, and its effect: the status or the body.
CHANGES: tuple[tuple[str, Any, Mapping[str, int | str]], ...] = (
    ("order_follows_parts", 300, {"cancel the last item": "order READY"}),
    ("order_follows_parts", "never", {"cancel the last item": "order READY"}),
    ("item_search_status", 404, {"find items": 404}),
    (
        "native_canceled_shipment_status",
        200,
        {"cancel it again": "CANCELED of {}, canceled {1: 2}"},
    ),
    ("native_excess_quantity", 400, {"cancel too much": 400}),
    ("native_excess_quantity", "cap", {"cancel too much": "READY of {1: 1}, canceled {2: 2}"}),
    (
        "native_items_left",
        "keep",
        {
            "read an emptied line": "READY of {1: 0, 2: 2}, canceled {1: 1}",
            "cancel a shipment": "CANCELED of {1: 0}, canceled {1: 2}",
        },
    ),
    (
        "native_items_left",
        "unchanged",
        {
            "read an emptied line": "READY of {1: 1, 2: 2}, canceled {1: 1}",
            "cancel a line": "READY of {1: 1, 2: 2}, canceled {2: 1}",
            "cancel a shipment": "CANCELED of {1: 2}, canceled {1: 2}",
        },
    ),
    ("native_whole_shipment_items", "leave", {"cancel a shipment": "CANCELED of {1: 2}"}),
    (
        "native_if_match",
        "ignore",
        {"cancel, another etag": "READY of {1: 1, 2: 1}, canceled {2: 1}"},
    ),
    ("native_shipment_success", 201, dict.fromkeys(SUCCESSES, 201)),
    ("native_empty_page", "empty", {"find nothing": "an empty page"}),
    ("native_shipments_as_xml", True, {"read in any type": "xml"}),
)


def looks(answer: requests.Response) -> str:
    if answer.headers["Content-Type"] == "application/xml":
        return "xml"
    content = answer.json()
    if "shipmentStatus" in content:
        items, canceled = (
            {one["lineId"]: one["quantity"] for one in content[name]}
            for name in ("items", "canceledItems")
        )
        return f"{content['shipmentStatus']} of {items}" + (
            f", canceled {canceled}" if canceled else ""
        )
    if "_links" in content:
        if "_embedded" not in content:
            return "no page"
        return "a page" if content["_embedded"]["shipments"] else "an empty page"
    if "orderState" in content:
        return f"order {content['orderState']}"
    marks = ("errorCode", "code", "itemState", "collection")
    return next(mark for mark in marks if mark in content)


def observe(native: NativeCaller) -> dict[str, tuple[int, str]]:
    answers = {name: probe(Order(native)) for name, probe in PROBES.items()}
    return {name: (answer.status_code, looks(answer)) for name, answer in answers.items()}


@pytest.fixture(scope="module")
def by_default(emulator: Any) -> dict[str, tuple[int, str]]:
    emulator.clear()
    return observe(NativeCaller(emulator))


def test_by_default_the_likeliest_happens(by_default: dict[str, tuple[int, str]]) -> None:
    assert by_default == {
        "read": (200, "READY of {1: 1, 2: 2}"),
        "read in any type": (200, "READY of {1: 1, 2: 2}"),
        "read an emptied line": (200, "READY of {2: 2}, canceled {1: 1}"),
        "cancel a line": (200, "READY of {1: 1, 2: 1}, canceled {2: 1}"),
        "cancel too much": (409, "code"),
        "cancel, another etag": (412, "code"),
        "cancel a shipment": (200, "CANCELED of {}, canceled {1: 2}"),
        "cancel it again": (409, "code"),
        "cancel all": (200, "a page"),
        "find": (200, "a page"),
        "find nothing": (200, "no page"),
        "find items": (200, "collection"),
        "cancel an item": (200, "itemState"),
        "cancel the last item": (200, "order CANCELED"),
    }


@pytest.mark.parametrize(("switch", "value", "changes"), CHANGES)
def test_a_switch_changes_what_it_says_and_nothing_else(
    native: NativeCaller,
    by_default: dict[str, tuple[int, str]],
    switch: str,
    value: Any,
    changes: Mapping[str, int | str],
) -> None:
    native.tenant.settings(**{switch: value})
    seen = observe(native)
    changed = {name for name, now in seen.items() if now != by_default[name]}
    assert changed == set(changes)
    assert {name: change for name, change in changes.items() if change not in seen[name]} == {}


def test_every_switch_is_tried_here() -> None:
    assert {switch for switch, _, _ in CHANGES} == set(PartSettings.model_fields)


@pytest.mark.parametrize(
    ("switch", "value"),
    [
        ("order_follows_parts", -1),
        ("order_follows_parts", 3601),
        ("order_follows_parts", "later"),
        ("native_if_match", 409),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(
    native: NativeCaller, switch: str, value: object
) -> None:
    with pytest.raises(EmulatorError, match=switch):
        native.tenant.settings(**{switch: value})


def test_a_shipment_is_whole_in_the_other_dialect_too(native: NativeCaller) -> None:
    order = Order(native)
    native.tenant.settings(native_whole_shipment_items="leave")
    order.lines({2: 1})
    order.oms.cancel_shipment(order.second)
    assert looks(order.shipment()) == "CANCELED of {1: 1, 2: 1}, canceled {2: 1}"


def test_the_searches_of_parts_have_the_shape_of_the_others(native: NativeCaller) -> None:
    order = Order(native)
    native.tenant.settings(search_shape="list")
    items = order.oms.call("GET", f"{ITEMS_PATH}?orderID={order.id}").json()
    assert [one["orderItemID"] for one in items] == [*order.items]
    native.tenant.settings(search_shape="items")
    page = order.oms.call("GET", f"{ITEMS_PATH}?orderID={order.id}").json()
    assert page == {"totalCount": 2, "items": items}


def test_a_search_of_items_may_be_late(native: NativeCaller) -> None:
    order = Order(native)
    native.tenant.settings(search_lag=300)
    order.oms.cancel_item(order.items[0])
    page = order.oms.call("GET", f"{ITEMS_PATH}?orderID={order.id}").json()
    assert [one["itemState"] for one in page["collection"]] == ["NORMAL", "NORMAL"]
    assert order.oms.item(order.items[0]).json()["itemState"] == "CANCELED"
    (found,) = order.oms.search(f"orderID={order.id}").json()["collection"]
    assert [one["itemState"] for one in found["orderItems"]] == ["NORMAL", "NORMAL"]
    new = Order(native)
    for path in (f"{ITEMS_PATH}?orderID={new.id}", f"{SHIPMENTS_PATH}?orderID={new.id}"):
        assert new.oms.call("GET", path).json()["collection"] == []
    assert new.oms.item(new.items[0]).ok
