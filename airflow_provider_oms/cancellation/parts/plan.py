"""The parts that are canceled by one call each, fixed once, before the first cancel.

A pure function makes the plan from the order as a read has shown it. How far a part of it has come
is read in ``assessment.py``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_oms.api.parts import Line, LineName, OrderParts, PartKind
from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.cancellation.parts.wanted import Wanted

__all__ = [
    "LineShare",
    "Part",
    "Plan",
    "Refusal",
    "ends_the_order",
    "plan_items",
    "plan_shipments",
]

_GUARD = "nothing else of the order is open, so that this would cancel all that is left of it"
_GUARD_UNSEEN = "whether anything else of the order is open cannot be read on this tenant"
_ALLOW = "Give allow_whole_order=True if that is meant, or cancel the order"


@dataclass(frozen=True, slots=True)
class LineShare:
    """Hold the share of one line that a part cancels.

    :param line: the line, as the OMS calls it.
    :param wanted: the line, as the caller has named it.
    :param base: the quantity that is canceled there before.
    :param quantity: the quantity that is to be canceled.
    :param keep: the quantity that is left in the order, where the order itself is edited.
    :param left: the quantity of the line that is to be left open, in all places together; ``None``
        where a quantity was wanted, whatever is left.
    """

    line: LineName
    wanted: LineName
    base: int
    quantity: int
    keep: int = 0
    left: int | None = None

    @property
    def target(self) -> int:
        """Return the quantity that is canceled there afterwards."""
        return self.base + self.quantity


@dataclass(frozen=True, slots=True)
class Part:
    """Hold the part that one call cancels and one read checks.

    :param order_id: the order's id.
    :param kind: its kind.
    :param shipment: the shipment; ``None`` where the call names none.
    :param shares: the shares of lines that it cancels; none for a whole shipment.
    """

    order_id: OrderId
    kind: PartKind
    shipment: int | None = None
    shares: tuple[LineShare, ...] = ()

    @property
    def key(self) -> str:
        """Return the one text that names the part; it has no comma and no blank."""
        places = [f"shipment:{self.shipment}"] if self.shipment is not None else []
        if self.shares:
            lines = "+".join(str(share.line) for share in self.shares)
            places.append(f"{self.kind}:{lines}")
        return "/".join([str(self.order_id), *places])

    @property
    def record(self) -> list[Any]:
        """Return the part as a JSON value, from which :meth:`of_record` makes the same again."""
        shares = [[s.line, s.wanted, s.base, s.quantity, s.keep, s.left] for s in self.shares]
        return [self.order_id, self.kind.value, self.shipment, shares]

    @classmethod
    def of_record(cls, record: Any) -> Part:
        """Return the part of a record.

        :param record: what :attr:`record` returned.
        :raises ValueError: or ``TypeError``, when it is no such record.
        """
        order_id, kind, shipment, shares = record
        return cls(order_id, PartKind(kind), shipment, tuple(LineShare(*s) for s in shares))


@dataclass(frozen=True, slots=True)
class Refusal:
    """Hold why a wanted line or shipment cannot be canceled, so that nothing is.

    :param name: the line, or the shipment, as the caller has named it.
    :param outcome: the outcome.
    :param reason: the finding and the remedy.
    """

    name: LineName
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Hold the parts to cancel, or the reasons why none is canceled.

    :param order_id: the order's id.
    :param parts: the parts, in the sequence in which they are canceled.
    :param reached: the lines, or the shipment, of which nothing is left to be canceled.
    :param refusals: why nothing is sent; none where the plan stands.
    """

    order_id: OrderId
    parts: tuple[Part, ...] = ()
    reached: tuple[LineName, ...] = ()
    refusals: tuple[Refusal, ...] = field(default=())


