"""Parts of an order as this project sees them: lines and shipments, and the call that cancels one.

``cancellation/parts/assessment.py`` decides on a part's evidence about a cancellation.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.values import OrderId

__all__ = [
    "Flags",
    "Line",
    "LineName",
    "OrderParts",
    "PartCancel",
    "PartKind",
    "Place",
    "Reason",
    "Share",
    "Shipment",
]

#: What names a line: an integer (``orderItemID``, ``lineId``), or the id of a native order's item.
LineName = int | str


class PartKind(StrEnum):
    """Name the kinds of parts that one call cancels."""

    #: A whole line, wherever it is.
    LINE = "line"
    #: A whole shipment.
    SHIPMENT = "shipment"
    #: Quantities of some lines of one shipment.
    SHIPMENT_LINES = "lines"
    #: A quantity of one line of an order that has no shipments yet.
    ORDER_LINE = "item"


@dataclass(frozen=True, slots=True)
class Place:
    """Hold the share of a line that is in one shipment, or in the order where there are none.

    :param shipment: the shipment; ``None`` for the order itself.
    :param open: the quantity that can still be canceled there.
    :param canceled: the quantity that is canceled there, as the OMS shows it.
    :param status: of the shipment, or of the line.
    """

    shipment: int | None
    open: int
    canceled: int
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Hold one line of an order.

    :param name: its name in a cancel.
    :param places: where it is.
    :param item_id: the id of a native order's item.
    :param fulfilled: the quantity that has left.
    :param quantity: the quantity ordered; ``None`` where the OMS does not show it.
    :param status: its state, where it has its own.
    """

    name: LineName
    places: tuple[Place, ...]
    item_id: str | None = None
    fulfilled: int = 0
    quantity: int | None = None
    status: str | None = None

    @property
    def open(self) -> int:
        """Return the quantity that can still be canceled."""
        return sum(place.open for place in self.places)

    @property
    def canceled(self) -> int:
        """Return the quantity that is canceled."""
        return sum(place.canceled for place in self.places)

    def place_in(self, shipment: int | None) -> Place:
        """Return the share that is in a shipment, which may be nothing.

        :param shipment: the shipment; ``None`` for the order itself.
        """
        found = (place for place in self.places if place.shipment == shipment)
        return next(found, Place(shipment, 0, 0))

    def is_called(self, name: LineName) -> bool:
        """Return whether a name is this line's.

        :param name: as a caller has given it.
        """
        return name in (self.name, self.item_id)


@dataclass(frozen=True, slots=True)
class Shipment:
    """Hold one shipment of an order.

    :param number: its number, or its id.
    :param status: its status.
    :param is_canceled: whether the OMS says that it is canceled.
    :param is_open: whether it can still be canceled.
    :param etag: names the version that was read, where the OMS gives one.
    """

    number: int
    status: str | None
    is_canceled: bool
    is_open: bool
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class OrderParts:
    """Hold an order as far as its parts are concerned.

    :param order: the order as a whole.
    :param lines: the lines that were read.
    :param shipments: the shipments that were read.
    :param shows_all: whether no other line or shipment can still be open.
    :param has_shipments: whether the order has shipments, as far as was read.
    :param version: names the version of a native order, where it shows one.
    """

    order: Order
    lines: tuple[Line, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    shows_all: bool = False
    has_shipments: bool = True
    version: str | None = None

    def line(self, name: LineName) -> Line | None:
        """Return a line, or ``None`` where the order shows no such line.

        :param name: the line.
        """
        return next((line for line in self.lines if line.is_called(name)), None)

    def shipment(self, number: int) -> Shipment | None:
        """Return a shipment, or ``None`` where the order shows no such shipment.

        :param number: the shipment.
        """
        return next((one for one in self.shipments if one.number == number), None)


@dataclass(frozen=True, slots=True)
class Reason:
    """Hold why something is canceled, checked and as the OMS takes it.

    :param code: the reason.
    :param explanation: the explanation, if there is one.
    """

    code: str
    explanation: str | None = None


@dataclass(frozen=True, slots=True)
class Flags:
    """Hold the flags of a cancel; every flag that a call has is always sent.

    :param send_notifications: whether the OMS may write to the shopper; ``None`` where it decides.
    :param rectify_order: translated: whether the totals of the order are corrected.
    :param cancel_child_items: translated: whether the items below a canceled one are canceled.
    :param block_assignment: native: as ``blockAssignment`` of the Fulfillment API.
    """

    send_notifications: bool | None = None
    rectify_order: bool = True
    cancel_child_items: bool = False
    block_assignment: bool = False


@dataclass(frozen=True, slots=True)
class Share:
    """Hold the share of a line that one call cancels.

    :param line: the line.
    :param quantity: how many of it.
    :param reason: why.
    :param keep: how many are left, for a call that names these instead.
    """

    line: LineName
    quantity: int
    reason: Reason
    keep: int = 0


@dataclass(frozen=True, slots=True)
class PartCancel:
    """Hold one cancel of a part, ready to be sent.

    :param kind: the kind of part.
    :param order_id: the order's id.
    :param shipment: the shipment; ``None`` where it names none.
    :param shares: the shares of the lines that it cancels; none for a whole shipment.
    :param reason: why a whole shipment is canceled.
    :param flags: its flags.
    :param version: the version of the shipment or order that it is meant for, where one is known.
    """

    kind: PartKind
    order_id: OrderId
    shipment: int | None = None
    shares: tuple[Share, ...] = ()
    reason: Reason | None = None
    flags: Flags = Flags()
    version: str | None = None
