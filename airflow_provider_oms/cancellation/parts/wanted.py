"""The parts of an order that a caller wants canceled, checked before anything is read or sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.part_calls import PartDialect
from airflow_provider_oms.api.parts import LineName, PartKind, Reason
from airflow_provider_oms.api.values import kind_of, validate_number
from airflow_provider_oms.cancellation.bulk.json_text import read_json

__all__ = ["MOST_ITEMS", "Wanted", "wanted_items", "wanted_shipment"]

#: The most items of one order; the record of them is one value of Airflow's task_state_store.
MOST_ITEMS = 200
_KEYS = ("line", "quantity", "keep_quantity", "reason", "other_reason")
_RULE = (
    f"a list, or a JSON array, of 1 to {MOST_ITEMS} lines: each a line's name, or an object with "
    "line and, if wanted, quantity or keep_quantity, reason and other_reason"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Hold one line or shipment to cancel.

    :param name: the line, or the shipment.
    :param reason: why.
    :param quantity: how many more are canceled; ``None`` where not given.
    :param keep: how many are left open; ``None`` where not given. With neither, all that is open
        is canceled.
    """

    name: LineName
    reason: Reason
    quantity: int | None = None
    keep: int | None = None

    @property
    def record(self) -> list[Any]:
        """Return the fields that tell it from another cancellation, as a JSON value."""
        return [self.name, self.quantity, self.keep]


def wanted_items(
    value: Any, dialect: PartDialect, reason: Any, other_reason: Any = None
) -> tuple[Wanted, ...]:
    """Return the items that a caller names.

    :param value: a list of lines, or the text of a JSON array.
    :param dialect: says what names a line, and which reasons there are.
    :param reason: the reason of each item that gives none.
    :param other_reason: the explanation that goes with it.
    :return: at least one item.
    :raises OmsInputError: for the first item that breaks a rule.
    """
    entries = _parsed(value)
    default = dialect.reason(PartKind.LINE, reason, other_reason)
    wanted = tuple(
        _item(entry, number, dialect, default) for number, entry in enumerate(entries, start=1)
    )
    names: set[LineName] = set()
    for number, one in enumerate(wanted, start=1):
        if one.name in names:
            raise OmsInputError(
                _field(number), "a line that is named once", "one that is there twice"
            )
        names.add(one.name)
    return wanted


def wanted_shipment(
    value: Any, dialect: PartDialect, reason: Any, other_reason: Any = None
) -> Wanted:
    """Return the shipment that a caller names.

    :param value: its number or id.
    :param dialect: says what names a shipment, and which reasons there are.
    :param reason: why.
    :param other_reason: the explanation.
    :raises OmsInputError: for the first value that breaks a rule.
    """
    name = dialect.shipment_number(value)
    return Wanted(name, dialect.reason(PartKind.SHIPMENT, reason, other_reason))


def _parsed(value: Any) -> Sequence[Any]:
    entries = value
    if isinstance(value, str):
        try:
            entries = read_json(value)
        except ValueError:
            entries = None
    if not isinstance(entries, list | tuple) or not 0 < len(entries) <= MOST_ITEMS:
        found = kind_of(value)
        if isinstance(entries, list | tuple):
            found = f"{len(entries)} of them"
        raise OmsInputError("items", _RULE, found)
    return entries


def _item(entry: Any, number: int, dialect: PartDialect, default: Reason) -> Wanted:
    field = _field(number)
    given = entry if isinstance(entry, Mapping) else {"line": entry}
    unknown = [key for key in given if key not in _KEYS]
    if unknown or "line" not in given:
        what = "one without line" if not unknown else f"{len(unknown)} other keys"
        raise OmsInputError(field, f"an object with the keys {', '.join(_KEYS)}", what)
    if "quantity" in given and "keep_quantity" in given:
        raise OmsInputError(field, "an object with quantity or keep_quantity, not both", "both")
    try:
        name = dialect.line_name(given["line"])
        # A quantity that comes out as nothing must not become the whole line.
        quantity = keep = None
        if "quantity" in given:
            quantity = validate_number("quantity", given["quantity"], least=1)
        if "keep_quantity" in given:
            keep = validate_number("keep_quantity", given["keep_quantity"])
        reason = default
        if given.get("reason") is not None or given.get("other_reason") is not None:
            reason = dialect.reason(
                PartKind.LINE, given.get("reason", default.code), given.get("other_reason")
            )
    except OmsInputError as error:
        raise OmsInputError(f"{error.field} of {field}", error.rule, error.kind) from None
    return Wanted(name, reason, quantity, keep)


def _field(number: int) -> str:
    return f"item {number} of items"
