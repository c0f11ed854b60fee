"""The tenant's native API: who may call, and the calls there are.

`pipeline` does the work before and after each call: log, correlation id, faults.
"""

from __future__ import annotations

import re
from typing import Any, Final, cast
from urllib.parse import parse_qs

from fastapi import Depends, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from airflow_provider_oms.emulator.errors import ApiError, json_answer, native_error, render
from airflow_provider_oms.emulator.native import events
from airflow_provider_oms.emulator.native.cancel_rules import (
    Reason,
    read_action,
    read_note,
    read_reason,
)
from airflow_provider_oms.emulator.native.fields import read_fields, thin
from airflow_provider_oms.emulator.native.ids import read_id
from airflow_provider_oms.emulator.native.order_book import COLUMNS
from airflow_provider_oms.emulator.native.sample_orders import DEFAULT_SITE
from airflow_provider_oms.emulator.native.search_rules import read_search
from airflow_provider_oms.emulator.parts.native_api import NativePartsApi
from airflow_provider_oms.emulator.paths import (
    NATIVE_EVENTS_PATH,
    NATIVE_ORDERS_PATH,
    NATIVE_SHIPMENTS_PATH,
    NATIVE_TENANTS_PATH,
)
from airflow_provider_oms.emulator.tenant import Tenant
from airflow_provider_oms.emulator.tokens import bearer
from airflow_provider_oms.emulator.wire import digits_to_int

_INVALID: Final = "MISSING_OR_INVALID_PARAMETER"


class NativeApi:
    """The handlers of the native API's calls.

    They run on the event loop's own thread, as the database connection has to.

    :param tenant: whose API this is.
    """

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._orders = tenant.native_orders

    async def admit(self, request: Request) -> None:
        """Let a call in that shows a valid token, and names no other tenant where that counts.

        :param request: the call.
        """
        self._check_token(request.headers.get("authorization"))
        named = request.headers.getlist("x-vol-tenant")
        status = self._tenant.settings.native_wrong_tenant
        if status != "ignore" and any(one != self._tenant.identity.tenant for one in named):
            code = "FORBIDDEN" if status == 403 else "UNAUTHORIZED"  # noqa: PLR2004 - HTTP's own number
            raise native_error(status, code, "x-vol-tenant names another tenant.")

    async def get_order(self, request: Request, order_id: str) -> Response:
        """Show an order.

        :param request: the call.
        :param order_id: the last part of the path.
        """
        order = self._orders.show(_id(order_id), self.site_of(request))
        return _answer(request, order)

    async def find_orders(self, request: Request) -> Response:
        """Find orders.

        :param request: the call.
        """
        settings = self._tenant.settings
        if settings.search_status != 200:  # noqa: PLR2004 - HTTP's own number
            raise native_error(
                settings.search_status, "UNEXPECTED_ERROR", "There is no search at present."
            )
        search = read_search(parse_qs(request.url.query), COLUMNS, settings)
        return json_answer(self._orders.find(search, self.site_of(request)))

    async def get_actions(self, request: Request, order_id: str) -> Response:
        """Show the possible actions of an order.

        :param request: the call.
        :param order_id: which order.
        """
        order = self._orders.show(_id(order_id), self.site_of(request))
        return json_answer(order["availableActions"])

    async def perform_action(self, request: Request, order_id: str) -> Response:
        """Cancel an order by an action, which has no reason.

        :param request: the call.
        :param order_id: which order.
        """
        native_id = self._known(request, order_id)
        read_action(await request.body(), request.headers.get("content-type", ""))
        return self._cancel(request, native_id, Reason())

    async def cancel_order(self, request: Request, order_id: str) -> Response:
        """Cancel an order with a reason.

        :param request: the call.
        :param order_id: which order.
        """
        native_id = self._known(request, order_id)
        content_type = request.headers.get("content-type", "")
        reason = read_reason(await request.body(), content_type, self._tenant.settings)
        return self._cancel(request, native_id, reason)

    async def get_reasons(self, request: Request) -> Response:
        """List the cancel reasons.

        :param request: the call.
        """
        settings = self._tenant.settings
        categories = [one.upper() for one in settings.native_reason_categories]
        category = request.query_params.get("category", "SHOPPER").upper()
        codes = settings.native_reasons if not categories or category in categories else ()
        reasons = [
            {
                "reasonCode": code,
                "name": re.sub(r"(?<=[a-z])(?=[A-Z])", " ", code),
                "needsMoreInfo": code in settings.native_explained_reasons,
            }
            for code in codes
        ]
        return _answer(request, {"totalCount": len(reasons), "items": reasons})

    async def get_notes(self, request: Request, order_id: str) -> Response:
        """Show an order's notes.

        :param request: the call.
        :param order_id: which order.
        """
        return _answer(request, self._orders.show(_id(order_id), self.site_of(request))["notes"])

    async def add_note(self, request: Request, order_id: str) -> Response:
        """Leave a note on an order.

        :param request: the call.
        :param order_id: which order.
        """
        native_id = self._known(request, order_id)
        text = read_note(await request.body(), request.headers.get("content-type", ""))
        return _answer(request, self._orders.add_note(native_id, text, self.site_of(request)))

    async def pull_events(self, request: Request) -> Response:
        """Show the events of orders.

        :param request: the call.
        """
        settings = self._tenant.settings
        parameters = parse_qs(request.url.query)
        if settings.native_event_filter != "accept":
            names = {name for name in parameters if name.lower() in ("filter", "sortby")}
            if names and settings.native_event_filter == 400:  # noqa: PLR2004 - HTTP's own number
                raise native_error(400, _INVALID, "Events can be neither filtered nor sorted.")
            parameters = {name: parameters[name] for name in parameters.keys() - names}
        search = read_search(parameters, events.COLUMNS, settings, last="number, id")
        return json_answer(self._tenant.events.find(search, self.site_of(request)))

    async def get_event(self, request: Request, event_id: str) -> Response:
        """Show an event.

        :param request: the call.
        :param event_id: the last part of the path.
        """
        event = self._tenant.events.show(event_id.replace("-", "").lower(), self.site_of(request))
        if event is None:
            raise native_error(404, "ITEM_NOT_FOUND", "There is no such event.")
        return _answer(request, event)

    async def get_tenant(self, request: Request, tenant_id: str) -> Response:
        """Show the tenant with its domain, under which its orders are.

        :param request: the call.
        :param tenant_id: the last part of the path.
        """
        own = int(self._tenant.identity.tenant)
        if digits_to_int(tenant_id) != own:
            raise native_error(404, "ITEM_NOT_FOUND", "There is no such tenant.")
        domain = self._tenant.settings.native_tenant_domain or request.headers.get("host", "")
        sites = [
            {"id": site, "tenantId": own, "name": f"Site {site}", "domain": domain}
            for site in self._orders.sites() or [DEFAULT_SITE]
        ]
        tenant = {
            "id": own,
            "name": f"Tenant {own}",
            "domain": domain,
            "isDevTenant": True,
            "isUnified": True,
            "sites": sites,
        }
        return _answer(request, tenant)

    async def refuse(self, request: Request, error: Exception) -> Response:
        """Turn a refusal into an answer.

        :param request: the call.
        :param error: the ApiError.
        """
        error_body = self._tenant.settings.native_error_body
        if error_body == "platform" and request.url.path.startswith(NATIVE_SHIPMENTS_PATH):
            error_body = "fulfillment"  # the shipments are another service's
        return render(cast("ApiError", error), error_body, request.state.correlation)

    async def refuse_route(self, request: Request, error: Exception) -> Response:
        """Turn the framework's own 404 and 405 into an answer.

        :param request: the call.
        :param error: the framework's HTTPException.
        """
        failure = cast("HTTPException", error)
        if failure.status_code == 404:  # noqa: PLR2004 - HTTP's own number
            request.state.without_correlation = True
            return Response(status_code=404)
        message = f"{request.method} is not allowed here."
        refusal = native_error(failure.status_code, "METHOD_NOT_ALLOWED", message)
        answer = await self.refuse(request, refusal)
        answer.headers.update(failure.headers or {})
        return answer

    def _known(self, request: Request, order_id: str) -> str:
        """Return the id of an order that is there, for an unknown one is refused first."""
        native_id = _id(order_id)
        self._orders.show(native_id, self.site_of(request))
        return native_id

    def _cancel(self, request: Request, native_id: str, reason: Reason) -> Response:
        order = self._orders.cancel(
            native_id, reason, site=self.site_of(request), late=request.state.late
        )
        return _answer(request, order)

    def _check_token(self, authorization: str | None) -> None:
        if authorization is None and self._tenant.identity.open_access:
            return
        token = bearer(authorization)
        if token is None:
            raise native_error(401, "UNAUTHORIZED", "A bearer token is required.")
        if not self._tenant.tokens.is_valid(token):
            message = "The access token is invalid or has expired."
            raise native_error(401, "INVALID_ACCESS_TOKEN", message)

    def site_of(self, request: Request) -> int | None:
        """Return the only site whose orders a call may see; None for all.

        :param request: the call.
        """
        rule = self._tenant.settings.native_site
        named = request.headers.get("x-vol-site")
        if rule == "ignore" or (rule == "scope" and named is None):
            return None
        site = digits_to_int(named or "")
        if site is None:
            raise native_error(400, _INVALID, "x-vol-site must be the number of a site.")
        return site if rule == "scope" else None


