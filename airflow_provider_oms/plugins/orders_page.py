"""The *Orders* page in Airflow's web UI: which task has it, and the files that the browser loads.

The page reads everything from Airflow's own API, as the person who looks at it. Nothing but the
static files in ``www/`` is served here.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import AirflowPlugin

from airflow_provider_oms.links.oms import ORDERS_ROUTE
from airflow_provider_oms.version_compat import base_path, orders_page_place

__all__ = ["OrdersPagePlugin"]

_FILES = Path(__file__).resolve().parent.parent / "www"
_PREFIX = "/oms"
# By the name that the web UI shows, which a decorator gives itself.
_OPERATORS = ("OmsBulkCancelOrdersOperator", "OmsCancelOrderOperator", "@task.oms_cancel")

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]


class StaticFiles:
    """Serve the page's files, as an ASGI application.

    Workers and triggerers load the plugin, too; the web framework is imported by the first request.
    """

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Answer one request, so that the browser asks whether the file is still the same."""

        async def send_revalidated(message: _Message) -> None:
            if message["type"] == "http.response.start":
                more = [(b"cache-control", b"no-cache"), (b"x-content-type-options", b"nosniff")]
                message["headers"] = [*message.get("headers", ()), *more]
            await send(message)

        await _files()(scope, receive, send_revalidated)


@functools.cache
def _files() -> Any:
    return import_module("starlette.staticfiles").StaticFiles(directory=_FILES)


def _react_app() -> dict[str, Any]:
    app = {
        "name": "Orders",
        "url_route": ORDERS_ROUTE,
        "bundle_url": f"{base_path()}{_PREFIX}/orders.mjs",
    }
    if orders_page_place() == "tab":
        applies_to = {"operator_name": list(_OPERATORS)}
        return {**app, "destination": "task_instance", "applies_to": applies_to}
    return {**app, "destination": "nav", "category": "browse"}


class OrdersPagePlugin(AirflowPlugin):
    """Add the table of a task's orders to the web UI of Airflow 3.1 and later."""

    name = "oms"
    fastapi_apps = (
        [{"app": StaticFiles(), "url_prefix": _PREFIX, "name": "OMS"}]
        if orders_page_place()
        else []
    )
    react_apps = [_react_app()] if orders_page_place() else []