def plan_items(
    shown: OrderParts,
    wanted: Sequence[Wanted],
    *,
    whole_lines_only: bool,
    allow_whole_order: bool,
    allow_order_edit: bool = False,
) -> Plan:
    """Return the plan to cancel lines, or quantities of them.

    :param shown: the order, as it was read.
    :param wanted: the items.
    :param whole_lines_only: whether a line can be canceled as a whole only.
    :param allow_whole_order: whether nothing of the order need be left open.
    :param allow_order_edit: whether the order itself may be edited where it has no shipments.
    """
    order_id = shown.order.order_id
    amounts: list[tuple[Line, Wanted, int]] = []
    reached: list[LineName] = []
    refusals: list[Refusal] = []
    seen: set[LineName] = set()
    for one in wanted:
        line = shown.line(one.name)
        found = _amount(line, one, shown, whole_lines_only=whole_lines_only)
        if line is not None and line.name in seen:
            found = Refusal(one.name, Outcome.REFUSED, "it is named twice, by two names")
        seen |= {line.name} if line is not None else set()
        if isinstance(found, Refusal):
            refusals.append(found)
        elif found == 0 or line is None:
            reached.append(one.name)
        elif not shown.has_shipments and not allow_order_edit:
            reason = (
                "the order has no shipments yet, so that only the order itself could be edited: "
                "without a reason, and with an effect on the payment that is not documented. "
                "Wait for its shipments, or give allow_order_edit=True"
            )
            refusals.append(Refusal(one.name, Outcome.NOT_CANCELABLE, reason))
        else:
            amounts.append((line, one, found))
    if refusals:
        return Plan(order_id, (), tuple(reached), tuple(refusals))
    left = sum(line.open for line in shown.lines) - sum(amount for *_, amount in amounts)
    if amounts and not allow_whole_order and (left == 0 or not shown.shows_all):
        why = _GUARD if shown.shows_all else _GUARD_UNSEEN
        guards = [
            Refusal(one.name, Outcome.NOT_CANCELABLE, f"{why}. {_ALLOW}") for _, one, _ in amounts
        ]
        return Plan(order_id, (), tuple(reached), tuple(guards))
    parts = _parts(shown, amounts, whole_lines_only=whole_lines_only)
    return Plan(order_id, tuple(parts), tuple(reached))


def plan_shipments(shown: OrderParts, wanted: Sequence[Wanted], *, allow_whole_order: bool) -> Plan:
    """Return the plan to cancel whole shipments.

    :param shown: the order, as it was read.
    :param wanted: the shipments.
    :param allow_whole_order: whether nothing of the order need be left open.
    """
    order_id = shown.order.order_id
    numbers = [int(one.name) for one in wanted]
    reached: list[LineName] = []
    refusals: list[Refusal] = []
    for number in numbers:
        shipment = shown.shipment(number)
        if shipment is None:
            reason = "the order has no such shipment"
            refusals.append(Refusal(number, Outcome.NOT_FOUND, reason))
        elif shipment.is_canceled or shown.order.is_canceled:
            reached.append(number)
        elif not shipment.is_open:
            reason = f"its status is {shipment.status}, which cannot be canceled"
            refusals.append(Refusal(number, Outcome.NOT_CANCELABLE, reason))
    to_cancel = [number for number in numbers if number not in reached]
    if to_cancel and not refusals and not allow_whole_order:
        others = [one for one in shown.shipments if one.is_open and one.number not in numbers]
        if not others:
            why = f"{_GUARD if shown.shows_all else _GUARD_UNSEEN}. {_ALLOW}"
            refusals = [Refusal(number, Outcome.NOT_CANCELABLE, why) for number in to_cancel]
    if refusals:
        return Plan(order_id, (), tuple(reached), tuple(refusals))
    parts = tuple(Part(order_id, PartKind.SHIPMENT, number) for number in to_cancel)
    return Plan(order_id, parts, tuple(reached))


