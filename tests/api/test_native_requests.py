"""Every request that a client sends to a native tenant, held to Kibo's own published files."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import openapi
import pytest
from requests.structures import CaseInsensitiveDict

from airflow_provider_oms.api.client import TOKEN_PATH, OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.transport import Response

ID = "137a94b6402be0000137196800002711"
ORDERS = "/api/commerce/orders"
TENANT = "/api/platform/tenants/10001"
ORDER = {"id": ID, "status": "Cancelled", "tenantId": 10001, "siteId": 2, "orderNumber": 1042}
ORDER["externalId"] = "SHOP-1042"
ANSWERS = {
    TOKEN_PATH: {"access_token": "a-token", "token_type": "bearer", "expires_in": 3600},
    TENANT: {"id": 10001, "domain": "t10001.tp1.mozu.com"},
    ORDERS: {"totalCount": 1, "items": [ORDER]},
    f"{ORDERS}/cancel/reasons": {"items": [{"reasonCode": "Fraud", "needsMoreInfo": False}]},
}


@dataclass
class Sent:
    """One request."""

    method: str
    url: str
    body: Any
    headers: dict[str, str]

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def fields(self) -> list[str]:
        """The fields of an order that it asks for."""
        (asked,) = parse_qs(urlsplit(self.url).query).get("responseFields", [""])
        return asked.removeprefix("totalCount,items(").rstrip(")").split(",")


@dataclass
class Tenant:
    """Answer as a tenant does, and keep the requests."""

    sent: list[Sent] = field(default_factory=list)

    def exchange(self, method: str, url: str, **more: Any) -> Response:
        self.sent.append(Sent(method, url, more.get("json"), dict(more["headers"])))
        path = urlsplit(url).path
        found = ANSWERS.get(path, {**ORDER, "id": path.rpartition("/")[2]})
        return Response(200, CaseInsensitiveDict(), json.dumps(found).encode())

    def close(self) -> None:
        """Do nothing."""


def cancel(client: OmsClient, name: str, *reason: str) -> None:
    client.post_cancel(client.dialect.cancel_request(name, *reason))


CALLS: dict[str, Callable[[OmsClient], object]] = {
    "read": lambda client: client.get_order(ID),
    "read by number": lambda client: client.get_order("number:1042"),
    "read by external id": lambda client: client.get_order("external_id:SHOP-1042"),
    "search": lambda client: client.find_orders([ID]),
    "search by several": lambda client: client.find_orders(
        ["number:1042", "external_id:SHOP-1042"]
    ),
    "cancel": lambda client: cancel(client, ID, "Fraud"),
    "cancel with more": lambda client: cancel(client, "number:1042", "other", "A ring of thieves"),
    "reasons": lambda client: client.list_reasons(),
    "note": lambda client: client.post_note(ID, "n" * 250),
    "unknown": lambda client: client.get_order(client.dialect.unknown_order_id),
}


def requests_of(monkeypatch: pytest.MonkeyPatch, name: str, **extra: Any) -> list[Sent]:
    fields = {"api": "native", "tenant_id": "10001", "site_id": "2", "environment": "production"}
    found = TenantSettings.from_connection(
        name="published",
        login="an-app",
        password="its-secret",
        extra={**fields, "discover_host": True, "search_with_or": True, **extra},
    )
    with OmsClient(found) as client:
        tenant = Tenant()
        monkeypatch.setattr(client, "_transport", tenant)
        CALLS[name](client)
    return tenant.sent


@pytest.fixture(scope="module")
def published() -> dict[str, openapi.Published]:
    return openapi.published()


@pytest.mark.parametrize("category", [{}, {"reason_category": "CSR"}])
@pytest.mark.parametrize("name", CALLS)
def test_it_fits(
    name: str,
    category: dict[str, str],
    published: dict[str, openapi.Published],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent = requests_of(monkeypatch, name, reason_codes={"other": "Other"}, **category)
    assert len(sent) >= 3  # a token, the tenant's host, and the call itself
    problems = {
        f"{one.method} {one.url}": found
        for one in sent
        if (
            found := openapi.file_of(published, one.path).problems(
                one.method, one.url, sent=one.body, status=0
            )
        )
    }
    assert problems == {}


@pytest.mark.parametrize("name", [name for name in CALLS if name not in ("reasons", "note")])
def test_the_fields_that_it_asks_for_are_there(
    name: str, published: dict[str, openapi.Published], monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in requests_of(monkeypatch, name):
        if not one.path.startswith(ORDERS):
            continue
        assert len(one.fields) > 5
        problems = openapi.file_of(published, ORDERS).problems(
            "GET", f"{ORDERS}/{ID}", got=dict.fromkeys(one.fields)
        )
        assert [found for found in problems if "unexpected" in found] == []


@pytest.mark.parametrize("name", CALLS)
def test_no_answer_brings_a_shoppers_data(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {*ORDER, "paymentStatus", "fulfillmentStatus", "cancelledDate"}
    known |= {"restrictCancellation", "availableActions", "totalCollected", "amountRefunded"}
    for one in requests_of(monkeypatch, name):
        if one.path.startswith(ORDERS) and not one.path.endswith("/reasons"):
            assert set(one.fields) <= known


@pytest.mark.parametrize("name", CALLS)
def test_each_names_tenant_and_site_and_is_json(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for one in requests_of(monkeypatch, name):
        if one.path.startswith(ORDERS):
            assert (one.headers["x-vol-tenant"], one.headers["x-vol-site"]) == ("10001", "2")
            assert one.url.startswith("https://t10001.tp1.mozu.com/api/commerce/")
        else:
            assert one.url.startswith("https://home.mozu.com/api/platform/")


def test_a_cancel_is_never_sent_as_the_action(monkeypatch: pytest.MonkeyPatch) -> None:
    changing = {
        (one.method, one.path)
        for name in CALLS
        for one in requests_of(monkeypatch, name)
        if one.method != "GET"
    }
    assert changing == {
        ("POST", TOKEN_PATH),
        ("PUT", f"{ORDERS}/cancel/{ID}"),
        ("POST", f"{ORDERS}/{ID}/notes"),
    }
