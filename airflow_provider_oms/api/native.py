"""The native API, of tenants that were never on the old OMS: an order has an id of 32 hex digits.

An order can also be named by its number, or by the shop's own; then it is looked up first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_provider_oms.api.dialect import ApiCall, Dialect
from airflow_provider_oms.api.errors import OmsUnexpectedResponseError
from airflow_provider_oms.api.models import Order, readable_state
from airflow_provider_oms.api.native_review import NativeReview
from airflow_provider_oms.api.native_rules import (
    OrderKey,
    Reference,
    code_of,
    refer,
    validate_note,
    validate_reason,
    validate_text,
)
from airflow_provider_oms.api.native_search import (
    MOST_PER_PAGE,
    Expected,
    found_in,
    of_another_tenant,
    only_one_in,
    search_query,
)
from airflow_provider_oms.api.transport import Response
from airflow_provider_oms.api.values import CancelRequest, OrderId

if TYPE_CHECKING:
    from airflow_provider_oms.api.native_parts import NativeParts

__all__ = ["Native"]

_ORDERS = "/api/commerce/orders"
# What of an order leaves Kibo: nothing of the shopper's.
_FIELDS = (
    "id",
    "orderNumber",
    "externalId",
    "tenantId",
    "siteId",
    "status",
    "paymentStatus",
    "fulfillmentStatus",
    "totalCollected",
    "amountRefunded",
    "cancelledDate",
    "restrictCancellation",
    "availableActions",
)
_CANCEL_ACTION = "CancelOrder"
_FULFILLED = ("PartiallyFulfilled", "Fulfilled")


class Native(Dialect):
    """Speak the native API.

    :param tenant_id: the tenant; an order of another one is none that was asked for. Empty where
        only the input is to be checked.
    :param site_id: the site, where only its orders are meant.
    :param reason_codes: the tenant's code for each reason that a task gives; a reason without one
        is sent as it is.
    :param reason_category: which list of reasons the tenant is asked for; ``None`` for its default.
    :param joins_with_or: whether the tenant takes ``or`` in the filter of a search.
    """

    wrong_server_hint = (
        "The connection's host or tenant_id is wrong (hosts of the native API begin with t and the "
        "tenant), or this tenant has translated APIs only, which need api: translated"
    )
    settles_after_acceptance = True

    def __init__(
        self,
        tenant_id: str = "",
        *,
        site_id: str | None = None,
        reason_codes: Mapping[str, str] = MappingProxyType({}),
        reason_category: str | None = None,
        joins_with_or: bool = False,
    ) -> None:
        self._expected = Expected(tenant_id, site_id)
        self._reason_codes = reason_codes
        self._reason_category = reason_category
        self.most_per_search = MOST_PER_PAGE if joins_with_or else 0

    @property
    def unknown_order_id(self) -> OrderId:
        """Return a well-formed id that no order has."""
        return f"{int(self._expected.tenant_id or 0):032x}"

    def order_id(self, value: Any, order_key: Any = None) -> OrderId:
        """Return the id in lower case, or the key and its value.

        :param value: 32 hexadecimal digits, in any case and with dashes or without; or a number,
            as ``order_key`` says or a text such as ``number:1042`` does.
        :param order_key: ``id``, ``number`` or ``external_id``; ``None`` for the id.
        :raises OmsInputError: for anything else.
        """
        return str(refer(value, order_key))

    def is_found_by_search(self, order_id: OrderId) -> bool:
        """Return whether an order is named by another key than its id.

        :param order_id: the order.
        """
        return refer(order_id).key is not OrderKey.ID

    def is_of_tenant(self, order_id: OrderId) -> bool:
        """Return whether an id ends with this tenant's number, as Kibo's ids do; else a read tells.

        Kibo's files and clients show it and no page promises it, so that it proves nothing.

        :param order_id: the order.
        """
        reference = refer(order_id)
        if reference.key is not OrderKey.ID or not self._expected.tenant_id:
            return True
        return int(reference.value[-8:], 16) == int(self._expected.tenant_id)

    def cancel_request(
        self, order_id: Any, reason: Any, explanation: Any = None, order_key: Any = None
    ) -> CancelRequest:
        """Check one cancellation completely before anything is sent.

        Each tenant has its own reasons; its list is compared elsewhere.

        :param order_id: the order.
        :param reason: why, in the tenant's code or in a word that ``reason_codes`` translates.
        :param explanation: an additional text.
        :param order_key: what names the order.
        :raises OmsInputError: for the first value that breaks its rule.
        """
        reference = self.order_id(order_id, order_key)
        checked = validate_reason(reason, self._reason_codes)
        return CancelRequest(
            reference, checked, validate_text("disposition_other_reason", explanation)
        )

    def reason_code(self, reason: str) -> str:
        """Return the tenant's code for a reason.

        :param reason: as a task gave it.
        """
        return code_of(reason, self._reason_codes)

    def read_call(self, order_id: OrderId) -> ApiCall:
        """Return ``GET /api/commerce/orders/{orderId}``, or the search for one order.

        :param order_id: the order.
        """
        reference = refer(order_id)
        if reference.key is OrderKey.ID:
            return ApiCall("GET", _with_fields(f"{_ORDERS}/{reference}", _FIELDS))
        return self._search((reference,))

    def cancel_call(self, request: CancelRequest, order_id: OrderId) -> ApiCall:
        """Return ``PUT /api/commerce/orders/cancel/{orderId}`` with the reason.

        :param request: the cancellation.
        :param order_id: the order's id.
        """
        body = {"reasonCode": self.reason_code(request.disposition_reason)}
        if request.disposition_other_reason is not None:
            body["moreInfo"] = request.disposition_other_reason
        return ApiCall("PUT", _with_fields(f"{_ORDERS}/cancel/{order_id}", _FIELDS), body)

    def search_call(self, order_ids: Collection[OrderId]) -> ApiCall:
        """Return ``GET /api/commerce/orders?filter=…``.

        :param order_ids: the orders.
        """
        return self._search([refer(order_id) for order_id in order_ids])

    def _search(self, references: Collection[Reference]) -> ApiCall:
        path = f"{_ORDERS}?{search_query(references)}"
        return ApiCall("GET", _with_fields(path, ("totalCount", f"items({','.join(_FIELDS)})")))

    def orders_in(
        self, answer: Response, asked: Collection[OrderId], *, secrets: Iterable[str] = ()
    ) -> dict[OrderId, Order]:
        """Return the orders that an answer to a search holds; see ``native_search.py``.

        :param answer: a complete answer.
        :param asked: the orders that were asked for.
        :param secrets: strings to keep out of error messages.
        """
        references = {refer(order_id): order_id for order_id in asked}
        return found_in(
            answer,
            references,
            self._expected,
            parse=self.parse,
            hint=self.wrong_server_hint,
            secrets=secrets,
        )

    def order_in(
        self, answer: Response, order_id: OrderId, *, secrets: Iterable[str] = ()
    ) -> Order:
        """Return the order an answer holds, or raise the error that the answer means.

        :param answer: a complete answer to a read or a cancel, or to the search for one order.
        :param order_id: the order that was asked for.
        :param secrets: strings to keep out of error messages.
        :raises OmsNotFoundError: when no order has the number that was asked for.
        :raises OmsRefusedError: when several have it.
        :raises OmsHttpError: one of its kinds, for every other answer.
        """
        reference = refer(order_id)
        if reference.key is OrderKey.ID:
            try:
                return super().order_in(answer, order_id, secrets=secrets)
            except OmsUnexpectedResponseError:
                document = answer.json() if answer.complete else None
                if isinstance(document, dict) and not self._expected.is_tenant_of(document):
                    raise of_another_tenant(answer, order_id, secrets=secrets) from None
                raise
        return only_one_in(
            answer,
            reference,
            self._expected,
            parse=self.parse,
            hint=self.wrong_server_hint,
            secrets=secrets,
        )

    def parse(
        self, document: object, *, http_status: int, correlation_id: str | None
    ) -> Order | None:
        """Read an order, which has an ``id`` and a ``status``, and is this tenant's.

        :param document: the decoded JSON of a 2xx answer.
        :param http_status: its status code.
        :param correlation_id: its ``x-vol-correlation``.
        """
        if not isinstance(document, dict) or not self._expected.is_tenant_of(document):
            return None
        try:
            reference = refer(document.get("id"))
        except ValueError:
            return None
        status = readable_state(document.get("status"))
        if status is None or reference.key is not OrderKey.ID:
            return None
        obstacle = _obstacle_in(document)
        has_actions = isinstance(document.get("availableActions"), list)
        return Order(
            str(reference),
            status,
            status,
            MappingProxyType(document),
            correlation_id,
            http_status,
            is_cancelable=not obstacle if obstacle or has_actions else None,
            obstacle=obstacle,
        )

    def reasons_call(self) -> ApiCall | None:
        """Return ``GET /api/commerce/orders/cancel/reasons``."""
        path = f"{_ORDERS}/cancel/reasons"
        if self._reason_category is not None:
            path += f"?category={quote(self._reason_category, safe='')}"
        return ApiCall("GET", path)

    def review_calls(self) -> NativeReview:
        """Return the calls about orders that are held for review; see ``native_review.py``."""
        return NativeReview(self._expected, self.order_in, self.wrong_server_hint)

    def parts(self) -> NativeParts:
        """Return this API's dialect for shipments and items; see ``native_parts.py``."""
        from airflow_provider_oms.api.native_parts import NativeParts  # noqa: PLC0415 - most tasks need none of it

        return NativeParts(
            self._expected, _FIELDS, self.order_in, self._reason_codes, self.wrong_server_hint
        )

    def note(self, value: Any) -> str | None:
        """Return a note that is to be left on an order, or refuse it.

        :param value: the note.
        :raises OmsInputError: when it is no text of at most 250 characters.
        """
        return validate_note(value)

    def note_call(self, order_id: OrderId, note: str) -> ApiCall:
        """Return ``POST /api/commerce/orders/{orderId}/notes``.

        :param order_id: the order's id.
        :param note: the note.
        """
        return ApiCall("POST", f"{_ORDERS}/{order_id}/notes?responseFields=id", {"text": note})


def _with_fields(path: str, fields: Iterable[str]) -> str:
    separator = "&" if "?" in path else "?"
    return f"{path}{separator}responseFields={quote(','.join(fields), safe=',()')}"


def _obstacle_in(document: Mapping[str, Any]) -> str:
    """Return which field of an order says that it cannot be canceled; empty for none."""
    if document.get("restrictCancellation") is True:
        return "restrictCancellation is set"
    # Goods that have left need a return, and money that was taken a credit, before anything else.
    fulfillment = document.get("fulfillmentStatus")
    if fulfillment in _FULFILLED:
        return f"fulfillmentStatus is {fulfillment}"
    if _has_collected(document):
        return "totalCollected exceeds amountRefunded"
    actions = document.get("availableActions")
    if isinstance(actions, list) and _CANCEL_ACTION not in actions:
        return f"availableActions lacks {_CANCEL_ACTION}"
    return ""


def _has_collected(document: Mapping[str, Any]) -> bool:
    amounts = (document.get("totalCollected"), document.get("amountRefunded"))
    # bool is an int, and no amount.
    collected, refunded = (
        value if isinstance(value, int | float) and not isinstance(value, bool) else 0
        for value in amounts
    )
    return collected > refunded
