"""The values that callers give: short descriptions, and the rules for those of any API.

A tenant's dialect has the rules for an order's id and a reason.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, TypeAlias

from airflow_provider_oms.api.errors import OmsInputError

__all__ = [
    "MAX_WHOLE_NUMBER",
    "CancelRequest",
    "OrderId",
    "has_control_characters",
    "kind_of",
    "kind_of_id",
    "validate_flag",
    "validate_number",
    "validate_only_if_states",
    "validate_order_states",
    "validate_path",
    "validate_rate",
    "whole_number",
]

#: An order's id. Everything above the client takes it for an opaque, hashable value whose text is
#: ``str()`` of it; ``api/`` alone knows its form and how it is sent.
OrderId: TypeAlias = int | str

#: What 64 bits hold. Kibo's documentation shows ids beyond 32 bits (orderItemID 9000000000).
MAX_WHOLE_NUMBER = 2**63 - 1
_MOST_DIGITS_OF_AN_ARGUMENT = 9

_DIGITS = re.compile(r"[1-9][0-9]*", re.ASCII)
_AS_WHOLE_NUMBERS = "read ids as whole numbers or as text"
# Longer numbers are slow to search, and no id.
_MOST_CHARACTERS_OF_A_NUMBER = 40
# Texts that are nearly an id, by their form alone.
_NEAR_IDS = (
    (re.compile(r"0+[0-9]+"), "with a leading zero"),
    (re.compile(r"[0-9]+\.0*"), f"that holds a float; {_AS_WHOLE_NUMBERS}"),
    (
        re.compile(r"[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+"),
        "in scientific notation, which has lost digits; format the column as text",
    ),
    (re.compile(r"[0-9]{1,3}([., '][0-9]{3})+"), "with thousands separators"),
    (re.compile(r"\s*[0-9]+\s*"), "with a blank or a line break around digits"),
    (re.compile(r"[0-9]+[;\t|].*"), "with a separator in it; separate fields by commas"),
)
# Cc: control; Cs: lone surrogates, which no UTF-8 body can carry; Zl, Zp: line breaks in disguise.
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Hold one cancellation that passed validation.

    A tenant's dialect builds it, and knows how it is sent.

    :param order_id: the order.
    :param disposition_reason: why.
    :param disposition_other_reason: the explanation, if there is one.
    """

    order_id: OrderId
    disposition_reason: str
    disposition_other_reason: str | None = None


def kind_of(value: object) -> str:
    """Describe a refused value without quoting it, for it may hold a shopper's data.

    :param value: anything a caller passed.
    :return: the value's kind in a few words.
    """
    if value is None:
        return "None"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, Integral):
        return _kind_of_integer(int(value))
    if isinstance(value, Decimal):
        return f"a Decimal that is not a whole number from 1 ({_AS_WHOLE_NUMBERS})"
    if isinstance(value, float):
        # What tables do to whole numbers in a column that has gaps.
        return f"a float ({_AS_WHOLE_NUMBERS})"
    if isinstance(value, Real):
        # numpy's own floats, among others.
        return f"a value of type {type(value).__name__} ({_AS_WHOLE_NUMBERS})"
    if not isinstance(value, str):
        return f"a value of type {type(value).__name__}"
    if not value.strip():
        return "an empty string" if not value else "a blank string"
    if value.strip() == "None":
        return 'the string "None" (a template whose value was null renders so)'
    return f"a string of {len(value)} characters"


def _kind_of_integer(value: int) -> str:
    if value <= 0:
        return "a negative integer" if value < 0 else "zero"
    return "a larger integer" if value > MAX_WHOLE_NUMBER else "a positive integer"


def whole_number(value: Any) -> int | None:
    """Return a whole number from 1 to 2**63-1, or ``None`` for any other value.

    :param value: an integer, also numpy's or a ``Decimal`` without a fraction, which databases and
        data frames return; or a string of ASCII digits without leading zero, which templates render
        to. A boolean is none.
    """
    number = None
    if isinstance(value, bool):
        return None
    if isinstance(value, Integral):
        number = int(value)
    # The size is bounded before int() sees a text or a Decimal: huge numerals are slow to convert.
    elif isinstance(value, Decimal):
        is_small = value.is_finite() and 1 <= value <= MAX_WHOLE_NUMBER
        number = int(value) if is_small and value == int(value) else None
    elif isinstance(value, str) and len(value) <= len(str(MAX_WHOLE_NUMBER)):
        number = int(value) if _DIGITS.fullmatch(value) else None
    return number if number is not None and 1 <= number <= MAX_WHOLE_NUMBER else None