def build_native_api(tenant: Tenant) -> FastAPI:
    """Put the native API's calls under their paths.

    :param tenant: whose API this is.
    """
    api = NativeApi(tenant)
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    guarded = [Depends(api.admit)]
    orders, one = NATIVE_ORDERS_PATH, f"{NATIVE_ORDERS_PATH}/{{order_id}}"
    for method, path, handler in (
        ("GET", orders, api.find_orders),
        ("GET", f"{orders}/cancel/reasons", api.get_reasons),
        ("PUT", f"{orders}/cancel/{{order_id}}", api.cancel_order),
        ("GET", one, api.get_order),
        ("GET", f"{one}/actions", api.get_actions),
        ("POST", f"{one}/actions", api.perform_action),
        ("GET", f"{one}/notes", api.get_notes),
        ("POST", f"{one}/notes", api.add_note),
        ("GET", f"{NATIVE_TENANTS_PATH}/{{tenant_id}}", api.get_tenant),
        ("GET", NATIVE_EVENTS_PATH, api.pull_events),
        ("GET", f"{NATIVE_EVENTS_PATH}/{{event_id}}", api.get_event),
    ):
        app.add_api_route(path, handler, methods=[method], dependencies=guarded)
    for method, path, part_handler in NativePartsApi(tenant, api.site_of).routes():
        app.add_api_route(path, part_handler, methods=[method], dependencies=guarded)
    app.add_exception_handler(ApiError, api.refuse)
    app.add_exception_handler(HTTPException, api.refuse_route)
    return app


def _id(text: str) -> str:
    native_id = read_id(text)
    if native_id is None:
        raise native_error(400, _INVALID, "An order's id has 32 hex digits.")
    return native_id


def _answer(request: Request, content: Any) -> Response:
    return json_answer(thin(content, read_fields(request.query_params.get("responseFields"))))
