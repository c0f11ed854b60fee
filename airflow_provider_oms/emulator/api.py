"""The tenant's translated API and its tokens: who may call, and the calls about whole orders.

`pipeline` does the work before and after each call: log, correlation id, faults.
"""

from __future__ import annotations

from typing import cast
from urllib.parse import parse_qs

from fastapi import Depends, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from airflow_provider_oms.emulator.cancel_rules import read_cancel
from airflow_provider_oms.emulator.errors import ApiError, OmsCode, bad_field, json_answer, render
from airflow_provider_oms.emulator.parts.translated_api import PartsApi
from airflow_provider_oms.emulator.paths import CANCEL_PATH, SEARCH_PATH, TOKEN_PATH
from airflow_provider_oms.emulator.search_rules import read_search
from airflow_provider_oms.emulator.tenant import Tenant
from airflow_provider_oms.emulator.tokens import bearer
from airflow_provider_oms.emulator.wire import digits_to_int

_SEARCH_REFUSALS = {404: OmsCode.GENERIC_NOT_FOUND, 500: OmsCode.GENERIC_SERVER_ERROR}


class Api:
    """The handlers of the API's calls.

    They run on the event loop's own thread, as the database connection has to.

    :param tenant: whose API this is.
    """

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    async def admit(self, request: Request) -> None:
        """Let a call in that shows a valid token and names this tenant.

        :param request: the call.
        """
        self._check_token(request.headers.get("authorization"))
        self._check_tenant(request.headers.getlist("x-vol-tenant"))

    async def grant_token(self, request: Request) -> Response:
        """Answer a token request.

        :param request: the call.
        """
        content_type = request.headers.get("content-type", "")
        lifetime = self._tenant.settings.token_lifetime
        grant = self._tenant.tokens.grant(await request.body(), content_type, lifetime)
        return json_answer(grant)

    async def cancel_order(self, request: Request) -> Response:
        """Cancel an order.

        :param request: the call.
        """
        settings = self._tenant.settings
        content_type = request.headers.get("content-type", "")
        cancel = read_cancel(await request.body(), content_type, settings)
        late = request.state.late
        return _json_text(self._tenant.orders.cancel(cancel, settings, late=late))

    async def get_order(self, order_id: str) -> Response:
        """Show an order.

        :param order_id: the last part of the path.
        """
        number = digits_to_int(order_id)
        if not number:
            raise bad_field(OmsCode.INVALID_ID, "orderID must be an integer from 1.")
        return _json_text(self._tenant.orders.text(number, self._tenant.settings))

    async def search_orders(self, request: Request) -> Response:
        """Find orders.

        :param request: the call.
        """
        settings = self._tenant.settings
        if settings.search_status != 200:  # noqa: PLR2004 - HTTP's own number
            code = _SEARCH_REFUSALS[settings.search_status]
            raise ApiError(settings.search_status, code, "There is no search at present.")
        search = read_search(parse_qs(request.url.query))
        return _json_text(self._tenant.orders.search(search, settings))

    async def refuse(self, request: Request, error: Exception) -> Response:
        """Turn a refusal into an answer.

        :param request: the call.
        :param error: the ApiError.
        """
        error_body = self._tenant.settings.error_body
        return render(cast("ApiError", error), error_body, request.state.correlation)

    async def refuse_route(self, request: Request, error: Exception) -> Response:
        """Turn the framework's own 404 and 405 into an answer.

        :param request: the call.
        :param error: the framework's HTTPException.
        """
        failure = cast("HTTPException", error)
        code, message = OmsCode.GENERIC_NOT_FOUND, "There is no such resource."
        if failure.status_code == 405:  # noqa: PLR2004 - HTTP's own number
            code, message = OmsCode.GENERIC_NOT_ALLOWED, f"{request.method} is not allowed here."
        refusal = ApiError(failure.status_code, code, message)
        if request.url.path == TOKEN_PATH:
            refusal.origin = "token"
        answer = await self.refuse(request, refusal)
        answer.headers.update(failure.headers or {})
        return answer

    def _check_token(self, authorization: str | None) -> None:
        if authorization is None and self._tenant.identity.open_access:
            return
        token = bearer(authorization)
        if token is None:
            raise ApiError(
                401,
                OmsCode.GENERIC_NOT_AUTHORIZED,
                "A bearer token is required.",
                error_code="UNAUTHORIZED",
                origin="gateway",
            )
        if self._tenant.tokens.is_valid(token):
            return
        status = self._tenant.settings.expired_token_status
        raise ApiError(
            status,
            OmsCode.GENERIC_NOT_AUTHORIZED,
            "The access token is invalid or has expired.",
            error_code="INVALID_ACCESS_TOKEN",
            origin="gateway" if status == 401 else "classic",  # noqa: PLR2004 - HTTP's own number
        )

    def _check_tenant(self, values: list[str]) -> None:
        tenant = self._tenant.identity.tenant
        if values and all(value == tenant for value in values):
            return
        settings = self._tenant.settings
        status = settings.wrong_tenant_status if values else settings.missing_tenant_status
        message = "x-vol-tenant names another tenant." if values else "x-vol-tenant is required."
        error_code = {400: "GENERIC_BAD_REQUEST", 401: "UNAUTHORIZED", 403: "FORBIDDEN"}
        code = {400: OmsCode.GENERIC_BAD_REQUEST, 404: OmsCode.GENERIC_NOT_FOUND}
        raise ApiError(
            status,
            code.get(status, OmsCode.GENERIC_NOT_AUTHORIZED),
            message,
            error_code=error_code.get(status),
            origin="gateway",
        )


def build_api(tenant: Tenant) -> FastAPI:
    """Put the API's calls under their paths.

    :param tenant: whose API this is.
    """
    api = Api(tenant)
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.add_api_route(TOKEN_PATH, api.grant_token, methods=["POST"])
    guarded = [Depends(api.admit)]
    app.add_api_route(CANCEL_PATH, api.cancel_order, methods=["POST"], dependencies=guarded)
    app.add_api_route(SEARCH_PATH, api.search_orders, methods=["GET"], dependencies=guarded)
    app.add_api_route(
        f"{SEARCH_PATH}{{order_id}}", api.get_order, methods=["GET"], dependencies=guarded
    )
    for method, path, handler in PartsApi(tenant).routes():
        app.add_api_route(path, handler, methods=[method], dependencies=guarded)
    app.add_exception_handler(ApiError, api.refuse)
    app.add_exception_handler(HTTPException, api.refuse_route)
    return app


def _json_text(text: str) -> Response:
    return Response(text, media_type="application/json")
