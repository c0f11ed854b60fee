"""The documented rules for the body of Cancel Order, and for what other cancels share with it.

Whether the order exists and may be canceled is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_oms.emulator.errors import ApiError, OmsCode, bad_field
from airflow_provider_oms.emulator.settings import Settings
from airflow_provider_oms.emulator.wire import digits_to_int, is_integer, is_unicode, load_json

DOCUMENTED_REASONS: Final = ("customer_changed_mind", "created_by_mistake", "other")
LONGEST_EXPLANATION: Final = 255


@dataclass(frozen=True)
class Cancel:
    """A cancel request that keeps every rule.

    :param order_id: the order.
    :param reason: its `dispositionReason`.
    :param explanation: its `dispositionOtherReason`, if the reason calls for one.
    """

    order_id: int
    reason: str
    explanation: str | None


def read_cancel(body: bytes, content_type: str, settings: Settings) -> Cancel:
    """Check the body of a cancel and return the request in it.

    :param body: the bytes as received.
    :param content_type: the request's Content-Type.
    :param settings: the tenant's switches.
    """
    fields = read_object(body, content_type, "orderID", "dispositionReason")
    order_id = read_number(fields, "orderID", 1, settings)
    reason = read_reason(fields, DOCUMENTED_REASONS, settings)
    return Cancel(order_id, reason, read_explanation(fields, reason, settings))


def read_object(body: bytes, content_type: str, *required: str) -> dict[str, Any]:
    """Read a body that is a JSON object.

    :param body: the bytes as received.
    :param content_type: the request's Content-Type.
    :param required: the names that it must have.
    """
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise bad_field(OmsCode.GENERIC_BAD_REQUEST, "The body must be application/json.")
    try:
        fields = load_json(body)
    except ValueError:
        raise bad_field(OmsCode.GENERIC_BAD_REQUEST, "The body is not JSON.") from None
    if not isinstance(fields, dict):
        raise bad_field(OmsCode.GENERIC_BAD_REQUEST, "The body must be a JSON object.")
    for name in required:
        if name not in fields:
            raise bad_field(OmsCode.MISSING_REQUEST_DATA, f"{name} is required.")
    return fields


def stored_length(text: str, *, latin1: bool) -> int:
    """Count characters as the OMS does, which stores latin-1 and entities for all else.

    :param text: the text to count.
    :param latin1: whether entities count in full, or as the one character they stand for.
    """
    if not latin1:
        return len(text)
    return len(text.encode("latin-1", errors="xmlcharrefreplace"))


def read_number(fields: Mapping[str, Any], name: str, least: int, settings: Settings) -> int:
    """Read the id of the order or part to cancel.

    :param fields: the body.
    :param name: the id's name.
    :param least: the least id that there is.
    :param settings: the tenant's switches.
    """
    value = fields[name]
    if settings.numeric_string_ids and isinstance(value, str):
        number = digits_to_int(value)
        value = value if number is None else number
    if not is_integer(value):
        raise invalid(f"{name} must be an integer.")
    if value < least:
        raise invalid(f"{name} must be at least {least}.")
    return int(value)


def invalid(message: str) -> ApiError:
    """Make the refusal of a field that is not valid.

    :param message: which rule it breaks.
    """
    return bad_field(OmsCode.INVALID_REQUEST_DATA, message)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise invalid(f"{name} must be a string.")
    if not is_unicode(value):
        raise invalid(f"{name} is not valid Unicode.")
    return value


def read_reason(fields: Mapping[str, Any], documented: Iterable[str], settings: Settings) -> str:
    """Read the `dispositionReason`.

    :param fields: the body.
    :param documented: the reasons that the call is documented with.
    :param settings: the tenant's switches.
    """
    reason = _text("dispositionReason", fields["dispositionReason"])
    known = {*documented, *settings.extra_reasons}
    if not reason or (settings.reasons == "strict" and reason not in known):
        names = ", ".join(sorted(known))
        raise invalid(f"dispositionReason must be one of: {names}.")
    return reason


def read_explanation(fields: Mapping[str, Any], reason: str, settings: Settings) -> str | None:
    """Read the `dispositionOtherReason`; None where the reason calls for none.

    :param fields: the body.
    :param reason: the `dispositionReason`.
    :param settings: the tenant's switches.
    """
    if "dispositionOtherReason" not in fields:
        if reason == "other" and settings.other_without_explanation == "refuse":
            message = "dispositionOtherReason is required when dispositionReason is other."
            raise bad_field(OmsCode.MISSING_REQUEST_DATA, message)
        return None
    text = _text("dispositionOtherReason", fields["dispositionOtherReason"])
    if not 1 <= stored_length(text, latin1=settings.latin1_lengths) <= LONGEST_EXPLANATION:
        raise invalid(f"dispositionOtherReason must have 1 to {LONGEST_EXPLANATION} characters.")
    if reason == "other":
        return text
    if settings.explanation_without_other == "refuse":
        raise invalid("dispositionOtherReason is only allowed when dispositionReason is other.")
    return None
