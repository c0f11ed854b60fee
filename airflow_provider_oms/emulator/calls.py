"""Which call a request is, and which order it is about: in both dialects, from the request alone.

Whether the tenant has such an order is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from airflow_provider_oms.emulator.native.ids import read_id
from airflow_provider_oms.emulator.parts.calls import (
    Named,
    PartCall,
    PartName,
    read_native_call,
    read_translated_call,
)
from airflow_provider_oms.emulator.paths import (
    CANCEL_PATH,
    ITEMS_PATH,
    NATIVE_EVENTS_PATH,
    NATIVE_ORDERS_PATH,
    NATIVE_SHIPMENTS_PATH,
    NATIVE_TENANTS_PATH,
    SEARCH_PATH,
    SHIPMENTS_PATH,
    TOKEN_PATH,
    canonical,
)
from airflow_provider_oms.emulator.wire import MAX_ID, digits_to_int, is_integer, load_json

CallName = Literal[
    "cancel", "get", "search", "token", "actions", "reasons", "notes", "tenant", "events", PartName
]
Name = Literal[CallName, "other"]
CANCEL_ACTION: Final = "cancelorder"


@dataclass(frozen=True)
class OrderIds:
    """The ids by which a request may name an order, as far as they can be made out.

    :param number: its id in the translated API.
    :param native: its id in the native API.
    """

    number: int | None = None
    native: str | None = None

    def is_one_of(self, order_ids: tuple[int | str, ...]) -> bool:
        """Return whether one of these ids is among others.

        :param order_ids: ids of either dialect.
        """
        return any(one is not None and one in order_ids for one in (self.number, self.native))


@dataclass(frozen=True)
class Call:
    """A call of either dialect.

    :param name: which one; `other` for a request that is no call.
    :param order: the order that it is about.
    :param named: the part of an order that it names; None for a call that is about no part.
    """

    name: Name
    order: OrderIds = OrderIds()
    named: Named | None = None


def read_call(method: str, path: str, body: bytes) -> Call:
    """Make out which call a request is.

    :param method: its method.
    :param path: its path.
    :param body: its body.
    """
    path = canonical(path)
    if path == TOKEN_PATH:
        return Call("token")
    if f"{path}/".startswith(f"{NATIVE_ORDERS_PATH}/"):
        return _native_call(method, path.removeprefix(NATIVE_ORDERS_PATH).split("/")[1:], body)
    if f"{path}/".startswith(f"{NATIVE_SHIPMENTS_PATH}/"):
        return _part_call(read_native_call(method, path, body))
    if path.startswith(f"{NATIVE_TENANTS_PATH}/"):
        return Call("tenant" if method == "GET" else "other")
    if f"{path}/".startswith(f"{NATIVE_EVENTS_PATH}/"):
        return Call("events" if method == "GET" else "other")
    return _translated_call(method, path, body)


def _translated_call(method: str, path: str, body: bytes) -> Call:
    if method == "POST" and path == CANCEL_PATH:  # whatever is in it
        return Call("cancel", OrderIds(number=_number_in(body)))
    if path.startswith((ITEMS_PATH, SHIPMENTS_PATH)):
        return _part_call(read_translated_call(method, path, body))
    if not path.startswith(SEARCH_PATH):
        return Call("other")
    rest = path.removeprefix(SEARCH_PATH)
    if not rest:
        return Call("search" if method == "GET" else "other")
    number = digits_to_int(rest)
    order = OrderIds(number=number if number is not None and number <= MAX_ID else None)
    return Call("get" if method == "GET" and "/" not in rest else "other", order)


def _native_call(method: str, parts: list[str], body: bytes) -> Call:
    match method, parts:
        case "GET", []:
            return Call("search")
        case "GET", ["cancel", "reasons"]:
            return Call("reasons")
        case "PUT", ["cancel", order_id]:
            return Call("cancel", _native(order_id))
        case "POST", [order_id, "actions"]:
            return Call("cancel" if _may_cancel(body) else "actions", _native(order_id))
        case "GET", [order_id, "actions"]:
            return Call("actions", _native(order_id))
        case (("GET" | "POST"), [order_id, "notes"]):
            return Call("notes", _native(order_id))
        case "GET", [order_id]:
            return Call("get", _native(order_id))
        case ("DELETE", [order_id, "items", item]) | (
            "PUT",
            [order_id, "items", item, "quantity", _],
        ):
            return Call("edit_items", _native(order_id), Named(item=read_id(item)))
        case _, [order_id, *_]:
            return Call("other", _native(order_id))
    return Call("other")


def _part_call(part: PartCall | None) -> Call:
    if part is None:
        return Call("other")
    order = OrderIds() if part.order is None else _native(part.order)
    return Call(part.name, order, part.named)


def shown_at(call: Call, order: OrderIds, *, native: bool) -> str:
    """Return the path at which a dialect shows the object of a call; empty if it has none.

    :param call: the call.
    :param order: the order that it is about, by all ids that are known.
    :param native: whether the dialect is the native one.
    """
    named = call.named or Named()
    if native:
        if named.shipment is not None:
            return f"{NATIVE_SHIPMENTS_PATH}/{named.shipment}"
        return f"{NATIVE_ORDERS_PATH}/{order.native}" if order.native else ""
    if named.item is not None:
        return f"{ITEMS_PATH}{named.item}"
    if named.shipment is not None:
        return f"{SHIPMENTS_PATH}{named.shipment}"
    return "" if order.number is None else f"{SEARCH_PATH}{order.number}"


def _native(order_id: str) -> OrderIds:
    return OrderIds(native=read_id(order_id))


def _may_cancel(body: bytes) -> bool:
    """Return whether an action cancels, or may be meant to: it does not name another one."""
    try:
        fields = load_json(body)
        names = [value for name, value in fields.items() if name.lower() == "actionname"]
    except (ValueError, AttributeError):
        return True
    return all(not isinstance(one, str) or one.lower() == CANCEL_ACTION for one in names)


def _number_in(body: bytes) -> int | None:
    """Make out an order's id even where the tenant's rules would refuse it."""
    try:
        value: Any = load_json(body)["orderID"]
    except (ValueError, TypeError, LookupError):
        return None
    number = digits_to_int(value) if isinstance(value, str) else value
    return number if is_integer(number) and abs(number) <= MAX_ID else None
