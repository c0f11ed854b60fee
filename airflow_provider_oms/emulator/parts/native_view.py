"""How the native Fulfillment API shows a shipment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_oms.emulator.parts.model import (
    CANCELED,
    FULFILLED,
    Change,
    Parts,
    Shipment,
)
from airflow_provider_oms.emulator.parts.settings import PartSettings


def native_shipment(
    native: Mapping[str, Any], shipment: Shipment, parts: Parts, settings: PartSettings
) -> dict[str, Any]:
    """Return a shipment as the native Fulfillment API shows it.

    :param native: the native order.
    :param shipment: the shipment.
    :param parts: all parts of the order.
    :param settings: the tenant's switches.
    """
    status = parts.status(shipment)
    changes = _changes(shipment, parts)
    moved = [
        one
        for one in changes
        if not (one.whole and settings.native_whole_shipment_items == "leave")
    ]
    items = {line: _item(native, shipment, line, parts) for line in shipment.items}
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
        "items": _left(items, moved, settings),
        "canceledItems": [
            {
                **items[one.line],
                "quantity": one.quantity,
                "canceledReason": _reason(one),
                "blockAssignment": one.blocks,
            }
            for one in moved
        ],
        "shipmentStatusReason": _reason(changes[-1]) if status == CANCELED and changes else None,
        "auditInfo": native.get("auditInfo"),
    }
    # The published schema takes no null in any of these.
    cleaned: dict[str, Any] = _without_nulls(shown)
    return cleaned


def _changes(shipment: Shipment, parts: Parts) -> list[Change]:
    """Return every cancel in a shipment, those of the whole order and of its load included."""
    changes = [one for one in parts.changes if one.shipment == shipment.number]
    for line in shipment.items:
        rest = parts.canceled_in(shipment, line) - parts.taken(shipment, line)
        if rest:
            changes.append(Change(shipment.number, line, rest, whole=True))
    return changes


def _left(
    items: Mapping[int, Mapping[str, Any]], moved: Sequence[Change], settings: PartSettings
) -> list[dict[str, Any]]:
    left = {line: item["originalQuantity"] for line, item in items.items()}
    if settings.native_items_left != "unchanged":
        for one in moved:
            left[one.line] -= one.quantity
    keeps = settings.native_items_left == "keep"
    return [{**item, "quantity": left[line]} for line, item in items.items() if left[line] or keeps]


def _item(native: Mapping[str, Any], shipment: Shipment, line: int, parts: Parts) -> dict[str, Any]:
    known = parts.line(line)
    native_id = known.native_id if known else None
    items = native.get("items")
    ordered: Mapping[str, Any] = next(
        (
            one
            for one in (items if isinstance(items, list) else [])
            if isinstance(one, dict) and one.get("id") == native_id
        ),
        {},
    )
    product = ordered.get("product")
    product = product if isinstance(product, dict) else {}
    return {
        "lineId": line,
        "originalOrderItemId": native_id,
        "originalQuantity": shipment.items[line],
        "productCode": product.get("productCode"),
        "name": product.get("name"),
    }


def _reason(change: Change) -> dict[str, Any]:
    return {"reasonCode": change.reason, "moreInfo": change.more_info}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nulls(one) for one in value]
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return value
