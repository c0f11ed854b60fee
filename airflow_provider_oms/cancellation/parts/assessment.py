"""What a read proves about one part of a plan: pure, and the same for every dialect.

A part is canceled where it has come to its target, and open where nothing of it has happened. For
anything else, somebody else has changed it, or a cancel of ours has not done what it was to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from airflow_provider_oms.api.parts import (
    Flags,
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
    """Hold what a read shows of a part.

    :param standing: how far it has come.
    :param words: what the OMS says of it, in a few words.
    :param left: the shares that are not canceled yet.
    :param obstacle: why no cancel may be sent for it, in a few words; empty where one may.
    """

    standing: Standing
    words: str
    left: tuple[LineShare, ...] = ()
    obstacle: str = ""


def assess(part: Part, shown: OrderParts) -> Found:
    """Return what a read shows of a part.

    :param part: the part.
    :param shown: what was read.
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
    :param shown: what was read directly before.
    :param reasons: why, by the names that the caller has given.
    :param flags: what is said besides.
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


def _shipment(part: Part, shown: OrderParts) -> Found:
    shipment = shown.shipment(part.shipment or 0)
    if shipment is None:
        return Found(
            Standing.CHANGED, f"nothing of shipment {part.shipment}", obstacle="it is gone"
        )
    words = f"shipment {shipment.number} {shipment.status}"
    if shipment.is_canceled:
        return Found(Standing.CANCELED, words)
    obstacle = "" if shipment.is_open else f"The shipment is {shipment.status} now"
    return Found(Standing.OPEN, words, obstacle=obstacle)


def _line(part: Part, shown: OrderParts) -> Found:
    (share,) = part.shares
    line = shown.line(share.line)
    if line is None:
        return Found(Standing.CHANGED, f"nothing of line {share.line}", obstacle="it is gone")
    words = f"line {line.name} {line.status}"
    if line.canceled and not line.open:
        return Found(Standing.CANCELED, words)
    obstacle = "" if line.open else f"The line is {line.status} now"
    return Found(Standing.OPEN, words, part.shares, obstacle)


def _order_line(part: Part, shown: OrderParts) -> Found:
    """Compare what is left of a line with what was to be left; an edit shows nothing else."""
    (share,) = part.shares
    line = shown.line(share.line)
    is_open = line.open if line is not None else 0
    words = f"line {share.line} {is_open} in the order"
    if is_open <= share.keep:
        return Found(Standing.CANCELED, words)
    if is_open != share.keep + share.quantity:
        reason = f"{is_open} of line {share.line} are in the order now"
        planned = f"{share.keep + share.quantity} were when it began"
        return Found(Standing.CHANGED, words, obstacle=f"{reason}, and {planned}")
    obstacle = "The order has shipments now" if shown.has_shipments else ""
    return Found(Standing.OPEN, words, part.shares, obstacle)


def _quantities(part: Part, shown: OrderParts) -> Found:
    """Compare each line with its base and its target, there and nowhere else."""
    words = []
    left = []
    obstacle = ""
    for share in part.shares:
        line = shown.line(share.line)
        place = line.place_in(part.shipment) if line is not None else None
        is_open, canceled = (place.open, place.canceled) if place else (0, 0)
        where = f" in shipment {part.shipment}" if part.shipment is not None else ""
        words.append(f"line {share.line}{where} {canceled} canceled and {is_open} open")
        if canceled == share.target:
            continue
        if canceled != share.base:
            reason = f"{canceled} of line {share.line} are canceled now, and {share.base} were"
            return Found(Standing.CHANGED, "; ".join(words), obstacle=f"{reason} when it began")
        if is_open < share.quantity:
            obstacle = f"Only {is_open} of line {share.line} are open{where} now"
        left.append(share)
    standing = Standing.OPEN if left else Standing.CANCELED
    return Found(standing, "; ".join(words), tuple(left), obstacle)
