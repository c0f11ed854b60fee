"""What native calls that cancel shipments, or lines in them, may ask for.

The Fulfillment service is written in Java, and the names in its bodies have one letter case only.
Whether there is such a shipment, and what of it is open, is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_oms.emulator.errors import ApiError, native_error
from airflow_provider_oms.emulator.native.cancel_rules import Reason, check_reason
from airflow_provider_oms.emulator.native.ids import MAX_INT32
from airflow_provider_oms.emulator.settings import Settings
from airflow_provider_oms.emulator.wire import is_integer, is_unicode, load_json

INVALID: Final = "MISSING_OR_INVALID_PARAMETER"


@dataclass(frozen=True)
class LineCancel:
    """How many of a line are to be canceled.

    :param line: its `lineId`.
    :param quantity: how many.
    :param reason: why.
    """

    line: int
    quantity: int
    reason: Reason


@dataclass(frozen=True)
class ShipmentCancel:
    """A cancel of lines in a shipment, or of whole shipments, that keeps every rule.

    :param lines: the lines; None for all that is open.
    :param reason: why, where all of it is to be canceled.
    :param blocks: its `blockAssignment`.
    """

    lines: tuple[LineCancel, ...] | None
    reason: Reason
    blocks: bool


def read_items_cancel(body: bytes, content_type: str, settings: Settings) -> ShipmentCancel:
    """Check the body of a cancel of lines and return the request in it.

    :param body: the bytes as received.
    :param content_type: the request's Content-Type.
    :param settings: the tenant's switches.
    """
    fields = _read(body, content_type)
    items = fields.get("items")
    if not isinstance(items, list) or not items:
        raise unfit("items is required")
    lines = tuple(_line(one, settings) for one in items)
    if len({one.line for one in lines}) < len(lines):
        raise unfit("a lineId is there twice")
    _flag(fields, "isUserAction")
    return ShipmentCancel(lines, Reason(), _flags(fields))


def read_shipment_cancel(body: bytes, content_type: str, settings: Settings) -> ShipmentCancel:
    """Check the body of a cancel of whole shipments and return the request in it.

    :param body: the bytes as received.
    :param content_type: the request's Content-Type.
    :param settings: the tenant's switches.
    """
    fields = _read(body, content_type)
    return ShipmentCancel(None, _reason(fields, settings), _flags(fields))


def unfit(what: str) -> ApiError:
    """Make the refusal of a request that breaks a rule.

    :param what: the rule.
    """
    return native_error(400, INVALID, f"{what[:1].upper()}{what[1:]}.")


def _read(body: bytes, content_type: str) -> Mapping[str, Any]:
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise unfit("a JSON body is required")
    try:
        fields = load_json(body)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise unfit("a JSON object is required")
    return fields


def _line(item: Any, settings: Settings) -> LineCancel:
    if not isinstance(item, dict):
        raise unfit("each of items must be an object")
    for name in ("lineId", "quantity"):
        value = item.get(name)
        if not (is_integer(value) and 1 <= value <= MAX_INT32):
            raise unfit(f"{name} must be an integer from 1")
    return LineCancel(item["lineId"], item["quantity"], _reason(item, settings))


def _reason(fields: Mapping[str, Any], settings: Settings) -> Reason:
    given = fields.get("canceledReason") or {}
    if not isinstance(given, dict):
        raise unfit("canceledReason must be an object")
    for name in ("reasonCode", "moreInfo"):
        value = given.get(name)
        if not (value is None or (isinstance(value, str) and is_unicode(value))):
            raise unfit(f"{name} must be a text")
    return check_reason(Reason(given.get("reasonCode"), given.get("moreInfo")), settings)


def _flags(fields: Mapping[str, Any]) -> bool:
    _flag(fields, "sendNotifications")
    return _flag(fields, "blockAssignment")


def _flag(fields: Mapping[str, Any], name: str) -> bool:
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise unfit(f"{name} must be true or false")
    return value
