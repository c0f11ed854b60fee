"""Which call on a part of an order a request is, and which part it names: from the request alone.

Whether the tenant has such a part is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from airflow_provider_oms.emulator.paths import (
    ITEM_CANCEL_PATH,
    ITEMS_PATH,
    NATIVE_SHIPMENTS_PATH,
    SHIPMENT_CANCEL_PATH,
    SHIPMENTS_PATH,
)
from airflow_provider_oms.emulator.wire import MAX_ID, digits_to_int, is_integer, load_json

PartName = Literal[
    "cancel_items",
    "cancel_shipment",
    "cancel_shipments",
    "edit_items",
    "get_item",
    "search_items",
    "get_shipment",
    "search_shipments",
]
#: The calls that cancel a part.
CANCELS: Final = ("cancel_items", "cancel_shipment", "cancel_shipments", "edit_items")


@dataclass(frozen=True)
class Named:
    """The part of an order that a request names.

    :param shipment: a shipment's number, which is its id in the translated API.
    :param item: a line's `orderItemID`, or the id of its native order item.
    :param lines: the lines of the shipment that are named, with the quantity of each.
    """

    shipment: int | None = None
    item: int | str | None = None
    lines: Mapping[int, int | None] = field(default_factory=dict)

    def is_one_of(self, ids: tuple[int | str, ...]) -> bool:
        """Return whether one of the named parts is among others.

        :param ids: shipment numbers, and items' ids of either dialect.
        """
        return any(one is not None and one in ids for one in (self.shipment, self.item))

    def as_dict(self) -> dict[str, Any]:
        """Return it as the access log shows it."""
        lines = {str(line): quantity for line, quantity in self.lines.items()}
        return {"shipment": self.shipment, "item": self.item, "lines": lines}


@dataclass(frozen=True)
class PartCall:
    """A call on a part of an order.

    :param name: which one.
    :param named: the part that it names.
    :param order: the order's id as the path has it, where it has one.
    """

    name: PartName
    named: Named = Named()
    order: str | None = None


def read_translated_call(method: str, path: str, body: bytes) -> PartCall | None:
    """Make out a translated call; None for any other request.

    :param method: the request's method.
    :param path: its path, as documented.
    :param body: its body.
    """
    if (method, path) == ("POST", ITEM_CANCEL_PATH):
        return PartCall("cancel_items", Named(item=_id_in(body, "orderItemID")))
    if (method, path) == ("POST", SHIPMENT_CANCEL_PATH):
        return PartCall("cancel_shipment", Named(shipment=_id_in(body, "shipmentID")))
    rest = path.removeprefix(ITEMS_PATH).removeprefix(SHIPMENTS_PATH)
    if method != "GET" or "/" in rest:
        return None
    number = _small(digits_to_int(rest))
    if path.startswith(ITEMS_PATH):
        return PartCall("get_item", Named(item=number)) if rest else PartCall("search_items")
    return PartCall("get_shipment", Named(number)) if rest else PartCall("search_shipments")


def read_native_call(method: str, path: str, body: bytes) -> PartCall | None:
    """Make out a native call of the Fulfillment service; None for any other request.

    :param method: the request's method.
    :param path: its path, as documented.
    :param body: its body.
    """
    match method, path.removeprefix(NATIVE_SHIPMENTS_PATH).split("/")[1:]:
        case "GET", []:
            return PartCall("search_shipments")
        case "GET", [number]:
            return PartCall("get_shipment", _shipment(number))
        case "PUT", ["order", order_id, "canceled"]:
            return PartCall("cancel_shipments", order=order_id)
        case "PUT", [number, "canceled"]:
            return PartCall("cancel_shipment", _shipment(number))
        case "PUT", [number, "canceledItems"]:
            return PartCall(
                "cancel_items", Named(_small(digits_to_int(number)), lines=_lines(body))
            )
    return None


def _shipment(text: str) -> Named:
    return Named(_small(digits_to_int(text)))


def _lines(body: bytes) -> dict[int, int | None]:
    """Make out lines and quantities even where the tenant's rules would refuse them."""
    try:
        items = load_json(body)["items"]
        pairs = [(one["lineId"], one.get("quantity")) for one in items]
    except (ValueError, TypeError, LookupError, AttributeError):
        return {}
    return {
        line: quantity if is_integer(quantity) else None
        for line, quantity in pairs
        if is_integer(line)
    }


def _id_in(body: bytes, name: str) -> int | None:
    try:
        value: Any = load_json(body)[name]
    except (ValueError, TypeError, LookupError):
        return None
    number = digits_to_int(value) if isinstance(value, str) else value
    return _small(number) if is_integer(number) else None


def _small(number: int | None) -> int | None:
    return number if number is not None and abs(number) <= MAX_ID else None
