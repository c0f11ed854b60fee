"""The lines and shipments of one order at one moment: what of each is open, canceled, fulfilled.

An order is loaded with its parts, and every cancel of a part is a change on top of them, so that a
part can be shown as it was before a change. A change that a read does not show yet is left out by
the code that reads the changes, which is in `records`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal, get_args

ShipmentStatus = Literal[
    "READY",
    "REASSIGNED",
    "BACKORDER",
    "CANCELED",
    "FULFILLED",
    "CUSTOMER_CARE",
    "DELETED",
    "FUTURE",
]
SHIPMENT_STATUSES: Final[tuple[str, ...]] = get_args(ShipmentStatus)
CANCELED: Final = "CANCELED"
FULFILLED: Final = "FULFILLED"
#: The content of these shipments has moved to another one.
_LEFT: Final = ("REASSIGNED", "DELETED")
_ENDED: Final = (CANCELED, FULFILLED, *_LEFT)


@dataclass(frozen=True)
class Line:
    """A line of an order.

    :param number: its `lineId`.
    :param quantity: how many were ordered.
    :param item: its `orderItemID`; None if it is in the native order only.
    :param native_id: the id of its native order item; None if it is in the translated order only.
    :param parent: the number of the line that it belongs to.
    :param canceled: whether it was canceled already when the order was loaded.
    """

    number: int
    quantity: int
    item: int | None = None
    native_id: str | None = None
    parent: int | None = None
    canceled: bool = False


@dataclass(frozen=True)
class Shipment:
    """A shipment as it was loaded.

    :param number: its number, which is its id in the translated API.
    :param status: its status.
    :param items: the quantity of each line in it, by the line's number.
    :param kind: its `shipmentType`.
    :param revision: how often it has been changed without a call.
    """

    number: int
    status: ShipmentStatus
    items: Mapping[int, int]
    kind: str = "STH"
    revision: int = 0


@dataclass(frozen=True)
class Change:
    """A quantity of a line that a call has canceled.

    :param shipment: in which shipment; None: in the order itself.
    :param line: the line's number.
    :param quantity: how many.
    :param reason: the reason's code.
    :param more_info: its explanation.
    :param blocks: the `blockAssignment` of the call, in the native API.
    :param whole: whether the call was about a whole shipment.
    """

    shipment: int | None
    line: int
    quantity: int
    reason: str | None = None
    more_info: str | None = None
    blocks: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Parts:
    """The parts of one order.

    :param lines: its lines.
    :param shipments: its shipments.
    :param changes: the cancels that show.
    :param canceled: whether the whole order is canceled.
    """

    lines: Sequence[Line] = ()
    shipments: Sequence[Shipment] = ()
    changes: Sequence[Change] = field(default=())
    canceled: bool = False

    def line(self, number: int) -> Line | None:
        """Return a line.

        :param number: its number; None comes back where there is none.
        """
        return next((one for one in self.lines if one.number == number), None)

    def item(self, item_id: int | str) -> Line | None:
        """Return a line by the id of its item in either dialect.

        :param item_id: the id; None comes back where there is none.
        """
        return next((one for one in self.lines if item_id in (one.item, one.native_id)), None)

    def shipment(self, number: int) -> Shipment | None:
        """Return a shipment.

        :param number: its number; None comes back where there is none.
        """
        return next((one for one in self.shipments if one.number == number), None)

    def places(self, line: int) -> list[Shipment | None]:
        """Return the shipments that hold a line; `[None]` for one that is in the order itself.

        :param line: the line's number.
        """
        return [*(one for one in self.shipments if line in one.items)] or [None]

    def put(self, place: Shipment | None, line: int) -> int:
        """Return how many of a line were put into a place.

        :param place: a shipment, or None for the order itself.
        :param line: the line's number.
        """
        if place is not None:
            return place.items.get(line, 0)
        found = self.line(line)
        return found.quantity if found and self.places(line) == [None] else 0

    def taken(self, place: Shipment | None, line: int) -> int:
        """Return how many of a line have been canceled in a place by calls about it.

        :param place: a shipment, or None for the order itself.
        :param line: the line's number.
        """
        return self._taken.get((place.number if place else None, line), 0)

    def left(self, place: Shipment | None, line: int) -> int:
        """Return how many of a line are in a place, canceled ones left out.

        :param place: a shipment, or None for the order itself.
        :param line: the line's number.
        """
        whole = place is not None and self.status(place) == CANCELED
        found = self.line(line)
        if whole or (found and found.canceled) or (self.canceled and not _is_fulfilled(place)):
            return 0
        return self.put(place, line) - self.taken(place, line)

    def open(self, place: Shipment | None, line: int) -> int:
        """Return how many of a line can still be canceled in a place.

        :param place: a shipment, or None for the order itself.
        :param line: the line's number.
        """
        return self.left(place, line) if place is None or self.is_open(place) else 0

    def canceled_in(self, place: Shipment | None, line: int) -> int:
        """Return how many of a line are canceled in a place, in whichever way.

        :param place: a shipment, or None for the order itself.
        :param line: the line's number.
        """
        if place is not None and place.status in _LEFT:
            return self.taken(place, line)
        return self.put(place, line) - self.left(place, line)

    def status(self, shipment: Shipment) -> ShipmentStatus:
        """Return the status of a shipment.

        :param shipment: the shipment.
        """
        if shipment.status in _ENDED:
            return shipment.status
        emptied = shipment.items and all(
            self.taken(shipment, line) >= quantity for line, quantity in shipment.items.items()
        )
        return CANCELED if emptied or self.canceled else shipment.status

    def is_open(self, shipment: Shipment) -> bool:
        """Return whether something of a shipment may still be canceled.

        :param shipment: the shipment.
        """
        return self.status(shipment) not in _ENDED

    def version(self, shipment: Shipment) -> int:
        """Return how often a shipment has changed.

        :param shipment: the shipment.
        """
        changes = sum(one.shipment == shipment.number for one in self.changes)
        return shipment.revision + changes + self.canceled

    def open_of(self, line: int) -> int:
        """Return how many of a line can still be canceled anywhere.

        :param line: the line's number.
        """
        return sum(self.open(place, line) for place in self.places(line))

    def canceled_of(self, line: int) -> int:
        """Return how many of a line are canceled anywhere.

        :param line: the line's number.
        """
        return sum(self.canceled_in(place, line) for place in self.places(line))

    def fulfilled_of(self, line: int) -> int:
        """Return how many of a line are fulfilled.

        :param line: the line's number.
        """
        return sum(self.left(one, line) for one in self.shipments if _is_fulfilled(one))

    @property
    def fulfillment(self) -> Literal["NotFulfilled", "PartiallyFulfilled", "Fulfilled"]:
        """The `fulfillmentStatus` of the native order."""
        if not any(self.fulfilled_of(line.number) for line in self.lines):
            return "NotFulfilled"
        some_open = any(self.open_of(line.number) for line in self.lines)
        return "PartiallyFulfilled" if some_open else "Fulfilled"

    @property
    def is_all_canceled(self) -> bool:
        """Whether the order has lines, and nothing of them is left."""
        return bool(self.lines) and not any(
            self.open_of(line.number) or self.fulfilled_of(line.number) for line in self.lines
        )

    @cached_property
    def _taken(self) -> dict[tuple[int | None, int], int]:
        taken: dict[tuple[int | None, int], int] = {}
        for one in self.changes:
            key = (one.shipment, one.line)
            taken[key] = taken.get(key, 0) + one.quantity
        return taken


def _is_fulfilled(place: Shipment | None) -> bool:
    return place is not None and place.status == FULFILLED
