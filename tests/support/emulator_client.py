"""A plain client of the emulator's API: it knows the contract's addresses and nothing else."""

from __future__ import annotations

from typing import Any

import requests

from airflow_provider_oms.emulator.testing import EmulatorProcess

TOKEN_PATH = "/api/platform/applications/authtickets/oauth"
CANCEL_PATH = "/api/v2/order/action/cancel"
ORDERS_PATH = "/api/commerce/orders"
EVENTS_PATH = "/api/event/pull"
ITEMS_PATH = "/api/v2/orderItem/"
SHIPMENTS_PATH = "/api/v2/shipment/"
NATIVE_SHIPMENTS_PATH = "/api/commerce/shipments"
#: The parts of order 8 where a test wants a line that is in two shipments: line 1.
SPLIT = {"lines": [3, 2], "shipments": [{"items": {"1": 2}}, {"items": {"1": 1, "2": 2}}]}
SPLIT_ITEMS = (10_000_000_801, 10_000_000_802)
SPLIT_SHIPMENTS = (100_000_801, 100_000_802)
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

    def item(self, item_id: object) -> requests.Response:
        return self.call("GET", f"{ITEMS_PATH}{item_id}")

    def cancel_item(self, item_id: object, **changes: Any) -> requests.Response:
        body = {"orderItemID": item_id, "dispositionReason": "no_inventory", **changes}
        return self.call("POST", f"{ITEMS_PATH}action/cancel/", json=body)

    def shipment(self, number: object) -> requests.Response:
        return self.call("GET", f"{SHIPMENTS_PATH}{number}")

    def cancel_shipment(self, number: object, **changes: Any) -> requests.Response:
        body = {"shipmentID": number, "dispositionReason": "created_by_mistake", **changes}
        return self.call("POST", f"{SHIPMENTS_PATH}action/cancel", json=body)


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

    def shipment(self, number: object, query: str = "", **headers: str) -> requests.Response:
        path = f"{NATIVE_SHIPMENTS_PATH}/{number}{query}"
        return self.call("GET", path, headers={**self.headers, **headers})

    def find_shipments(self, text: str, **parameters: Any) -> requests.Response:
        """Search with an RSQL filter."""
        return self.call("GET", NATIVE_SHIPMENTS_PATH, params={"filter": text, **parameters})

    def cancel_lines(
        self, number: object, lines: dict[int, int], headers: dict[str, str] | None = None
    ) -> requests.Response:
        """Cancel a quantity of each of some lines in a shipment."""
        items = [
            {"lineId": line, "quantity": quantity, "canceledReason": {"reasonCode": "NoInventory"}}
            for line, quantity in lines.items()
        ]
        path = f"{NATIVE_SHIPMENTS_PATH}/{number}/canceledItems"
        body = {"items": items, "sendNotifications": False}
        return self.call("PUT", path, json=body, headers={**self.headers, **(headers or {})})

    def cancel_shipment(self, number: object, **headers: str) -> requests.Response:
        body = {"canceledReason": {"reasonCode": "Other", "moreInfo": "Why"}}
        path = f"{NATIVE_SHIPMENTS_PATH}/{number}/canceled"
        return self.call("PUT", path, json=body, headers={**self.headers, **headers})

    def keep(
        self, order_id: object, item_id: object, quantity: int, query: str = ""
    ) -> requests.Response:
        """Lower the quantity of an item of an order without shipments; 0 removes it."""
        path = f"{ORDERS_PATH}/{order_id}/items/{item_id}"
        if quantity == 0:
            return self.call("DELETE", f"{path}{query}")
        return self.call("PUT", f"{path}/quantity/{quantity}{query}")
