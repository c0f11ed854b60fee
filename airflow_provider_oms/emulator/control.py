"""The control API under `/_emulator/`: how a test or a person sets the tenant up and looks at it.

It asks for no credentials, which is why the emulator listens on loopback only.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, FastAPI, HTTPException, Query, Request
from pydantic import ValidationError

from airflow_provider_oms.emulator.calls import OrderIds
from airflow_provider_oms.emulator.faults import Rule
from airflow_provider_oms.emulator.native.ids import read_id
from airflow_provider_oms.emulator.parts.model import ShipmentStatus
from airflow_provider_oms.emulator.paths import CONTROL_PREFIX
from airflow_provider_oms.emulator.settings import Settings
from airflow_provider_oms.emulator.tenant import Tenant
from airflow_provider_oms.emulator.wire import MAX_ID, digits_to_int, load_json


class Control:
    """The handlers of the control API.

    :param tenant: the tenant under control.
    """

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    async def health(self) -> dict[str, str]:
        """Say that the emulator is up, and for which tenant."""
        return {"status": "ok", "tenant": self._tenant.identity.tenant}

    async def get_settings(self) -> Settings:
        """Return every switch."""
        return self._tenant.settings

    async def put_settings(self, settings: Settings) -> Settings:
        """Replace every switch; one that is not named gets its default.

        :param settings: the new settings.
        """
        self._tenant.settings = settings
        return settings

    async def patch_settings(self, changes: dict[str, Any]) -> Settings:
        """Replace the switches that are named.

        :param changes: new values by name.
        """
        try:
            self._tenant.settings = self._tenant.settings.changed(changes)
        except ValidationError as error:
            detail = error.errors(include_url=False, include_context=False, include_input=False)
            raise HTTPException(422, detail) from error
        return self._tenant.settings

    async def post_orders(self, request: Request) -> dict[str, int]:
        """Load a list of orders; one that is there already is reset.

        :param request: the call.
        """
        try:
            given = load_json(await request.body())
            if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
                raise ValueError("the body must be a list of objects")  # noqa: TRY301 - answered below like every unfit body
            settings = self._tenant.settings
            loaded = self._tenant.orders.load(
                given,
                replace=True,
                search_lag=settings.search_lag,
                numbers=settings.native_order_numbers,
            )
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        return {"loaded": loaded}

    async def get_orders(self) -> list[dict[str, Any]]:
        """Return the result of each order."""
        return self._tenant.orders.summaries()

    async def delete_orders(self) -> dict[str, int]:
        """Remove every order, and the events about them."""
        self._tenant.events.clear()
        return {"deleted": self._tenant.orders.clear()}

    async def get_order(self, order_id: str) -> dict[str, Any]:
        """Return the result of one order, and its whole representations.

        :param order_id: which order, by its id of either dialect.
        """
        summary = self._tenant.orders.summary(_read_ids(order_id))
        if summary is None:
            raise HTTPException(404, f"There is no order {order_id[:40]}.")
        return summary

    async def cancel_order(
        self, order_id: str, after: Annotated[float, Query(ge=0, le=3600)] = 0
    ) -> dict[str, bool]:
        """Cancel an order without a call, as the OMS does once all its shipments are canceled.

        :param order_id: which order, by its id of either dialect.
        :param after: seconds after which it shows.
        """
        known = self._tenant.orders.identify(_read_ids(order_id))
        if known is None or known.number is None:
            raise HTTPException(404, f"There is no order {order_id[:40]}.")
        lag = self._tenant.settings.search_lag
        was_open = self._tenant.orders.cancel_by_system(known.number, late=after, search_lag=lag)
        return {"canceled": was_open}

    async def get_parts(self, order_id: str) -> dict[str, Any]:
        """Return the result of each line and of each shipment of an order.

        :param order_id: which order, by its id of either dialect.
        """
        ledger = self._tenant.parts.ledger(_read_ids(order_id))
        if ledger is None:
            raise HTTPException(404, f"There is no order {order_id[:40]}.")
        return ledger

    async def change_shipment(
        self, number: int, status: Annotated[ShipmentStatus, Body(embed=True)]
    ) -> dict[str, int]:
        """Give a shipment another status without a call, as the OMS itself does.

        :param number: which shipment.
        :param status: the status; REASSIGNED moves its open quantities to a new shipment.
        """
        left_in = self._tenant.parts.set_status(number, status) if number <= MAX_ID else None
        if left_in is None:
            raise HTTPException(404, f"There is no shipment {str(number)[:40]}.")
        return {"number": left_in}

    async def get_requests(
        self,
        order_id: str | None = None,
        call: str | None = None,
        method: str | None = None,
        path: str | None = None,
        since: int = 0,
    ) -> list[dict[str, Any]]:
        """Return the access log, or the part of it that is asked for.

        :param order_id: about this order, by its id of either dialect.
        :param call: of this call, such as `cancel`.
        :param method: with this method.
        :param path: with a path that begins like this.
        :param since: with a number greater than this.
        """
        order = None if order_id is None else _read_ids(order_id)
        return self._tenant.log.entries(
            order=order, call=call, method=method, path=path, since=since
        )

    async def delete_requests(self) -> dict[str, int]:
        """Clear the access log."""
        return {"deleted": self._tenant.log.clear()}

    async def get_faults(self) -> list[dict[str, Any]]:
        """Return the rules in force, and how often each has been met and applied."""
        return self._tenant.faults.summaries()

    async def post_faults(self, rules: list[Rule]) -> list[dict[str, Any]]:
        """Put rules behind those in force.

        :param rules: the rules.
        """
        self._tenant.faults.add(rules)
        return self._tenant.faults.summaries()

    async def put_faults(self, rules: list[Rule]) -> list[dict[str, Any]]:
        """Replace the rules in force.

        :param rules: the rules.
        """
        self._tenant.faults.clear()
        return await self.post_faults(rules)

    async def delete_faults(self) -> dict[str, int]:
        """Lift every rule."""
        return {"lifted": self._tenant.faults.clear()}

    async def delete_tokens(self) -> dict[str, int]:
        """Revoke every token."""
        return {"revoked": self._tenant.tokens.revoke_all()}


def build_control(tenant: Tenant) -> FastAPI:
    """Put the control API's calls under their paths.

    :param tenant: the tenant under control.
    """
    control = Control(tenant)
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    for method, path, handler in (
        ("GET", "health", control.health),
        ("GET", "settings", control.get_settings),
        ("PUT", "settings", control.put_settings),
        ("PATCH", "settings", control.patch_settings),
        ("POST", "orders", control.post_orders),
        ("GET", "orders", control.get_orders),
        ("DELETE", "orders", control.delete_orders),
        ("GET", "orders/{order_id}", control.get_order),
        ("POST", "orders/{order_id}/cancel", control.cancel_order),
        ("GET", "orders/{order_id}/parts", control.get_parts),
        ("PATCH", "shipments/{number}", control.change_shipment),
        ("GET", "requests", control.get_requests),
        ("DELETE", "requests", control.delete_requests),
        ("DELETE", "tokens", control.delete_tokens),
        ("GET", "faults", control.get_faults),
        ("POST", "faults", control.post_faults),
        ("PUT", "faults", control.put_faults),
        ("DELETE", "faults", control.delete_faults),
    ):
        app.add_api_route(f"{CONTROL_PREFIX}/{path}", handler, methods=[method])
    return app


def _read_ids(text: str) -> OrderIds:
    """Read an order's id of either dialect; any other text is the id of no order.

    :param text: the id.
    """
    number = digits_to_int(text.removeprefix("-"))
    if number is None or number > MAX_ID:
        return OrderIds(native=read_id(text))
    return OrderIds(number=-number if text.startswith("-") else number, native=read_id(text))
