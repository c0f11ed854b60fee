"""Parts of an order in the native API: quantities of the lines of its shipments, and shipments.

Shipments are another service than orders: its answers are HAL, and their fields are in
``native_shipments.py``. Where an order has no shipments yet, its own items can be edited.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_provider_oms.api.dialect import ApiCall
from airflow_provider_oms.api.errors import (
    OmsHttpError,
    OmsInputError,
    OmsLockedError,
    OmsNotFoundError,
    OmsUnexpectedResponseError,
)
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.native_rules import code_of, validate_reason, validate_text
from airflow_provider_oms.api.native_search import Expected
from airflow_provider_oms.api.native_shipments import (
    ShownShipment,
    lines_of,
    page_of,
    shipment_of,
)
from airflow_provider_oms.api.part_calls import Ask
from airflow_provider_oms.api.parts import (
    Flags,
    LineName,
    OrderParts,
    PartCancel,
    PartKind,
    Reason,
)
from airflow_provider_oms.api.responses import correlation_id_of, describe_body, error_of
from airflow_provider_oms.api.transport import Response
from airflow_provider_oms.api.values import OrderId, kind_of_id, whole_number

if TYPE_CHECKING:
    from airflow_provider_oms.api.client import Reader

__all__ = ["NativeParts"]

_SHIPMENTS = "/api/commerce/shipments"
_ORDERS = "/api/commerce/orders"
# The Fulfillment service needs a separate permission.
_SHIPMENT = "SHIPMENT"
_PAGE, _MOST_PAGES = 100, 50
_PRECONDITION_FAILED = 412
_LARGEST_NUMBER = 2**31 - 1
_ITEM_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,200}"', re.ASCII)
_VERSION = re.compile(r"[\w.-]{1,64}", re.ASCII)
# Without a draft, in which an edit waits until it is committed.
_UPDATE_MODE = "ApplyToOriginal"


class NativeParts:
    """Speak the part of the native API that is about shipments and the items of an order.

    :param expected: the facts that must hold for an order.
    :param fields: the fields of an order that are asked for, in addition to its items.
    :param order_in: returns the order that an answer to a read holds, or raises the error that it
        means.
    :param reason_codes: the tenant's code for each reason that a task gives; a reason without
        one is sent as it is.
    :param hint: what to do when no OMS answers at this address.
    """

    whole_lines_only = False
    shipment_cancels_tell_shopper = True

    def __init__(
        self,
        expected: Expected,
        fields: Sequence[str],
        order_in: Callable[..., Order],
        reason_codes: Mapping[str, str],
        hint: str,
    ) -> None:
        self._expected = expected
        self._fields = ",".join((*fields, "version", "items(id,lineId,quantity)"))
        self._order_in = order_in
        self._reason_codes = reason_codes
        self._hint = hint

    def line_name(self, value: Any) -> LineName:
        """Return a ``lineId`` as an integer, or the id of an order's item in lower case.

        :param value: an integer, a string of digits, or 32 hexadecimal digits.
        :raises OmsInputError: for anything else.
        """
        if isinstance(value, str):
            text = value.replace("-", "").lower()
            if _ITEM_ID.fullmatch(text):
                return text
        rule = (
            f"a lineId from 1 to {_LARGEST_NUMBER}, or the id of the order's item: "
            "32 hexadecimal digits"
        )
        return _number("line", value, rule)

    def shipment_number(self, value: Any) -> int:
        """Return a ``shipmentNumber`` as an integer.

        :param value: an integer, or a string of digits.
        :raises OmsInputError: for anything else.
        """
        return _number("shipment_id", value, f"a shipmentNumber from 1 to {_LARGEST_NUMBER}")

    def reason(self, kind: PartKind, reason: Any, explanation: Any) -> Reason:  # noqa: ARG002 - as a dialect says
        """Return why a part is canceled, checked.

        :param kind: any.
        :param reason: in the tenant's code or in a word that ``reason_codes`` translates.
        :param explanation: an additional text.
        :raises OmsInputError: for the first value that breaks its rule.
        """
        code = validate_reason(reason, self._reason_codes)
        return Reason(code, validate_text("disposition_other_reason", explanation))

    def check_flags(self, kind: PartKind, flags: Flags) -> None:  # noqa: ARG002 - as a dialect says
        """Refuse flags that the call cannot carry.

        :param kind: any.
        :param flags: the caller's flags.
        :raises OmsInputError: for the first of them.
        """
        if flags.send_notifications is None:
            raise OmsInputError("send_notifications", "true or false", "None")
        if not flags.rectify_order:
            raise OmsInputError("rectify_order", "left out on a native tenant", "false")
        if flags.cancel_child_items:
            raise OmsInputError("cancel_child_items", "false on a native tenant", "true")

    def read(
        self,
        ask: Ask,
        order_id: OrderId,
        lines: Collection[LineName],  # noqa: ARG002 - an order shows all of its lines
        shipments: Collection[int],
        *,
        is_whole: bool,
    ) -> OrderParts:
        """Read an order and its shipments: one by one, and a search tells which others there are.

        :param ask: sends a call.
        :param order_id: the order's id.
        :param lines: the lines that are meant.
        :param shipments: the shipments that are meant.
        :param is_whole: whether the others are wanted, too.
        """
        address = f"{_ORDERS}/{order_id}?responseFields={quote(self._fields, safe=',()')}"
        order = ask(
            ApiCall("GET", address),
            lambda answer, secrets: self._order_in(answer, order_id, secrets=secrets),
        )
        is_searched = is_whole or not shipments
        shows_all, searched = self._search(ask, order_id) if is_searched else (False, [])
        found = {one.number: one for one in searched}
        # A search may lag, and show a part as open that was canceled a moment ago.
        stale = (one.number for one in searched if one.shipment.is_open)
        found |= {
            number: ask(
                ApiCall("GET", f"{_SHIPMENTS}/{number}"),
                self._shipment_reader(order_id, number),
                _SHIPMENT,
            )
            for number in dict.fromkeys((*shipments, *stale))
        }
        return self._together(order, found.values(), has_shipments=bool(found), shows_all=shows_all)

    def cancel_call(self, cancel: PartCancel) -> ApiCall:
        """Return the call that cancels a part; all its flags are said.

        :param cancel: the cancel.
        """
        if cancel.kind is PartKind.ORDER_LINE:
            return self._edit_call(cancel)
        flags = cancel.flags
        said = {
            "blockAssignment": flags.block_assignment,
            "sendNotifications": flags.send_notifications,
        }
        headers = {} if cancel.version is None else {"If-Match": cancel.version}
        path = f"{_SHIPMENTS}/{cancel.shipment}"
        if cancel.kind is PartKind.SHIPMENT:
            body: dict[str, Any] = {"canceledReason": self._reason_in(cancel.reason), **said}
            return ApiCall("PUT", f"{path}/canceled", body, headers)
        items = [
            {
                "lineId": share.line,
                "quantity": share.quantity,
                "canceledReason": self._reason_in(share.reason),
            }
            for share in cancel.shares
        ]
        return ApiCall("PUT", f"{path}/canceledItems", {"items": items, **said}, headers)

    def _edit_call(self, cancel: PartCancel) -> ApiCall:
        (share,) = cancel.shares
        path = f"{_ORDERS}/{cancel.order_id}/items/{share.line}"
        query = f"updateMode={_UPDATE_MODE}"
        if cancel.version is not None:
            query += f"&version={quote(cancel.version, safe='')}"
        if share.keep == 0:
            return ApiCall("DELETE", f"{path}?{query}")
        fields = quote(self._fields, safe=",()")
        return ApiCall("PUT", f"{path}/quantity/{share.keep}?{query}&responseFields={fields}")

    def shown_in(self, cancel: PartCancel, before: OrderParts) -> Reader[OrderParts]:
        """Return what reads the answer to a cancel: the shipment, or the order that was edited.

        :param cancel: the cancel.
        :param before: the read before it.
        """
        order_id = cancel.order_id
        if cancel.kind is PartKind.ORDER_LINE:
            return lambda answer, secrets: self._together(
                self._order_in(answer, order_id, secrets=secrets), (), has_shipments=False
            )
        read = self._shipment_reader(order_id, cancel.shipment or 0)
        # The answer shows one of them.
        return lambda answer, secrets: self._together(
            before.order, [read(answer, secrets)], has_shipments=True, shows_all=False
        )

    def _together(
        self,
        order: Order,
        shipments: Iterable[ShownShipment],
        *,
        has_shipments: bool,
        shows_all: bool = True,
    ) -> OrderParts:
        shown = sorted(shipments, key=lambda one: one.number)
        version = order.raw.get("version")
        is_named = isinstance(version, str) and _VERSION.fullmatch(version)
        return OrderParts(
            order,
            lines_of(order, shown, has_shipments=has_shipments),
            tuple(one.shipment for one in shown),
            shows_all=shows_all,
            has_shipments=has_shipments,
            version=version if is_named else None,
        )

    def _reason_in(self, reason: Reason | None) -> dict[str, str]:
        if reason is None:
            return {}
        body = {"reasonCode": code_of(reason.code, self._reason_codes)}
        if reason.explanation is not None:
            body["moreInfo"] = reason.explanation
        return body

    def _shipment_reader(self, order_id: OrderId, number: int) -> Reader[ShownShipment]:
        what = f"shipment {number}"

        def read(answer: Response, secrets: tuple[str, ...]) -> ShownShipment:
            if not answer.is_success:
                raise self._error_of(answer, what, secrets)
            document = answer.json() if answer.complete else None
            fields = document if isinstance(document, dict) else {}
            shown = shipment_of(fields)
            if shown is None or shown.number != number or not self._expected.is_tenant_of(fields):
                found = describe_body(answer) if shown is None else "another one"
                raise OmsUnexpectedResponseError(
                    f"The OMS answered with success, but with {found} instead of shipment {number}",
                    http_status=answer.status,
                    correlation_id=correlation_id_of(answer, secrets),
                )
            if shown.order_id != order_id:
                raise OmsNotFoundError(
                    f"The order has no {what}, which is another order's",
                    http_status=answer.status,
                    correlation_id=correlation_id_of(answer, secrets),
                )
            etag = answer.headers.get("ETag", "").strip()
            if not _ETAG.fullmatch(etag):
                return shown
            return replace(shown, shipment=replace(shown.shipment, etag=etag))

        return read

    def _search(self, ask: Ask, order_id: OrderId) -> tuple[bool, list[ShownShipment]]:
        """Return whether a search shows all shipments of an order, and those that it shows.

        Those that move goods between locations are left out.
        """

        def read(answer: Response, secrets: tuple[str, ...]) -> tuple[list[ShownShipment], int]:
            if not answer.is_success:
                raise self._error_of(answer, "shipments of this order", secrets)
            page = page_of(answer.json() if answer.complete else None, order_id)
            if page is None:
                raise OmsUnexpectedResponseError(
                    "The search for shipments answered with something else than those of the order",
                    http_status=answer.status,
                    correlation_id=correlation_id_of(answer, secrets),
                )
            return page

        found: list[ShownShipment] = []
        for number in range(_MOST_PAGES):
            path = f"{_SHIPMENTS}?filter=orderId%3D%3D{order_id}&page={number}&pageSize={_PAGE}"
            shipments, total = ask(ApiCall("GET", path), read, _SHIPMENT)
            found += shipments
            if len(found) >= total:
                break
        return len(found) >= total, [one for one in found if not one.is_transfer]

    def _error_of(self, answer: Response, what: str, secrets: tuple[str, ...]) -> OmsHttpError:
        error = error_of(answer, secrets=secrets, hint=self._hint)
        if answer.status == _PRECONDITION_FAILED:
            message = "The shipment has changed since it was read, and the OMS did not act"
            return error.restated(OmsLockedError, message)
        if type(error) is OmsNotFoundError:
            return error.restated(OmsNotFoundError, f"The OMS knows no {what}")
        return error


def _number(field: str, value: Any, rule: str) -> int:
    number = whole_number(value)
    if number is None or number > _LARGEST_NUMBER:
        raise OmsInputError(field, rule, kind_of_id(value))
    return number
