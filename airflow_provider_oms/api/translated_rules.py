"""The rules for an order's id and a reason on a translated tenant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.values import (
    MAX_WHOLE_NUMBER,
    CancelRequest,
    has_control_characters,
    kind_of,
    kind_of_id,
    whole_number,
)

__all__ = [
    "KNOWN_DISPOSITION_REASONS",
    "MAX_OTHER_REASON_LENGTH",
    "OTHER_REASON",
    "explanation_length",
    "validate_cancel_request",
    "validate_disposition_other_reason",
    "validate_disposition_reason",
    "validate_order_id",
]

# The three order-level reasons that Kibo's "Cancel Order" page names; a tenant can admit more.
KNOWN_DISPOSITION_REASONS = ("customer_changed_mind", "created_by_mistake", "other")
OTHER_REASON = "other"
MAX_OTHER_REASON_LENGTH = 255

_ORDER_ID_RULE = (
    f"an integer from 1 to {MAX_WHOLE_NUMBER}, or a string of ASCII digits without leading zero"
)


def validate_order_id(value: Any) -> int:
    """Return the order id as an integer, or refuse it.

    :param value: an integer from 1 to 2**63-1, also as numpy's integer or as a ``Decimal`` without
        a fraction, which databases and data frames return; or a string of ASCII digits without
        leading zero, which templates render to.
    :return: the id.
    :raises OmsInputError: for anything else: booleans, floats, signs, blanks, other scripts'
        digits, ``None`` and ``"None"``.
    """
    number = whole_number(value)
    if number is None:
        raise OmsInputError("order_id", _ORDER_ID_RULE, kind_of_id(value))
    return number


def validate_disposition_reason(
    value: Any,
    extra_reasons: Iterable[str] = (),
    known: Iterable[str] = KNOWN_DISPOSITION_REASONS,
) -> str:
    """Return the reason exactly as given, or refuse it.

    :param value: one of the known reasons; letter case counts.
    :param extra_reasons: more reasons that the connection's ``disposition_reasons`` admits.
    :param known: the reasons that are documented for the kind of part.
    :return: the reason.
    :raises OmsInputError: when the reason is not among them; the message names those that are.
    """
    admitted = list(dict.fromkeys((*known, *extra_reasons)))
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
    if has_control_characters(text):
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
