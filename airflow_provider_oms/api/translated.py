"""The translated API, of tenants that came from the old OMS: an id is a number."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from airflow_provider_oms.api.dialect import ApiCall, Dialect
from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.models import Order, readable_state
from airflow_provider_oms.api.translated_rules import validate_cancel_request, validate_order_id
from airflow_provider_oms.api.translated_search import MOST_PER_BATCH, found_in, search_path
from airflow_provider_oms.api.transport import Response
from airflow_provider_oms.api.values import CancelRequest, OrderId, kind_of, kind_of_id

if TYPE_CHECKING:
    from airflow_provider_oms.api.review import ReviewCalls
    from airflow_provider_oms.api.translated_parts import TranslatedParts

__all__ = ["Translated"]

# Kibo's id, the shop's own number, or one of the prefixes; a longer text is no name.
_NATIVE_NAME = re.compile(r"(?=[^A-Za-z]*[A-Za-z]|[0-9]{32})[A-Za-z0-9._:#-]{1,212}", re.ASCII)
_CANCEL_PATH = "/api/v2/order/action/cancel"
_ORDER_PATH = "/api/v2/order/{order_id}"


class Translated(Dialect):
    """Speak the translated API.

    :param extra_reasons: order reasons that the tenant admits in addition to the documented ones.
    :param api_setting: the place where the caller said, or left out, which API it is.
    """

    wrong_server_hint = (
        "The tenant is probably not configured for translated APIs, or the connection's tenant_id "
        "or host is wrong; ask Kibo's support to enable them"
    )
    most_per_search = MOST_PER_BATCH

    def __init__(
        self, extra_reasons: Iterable[str] = (), *, api_setting: str = "the connection's api"
    ) -> None:
        self._extra_reasons = tuple(extra_reasons)
        self._if_native = (
            f"({api_setting} is translated, the default; set it to native for a native tenant)"
        )

    #: Any will do: a tenant's numbering is not known.
    unknown_order_id = 1

    def order_id(self, value: Any, order_key: Any = None) -> OrderId:
        """Return the id as an integer, or refuse it.

        :param value: an integer, or a string of digits.
        :param order_key: ``id`` or ``None``; an order has no other name here.
        :raises OmsInputError: for anything else.
        """
        if order_key not in (None, "", "id"):
            rule = f"id on a translated tenant {self._if_native}"
            raise OmsInputError("order_key", rule, kind_of(order_key))
        try:
            return validate_order_id(value)
        except OmsInputError as error:
            if not _may_be_native(value):
                raise
            rule = f"{error.rule} {self._if_native}"
            raise OmsInputError(error.field, rule, error.kind) from None

    def cancel_request(
        self, order_id: Any, reason: Any, explanation: Any = None, order_key: Any = None
    ) -> CancelRequest:
        """Check one cancellation completely before anything is sent.

        :param order_id: the order.
        :param reason: one of the order reasons.
        :param explanation: goes with the reason ``other``.
        :param order_key: ``id`` or ``None``.
        :raises OmsInputError: for the first value that breaks its rule.
        """
        return validate_cancel_request(
            self.order_id(order_id, order_key),
            reason,
            explanation,
            extra_reasons=self._extra_reasons,
        )

    def read_call(self, order_id: OrderId) -> ApiCall:
        """Return ``GET /api/v2/order/{orderID}``.

        :param order_id: the order.
        """
        return ApiCall("GET", _ORDER_PATH.format(order_id=order_id))

    def cancel_call(self, request: CancelRequest, order_id: OrderId) -> ApiCall:
        """Return ``POST /api/v2/order/action/cancel``, without any key that was not given.

        :param request: the cancellation.
        :param order_id: the order.
        """
        body = {"orderID": order_id, "dispositionReason": request.disposition_reason}
        if request.disposition_other_reason is not None:
            body["dispositionOtherReason"] = request.disposition_other_reason
        return ApiCall("POST", _CANCEL_PATH, body)

    def search_call(self, order_ids: Collection[OrderId]) -> ApiCall:
        """Return ``GET /api/v2/order/?orderID=…``.

        :param order_ids: at most a hundred.
        """
        return ApiCall("GET", search_path(order_ids))

    def orders_in(
        self, answer: Response, asked: Collection[OrderId], *, secrets: Iterable[str] = ()
    ) -> dict[OrderId, Order]:
        """Return the orders that an answer to a search holds; see ``translated_search.py``.

        :param answer: a complete answer.
        :param asked: the orders that were asked for.
        :param secrets: strings to keep out of error messages.
        """
        hint = self.wrong_server_hint
        return found_in(answer, asked, self.parse, hint=hint, secrets=secrets)

    def parse(
        self, document: object, *, http_status: int, correlation_id: str | None
    ) -> Order | None:
        """Read an order, which has an ``orderID`` and at least one of its two states.

        :param document: the decoded JSON of a 2xx answer.
        :param http_status: its status code.
        :param correlation_id: its ``x-vol-correlation``.
        """
        if not isinstance(document, dict):
            return None
        try:
            order_id = validate_order_id(document.get("orderID"))
        except ValueError:
            return None
        given = (document.get("orderState"), document.get("orderStatus"))
        state, status = seen = [readable_state(value) for value in given]
        if state is None and status is None:
            return None
        return Order(
            order_id,
            state,
            status,
            MappingProxyType(document),
            correlation_id,
            http_status,
            is_unclear=any(
                state is None and value not in (None, "")
                for value, state in zip(given, seen, strict=True)
            ),
        )

    def review_calls(self) -> ReviewCalls:
        """Refuse: the translated API has neither reviews nor events.

        :raises OmsInputError: in any case.
        """
        rule = "native, because only native tenants hold orders for review"
        raise OmsInputError("the connection's api", rule, "translated")

    def parts(self) -> TranslatedParts:
        """Return this API's dialect for items and shipments; see ``translated_parts.py``."""
        from airflow_provider_oms.api.translated_parts import TranslatedParts  # noqa: PLC0415 - most tasks need none of it

        return TranslatedParts(
            self.read_call, self.order_in, self.wrong_server_hint, self._extra_reasons
        )


def _may_be_native(value: Any) -> bool:
    """Return whether a value that is no number may be the name of an order on a native tenant."""
    has_form = isinstance(value, str) and _NATIVE_NAME.fullmatch(value) is not None
    # Not 1e6, whose form has a description already, and not the text None.
    return has_form and kind_of_id(value) == f"a string of {len(value)} characters"
