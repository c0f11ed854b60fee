"""How the two dialects show the parts of an order, and an order whose parts are canceled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_oms.emulator.native.sample_orders import is_native_canceled
from airflow_provider_oms.emulator.parts.model import CANCELED, Line, Parts, Shipment
from airflow_provider_oms.emulator.sample_orders import is_canceled

_SHIPPED = "SHIPPED"


def translated_order(order: dict[str, Any], parts: Parts) -> dict[str, Any]:
    """Return a translated order with the states of its parts.

    :param order: the order as it would be without cancels of its parts.
    :param parts: its parts.
    """
    if is_canceled(order):  # each of its parts is marked already
        return order
    items = order.get("orderItems")
    if isinstance(items, list):
        order["orderItems"] = [
            _with_state(one, parts) if isinstance(one, dict) else one for one in items
        ]
    shipments = order.get("shipments")
    for shown in shipments if isinstance(shipments, list) else []:
        number = shown.get("shipmentID") if isinstance(shown, dict) else None
        shipment = parts.shipment(number) if isinstance(number, int) else None
        if shipment is not None:
            shown["shipmentStatus"] = parts.status(shipment)
    return order


def native_order(order: dict[str, Any], parts: Parts) -> dict[str, Any]:
    """Return a native order with the changes made before it had shipments.

    :param order: the order as it would be without cancels of its parts.
    :param parts: its parts.
    """
    edits = [one for one in parts.changes if one.shipment is None]
    if not edits:
        return order
    kept = []
    for item in order["items"]:
        line = parts.item(str(item.get("id"))) if isinstance(item, dict) else None
        if line is None:
            kept.append(item)
            continue
        quantity = parts.put(None, line.number) - parts.taken(None, line.number)
        if quantity:
            kept.append({**item, "quantity": quantity})
    version = order.get("version")
    if isinstance(version, str) and version.isdigit():
        version = str(int(version) + len(edits))
    elif version is not None:
        version = f"{version}.{len(edits)}"
    return {**order, "items": kept, "version": version}


def translated_item(order: Mapping[str, Any], line: Line, parts: Parts) -> dict[str, Any]:
    """Return a line as the translated API shows it.

    :param order: the translated order.
    :param line: the line, which has an `orderItemID`.
    :param parts: all parts of the order.
    """
    shown = next(
        one
        for one in order["orderItems"]
        if isinstance(one, dict) and one.get("orderItemID") == line.item
    )
    return _with_state({"orderID": order["orderID"], **shown}, parts)


def translated_shipment(
    order: Mapping[str, Any], shipment: Shipment, parts: Parts
) -> dict[str, Any]:
    """Return a shipment as the translated API shows it.

    :param order: the translated order.
    :param shipment: the shipment.
    :param parts: all parts of the order.
    """
    lines = [parts.line(number) for number in shipment.items]
    return {
        "shipmentID": shipment.number,
        "orderID": order["orderID"],
        "manufacturerID": order.get("manufacturerID"),
        "externalOrderID": order.get("externalOrderID"),
        "catalogID": order.get("catalogID"),
        "shipmentStatus": parts.status(shipment),
        "shipmentStateCode": "1-100",
        "shipmentStateName": "accept_order",
        "shipmentStateType": shipment.kind,
        "shipType": "REGULAR",
        "packingListLink": None,
        "assignedLocation": None,
        "shipperName": None,
        "shippingAddress": order.get("shippingAddress"),
        "shippingAddressInformation": order.get("shippingAddressInformation"),
        "items": [
            {"orderItemID": line.item, "quantity": parts.left(shipment, line.number)}
            for line in lines
            if line is not None
        ],
    }


def is_gone(order: Mapping[str, Any], native: Mapping[str, Any]) -> bool:
    """Return whether a whole order is canceled.

    :param order: the order in the translated API.
    :param native: the same order in the native one.
    """
    return is_canceled(order) or is_native_canceled(native)


def _with_state(shown: dict[str, Any], parts: Parts) -> dict[str, Any]:
    number = shown.get("orderItemID")
    line = parts.item(number) if isinstance(number, int) else None
    if line is None:
        return shown
    if parts.open_of(line.number):
        return shown
    state = _SHIPPED if parts.fulfilled_of(line.number) else CANCELED
    return {**shown, "itemState": state}
