"""The documented rules for translated calls about order items and shipments.

Whether there is such a part, and whether it may be canceled, is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_oms.emulator.cancel_rules import (
    DOCUMENTED_REASONS,
    invalid,
    read_explanation,
    read_number,
    read_object,
    read_reason,
)
from airflow_provider_oms.emulator.errors import OmsCode, bad_field
from airflow_provider_oms.emulator.search_rules import (
    DEFAULT_PER_PAGE,
    MOST_PER_PAGE,
    read_list,
    read_page,
    read_positive,
)
from airflow_provider_oms.emulator.settings import Settings

#: The list for order items, which is published as a complete one.
ITEM_REASONS: Final = (
    "can_not_find_item",
    "not_enough_quantity",
    "not_web_sellable",
    "on_mannequin_or_display",
    "item_on_reserve",
    "no_inventory",
    "other",
)
MOST_ITEMS_PER_PAGE: Final = 20


@dataclass(frozen=True)
class PartCancel:
    """A cancel of an order item or of a shipment that keeps every rule.

    :param part_id: the item, or the shipment.
    :param reason: its `dispositionReason`.
    :param explanation: its `dispositionOtherReason`, if the reason calls for one.
    :param with_children: whether the items that belong to the item are canceled too.
    """

    part_id: int
    reason: str
    explanation: str | None
    with_children: bool = False


@dataclass(frozen=True)
class PartSearch:
    """A search for order items or shipments.

    :param order_ids: the orders whose parts to find.
    :param states: the `itemState` or `shipmentStatus` values to find; None for any.
    :param per_page: how many a page holds.
    :param page: which page, from 1.
    """

    order_ids: Sequence[int]
    states: Sequence[str] | None
    per_page: int
    page: int


def read_item_cancel(body: bytes, content_type: str, settings: Settings) -> PartCancel:
    """Check the body of Cancel Order Item and return the request in it.

    :param body: the bytes as received.
    :param content_type: the request's Content-Type.
    :param settings: the tenant's switches.
    """
    fields = read_object(body, content_type, "orderItemID", "dispositionReason")
    number = read_number(fields, "orderItemID", 0, settings)
    reason = read_reason(fields, ITEM_REASONS, settings)
    _flag(fields, "rectifyOrder", default=True)
    _flag(fields, "sendCancellationEmails", default=False)
    children = _flag(fields, "cancelChildItems", default=False)
    return PartCancel(number, reason, read_explanation(fields, reason, settings), children)


def read_shipment_cancel(body: bytes, content_type: str, settings: Settings) -> PartCancel:
    """Check the body of Cancel Shipment and return the request in it.

    :param body: the bytes as received.
    :param content_type: the request's Content-Type.
    :param settings: the tenant's switches.
    """
    fields = read_object(body, content_type, "shipmentID", "dispositionReason")
    number = read_number(fields, "shipmentID", 1, settings)
    reason = read_reason(fields, DOCUMENTED_REASONS, settings)
    return PartCancel(number, reason, read_explanation(fields, reason, settings))


def read_item_search(parameters: Mapping[str, Sequence[str]]) -> PartSearch:
    """Check the parameters of a search for order items; others are ignored.

    :param parameters: every value of each parameter.
    """
    return _read_search(parameters, "itemState", MOST_ITEMS_PER_PAGE)


def read_shipment_search(parameters: Mapping[str, Sequence[str]]) -> PartSearch:
    """Check the parameters of a search for shipments; others are ignored.

    :param parameters: every value of each parameter.
    """
    return _read_search(parameters, "shipmentStatus", MOST_PER_PAGE)


def _read_search(parameters: Mapping[str, Sequence[str]], state: str, most: int) -> PartSearch:
    order_ids = read_list(parameters, "orderID")
    if order_ids is None:
        raise bad_field(OmsCode.NO_VALID_QUERY_PARAMS, "The parameter orderID is required.")
    return PartSearch(
        order_ids=[read_positive("orderID", one) for one in order_ids],
        states=read_list(parameters, state),
        per_page=read_page(parameters, "perPage", DEFAULT_PER_PAGE, most),
        page=read_page(parameters, "page", 1, None),
    )


def _flag(fields: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = fields.get(name, default)
    if not isinstance(value, bool):
        raise invalid(f"{name} must be true or false.")
    return value
