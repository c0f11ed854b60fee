"""Headers that a connection adds: which ones it may, and that no message shows a value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from raw_server import RawServer
from tenants import TENANT, error_of, settings
from wire import EXAMPLE, ORDER, client_of, document, head_and_body

from airflow_provider_oms.api.headers import read_headers
from airflow_provider_oms.api.routes import Routes

VALUE = "a-gateways-own-value"


@pytest.mark.parametrize(
    "given",
    [
        {"X-Gateway-Key": VALUE, "Ocp-Apim-Subscription-Key": "caf\xe9"},
        '{"X-Gateway-Key": "a-gateways-own-value", "Ocp-Apim-Subscription-Key": "caf\\u00e9"}',
    ],
)
def test_an_object_and_its_text_are_taken(given: object) -> None:
    expected = (("X-Gateway-Key", VALUE), ("Ocp-Apim-Subscription-Key", "caf\xe9"))
    assert read_headers(given) == expected
    tenant = settings({**TENANT, "secret_headers": given})
    found = [(name, value.get_secret_value()) for name, value in tenant.secret_headers]
    assert tuple(found) == expected
    assert VALUE not in repr(tenant)


@pytest.mark.parametrize(
    "given",
    [
        [],
        ["X-A: b"],
        "X-A=b",
        "X-A: b",
        "{",
        '"X-A"',
        5,
        True,
        {5: "b"},
        '{"X-A": "b", "X-A": "c"}',
    ],
)
def test_anything_else_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match=r"must be a JSON object of names and texts, such as {"):
        read_headers(given)


@pytest.mark.parametrize(
    "name", ["", " X-A", "X A", "X-A:", "X-A\r\nHost", "X-\xe4", "X/A", "X" * 65, "X-A\0"]
)
def test_a_name_is_a_token_of_http(name: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a header"):
        read_headers({name: VALUE})


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "host",
        "CONTENT-TYPE",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "x-vol-tenant",
        "X-Vol-Anything",
        "User-Agent",
        "Accept",
        "Accept-Encoding",
        "Cookie",
        "Cache-Control",
        "Proxy-Authorization",
        "If-None-Match",
        "Range",
        "Expect",
        "TE",
        "Upgrade",
        "X-HTTP-Method-Override",
        "X-Original-URL",
        "Idempotency-Key",
    ],
)
def test_what_the_client_sends_itself_or_would_change_a_request_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}' is set by the client itself, or changes"):
        read_headers({name: VALUE})


def test_every_header_on_the_wire_is_among_those_refused() -> None:
    token = document({"access_token": "tok-1", "expires_in": 3600})
    with RawServer([token, document(ORDER)]) as server:
        client = client_of(server.url, credentials=("id", "s3cret"), site_id="7")
        client.get_order(1010101)
        client.post_cancel(EXAMPLE)
    sent = {
        line.partition(":")[0]
        for request in server.requests
        for line in head_and_body(request)[0][1:]
    }
    assert len(sent - {""}) >= 10
    for name in sent - {""}:
        with pytest.raises(ValueError, match="is set by the client itself"):
            read_headers({name: VALUE})


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "must be a text, and not empty"),
        (5, "must be a text, and not empty"),
        (None, "must be a text, and not empty"),
        ("s3cret\r\nHost: other", "holds a line break, or another character that cannot be seen"),
        ("s3cret\nX-B: c", "holds a line break"),
        ("s3cret\0", "holds a line break, or another character that cannot be seen"),
        (" s3cret", "begins with a blank"),
        ("s3cret\n", "ends with a line break"),
        ("s3cret \N{EURO SIGN}", "holds a character that is not in Latin-1"),
        ("${SECRET}", "is a placeholder"),
        ("***", "is only asterisks"),
    ],
)
def test_a_wrong_value_is_named_and_never_shown(value: object, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as refusal:
        read_headers({"X-Key": value})
    assert "'X-Key'" in str(refusal.value)
    assert "s3cret" not in str(refusal.value)
    message = error_of({**TENANT, "secret_headers": {"X-Key": value}})
    assert f"secret_headers: the value of 'X-Key' {problem}" in message
    assert "s3cret" not in message


def test_the_asterisks_that_airflow_shows_are_no_headers() -> None:
    with pytest.raises(ValueError, match="is only asterisks, which Airflow shows instead of a"):
        read_headers("***")


def test_a_name_in_two_letter_cases_is_one_header() -> None:
    with pytest.raises(ValueError, match="names a header twice; letter case makes no difference"):
        read_headers({"X-Key": VALUE, "x-key": VALUE})


def test_all_together_are_bounded() -> None:
    fits: dict[str, Any] = {f"X-{number}": "v" * 1000 for number in range(4)}
    assert len(read_headers(fits)) == 4
    with pytest.raises(ValueError, match="must have at most 4096 characters"):
        read_headers({**fits, "X-4": "v" * 100})


def test_what_does_not_look_like_a_name_is_not_shown_for_it_may_be_the_value() -> None:
    with pytest.raises(ValueError, match=r"^… is not the name of a header$"):
        read_headers({"s3cret value": "X-Key"})


def test_no_token_host_gets_them_that_is_asked_where_the_tenant_is() -> None:
    extra = {"api": "native", "discover_host": True, "secret_headers": {"X-Gateway-Key": VALUE}}
    for environment in ("production", "sandbox"):
        tenant = settings({**TENANT, **extra, "environment": environment})
        routes = Routes(tenant)
        assert routes.to(f"{tenant.token_base_url}/api/platform/tenants/10001").headers == {}
        found = routes.to("https://t10001.tp1.mozu.com/api/commerce/orders")
        assert found.headers == {"X-Gateway-Key": VALUE}


class TestWhatIsKeptOutOfMessages:
    def test_the_values_and_the_proxys_password_as_typed_and_as_meant(self) -> None:
        tenant = settings(
            {
                **TENANT,
                "secret_headers": {"X-Key": VALUE, "X-Region": "eu"},
                "proxy": "http://user:pass%20word@proxy.example.com:3128",
            },
            login="id",
            password="t3st",
        )
        assert set(tenant.secrets) == {"t3st", VALUE, "pass%20word", "pass word"}
        assert "pass" not in repr(tenant.proxy)

    def test_a_gateway_that_echoes_one(self) -> None:
        said = json.dumps({"message": f"The key {VALUE} is unknown", "code": 5001}).encode()
        with RawServer([document(json.loads(said), "400 Bad Request")]) as server:
            client = client_of(server.url, secret_headers={"X-Key": VALUE})
            with pytest.raises(Exception, match=r"The key \*\*\* is unknown") as error:
                client.get_order(1010101)
        assert VALUE not in str(error.value)
