"""How the two dialects show the parts of an order, and an order whose parts are canceled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_oms.emulator.native.sample_orders import is_native_canceled
from airflow_provider_oms.emulator.parts.model import CANCELED, FULFILLED, Line, Parts, Shipment
from airflow_provider_oms.emulator.sample_orders import is_canceled

_SHIPPED = "SHIPPED"


def translated_order(order: dict[str, Any], parts: Parts) -> dict[str, Any]:
    """Return a translated order with the states of its parts.

    :param order: the order as it would be without cancels of its parts.
    :param parts: its parts.
    """
    if is_canceled(order):  # it says so of each part already
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
    """Return a native order with what has been edited before it had shipments.

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


def native_shipment(
    native: Mapping[str, Any], shipment: Shipment, parts: Parts, *, keeps_canceled: bool
) -> dict[str, Any]:
    """Return a shipment as the native Fulfillment API shows it.

    :param native: the native order.
    :param shipment: the shipment.
    :param parts: all parts of the order.
    :param keeps_canceled: whether a line of which nothing is left stays, with a quantity of 0.
    """
    status = parts.status(shipment)
    items = {
        number: _native_item(native, number, parts, quantity, parts.left(shipment, number))
        for number, quantity in shipment.items.items()
    }
    canceled = [
        {
            **items[one.line],
            "quantity": one.quantity,
            "canceledReason": {"reasonCode": one.reason, "moreInfo": one.more_info},
            "blockAssignment": bool(one.blocks),
        }
        for one in parts.changes
        if one.shipment == shipment.number
    ]
    for number, item in items.items():
        # What was canceled with the whole order, or before it was loaded.
        rest = parts.canceled_in(shipment, number) - parts.taken(shipment, number)
        if rest:
            canceled.append({**item, "quantity": rest})
    shown = {
        "shipmentNumber": shipment.number,
        "orderId": native["id"],
        "orderNumber": native.get("orderNumber"),
        "externalOrderId": native.get("externalId"),
        "tenantId": native["tenantId"],
        "siteId": native["siteId"],
        "shipmentStatus": status,
        "shipmentType": shipment.kind,
        "fulfillmentStatus": "Fulfilled" if status == FULFILLED else "NotFulfilled",
        "fulfillmentLocationCode": "WAREHOUSE",
        "currencyCode": "USD",
        "email": native.get("email"),
        "customerAccountId": native.get("customerAccountId"),
        "items": [one for one in items.values() if one["quantity"] or keeps_canceled],
        "canceledItems": canceled,
        "auditInfo": native.get("auditInfo"),
    }
    if status == CANCELED and canceled and "canceledReason" in canceled[-1]:
        shown["shipmentStatusReason"] = canceled[-1]["canceledReason"]
    # The published schema takes no null in any of these.
    cleaned: dict[str, Any] = _without_nulls(shown)
    return cleaned


def is_gone(order: Mapping[str, Any], native: Mapping[str, Any]) -> bool:
    """Tell whether a whole order is canceled.

    :param order: the order in the translated API.
    :param native: the same order in the native one.
    """
    return is_canceled(order) or is_native_canceled(native)


def _native_item(
    native: Mapping[str, Any], number: int, parts: Parts, put: int, left: int
) -> dict[str, Any]:
    line = parts.line(number)
    native_id = line.native_id if line else None
    items = native.get("items")
    item: Mapping[str, Any] = next(
        (
            one
            for one in (items if isinstance(items, list) else [])
            if isinstance(one, dict) and one.get("id") == native_id
        ),
        {},
    )
    product = item.get("product")
    product = product if isinstance(product, dict) else {}
    return {
        "lineId": number,
        "originalOrderItemId": native_id,
        "quantity": left,
        "originalQuantity": put,
        "productCode": product.get("productCode"),
        "name": product.get("name"),
    }


def _with_state(shown: dict[str, Any], parts: Parts) -> dict[str, Any]:
    number = shown.get("orderItemID")
    line = parts.item(number) if isinstance(number, int) else None
    if line is None:
        return shown
    if parts.open_of(line.number):
        return shown
    state = _SHIPPED if parts.fulfilled_of(line.number) else CANCELED
    return {**shown, "itemState": state}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nulls(one) for one in value]
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return value
