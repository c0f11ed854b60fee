"""The rules that a cancellation and a caller's arguments must satisfy before anything is sent.

What the OMS itself checks afterwards, and the connection's own settings, live elsewhere.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, TypeAlias

from airflow_provider_oms.api.errors import OmsInputError

__all__ = [
    "KNOWN_DISPOSITION_REASONS",
    "MAX_ORDER_ID",
    "MAX_OTHER_REASON_LENGTH",
    "OTHER_REASON",
    "CancelRequest",
    "OrderId",
    "explanation_length",
    "kind_of",
    "validate_cancel_request",
    "validate_disposition_other_reason",
    "validate_disposition_reason",
    "validate_flag",
    "validate_number",
    "validate_only_if_states",
    "validate_order_id",
    "validate_order_states",
    "validate_path",
    "validate_rate",
]

#: An order's id. Everything above the client takes it for an opaque, hashable value whose text is
#: ``str()`` of it; what an id is, and how it is sent, is decided in ``api/``.
OrderId: TypeAlias = int | str

# The three order-level reasons that Kibo's "Cancel Order" page names; a tenant can admit more.
KNOWN_DISPOSITION_REASONS = ("customer_changed_mind", "created_by_mistake", "other")
OTHER_REASON = "other"
# Kibo's documentation shows ids beyond 32 bits (orderItemID 9000000000); 64 bits hold them all.
MAX_ORDER_ID = 2**63 - 1
MAX_OTHER_REASON_LENGTH = 255
_MOST_DIGITS_OF_AN_ARGUMENT = 9

_DIGITS = re.compile(r"[1-9][0-9]*", re.ASCII)
_AS_WHOLE_NUMBERS = "read ids as whole numbers or as text"
# Longer numbers are slow to search, and no id.
_MOST_CHARACTERS_OF_A_NUMBER = 40
# What a text looks like that is nearly an id, by its form alone.
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
_ORDER_ID_RULE = (
    f"an integer from 1 to {MAX_ORDER_ID}, or a string of ASCII digits without leading zero"
)


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Hold one cancellation that passed validation.

    Build it with :func:`validate_cancel_request`; its fields are what the OMS will be sent.
    """

    order_id: OrderId
    disposition_reason: str
    disposition_other_reason: str | None = None

    def body(self) -> dict[str, OrderId | str]:
        """Return the JSON body of the cancel call, without any key that was not given."""
        body: dict[str, OrderId | str] = {
            "orderID": self.order_id,
            "dispositionReason": self.disposition_reason,
        }
        if self.disposition_other_reason is not None:
            body["dispositionOtherReason"] = self.disposition_other_reason
        return body


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
    return "a larger integer" if value > MAX_ORDER_ID else "a positive integer"


def validate_order_id(value: Any) -> int:
    """Return the order id as an integer, or refuse it.

    :param value: an integer from 1 to 2**63-1, also as numpy's integer or as a ``Decimal`` without
        a fraction, which databases and data frames return; or a string of ASCII digits without
        leading zero, which templates render to.
    :return: the id.
    :raises OmsInputError: for anything else: booleans, floats, signs, blanks, other scripts'
        digits, ``None`` and ``"None"``.
    """
    number = _whole_number(value)
    if number is not None and 1 <= number <= MAX_ORDER_ID:
        return number
    raise OmsInputError("order_id", _ORDER_ID_RULE, _kind_of_id(value))


def _whole_number(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, Integral):
        return int(value)
    # The size is bounded before int() sees a text or a Decimal: huge numerals are slow to convert.
    if isinstance(value, Decimal):
        is_id = value.is_finite() and 1 <= value <= MAX_ORDER_ID and value == int(value)
        return int(value) if is_id else None
    if isinstance(value, str) and len(value) <= len(str(MAX_ORDER_ID)) and _DIGITS.fullmatch(value):
        return int(value)
    return None


def _kind_of_id(value: object) -> str:
    """Describe a refused order id, with the form that text has, and without quoting it."""
    kind = kind_of(value)
    if isinstance(value, str) and len(value) <= _MOST_CHARACTERS_OF_A_NUMBER:
        for form, what in _NEAR_IDS:
            if form.fullmatch(value):
                return f"{kind} {what}"
    return kind


