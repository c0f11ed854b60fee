"""The rules for a native cancel, and the orders that refuse it.

Nothing is changed here; `native.order_book` carries the decision out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_oms.emulator.calls import CANCEL_ACTION
from airflow_provider_oms.emulator.errors import ApiError, native_error
from airflow_provider_oms.emulator.native.sample_orders import captured, is_native_canceled
from airflow_provider_oms.emulator.native.settings import NativeSettings
from airflow_provider_oms.emulator.wire import is_unicode, load_json

LONGEST_NOTE: Final = 250
_UNCHANGED: Final = 200


@dataclass(frozen=True)
class Reason:
    """Why an order is canceled.

    :param code: its `reasonCode`.
    :param more_info: its `moreInfo`.
    """

    code: str | None = None
    more_info: str | None = None


def read_reason(body: bytes, content_type: str, settings: NativeSettings) -> Reason:
    """Check the body of Cancel Order and return the reason in it, which may be none.

    :param body: the bytes as received.
    :param content_type: the request's Content-Type.
    :param settings: the tenant's switches.
    """
    fields = _read_texts(body, content_type, "reasonCode", "description", "moreInfo")
    return check_reason(Reason(fields["reasonCode"], fields["moreInfo"]), settings)


def check_reason(reason: Reason, settings: NativeSettings) -> Reason:
    """Return a reason unless the tenant refuses it.

    :param reason: the reason.
    :param settings: the tenant's switches.
    """
    unlisted, unexplained = settings.native_unlisted_reason, settings.native_unexplained_reason
    if unlisted != "accept" and reason.code not in settings.native_reasons:
        message = "The reasonCode is none that this tenant lists."
        if unlisted == 400:  # noqa: PLR2004 - HTTP's own number
            raise native_error(400, "MISSING_OR_INVALID_PARAMETER", message)
        raise conflict(message)
    needs_more = reason.code in settings.native_explained_reasons
    if unexplained != "accept" and needs_more and not reason.more_info:
        raise conflict("This reasonCode needs moreInfo.")
    return reason


def read_action(body: bytes, content_type: str) -> None:
    """Check the body of an order action; the emulator knows no other than CancelOrder.

    :param body: the bytes as received.
    :param content_type: the request's Content-Type.
    """
    name = _read_texts(body, content_type, "actionName")["actionName"]
    if name is None:
        raise conflict("actionName is missing.")
    if name.lower() != CANCEL_ACTION:
        raise conflict(f"The action {name[:40]!r} is not available for this order.")


def read_note(body: bytes, content_type: str) -> str:
    """Check the body of a note and return its text.

    :param body: the bytes as received.
    :param content_type: the request's Content-Type.
    """
    text = _read_texts(body, content_type, "text")["text"]
    if not text or len(text) > LONGEST_NOTE:
        raise conflict(f"The text of a note must have 1 to {LONGEST_NOTE} characters.")
    return text


def is_to_be_canceled(order: Mapping[str, Any], settings: NativeSettings) -> bool:
    """Return whether a cancel changes an order; some tenants accept one and leave it unchanged.

    :param order: the native representation.
    :param settings: the tenant's switches.
    """
    status: int
    fulfillment = str(order.get("fulfillmentStatus")).lower()
    if is_native_canceled(order):
        status = settings.native_canceled_order_status
        state = "canceled already"
    elif fulfillment == "fulfilled":
        status, state = settings.native_fulfilled_status, "fulfilled"
    elif fulfillment == "partiallyfulfilled":
        status, state = settings.native_partly_fulfilled_status, "partially fulfilled"
    elif order.get("isHistoricalImport") is True or _is_refused(order, settings):
        status, state = 409, f"{order['status'][:40]}"
    elif settings.native_restriction_binds and order.get("restrictCancellation") is True:
        status, state = 409, "restricted from cancellation"
    elif settings.native_captured == "refuse" and captured(order) > 0:
        status, state = 409, "paid, and has to be credited first"
    else:
        return True
    if status == _UNCHANGED:
        return False
    message = f"The order can not be canceled, because it is {state}."
    if status == 400:  # noqa: PLR2004 - HTTP's own number
        raise native_error(400, "MISSING_OR_INVALID_PARAMETER", message)
    raise conflict(message)


def check_note(order: Mapping[str, Any], settings: NativeSettings) -> None:
    """Refuse a note on an order that takes none.

    :param order: the native representation.
    :param settings: the tenant's switches.
    """
    if settings.native_note_on_canceled != "accept" and is_native_canceled(order):
        raise conflict("A canceled order takes no notes.")


def _is_refused(order: Mapping[str, Any], settings: NativeSettings) -> bool:
    return order["status"].lower() in [one.lower() for one in settings.native_refused_statuses]


def _read_texts(body: bytes, content_type: str, *names: str) -> dict[str, str | None]:
    """Read texts out of a JSON object, whose names may be in any letter case."""
    if content_type.partition(";")[0].strip().lower() not in ("application/json", "text/json"):
        raise conflict("A JSON body is required.")
    try:
        given = load_json(body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise conflict("A JSON object is required.")
    found = {name.lower(): value for name, value in given.items()}
    texts = {name: found.get(name.lower()) for name in names}
    for name, value in texts.items():
        if not (value is None or isinstance(value, str)):
            raise conflict(f"{name} must be a text.")
        if value is not None and not is_unicode(value):
            raise conflict(f"{name} is not valid Unicode.")
    return texts


def conflict(message: str) -> ApiError:
    """Make the refusal of a call that the state of things, or a missing body, forbids.

    :param message: which rule.
    """
    return native_error(409, "VALIDATION_CONFLICT", message)
