"""Which calls need the same permission, so that the success of one is good news for the other."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from airflow_provider_oms.api.auth import TokenCache
from airflow_provider_oms.api.client import TOKEN_PATH, OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.errors import OmsError
from airflow_provider_oms.api.part_calls import Parts
from airflow_provider_oms.api.review import Reviews
from airflow_provider_oms.api.transport import Response

ID = "137a94b6402be0000137196800002711"
TOKEN = {"access_token": "a-token", "token_type": "bearer", "expires_in": 3600}

# By the permission that they need.
CALLS: dict[str, dict[str, Callable[[OmsClient], object]]] = {
    "read": {
        "order": lambda client: client.get_order(ID),
        "order and parts": lambda client: Parts(client).get_parts(ID, lines=[1]),
        "order in review": lambda client: Reviews(client).order(ID),
    },
    "search": {
        "orders": lambda client: client.find_orders([ID]),
        "number": lambda client: client.get_order("number:7"),
        "orders in review": lambda client: Reviews(client).orders(at_most=1),
    },
    "events": {
        "events": lambda client: Reviews(client).events(datetime.now(UTC), is_filtered=True),
    },
    "cancel": {
        "cancel": lambda client: client.post_cancel(client.dialect.cancel_request(ID, "Fraud")),
    },
}


class RefusingTenant:
    """Give a token to who asks for one, and refuse it for every call."""

    def exchange(self, method: str, url: str, **_: Any) -> Response:
        if url.endswith(TOKEN_PATH):
            return Response(200, CaseInsensitiveDict(), json.dumps(TOKEN).encode())
        return Response(401, CaseInsensitiveDict(), b"{}")

    def close(self) -> None:
        """Do nothing."""


def kind_of(call: Callable[[OmsClient], object], monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the kind of call for which the client takes its token to be refused."""
    refused: list[str] = []
    monkeypatch.setattr(TokenCache, "refuse", lambda _self, _token, kind: refused.append(kind))
    monkeypatch.setattr("airflow_provider_oms.api.client.Transport", lambda **_: RefusingTenant())
    fields = {"api": "native", "tenant_id": "10001", "environment": "sandbox"}
    fields |= {"search_with_or": "true"}
    settings = TenantSettings.from_connection(
        name="a", login="an-app", password="its-secret", extra=fields
    )
    with OmsClient(settings) as client, pytest.raises(OmsError):
        call(client)
    (kind,) = refused
    return kind


def test_calls_are_of_one_kind_if_they_need_one_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {
        permission: {kind_of(call, monkeypatch) for call in calls.values()}
        for permission, calls in CALLS.items()
    }
    assert [len(of_one) for of_one in kinds.values()] == [1] * len(CALLS), kinds
    assert len(set.union(*kinds.values())) == len(CALLS), kinds