def validate_order_states(field: str, value: Any, *, rule: str) -> frozenset[str]:
    """Return the order states that a caller named, at least one.

    :param field: name of the argument.
    :param value: a list, tuple or set of states; or, as templates render, a JSON array or a
        comma-separated string.
    :param rule: what the argument must be, for the error.
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


def validate_disposition_reason(value: Any, extra_reasons: Iterable[str] = ()) -> str:
    """Return the reason exactly as given, or refuse it.

    :param value: one of the known order reasons; letter case counts.
    :param extra_reasons: more reasons that the connection's ``disposition_reasons`` admits.
    :return: the reason.
    :raises OmsInputError: when the reason is not among them; the message names those that are.
    """
    admitted = list(dict.fromkeys((*KNOWN_DISPOSITION_REASONS, *extra_reasons)))
    if isinstance(value, str) and value in admitted:
        return value
    rule = (
        f"one of {', '.join(admitted)} (letter case counts; the connection's extra field "
        f"disposition_reasons admits more)"
    )
    raise OmsInputError("disposition_reason", rule, kind_of(value))


def explanation_length(text: str) -> int:
    """Count an explanation's characters as the OMS stores them.

    The classic OMS stores latin-1 and turns every other character into an XHTML entity before
    it counts ("Standards" page of Kibo's OMS documentation): the euro sign counts as the seven
    characters of ``&#8364;``.

    :param text: the explanation.
    :return: its length in stored characters.
    """
    return len(text.encode("latin-1", "xmlcharrefreplace"))


def validate_disposition_other_reason(value: Any, disposition_reason: str) -> str | None:
    """Return the explanation trimmed, ``None`` when none was given, or refuse it.

    :param value: the explanation; ``None``, ``""`` and blanks mean "not given".
    :param disposition_reason: the validated reason; ``other`` needs an explanation, no other
        reason takes one.
    :return: 1 to 255 stored characters without control characters, or ``None``.
    :raises OmsInputError: when it is missing with ``other``, given with another reason, too
        long, holds control characters, or is the literal ``"None"``.
    """
    field = "disposition_other_reason"
    if value is not None and not isinstance(value, str):
        raise OmsInputError(field, "a string, or None for none", kind_of(value))
    text = (value or "").strip()
    if text == "None":
        raise OmsInputError(field, "an explanation, or empty for none", kind_of(value))
    if not text:
        if disposition_reason == OTHER_REASON:
            raise OmsInputError(
                field, f"given when disposition_reason is {OTHER_REASON!r}", kind_of(value)
            )
        return None
    if disposition_reason != OTHER_REASON:
        rule = f"empty unless disposition_reason is {OTHER_REASON!r}"
        raise OmsInputError(field, rule, kind_of(value))
    if any(unicodedata.category(char) in _FORBIDDEN_CATEGORIES for char in text):
        raise OmsInputError(field, "free of control characters and line breaks", kind_of(value))
    length = explanation_length(text)
    if length > MAX_OTHER_REASON_LENGTH:
        rule = (
            f"1 to {MAX_OTHER_REASON_LENGTH} characters long, where a character outside latin-1 "
            f"counts as the entity it becomes (the euro sign as 7)"
        )
        raise OmsInputError(field, rule, f"a string that counts {length}")
    return text


def validate_cancel_request(
    order_id: Any,
    disposition_reason: Any,
    disposition_other_reason: Any = None,
    *,
    extra_reasons: Iterable[str] = (),
) -> CancelRequest:
    """Check one cancellation completely before anything is sent.

    :param order_id: see :func:`validate_order_id`.
    :param disposition_reason: see :func:`validate_disposition_reason`.
    :param disposition_other_reason: see :func:`validate_disposition_other_reason`.
    :param extra_reasons: more reasons that the connection admits.
    :return: the request, ready to be sent.
    :raises OmsInputError: for the first field that breaks its rule.
    """
    number = validate_order_id(order_id)
    reason = validate_disposition_reason(disposition_reason, extra_reasons)
    explanation = validate_disposition_other_reason(disposition_other_reason, reason)
    return CancelRequest(number, reason, explanation)


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
    :raises OmsInputError: for what is no text, and for ``"None"``.
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
    """Return a switch, also when a template rendered it; what is unclear is refused.

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
