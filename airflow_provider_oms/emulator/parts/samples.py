"""Which lines and shipments an order is loaded with, and how its representations show them.

`parts` of a loaded order says it in few words; without it, an order has the lines and shipments
that its representations show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from airflow_provider_oms.emulator.native.ids import MAX_INT32, read_id
from airflow_provider_oms.emulator.native.sample_orders import make_both
from airflow_provider_oms.emulator.parts.model import (
    CANCELED,
    FULFILLED,
    SHIPMENT_STATUSES,
    Line,
    Parts,
    Shipment,
    ShipmentStatus,
)
from airflow_provider_oms.emulator.sample_orders import is_canceled, made_up_order
from airflow_provider_oms.emulator.wire import MAX_ID, is_integer

_FIRST_ITEM_ID: Final = 10_000_000_000
_FIRST_SHIPMENT: Final = 100_000_000
#: An order's own ids are this far from those of the next one.
_STEP: Final = 100


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _from_quantity(value: Any) -> Any:
    return {"quantity": value} if is_integer(value) else value


class _GivenLine(_Given):
    line: int | None = Field(default=None, ge=1, le=MAX_INT32)
    quantity: int = Field(default=1, ge=1, le=MAX_INT32)
    orderItemID: int | None = Field(default=None, ge=0, le=MAX_ID)  # noqa: N815 - the API's own name
    id: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")
    parent: int | None = None


class _GivenShipment(_Given):
    items: dict[int, Annotated[int, Field(ge=1)]]
    number: int | None = Field(default=None, ge=1, le=MAX_INT32)
    status: ShipmentStatus = "READY"
    type: str = "STH"


class _GivenParts(_Given):
    lines: list[Annotated[_GivenLine, BeforeValidator(_from_quantity)]] = Field(
        default=[_GivenLine(quantity=3), _GivenLine(quantity=2)], min_length=1, max_length=_STEP - 1
    )
    shipments: list[_GivenShipment] | None = Field(default=None, max_length=_STEP - 1)


def make_all(
    given: Mapping[str, Any], tenant_id: int
) -> tuple[dict[str, Any], dict[str, Any], Parts]:
    """Complete an order, and return it as both APIs show it, and its parts.

    :param given: at least `orderID`; under `parts`, its lines and shipments.
    :param tenant_id: the tenant.
    """
    if "parts" not in given:
        order, native = make_both(given, tenant_id)
        return order, native, _shown_parts(order, native)
    rest = {name: value for name, value in given.items() if name != "parts"}
    order, native = make_both(rest, tenant_id)
    shown = {"orderItems", "shipments"} & set(rest) | {"items"} & set(rest.get("native", {}))
    if shown:
        raise ValueError(f"order {order['orderID']} has its lines under parts and {min(shown)}")
    try:
        own = _GivenParts.model_validate(given["parts"])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(["parts", *map(str, first["loc"])])
        raise ValueError(f"{where}: {first['msg']}") from None
    parts = _given_parts(own, order["orderID"])
    _show(parts, order, native, status_given="fulfillmentStatus" in rest.get("native", {}))
    return order, native, parts


def _given_parts(given: _GivenParts, order_id: int) -> Parts:
    own = order_id % 10**15 * _STEP
    lines = [
        Line(
            number=one.line or place,
            quantity=one.quantity,
            item=_FIRST_ITEM_ID + own + place if one.orderItemID is None else one.orderItemID,
            native_id=one.id or f"{_FIRST_ITEM_ID + own + place:032x}",
            parent=one.parent,
        )
        for place, one in enumerate(given.lines, start=1)
    ]
    shipments = given.shipments
    if shipments is None:
        shipments = [_GivenShipment(items={one.number: one.quantity for one in lines})]
    first = _FIRST_SHIPMENT + order_id * _STEP % (MAX_INT32 - 2 * _FIRST_SHIPMENT)
    parts = Parts(
        lines,
        [
            Shipment(one.number or first + place, one.status, one.items, one.type)
            for place, one in enumerate(shipments, start=1)
        ],
    )
    _check(parts)
    return parts


def _check(parts: Parts) -> None:
    """Refuse parts that contradict each other."""
    numbers = [one.number for one in parts.lines]
    for what, ids in (
        ("line", numbers),
        ("orderItemID", [one.item for one in parts.lines]),
        ("id", [one.native_id for one in parts.lines]),
        ("shipment number", [one.number for one in parts.shipments]),
    ):
        if len(set(ids)) < len(ids):
            raise ValueError(f"parts: two have the same {what}")
    named = {line for one in parts.shipments for line in one.items}
    named |= {one.parent for one in parts.lines if one.parent is not None}
    unknown = named - set(numbers)
    if unknown:
        raise ValueError(f"parts: there is no line {min(unknown)}")
    for line in parts.lines:
        inside = sum(
            one.items.get(line.number, 0)
            for one in parts.shipments
            if one.kind.lower() != "transfer" and one.status not in ("REASSIGNED", "DELETED")
        )
        if parts.shipments and inside != line.quantity:
            raise ValueError(
                f"parts: line {line.number} has a quantity of {line.quantity}, and {inside} of it "
                "are in shipments"
            )


def _show(
    parts: Parts, order: dict[str, Any], native: dict[str, Any], *, status_given: bool
) -> None:
    """Write parts into both representations of their order."""
    dead = is_canceled(order)
    (made_up,) = made_up_order(order["orderID"], "READY", "READY")["orderItems"]
    order["orderItems"], native["items"] = [], []
    for place, line in enumerate(parts.lines):
        product = f"{made_up['partNumber']}-{place + 1}"
        shipment = next((one for one in parts.places(line.number) if one), None)
        shown = {
            **made_up,
            "orderItemID": line.item,
            "itemState": CANCELED if dead else "NORMAL",
            "shipmentID": shipment and shipment.number,
            "partNumber": product,
            "quantity": line.quantity,
        }
        parent = parts.line(line.parent) if line.parent else None
        if parent is not None:
            shown["parentOrderItemID"] = parent.item
        order["orderItems"].append(shown)
        twin = {
            "id": line.native_id,
            "lineId": line.number,
            "quantity": line.quantity,
            "product": {"productCode": product, "name": made_up["description"]},
        }
        if parent is not None:
            twin["parentItemId"] = parent.native_id
        native["items"].append(twin)
    order["shipments"] = [
        {
            "shipmentID": one.number,
            "shipmentStatus": CANCELED if dead and one.status != FULFILLED else one.status,
        }
        for one in parts.shipments
    ]
    if parts.fulfillment != "NotFulfilled" and not status_given:
        native["fulfillmentStatus"] = parts.fulfillment


def _shown_parts(order: Mapping[str, Any], native: Mapping[str, Any]) -> Parts:
    """Make out the parts that representations show, in which anything may have been given."""
    lines: dict[int, Line] = {}
    in_shipment: dict[int, dict[int, int]] = {}
    none: Mapping[str, Any] = {}
    pairs = zip_longest(
        _objects(order.get("orderItems")), _objects(native.get("items")), fillvalue=none
    )
    for place, (item, twin) in enumerate(pairs, start=1):
        number = twin.get("lineId")
        number = number if is_integer(number) else place
        quantities = (item.get("quantity"), twin.get("quantity"), 1)
        line = Line(
            number=number,
            quantity=next(one for one in quantities if is_integer(one) and one > 0),
            item=_id(item.get("orderItemID")),
            native_id=_native_id(twin.get("id")),
            canceled=str(item.get("itemState")).upper() == CANCELED,
        )
        lines.setdefault(number, line)
        shipment = _id(item.get("shipmentID"))
        if shipment is not None:
            in_shipment.setdefault(shipment, {})[number] = lines[number].quantity
    done = str(native.get("fulfillmentStatus")).lower() == "fulfilled"
    shipments: dict[int, Shipment] = {}
    for one in _objects(order.get("shipments")):
        shipment = _id(one.get("shipmentID"))
        status = str(one.get("shipmentStatus")).upper()
        if shipment is not None and status in SHIPMENT_STATUSES:
            ended: Any = FULFILLED if done and status == "READY" else status
            shipments[shipment] = Shipment(shipment, ended, in_shipment.get(shipment, {}))
    return Parts(list(lines.values()), list(shipments.values()))


def _objects(value: Any) -> Sequence[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _id(value: Any) -> int | None:
    return value if is_integer(value) and 0 <= value <= MAX_ID else None


def _native_id(value: Any) -> str | None:
    return read_id(value) if isinstance(value, str) else None
