"""The translated API's calls about order items and shipments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from urllib.parse import parse_qs

from fastapi import Request, Response

from airflow_provider_oms.emulator.errors import ApiError, OmsCode, bad_field, json_answer
from airflow_provider_oms.emulator.parts.translated import TranslatedParts
from airflow_provider_oms.emulator.parts.translated_rules import (
    read_item_cancel,
    read_item_search,
    read_shipment_cancel,
    read_shipment_search,
)
from airflow_provider_oms.emulator.paths import (
    ITEM_CANCEL_PATH,
    ITEMS_PATH,
    SHIPMENT_CANCEL_PATH,
    SHIPMENTS_PATH,
)
from airflow_provider_oms.emulator.tenant import Tenant
from airflow_provider_oms.emulator.wire import digits_to_int


class PartsApi:
    """The handlers of these calls.

    :param tenant: whose API this is.
    """

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._parts = TranslatedParts(tenant.parts, lambda: tenant.settings)

    def routes(self) -> Iterator[tuple[str, str, Callable[..., Awaitable[Response]]]]:
        """Yield each call's method, path and handler."""
        yield "POST", ITEM_CANCEL_PATH, self.cancel_item
        yield "POST", SHIPMENT_CANCEL_PATH, self.cancel_shipment
        yield "GET", ITEMS_PATH, self.search_items
        yield "GET", SHIPMENTS_PATH, self.search_shipments
        yield "GET", f"{ITEMS_PATH}{{item_id}}", self.get_item
        yield "GET", f"{SHIPMENTS_PATH}{{number}}", self.get_shipment

    async def get_item(self, item_id: str) -> Response:
        """Show an order item.

        :param item_id: the last part of the path.
        """
        number = digits_to_int(item_id)
        if number is None:
            raise bad_field(OmsCode.INVALID_ID, "orderItemID must be an integer from 0.")
        return json_answer(self._parts.item(number))

    async def get_shipment(self, number: str) -> Response:
        """Show a shipment.

        :param number: the last part of the path.
        """
        shipment = digits_to_int(number)
        if not shipment:
            raise bad_field(OmsCode.INVALID_ID, "shipmentID must be an integer from 1.")
        return json_answer(self._parts.shipment(shipment))

    async def search_items(self, request: Request) -> Response:
        """Find order items.

        :param request: the call.
        """
        status = self._tenant.settings.item_search_status
        if status != 200:  # noqa: PLR2004 - HTTP's own number
            message = "There is no search for order items."
            raise ApiError(status, OmsCode.GENERIC_NOT_FOUND, message)
        search = read_item_search(parse_qs(request.url.query))
        return json_answer(self._parts.find_items(search))

    async def search_shipments(self, request: Request) -> Response:
        """Find shipments.

        :param request: the call.
        """
        search = read_shipment_search(parse_qs(request.url.query))
        return json_answer(self._parts.find_shipments(search))

    async def cancel_item(self, request: Request) -> Response:
        """Cancel an order item.

        :param request: the call.
        """
        content_type = request.headers.get("content-type", "")
        cancel = read_item_cancel(await request.body(), content_type, self._tenant.settings)
        state = request.state
        return json_answer(self._parts.cancel_item(cancel, call=state.correlation, late=state.late))

    async def cancel_shipment(self, request: Request) -> Response:
        """Cancel a shipment.

        :param request: the call.
        """
        content_type = request.headers.get("content-type", "")
        cancel = read_shipment_cancel(await request.body(), content_type, self._tenant.settings)
        state = request.state
        return json_answer(
            self._parts.cancel_shipment(cancel, call=state.correlation, late=state.late)
        )