def kind_of_id(value: object) -> str:
    """Describe a refused order id, with the form that text has, and without quoting it.

    :param value: anything a caller passed.
    :return: the value's kind in a few words.
    """
    kind = kind_of(value)
    if isinstance(value, str) and len(value) <= _MOST_CHARACTERS_OF_A_NUMBER:
        for form, what in _NEAR_IDS:
            if form.fullmatch(value):
                return f"{kind} {what}"
    return kind


def has_control_characters(text: str) -> bool:
    """Return whether a text has line breaks, or characters that cannot be seen or sent.

    :param text: the text.
    """
    return any(unicodedata.category(char) in _FORBIDDEN_CATEGORIES for char in text)


def validate_order_states(field: str, value: Any, *, rule: str) -> frozenset[str]:
    """Return the order states that a caller named, at least one.

    :param field: name of the argument.
    :param value: a list, tuple or set of states; or, as templates render, a JSON array or a
        comma-separated string.
    :param rule: the rule for the argument, for the error.
    :return: the states, without blanks around them.
    :raises OmsInputError: when the value names no state.
    """
    states = _split_states(value) if isinstance(value, str) else value
    if (
        not isinstance(states, list | tuple | set | frozenset)
        or not states
        or not all(isinstance(s, str) and s.strip() and s.strip() != "None" for s in states)
    ):
        raise OmsInputError(field, rule, kind_of(value))
    return frozenset(state.strip() for state in states)


def _split_states(text: str) -> object:
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None
    return text.split(",")


def validate_only_if_states(value: Any) -> frozenset[str] | None:
    """Return the order states from which a cancellation is wanted, ``None`` for all.

    :param value: ``None``; a list, tuple or set of states; or, as templates render, a JSON array
        or a comma-separated string.
    :return: the states, or ``None`` when the guard is off.
    :raises OmsInputError: when the value names no state: a guard that vanished because a
        template rendered to nothing must not let every order through.
    """
    if value is None:
        return None
    rule = "None, or at least one order state: a list, a JSON array, or comma-separated"
    return validate_order_states("only_if_states", value, rule=rule)


def validate_number(field: str, value: Any, *, least: int = 0) -> int:
    """Return a whole number that a caller set, also when a template rendered it.

    :param field: name of the argument.
    :param value: an integer, or a string of ASCII digits.
    :param least: the least that it may be.
    :return: the number.
    :raises OmsInputError: for anything else, booleans and ``"None"`` among them.
    """
    if isinstance(value, str) and value.isascii() and value.isdigit():
        # Digits without end are cut before they are read, zeros in front of a number are not it.
        value = int(value.lstrip("0")[: _MOST_DIGITS_OF_AN_ARGUMENT + 1] or 0)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if not is_number or not least <= value < 10**_MOST_DIGITS_OF_AN_ARGUMENT:
        rule = f"a whole number from {least} to {10**_MOST_DIGITS_OF_AN_ARGUMENT - 1}"
        raise OmsInputError(field, rule, kind_of(value))
    return int(value)


def validate_path(field: str, value: Any) -> str:
    """Return a path that a caller set.

    :param field: name of the argument.
    :param value: the path, or the URI.
    :return: the path.
    :raises OmsInputError: for a value that is no text, and for ``"None"``.
    """
    if not isinstance(value, str) or value.strip() in ("", "None"):
        raise OmsInputError(field, "a path, or empty for none", kind_of(value))
    return value


def validate_rate(field: str, value: Any) -> float:
    """Return a number of events in a second.

    :param field: name of the argument.
    :param value: a number above 0, or its text as a template renders it.
    :return: the number.
    :raises OmsInputError: for anything else.
    """
    try:
        rate = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        rate = math.nan
    if not 0 < rate < math.inf:
        raise OmsInputError(field, "a number above 0, or left out", kind_of(value))
    return rate


def validate_flag(field: str, value: Any) -> bool:
    """Return a switch, also when a template rendered it; any other value is refused.

    :param field: name of the argument.
    :param value: a boolean, or ``"true"`` or ``"false"`` in any letter case.
    :return: the switch.
    :raises OmsInputError: for anything else.
    """
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    if not isinstance(value, bool):
        raise OmsInputError(field, "true or false", kind_of(value))
    return value
