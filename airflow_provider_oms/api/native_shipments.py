"""The fields of a shipment, and of the lines in it, in the native API's Fulfillment service.

Names and values are those of Kibo's published file of that API. Nothing of the shopper is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_oms.api.errors import OmsUnexpectedResponseError
from airflow_provider_oms.api.models import Order, is_canceled_state, readable_state
from airflow_provider_oms.api.parts import Line, Place, Shipment
from airflow_provider_oms.api.values import whole_number

__all__ = ["ShownShipment", "lines_of", "page_of", "shipment_of"]

_TRANSFER = "TRANSFER"
_FULFILLED = "FULFILLED"
# Nothing in these can be canceled; the content of a reassigned one has moved to another.
_CLOSED = frozenset({"CANCELED", "CANCELLED", _FULFILLED, "REASSIGNED", "DELETED"})


@dataclass(frozen=True, slots=True)
class ShownShipment:
    """Hold a shipment and its facts about the order's lines.

    :param shipment: the shipment.
    :param order_id: the id of its order.
    :param in_it: the quantity of each ``lineId`` that is in it.
    :param canceled: the quantity of each ``lineId`` that is canceled in it.
    :param at_first: the quantity of each ``lineId`` that was in it at first, where it is given.
    :param item_ids: the id of the order's item for each ``lineId`` that says one.
    :param is_transfer: whether it moves goods between two locations.
    """

    shipment: Shipment
    order_id: str
    in_it: Mapping[int, int]
    canceled: Mapping[int, int]
    at_first: Mapping[int, int]
    item_ids: Mapping[int, str]
    is_transfer: bool

    @property
    def number(self) -> int:
        """Return its number."""
        return self.shipment.number

    def place_of(self, line: int) -> Place:
        """Return the share of a line that is in it.

        :param line: the ``lineId``.
        """
        in_it, canceled = self.in_it.get(line, 0), self.canceled.get(line, 0)
        if self.shipment.is_canceled and in_it:
            # A shipment that was canceled as a whole may leave its items where they were.
            canceled = self.at_first.get(line, canceled or in_it)
        is_open = self._left_of(line) if self.shipment.is_open else 0
        return Place(self.number, is_open, canceled, self.shipment.status)

    def shipped_of(self, line: int) -> int:
        """Return how many of a line have been shipped with it.

        :param line: the ``lineId``.
        """
        is_shipped = (self.shipment.status or "").upper() == _FULFILLED
        return self._left_of(line) if is_shipped else 0

    def _left_of(self, line: int) -> int:
        # No source states that a cancel lowers the quantity: canceled units may still be in it.
        in_it, canceled = self.in_it.get(line, 0), self.canceled.get(line, 0)
        return min(in_it, max(0, self.at_first.get(line, in_it + canceled) - canceled))


def shipment_of(document: Mapping[str, Any]) -> ShownShipment | None:
    """Read a shipment; ``None`` for a document that is none, or that cannot be counted.

    :param document: a JSON object.
    """
    number = whole_number(document.get("shipmentNumber"))
    status = readable_state(document.get("shipmentStatus"))
    order_id = document.get("orderId")
    in_it, canceled = _quantities(document.get("items")), _quantities(document.get("canceledItems"))
    if document.get("canceledItems") is None:
        canceled = {}
    if number is None or status is None or not isinstance(order_id, str):
        return None
    if in_it is None or canceled is None:
        return None
    kind = document.get("shipmentType")
    is_transfer = isinstance(kind, str) and kind.upper() == _TRANSFER
    entries = [*document["items"], *(document.get("canceledItems") or ())]
    return ShownShipment(
        Shipment(
            number,
            status,
            is_canceled_state(status),
            is_open=status.upper() not in _CLOSED and not is_transfer,
        ),
        _plain(order_id),
        in_it,
        canceled,
        _quantities(document["items"], "originalQuantity") or {},
        {
            entry["lineId"]: _plain(entry["originalOrderItemId"])
            for entry in entries
            if isinstance(entry.get("originalOrderItemId"), str)
        },
        is_transfer=is_transfer,
    )


def page_of(document: object, order_id: object) -> tuple[list[ShownShipment], int] | None:
    """Return the shipments of one page of a search, and how many there are in all pages.

    :param document: the answer; ``_embedded`` is absent where nothing was found.
    :param order_id: the order whose shipments were asked for.
    :return: the shipments; ``None`` where it is no page, or holds anything else.
    """
    if not isinstance(document, dict):
        return None
    embedded, page = document.get("_embedded", {}), document.get("page")
    total = page.get("totalElements") if isinstance(page, dict) else None
    if not isinstance(embedded, dict) or not isinstance(total, int) or isinstance(total, bool):
        return None
    entries = embedded.get("shipments", [])
    if not isinstance(entries, list) or (total and not entries):
        return None
    shown = [shipment_of(entry) if isinstance(entry, dict) else None for entry in entries]
    found = [one for one in shown if one is not None and one.order_id == order_id]
    return (found, total) if len(found) == len(entries) else None


def lines_of(
    order: Order, shipments: Sequence[ShownShipment], *, has_shipments: bool
) -> tuple[Line, ...]:
    """Return the lines of an order, each with its share in every shipment.

    :param order: the order, with its items.
    :param shipments: the shipments that were read.
    :param has_shipments: whether the order has any.
    :raises OmsUnexpectedResponseError: where order and shipments contradict each other, or the
        order does not show its items.
    """
    items = order.raw.get("items")
    quantities = _item_quantities(items)
    if quantities is None:
        raise _unlike(order, "lines that cannot be read")
    numbers = {_plain(item["id"]): whole_number(item.get("lineId")) for item in items or ()}
    for shipment in shipments:
        for line, item_id in shipment.item_ids.items():
            if item_id in numbers and numbers[item_id] not in (None, line):
                raise _unlike(order, "other names for its lines than its shipments have")
            if item_id in numbers:
                numbers[item_id] = line
    names: dict[int, str | None] = {
        number: item_id for item_id, number in numbers.items() if number is not None
    }
    for shipment in shipments:
        for line in (*shipment.in_it, *shipment.canceled):
            names.setdefault(line, shipment.item_ids.get(line))
    lines = [
        _line(
            number, item_id, quantities.get(item_id or ""), shipments, has_shipments=has_shipments
        )
        for number, item_id in names.items()
    ]
    # Without a number, a line can be named by its id, and edited in the order.
    lines += [
        Line(item_id, (Place(None, quantities[item_id], 0),), item_id, quantity=quantities[item_id])
        for item_id, number in numbers.items()
        if number is None and not has_shipments
    ]
    return tuple(lines)


def _line(
    number: int,
    item_id: str | None,
    quantity: int | None,
    shipments: Iterable[ShownShipment],
    *,
    has_shipments: bool,
) -> Line:
    if not has_shipments:
        return Line(number, (Place(None, quantity or 0, 0),), item_id, quantity=quantity)
    fulfilled = sum(one.shipped_of(number) for one in shipments)
    places = tuple(one.place_of(number) for one in shipments)
    return Line(number, places, item_id, fulfilled, quantity)


def _quantities(entries: object, name: str = "quantity") -> dict[int, int] | None:
    """Return the quantity of each ``lineId``; ``None`` where one cannot be read."""
    if not isinstance(entries, list):
        return None
    found: Counter[int] = Counter()
    for entry in entries:
        line = whole_number(entry.get("lineId")) if isinstance(entry, dict) else None
        quantity = _count(entry, name)
        if line is None or quantity is None:
            return None
        found[line] += quantity
    return dict(found)


def _count(entry: object, name: str = "quantity") -> int | None:
    """Return the quantity of a line, or ``None`` where it has none that can be read."""
    quantity = entry.get(name) if isinstance(entry, dict) else None
    is_count = isinstance(quantity, int) and not isinstance(quantity, bool) and quantity >= 0
    return quantity if is_count else None


def _plain(item_id: object) -> str:
    return str(item_id).replace("-", "").lower()


def _item_quantities(items: object) -> dict[str, int] | None:
    if not isinstance(items, list):
        return None
    found: dict[str, int] = {}
    for item in items:
        quantity = _count(item)
        if quantity is None or not isinstance(item.get("id"), str):
            return None
        found[_plain(item["id"])] = quantity
    return found


def _unlike(order: Order, found: str) -> OmsUnexpectedResponseError:
    return OmsUnexpectedResponseError(
        f"The OMS answered with success, but with {found} instead of the lines of the order",
        http_status=order.http_status,
        correlation_id=order.correlation_id,
    )
