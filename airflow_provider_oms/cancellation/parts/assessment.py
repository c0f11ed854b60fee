"""The evidence of a read about one part of a plan: pure, and the same for every dialect.

A part is canceled where it has come to its target, and open where nothing of it has happened.
Otherwise another client has changed it, or a cancel of this task did not have the requested effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from airflow_provider_oms.api.parts import (
    Flags,
    Line,
    LineName,
    OrderParts,
    PartCancel,
    PartKind,
    Reason,
    Share,
)
from airflow_provider_oms.cancellation.parts.plan import LineShare, Part

__all__ = ["Found", "Standing", "assess", "cancel_of"]


class Standing(Enum):
    """Name how far a part has come."""

    #: It has come to its target.
    CANCELED = auto()
    #: Nothing of it has happened, or some lines are at their target and the others untouched.
    OPEN = auto()
    #: It is neither.
    CHANGED = auto()


@dataclass(frozen=True, slots=True)
class Found:
    """Hold the result of a read about a part.

    :param standing: how far it has come.
    :param words: the part's state in the OMS, in a few words.
    :param left: the shares that are not canceled yet.
    :param obstacle: why no cancel may be sent for it, in a few words; empty where one may.
    """

    standing: Standing
    words: str
    left: tuple[LineShare, ...] = ()
    obstacle: str = ""


def assess(part: Part, shown: OrderParts) -> Found:
    """Return the result of a read about a part.

    :param part: the part.
    :param shown: the order as read.
    """
    if part.kind is PartKind.SHIPMENT:
        return _shipment(part, shown)
    if part.kind is PartKind.LINE:
        return _line(part, shown)
    if part.kind is PartKind.ORDER_LINE:
        return _order_line(part, shown)
    return _quantities(part, shown)


def cancel_of(
    part: Part, shown: OrderParts, reasons: Mapping[LineName, Reason], flags: Flags
) -> PartCancel:
    """Return the cancel that brings a part to its target from where a read has shown it.

    :param part: the part.
    :param shown: the order as read directly before.
    :param reasons: why, by the names that the caller has given.
    :param flags: the other arguments of the call.
    """
    shipment = shown.shipment(part.shipment) if part.shipment is not None else None
    shares = tuple(
        Share(share.line, share.quantity, reasons[share.wanted], share.keep)
        for share in assess(part, shown).left
    )
    is_edit = part.kind is PartKind.ORDER_LINE
    return PartCancel(
        part.kind,
        part.order_id,
        part.shipment,
        shares,
        None if shares or shipment is None else reasons[shipment.number],
        flags,
        shown.version if is_edit else (shipment.etag if shipment else None),
    )


def _gone(what: str) -> Found:
    words = f"The OMS does not show {what}"
    return Found(Standing.CHANGED, words, obstacle=f"The order does not have {what} any more")


def _shipment(part: Part, shown: OrderParts) -> Found:
    shipment = shown.shipment(part.shipment or 0)
    if shipment is None:
        return _gone(f"shipment {part.shipment}")
    words = f"The OMS says that shipment {shipment.number} is {shipment.status}"
    if shipment.is_canceled:
        return Found(Standing.CANCELED, words)
    obstacle = "" if shipment.is_open else f"The shipment is {shipment.status} now"
    return Found(Standing.OPEN, words, obstacle=obstacle)


def _line(part: Part, shown: OrderParts) -> Found:
    (share,) = part.shares
    line = shown.line(share.line)
    if line is None:
        return _gone(f"line {share.line}")
    words = f"The OMS says that line {line.name} is {line.status}"
    if line.canceled and not line.open:
        return Found(Standing.CANCELED, words)
    obstacle = "" if line.open else f"The line is {line.status} now"
    return Found(Standing.OPEN, words, part.shares, obstacle)


def _order_line(part: Part, shown: OrderParts) -> Found:
    """Compare the quantity of a line with its target; an edit shows nothing else."""
    (share,) = part.shares
    line = shown.line(share.line)
    is_open = line.open if line is not None else 0
    words = f"The OMS says that the order has {is_open} of line {share.line}"
    if is_open <= share.keep:
        return Found(Standing.CANCELED, words)
    planned = share.keep + share.quantity
    if is_open != planned:
        obstacle = (
            f"The order had {planned} of line {share.line} when the task began, not {is_open}"
        )
        return Found(Standing.CHANGED, words, obstacle=obstacle)
    obstacle = "The order has shipments now" if shown.has_shipments else ""
    return Found(Standing.OPEN, words, part.shares, obstacle)


def _excess(share: LineShare, line: Line | None, shown: OrderParts) -> int | None:
    """Return how many of a line are open beyond those that are to be left, in all shipments.

    ``None`` where a quantity was wanted, and where not all shipments were read.
    """
    if share.left is None or line is None or not shown.shows_all:
        return None
    return line.open - share.left


def _quantities(part: Part, shown: OrderParts) -> Found:
    """Compare each line with its base and its target, there and nowhere else."""
    counts = []
    left = []
    obstacle = changed = ""
    for share in part.shares:
        line = shown.line(share.line)
        place = line.place_in(part.shipment) if line is not None else None
        is_open, canceled = (place.open, place.canceled) if place else (0, 0)
        counts.append(f"{canceled} of line {share.line} canceled and {is_open} open")
        if canceled == share.target:
            continue
        if canceled != share.base:
            had = f"{share.base} of line {share.line} were canceled when the task began"
            changed = f"In shipment {part.shipment}, {had}, not {canceled}"
        elif (excess := _excess(share, line, shown)) is not None and excess < share.quantity:
            changed = f"Only {max(0, excess)} more of line {share.line} are to be canceled now"
        elif is_open < share.quantity:
            obstacle = f"Shipment {part.shipment} has only {is_open} of line {share.line} open now"
        left.append(share)
    words = f"The OMS says that shipment {part.shipment} has {', '.join(counts)}"
    if changed:
        return Found(Standing.CHANGED, words, obstacle=changed)
    standing = Standing.OPEN if left else Standing.CANCELED
    return Found(standing, words, tuple(left), obstacle)
