"""A plain client of the emulator's API: it knows the contract's addresses and nothing else."""

from __future__ import annotations

from typing import Any

import requests

from airflow_provider_oms.emulator.testing import EmulatorProcess

TOKEN_PATH = "/api/platform/applications/authtickets/oauth"
CANCEL_PATH = "/api/v2/order/action/cancel"
ORDERS_PATH = "/api/commerce/orders"
EVENTS_PATH = "/api/event/pull"
EXAMPLE = {
    "orderID": 1010101,
    "dispositionReason": "other",
    "dispositionOtherReason": "Customer changed mind",
}


class Application:
    """Call a tenant as an application that holds a token.

    :param tenant: the emulator.
    """

    def __init__(self, tenant: EmulatorProcess) -> None:
        self.tenant = tenant
        self.token = self.ask_token().json()["access_token"]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "x-vol-tenant": self.tenant.tenant}

    def ask_token(self, **changes: Any) -> requests.Response:
        fields = {
            "client_id": self.tenant.client_id,
            "client_secret": self.tenant.client_secret,
            "grant_type": "client_credentials",
        }
        return requests.post(f"{self.tenant.url}{TOKEN_PATH}", json=fields | changes, timeout=30)

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        headers = arguments.pop("headers", self.headers)
        url = f"{self.tenant.url}{path}"
        return requests.request(method, url, headers=headers, timeout=30, **arguments)


class Caller(Application):
    """Call a tenant's translated API."""

    def get(self, order_id: object) -> requests.Response:
        return self.call("GET", f"/api/v2/order/{order_id}")

    def cancel(self, body: object = None, **changes: Any) -> requests.Response:
        return self.call("POST", CANCEL_PATH, json=EXAMPLE | changes if body is None else body)

    def search(self, query: str) -> requests.Response:
        return self.call("GET", f"/api/v2/order/?{query}")


class NativeCaller(Application):
    """Call a tenant's native API, whose orders have other ids."""

    @property
    def id(self) -> str:
        """The native id of order 1010101."""
        return self.tenant.native_id(1010101)

    def load(self, order_id: int, **native: Any) -> str:
        """Load one order, and return its native id."""
        self.tenant.load_orders([{"orderID": order_id, "native": native}])
        return self.tenant.native_id(order_id)

    def get(self, order_id: object, query: str = "") -> requests.Response:
        return self.call("GET", f"{ORDERS_PATH}/{order_id}{query}")

    def cancel(self, order_id: object = None, **reason: Any) -> requests.Response:
        path = f"{ORDERS_PATH}/cancel/{self.id if order_id is None else order_id}"
        return self.call("PUT", path, json=reason)

    def act(self, order_id: object, action: object = "CancelOrder") -> requests.Response:
        path = f"{ORDERS_PATH}/{order_id}/actions"
        return self.call("POST", path, json={"actionName": action})

    def note(self, order_id: object, text: object) -> requests.Response:
        return self.call("POST", f"{ORDERS_PATH}/{order_id}/notes", json={"text": text})

    def find(self, text: str, **parameters: Any) -> requests.Response:
        """Search with a filter."""
        return self.call("GET", ORDERS_PATH, params={"filter": text, **parameters})

    def pull(self, query: str = "") -> requests.Response:
        """Pull events."""
        return self.call("GET", f"{EVENTS_PATH}{query}")
