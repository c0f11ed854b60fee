"""The names of an order on a native tenant, and the rules for a reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.values import (
    has_control_characters,
    kind_of,
    kind_of_id,
    whole_number,
)

__all__ = [
    "OrderKey",
    "Reference",
    "code_of",
    "refer",
    "validate_note",
    "validate_reason",
    "validate_text",
]

# Kibo's files give orderNumber 32 bits.
_LARGEST_NUMBER = 2**31 - 1
#: The most characters of a note (schema OrderNote of Kibo's Commerce API).
LONGEST_NOTE = 250

_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
# Any other character could end the value in a filter and begin something else.
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9._#-]{1,200}", re.ASCII)


class OrderKey(StrEnum):
    """Name the fields that can name an order."""

    #: Kibo's own id, 32 hexadecimal digits.
    ID = "id"
    #: The number that the shop's staff sees.
    NUMBER = "number"
    #: The number that the order has in the shop's own system.
    EXTERNAL_ID = "external_id"


@dataclass(frozen=True, slots=True)
class Reference:
    """Hold what names an order.

    :param key: what kind of name it is.
    :param value: the name.
    """

    key: OrderKey
    value: str

    def __str__(self) -> str:
        """Return it as one text, from which :func:`refer` makes the same again."""
        return self.value if self.key is OrderKey.ID else f"{self.key}:{self.value}"


_PREFIXES = (OrderKey.NUMBER, OrderKey.EXTERNAL_ID)
_RULES = {
    OrderKey.ID: "Kibo's id of the order: 32 hexadecimal digits",
    OrderKey.NUMBER: f"the order's number: a whole number from 1 to {_LARGEST_NUMBER}",
    OrderKey.EXTERNAL_ID: (
        "the order's number in the shop's own system: "
        "a text of 1 to 200 letters, digits and . - _ #"
    ),
}


def refer(value: Any, order_key: Any = None) -> Reference:
    """Return what names an order, or refuse it.

    :param value: the id, number or external id; or any of them as ``str()`` of a reference.
    :param order_key: which of them a value is that does not say; ``None`` and empty for the id.
    :return: the reference.
    :raises OmsInputError: when the value is none of that kind, or there is no such kind.
    """
    key, is_given = _key_of(order_key), order_key not in (None, "")
    if isinstance(value, str):
        prefix, colon, rest = value.partition(":")
        # A row does not override the task.
        if colon and prefix in _PREFIXES and (prefix == key or not is_given):
            key, value = OrderKey(prefix), rest
    found = _READERS[key](value)
    if found is None:
        rule = _RULES[key] + (_other_names(value, is_given=is_given) if key is OrderKey.ID else "")
        raise OmsInputError("order_id", rule, kind_of_id(value))
    return Reference(key, found)


def _other_names(value: Any, *, is_given: bool) -> str:
    """Return how to name an order by a number; empty where a value cannot be one."""
    is_text = isinstance(value, str) and value.strip() not in ("", "None")
    if not is_text and whole_number(value) is None:
        return ""
    prefixed = "" if is_given else ", or write it as number:… or external_id:…"
    return f" (for a number of the order, give order_key number or external_id{prefixed})"


def _key_of(value: Any) -> OrderKey:
    if value is None or value == "":
        return OrderKey.ID
    try:
        return OrderKey(value)
    except ValueError:
        rule = f"one of {', '.join(OrderKey)}"
        raise OmsInputError("order_key", rule, kind_of(value)) from None


def _read_id(value: Any) -> str | None:
    text = value.replace("-", "").lower() if isinstance(value, str) else ""
    return text if _ID.fullmatch(text) else None


def _read_number(value: Any) -> str | None:
    number = whole_number(value)
    return str(number) if number is not None and number <= _LARGEST_NUMBER else None


def _read_external_id(value: Any) -> str | None:
    # No number: Airflow's native rendering makes 1001 of the text 1001#2, and tables drop zeros.
    text = value if isinstance(value, str) else ""
    return text if _EXTERNAL_ID.fullmatch(text) and text != "None" else None


_READERS = {
    OrderKey.ID: _read_id,
    OrderKey.NUMBER: _read_number,
    OrderKey.EXTERNAL_ID: _read_external_id,
}


def validate_text(field: str, value: Any) -> str | None:
    """Return a text trimmed, ``None`` when none was given, or refuse it.

    :param field: name of the argument.
    :param value: the text; ``None``, ``""`` and blanks mean "not given".
    :return: the text.
    :raises OmsInputError: when it is no text, holds control characters, or is ``"None"``.
    """
    if value is not None and not isinstance(value, str):
        raise OmsInputError(field, "a string, or None for none", kind_of(value))
    text = (value or "").strip()
    if text == "None":
        raise OmsInputError(field, "a text, or empty for none", kind_of(value))
    if has_control_characters(text):
        raise OmsInputError(field, "free of control characters and line breaks", kind_of(value))
    return text or None


def validate_reason(value: Any, reason_codes: Iterable[str] = ()) -> str:
    """Return a reason trimmed, or refuse it; whether the tenant lists it is compared elsewhere.

    :param value: the reason.
    :param reason_codes: the words that the connection translates into the tenant's codes.
    :return: the reason.
    :raises OmsInputError: when there is none, or it is no text; the message names these words.
    """
    checked = validate_text("disposition_reason", value)
    if checked is not None:
        return checked
    rule, words = "a code of the tenant's own list of reasons", ", ".join(reason_codes)
    if words:
        rule += f", or one of the connection's reason_codes: {words}"
    raise OmsInputError("disposition_reason", rule, kind_of(value))


def code_of(reason: str, reason_codes: Mapping[str, str]) -> str:
    """Return the tenant's code for a reason; one that has none is sent as it is.

    :param reason: as a task gave it.
    :param reason_codes: the words that the connection translates.
    """
    return reason_codes.get(reason, reason)


def validate_note(value: Any) -> str | None:
    """Return a note that is to be left on an order, ``None`` for none, or refuse it.

    :param value: the note.
    :return: 1 to 250 characters, or ``None``.
    :raises OmsInputError: when it is no such text.
    """
    note = validate_text("note", value)
    if note is not None and len(note) > LONGEST_NOTE:
        raise OmsInputError("note", f"at most {LONGEST_NOTE} characters long", kind_of(value))
    return note
