"""The native API's calls about shipments, and about the items of orders that have none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

from fastapi import Request, Response

from airflow_provider_oms.emulator.errors import json_answer, native_error
from airflow_provider_oms.emulator.native.fields import read_fields, thin
from airflow_provider_oms.emulator.native.ids import MAX_INT32, read_id
from airflow_provider_oms.emulator.parts.native import NativeParts, Sent, Shown
from airflow_provider_oms.emulator.parts.native_rules import (
    INVALID,
    ShipmentCancel,
    read_items_cancel,
    read_shipment_cancel,
    unfit,
)
from airflow_provider_oms.emulator.parts.shipment_search import read_shipment_search
from airflow_provider_oms.emulator.paths import NATIVE_ORDERS_PATH, NATIVE_SHIPMENTS_PATH
from airflow_provider_oms.emulator.settings import Settings
from airflow_provider_oms.emulator.tenant import Tenant
from airflow_provider_oms.emulator.wire import digits_to_int

_SQUIGGLY: Final = str.maketrans("[]{}", "()()")


class NativePartsApi:
    """The handlers of these calls.

    :param tenant: whose API this is.
    :param site_of: returns the only site whose orders a call may see; None for all.
    """

    def __init__(self, tenant: Tenant, site_of: Callable[[Request], int | None]) -> None:
        self._tenant = tenant
        self._parts = NativeParts(tenant.parts, lambda: tenant.settings)
        self._site = site_of

    def routes(self) -> Iterator[tuple[str, str, Callable[..., Awaitable[Response]]]]:
        """Yield each call's method, path and handler."""
        shipments, item = (
            NATIVE_SHIPMENTS_PATH,
            f"{NATIVE_ORDERS_PATH}/{{order_id}}/items/{{item_id}}",
        )
        yield "GET", shipments, self.find_shipments
        yield "GET", f"{shipments}/{{number}}", self.get_shipment
        yield "PUT", f"{shipments}/{{number}}/canceledItems", self.cancel_items
        yield "PUT", f"{shipments}/{{number}}/canceled", self.cancel_shipment
        yield "PUT", f"{shipments}/order/{{order_id}}/canceled", self.cancel_shipments
        yield "DELETE", item, self.delete_item
        yield "PUT", f"{item}/quantity/{{quantity}}", self.change_quantity

    async def get_shipment(self, request: Request, number: str) -> Response:
        """Show a shipment.

        :param request: the call.
        :param number: the last part of the path.
        """
        return self._answer(request, self._parts.show(_number(number), self._site(request)))

    async def find_shipments(self, request: Request) -> Response:
        """Find shipments.

        :param request: the call.
        """
        settings = self._tenant.settings
        if settings.search_status != 200:  # noqa: PLR2004 - HTTP's own number
            message = "There is no search at present."
            raise native_error(settings.search_status, "UNEXPECTED_ERROR", message)
        large = settings.native_large_page
        search = read_shipment_search(parse_qs(request.url.query), large_page=large)
        total, found = self._parts.find(search, self._site(request))
        page = {
            "number": search.page,
            "size": search.per_page,
            "totalElements": total,
            "totalPages": -(-total // search.per_page),
        }
        return self._send(request, {**self._embedded(request, found), "_links": {}, "page": page})

    async def cancel_items(self, request: Request, number: str) -> Response:
        """Cancel quantities of lines in a shipment.

        :param request: the call.
        :param number: which shipment.
        """
        return await self._cancel(request, number, read_items_cancel)

    async def cancel_shipment(self, request: Request, number: str) -> Response:
        """Cancel a whole shipment.

        :param request: the call.
        :param number: which shipment.
        """
        return await self._cancel(request, number, read_shipment_cancel)

    async def _cancel(
        self,
        request: Request,
        number: str,
        read: Callable[[bytes, str, Settings], ShipmentCancel],
    ) -> Response:
        settings = self._tenant.settings
        shipment = self._known(request, number)
        content_type = request.headers.get("content-type", "")
        cancel = read(await request.body(), content_type, settings)
        shown = self._parts.cancel(shipment, cancel, self._sent(request))
        return self._answer(request, shown, settings.native_shipment_success)

    async def cancel_shipments(self, request: Request, order_id: str) -> Response:
        """Cancel every shipment of an order.

        :param request: the call.
        :param order_id: which order.
        """
        settings = self._tenant.settings
        content_type = request.headers.get("content-type", "")
        cancel = read_shipment_cancel(await request.body(), content_type, settings)
        shown = self._parts.cancel_all(_hex("order", order_id), cancel, self._sent(request))
        answer = {**self._embedded(request, shown), "_links": {}}
        return self._send(request, answer, settings.native_shipment_success)

    async def delete_item(self, request: Request, order_id: str, item_id: str) -> Response:
        """Remove an item from an order that has no shipments.

        :param request: the call.
        :param order_id: which order.
        :param item_id: which item.
        """
        return self._keep(request, order_id, item_id, None)

    async def change_quantity(
        self, request: Request, order_id: str, item_id: str, quantity: str
    ) -> Response:
        """Lower the quantity of an item of an order that has no shipments.

        :param request: the call.
        :param order_id: which order.
        :param item_id: which item.
        :param quantity: how many to keep.
        """
        number = digits_to_int(quantity)
        if number is None or number > MAX_INT32:
            raise unfit("the quantity must be an integer")
        return self._keep(request, order_id, item_id, number)

    def _keep(
        self, request: Request, order_id: str, item_id: str, quantity: int | None
    ) -> Response:
        order, item = _hex("order", order_id), _hex("item", item_id)
        version = request.query_params.get("version")
        self._parts.keep(order, item, quantity, version, self._sent(request))
        shown = self._tenant.native_orders.show(order, self._site(request))
        return json_answer(thin(shown, read_fields(request.query_params.get("responseFields"))))

    def _known(self, request: Request, number: str) -> int:
        """Return the number of a shipment that is there, for an unknown one is refused first."""
        shipment = _number(number)
        self._parts.show(shipment, self._site(request))
        return shipment

    def _sent(self, request: Request) -> Sent:
        state = request.state
        if_match = request.headers.get("if-match")
        return Sent(state.correlation, state.late, self._site(request), if_match)

    def _answer(self, request: Request, shown: Shown, status: int = 200) -> Response:
        answer = self._send(request, self._thin(request, shown.shipment), status)
        answer.headers["ETag"] = shown.etag
        return answer

    def _embedded(self, request: Request, shipments: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        if not shipments and self._tenant.settings.native_empty_page == "absent":
            return {}
        return {"_embedded": {"shipments": [self._thin(request, one) for one in shipments]}}

    def _thin(self, request: Request, shipment: Mapping[str, Any]) -> Any:
        fields = request.query_params.get("fields", "").translate(_SQUIGGLY)
        return thin(shipment, read_fields(fields))

    def _send(self, request: Request, content: Any, status: int = 200) -> Response:
        if self._tenant.settings.native_shipments_as_xml and not _accepts_json(request):
            text = ET.tostring(_element("shipment", content))
            return Response(text, status_code=status, media_type="application/xml")
        return json_answer(content, status)


def _accepts_json(request: Request) -> bool:
    accepted = ",".join(request.headers.getlist("accept")).lower()
    return "application/json" in accepted or "application/hal+json" in accepted


def _element(name: str, value: Any) -> ET.Element:
    element = ET.Element(name)
    if isinstance(value, Mapping):
        element.extend(_element(key, one) for key, one in value.items())
    elif isinstance(value, list):
        element.extend(_element(name, one) for one in value)
    else:
        element.text = str(value)
    return element


def _number(text: str) -> int:
    number = digits_to_int(text)
    if number is None or number > MAX_INT32:
        raise native_error(400, INVALID, "A shipment's number is an integer.")
    return number


def _hex(what: str, text: str) -> str:
    found = read_id(text)
    if found is None:
        raise native_error(400, INVALID, f"The id of an {what} has 32 hex digits.")
    return found
