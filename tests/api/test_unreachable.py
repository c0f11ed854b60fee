"""Which field of the connection is named where a host cannot be reached."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.errors import OmsError, OmsNotSentError
from airflow_provider_oms.api.unreachable import of_tenant, of_tokens

HINT = "This tenant has another API"


def settings(**extra: Any) -> TenantSettings:
    fields = {"tenant_id": "10001", "environment": "sandbox", **extra}
    credentials = {"client_id": "an-app", "client_secret": "its-secret"}
    return TenantSettings.model_validate({**fields, **credentials})


def unsent(**facts: Any) -> OmsNotSentError:
    return OmsNotSentError("GET to a was not sent (why)", **{"host": "a", **facts})


@pytest.mark.parametrize(
    ("extra", "of_calls", "of_access"),
    [
        ({}, "tenant_id and environment", None),
        ({"base_url": "http://127.0.0.1:1"}, "host and port", "host and port"),
        (
            {"base_url": "https://oms.example.com", "auth_url": "https://id.example.com"},
            "host and port",
            "auth_url",
        ),
    ],
)
def test_it_is_the_one_that_the_address_comes_from(
    extra: dict[str, str], of_calls: str, of_access: str | None
) -> None:
    for found, fields in (
        (of_tenant(unsent(), settings(**extra), HINT), of_calls),
        (of_tokens(unsent(), settings(**extra)), of_access),
    ):
        named = f"; check the connection's {fields}" if fields else ""
        assert found.message == f"GET to a was not sent (why){named}"


def test_a_name_that_follows_from_the_tenant_has_the_hint_of_its_api() -> None:
    error = of_tenant(unsent(unresolved=True), settings(), HINT)
    assert error.message == f"GET to a was not sent (why). {HINT}"


def test_a_proxy_is_named_where_the_connection_gives_it() -> None:
    error = unsent(is_of_proxy=True)
    with_one = settings(proxy="http://proxy.example.com:3128")
    assert of_tenant(error, with_one, HINT).message.endswith("; check the connection's proxy")
    assert of_tenant(error, settings(), HINT).message == error.message


@pytest.mark.parametrize(
    "facts", [{"host": None}, {"refused_certificate": True}, {"lacks_scheme": True}]
)
def test_what_has_its_advice_already_keeps_it(facts: dict[str, Any]) -> None:
    error = unsent(**facts)
    assert of_tenant(error, settings(), HINT) is error
    other = OmsError("something else")
    assert of_tokens(other, settings()) is other


def test_a_call_says_it_for_tokens_and_for_orders() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    where = {"base_url": address, "auth_url": address}
    with OmsClient(settings(**where)) as client, pytest.raises(OmsNotSentError) as refusal:
        client.get_order(1)
    assert str(refusal.value).startswith("Order 1: No access token could be had: POST to 127.0.0.1")
    assert "(connection refused); check the connection's auth_url. " in str(refusal.value)
    bare = settings(base_url=address).model_copy(update={"client_id": "", "client_secret": None})
    with OmsClient(bare) as client, pytest.raises(OmsNotSentError) as refusal:
        client.get_order(1)
    assert "(connection refused); check the connection's host and port. " in str(refusal.value)
