"""The entries of a set that name parts of an order: gathered, so that each order is there once.

All that is wanted of one order becomes one cancellation. So one plan looks at the whole order, and
no two cancellations of a set work on the same one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.values import CancelRequest, OrderId
from airflow_provider_oms.cancellation.bulk.entries import PART_KEYS, PART_NAMES, is_blank

if TYPE_CHECKING:
    from airflow_provider_oms.api.part_calls import PartDialect
    from airflow_provider_oms.api.parts import LineName
    from airflow_provider_oms.cancellation.parts.wanted import Wanted

__all__ = ["PartEntries", "PartsRequest", "WantedParts", "names_parts", "order_in", "parts_in"]

_AMOUNTS = ("quantity", "keep_quantity")
_RULE = (
    "an order with items, a shipment or a line, exactly one of these, or without any key or column "
    "for parts of it"
)
# The page of the orders in www/ knows it, too.
_OF_PARTS = "/parts:"


@dataclass(frozen=True, slots=True)
class PartsRequest(CancelRequest):
    """Hold the request to cancel parts of an order, for people to read.

    It is never sent: the cancels of parts are made from :class:`WantedParts`.

    :param parts: the lines or shipments, in words.
    :param digest: differs for anything else that is wanted.
    """

    parts: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class WantedParts:
    """Hold all that a set wants canceled of one order.

    :param order_id: the order.
    :param wanted: its lines, or its shipments.
    :param is_shipment: whether they are shipments.
    """

    order_id: OrderId
    wanted: tuple[Wanted, ...]
    is_shipment: bool = False

    @property
    def digest(self) -> str:
        """Return a short text that differs for anything else that is wanted."""
        record = [self.is_shipment, [[*one.record, *_why(one)] for one in self.wanted]]
        return hashlib.blake2b(json.dumps(record).encode(), digest_size=8).hexdigest()

    @property
    def key(self) -> str:
        """Return the name of this cancellation in the journal.

        It is not the order's: that parts of an order are canceled says nothing of the order.
        """
        return f"{self.order_id}{_OF_PARTS}{self.digest}"

    def as_text(self) -> str:
        """Return the lines or shipments in words."""
        if self.is_shipment:
            return ", ".join(f"shipment {one.name}" for one in self.wanted)
        return ", ".join(map(_line_as_text, self.wanted))

    def as_request(self) -> PartsRequest:
        """Return the request, in the form of the cancellation of an order."""
        reasons = list(dict.fromkeys(_why(one) for one in self.wanted))
        code = ", ".join(dict.fromkeys(code for code, _ in reasons))
        explanation = "; ".join(why for _, why in reasons if why) or None
        return PartsRequest(self.order_id, code, explanation, self.as_text(), self.digest)


def _why(one: Wanted) -> tuple[str, str | None]:
    return one.reason.code, one.reason.explanation


def _line_as_text(one: Wanted) -> str:
    if one.quantity is not None:
        return f"{one.quantity} of line {one.name}"
    return f"line {one.name} but {one.keep}" if one.keep else f"line {one.name}"


def order_in(key: str) -> str:
    """Return the order in the name of a cancellation in the journal.

    :param key: the name.
    """
    return key.rpartition(_OF_PARTS)[0] or key


def names_parts(entry: Any) -> bool:
    """Return whether an entry is about parts of an order: by its keys, whatever they hold.

    A value that comes out as nothing must not become the whole order.

    :param entry: the entry.
    """
    return isinstance(entry, Mapping) and any(key in entry for key in PART_KEYS)


def parts_in(
    fields: Mapping[str, Any],
    order_id: OrderId,
    dialect: PartDialect,
    reason: Any,
    explanation: Any,
) -> WantedParts:
    """Return the parts that one entry names, checked.

    :param fields: the entry.
    :param order_id: its order.
    :param dialect: checks names and reasons.
    :param reason: the reason.
    :param explanation: the explanation.
    :raises OmsInputError: for the first field that breaks its rule.
    """
    from airflow_provider_oms.cancellation.parts.wanted import wanted_items, wanted_shipment  # noqa: PLC0415 - most tasks need none of it

    named = [key for key in PART_NAMES if not is_blank(fields.get(key))]
    if len(named) != 1:
        raise OmsInputError("the entry", _RULE, "several of them" if named else "a blank one")
    amounts = {key: fields[key] for key in _AMOUNTS if not is_blank(fields.get(key))}
    if named == ["line"]:
        # Where a file has a column for a quantity, a blank one must not become the whole line.
        if len(amounts) != 1 and any(key in fields for key in _AMOUNTS):
            rule = "given by quantity or keep_quantity, one of them, or no key or column for it"
            raise OmsInputError("how many", rule, "both" if amounts else "a blank one")
        items: Any = [{"line": fields["line"], **amounts}]
    elif amounts:
        raise OmsInputError(next(iter(amounts)), "left out without line", "one that is given")
    else:
        items = fields.get("items")
    if named == ["shipment"]:
        wanted = (wanted_shipment(fields["shipment"], dialect, reason, explanation),)
        return WantedParts(order_id, wanted, is_shipment=True)
    try:
        return WantedParts(order_id, wanted_items(items, dialect, reason, explanation))
    except OmsInputError as error:
        if named != ["line"]:
            raise
        # The entry has its own position.
        raise OmsInputError(error.field.split(" of ")[0], error.rule, error.kind) from None


class PartEntries:
    """Gather the parts that the entries of a set name, by order."""

    def __init__(self) -> None:
        self._orders: dict[OrderId, dict[LineName, Wanted]] = {}
        self._is_shipment: dict[OrderId, bool] = {}
        #: Entries that named a line or a shipment again.
        self.duplicates = 0

    def __contains__(self, order_id: object) -> bool:
        """Return whether parts of an order are there.

        :param order_id: the order.
        """
        return order_id in self._orders

    def __len__(self) -> int:
        """Return of how many orders there are parts."""
        return len(self._orders)

    def add(self, parts: WantedParts) -> str:
        """Add the parts of one entry.

        :param parts: the parts.
        :return: why it cannot be taken up; empty where it is.
        """
        from airflow_provider_oms.cancellation.parts.wanted import MOST_ITEMS  # noqa: PLC0415 - most tasks need none of it

        order_id = parts.order_id
        if self._is_shipment.setdefault(order_id, parts.is_shipment) is not parts.is_shipment:
            return f"order {order_id} is there with lines and with shipments; decide on one"
        known = self._orders.setdefault(order_id, {})
        again = [one for one in parts.wanted if one.name in known]
        for one in again:
            if one.quantity is not None or known[one.name] != one:
                what = "shipment" if parts.is_shipment else "line"
                return (
                    f"{what} {one.name} of order {order_id} is there twice; name it once, with "
                    f"all that is to be canceled of it"
                )
        self.duplicates += len(again) == len(parts.wanted)
        known |= {one.name: one for one in parts.wanted}
        if len(known) > MOST_ITEMS:
            return f"order {order_id} has more than {MOST_ITEMS} lines in the set; cancel the order"
        return ""

    def gathered(self) -> dict[OrderId, WantedParts]:
        """Return all parts of each order."""
        return {
            order_id: WantedParts(order_id, tuple(wanted.values()), self._is_shipment[order_id])
            for order_id, wanted in self._orders.items()
        }