def ends_the_order(
    part: Part, shares: Iterable[LineShare], others: Iterable[Part], shown: OrderParts
) -> str:
    """Return why a part may not be canceled without a word about the whole order; empty if it may.

    :param part: the part.
    :param shares: its shares that are still to be canceled.
    :param others: the other parts of the plan that are to be canceled.
    :param shown: the whole order, as it was read directly before.
    """
    if part.kind is PartKind.SHIPMENT:
        numbers = {part.shipment, *(one.shipment for one in others)}
        left = sum(one.is_open and one.number not in numbers for one in shown.shipments)
    else:
        planned = sum(share.quantity for share in shares)
        planned += sum(_open_of(one, share, shown) for one in others for share in one.shares)
        left = sum(line.open for line in shown.lines) - planned
    if left > 0 and shown.shows_all:
        return ""
    why = _GUARD if left <= 0 else _GUARD_UNSEEN
    return f"{why[0].upper()}{why[1:]}. {_ALLOW}"


def _open_of(part: Part, share: LineShare, shown: OrderParts) -> int:
    line = shown.line(share.line)
    if line is None:
        return 0
    is_in_one = part.kind is PartKind.SHIPMENT_LINES
    return min(share.quantity, line.place_in(part.shipment).open if is_in_one else line.open)


def _amount(
    line: Line | None, one: Wanted, shown: OrderParts, *, whole_lines_only: bool
) -> int | Refusal:
    """Return how many of a line are to be canceled, or why none can be."""
    if line is None:
        return Refusal(one.name, Outcome.NOT_FOUND, "the order has no such line")
    if shown.order.is_canceled:
        return 0
    if line.open == 0:
        # Of a line that was shipped in part, the rest is canceled; more of it cannot be.
        if line.canceled and not (line.fulfilled and one.quantity):
            return 0
        counts = f"{line.fulfilled} have been shipped, and {line.canceled} are canceled"
        return Refusal(one.name, Outcome.NOT_CANCELABLE, f"none of it is open; {counts}")
    if one.keep is not None and one.keep >= line.open:
        return 0
    amount = line.open
    if one.keep is not None:
        amount -= one.keep
    elif one.quantity is not None:
        amount = one.quantity
    if whole_lines_only:
        return _whole(line, one, amount)
    if amount > line.open:
        reason = f"{amount} were to be canceled, and only {line.open} are open"
        return Refusal(one.name, Outcome.NOT_CANCELABLE, reason)
    return amount


def _whole(line: Line, one: Wanted, amount: int) -> int | Refusal:
    is_said = one.quantity is not None or bool(one.keep)
    if is_said and (line.quantity is None or amount != line.quantity):
        reason = (
            f"{amount} of {line.quantity or 'an unknown quantity'} were to be canceled, and a "
            f"translated tenant cancels whole lines only. Leave quantity and keep_quantity out if "
            f"the whole line is meant"
        )
        return Refusal(one.name, Outcome.REFUSED, reason)
    return amount


def _left_by(one: Wanted, line: Line, amount: int) -> int | None:
    return line.open - amount if one.quantity is None else None


def _parts(
    shown: OrderParts, amounts: Iterable[tuple[Line, Wanted, int]], *, whole_lines_only: bool
) -> list[Part]:
    order_id = shown.order.order_id
    if whole_lines_only:
        return [
            Part(
                order_id, PartKind.LINE, None, (LineShare(line.name, one.name, 0, amount, left=0),)
            )
            for line, one, amount in amounts
        ]
    if not shown.has_shipments:
        edits = [
            LineShare(
                line.item_id or line.name,
                one.name,
                0,
                amount,
                keep=line.open - amount,
                left=_left_by(one, line, amount),
            )
            for line, one, amount in amounts
        ]
        return [Part(order_id, PartKind.ORDER_LINE, None, (edit,)) for edit in edits]
    by_shipment: dict[int, list[LineShare]] = defaultdict(list)
    for line, one, amount in amounts:
        left = amount
        for place in sorted(line.places, key=lambda place: place.shipment or 0):
            taken = min(left, place.open)
            if taken and place.shipment is not None:
                to_be_left = _left_by(one, line, amount)
                share = LineShare(line.name, one.name, place.canceled, taken, left=to_be_left)
                by_shipment[place.shipment].append(share)
                left -= taken
    return [
        Part(order_id, PartKind.SHIPMENT_LINES, number, tuple(shares))
        for number, shares in sorted(by_shipment.items())
    ]
