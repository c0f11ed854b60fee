"""Who gets a token, and who may call with what."""

from __future__ import annotations

import json
import re
import time
from urllib.parse import urlencode

import pytest

from airflow_provider_oms.emulator.testing import EmulatorProcess
from tests.emulator.plain_client import (
    CANCEL,
    EXAMPLE,
    FORM_TYPE,
    JSON_TYPE,
    SEARCH,
    TOKEN,
    Answer,
    PlainClient,
)

CALLS = (("GET", f"{SEARCH}{EXAMPLE}"), ("GET", f"{SEARCH}?orderID=1"), ("POST", CANCEL))


def error_code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["errorCode"]


def test_the_token_endpoint_answers_json_with_a_jwt_that_lives_an_hour(client: PlainClient) -> None:
    answer = client.ask_token()
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 3600)
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", answer.json["access_token"])


@pytest.mark.parametrize("path", [TOKEN, f"{TOKEN}/"])
def test_the_token_endpoint_takes_a_form_as_well(client: PlainClient, path: str) -> None:
    fields = {"client_id": client.tenant.client_id, "client_secret": client.tenant.client_secret}
    answer = client.send("POST", path, urlencode(fields), FORM_TYPE)
    headers = {**client.headers(), "Authorization": f"Bearer {answer.json['access_token']}"}
    assert client.send("GET", f"{SEARCH}{EXAMPLE}", None, headers).status == 200


@pytest.mark.parametrize("grant_type", ["client_credentials", "client", "", None])
def test_every_grant_type_that_was_seen_in_the_wild_gets_a_token(
    client: PlainClient, grant_type: str | None
) -> None:
    assert client.ask_token(grant_type=grant_type).status == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"client_id": 7},
        {"client_id": None},
        {"client_secret": "wrong"},
        {"client_secret": ""},
        {"client_secret": None},
        {"client_secret": {"a": 1}},
        {"refresh_token": "made up"},
    ],
)
def test_wrong_credentials_are_refused_as_invalid(
    client: PlainClient, changes: dict[str, object]
) -> None:
    answer = client.ask_token(**changes)
    assert error_code(answer) == (401, "INVALID_CREDENTIALS")
    assert "Invalid Credentials: Invalid credentials." in answer.json["message"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"text"', b"\xff", b"NaN", b"[" * 100_000, b'{"grant_type": ["a"]}'],
)
def test_a_token_request_that_can_not_be_read_is_a_bad_request(
    client: PlainClient, body: bytes
) -> None:
    assert error_code(client.send("POST", TOKEN, body, JSON_TYPE)) == (400, "GENERIC_BAD_REQUEST")


@pytest.mark.parametrize("grant_type", ["password", "refresh_token"])
def test_a_grant_type_that_lacks_support_or_its_token_is_a_bad_request(
    client: PlainClient, grant_type: str
) -> None:
    assert error_code(client.ask_token(grant_type=grant_type)) == (400, "GENERIC_BAD_REQUEST")


def test_a_refresh_token_together_with_the_credentials_gets_a_new_token(
    client: PlainClient,
) -> None:
    first = client.ask_token().json
    second = client.ask_token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert second.status == 200
    assert second.json["access_token"] != first["access_token"]


def test_the_token_endpoint_takes_posts_only_and_keeps_the_platforms_error_body(
    tenant: EmulatorProcess, client: PlainClient
) -> None:
    tenant.settings(error_body="html")
    answer = client.send("GET", TOKEN)
    assert error_code(answer) == (405, "GENERIC_NOT_ALLOWED")
    assert answer.headers["allow"] == "POST"
    assert error_code(client.ask_token(client_secret="wrong")) == (401, "INVALID_CREDENTIALS")


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Basic abc", "Token abc"],
)
def test_a_call_without_a_bearer_token_is_not_authorized(
    client: PlainClient, method: str, path: str, authorization: str | None
) -> None:
    headers = {"x-vol-tenant": client.tenant.tenant}
    if authorization is not None:
        headers["Authorization"] = authorization
    assert error_code(client.send(method, path, None, headers)) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_call_with_a_token_that_was_never_issued_is_refused(
    client: PlainClient, method: str, path: str
) -> None:
    answer = client.call(method, path, headers={"Authorization": "Bearer made.up.token"})
    assert error_code(answer) == (401, "INVALID_ACCESS_TOKEN")


def test_a_refresh_token_is_no_access_token(client: PlainClient) -> None:
    refresh = client.ask_token().json["refresh_token"]
    answer = client.call(
        "GET", f"{SEARCH}{EXAMPLE}", headers={"Authorization": f"Bearer {refresh}"}
    )
    assert error_code(answer) == (401, "INVALID_ACCESS_TOKEN")


def test_the_word_bearer_may_be_spelled_in_any_letter_case(client: PlainClient) -> None:
    headers = {"Authorization": f"bEARER {client.token()}"}
    assert client.call("GET", f"{SEARCH}{EXAMPLE}", headers=headers).status == 200


def test_a_token_works_until_it_expires(tenant: EmulatorProcess, client: PlainClient) -> None:
    tenant.settings(token_lifetime=1)
    begun = time.monotonic()
    assert client.get(EXAMPLE).status == 200
    while client.get(EXAMPLE).status == 200:
        assert time.monotonic() < begun + 5
        time.sleep(0.05)
    assert time.monotonic() > begun + 0.9
    assert error_code(client.get(EXAMPLE)) == (401, "INVALID_ACCESS_TOKEN")


def test_a_token_of_no_lifetime_is_expired_at_birth(
    tenant: EmulatorProcess, client: PlainClient
) -> None:
    tenant.settings(token_lifetime=0)
    assert client.ask_token().json["expires_in"] == 0
    assert error_code(client.get(EXAMPLE)) == (401, "INVALID_ACCESS_TOKEN")


def test_revoked_tokens_are_refused_until_there_is_a_new_one(
    tenant: EmulatorProcess, client: PlainClient
) -> None:
    assert client.get(EXAMPLE).status == 200
    assert tenant.revoke_tokens() >= 1
    assert error_code(client.get(EXAMPLE)) == (401, "INVALID_ACCESS_TOKEN")
    assert tenant.revoke_tokens() == 0
    assert PlainClient(tenant).get(EXAMPLE).status == 200


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_call_has_to_name_the_tenant(client: PlainClient, method: str, path: str) -> None:
    headers = {"Authorization": f"Bearer {client.token()}"}
    assert error_code(client.send(method, path, None, headers)) == (400, "GENERIC_BAD_REQUEST")


@pytest.mark.parametrize("named", ["10002", "", "t10001", "10001, 10002", "010001"])
def test_a_call_that_names_another_tenant_is_forbidden(client: PlainClient, named: str) -> None:
    answer = client.call("GET", f"{SEARCH}{EXAMPLE}", headers={"x-vol-tenant": named})
    assert error_code(answer) == (403, "FORBIDDEN")


def test_a_call_that_names_two_tenants_is_forbidden(client: PlainClient) -> None:
    connection = client.connect()
    connection.putrequest("GET", f"{SEARCH}{EXAMPLE}")
    connection.putheader("Authorization", f"Bearer {client.token()}")
    for named in (client.tenant.tenant, "10002"):
        connection.putheader("x-vol-tenant", named)
    connection.endheaders()
    assert connection.getresponse().status == 403
    connection.close()


def test_nothing_is_canceled_for_a_call_that_is_not_let_in(client: PlainClient) -> None:
    body = json.dumps({"orderID": EXAMPLE, "dispositionReason": "created_by_mistake"})
    token = {"Authorization": f"Bearer {client.token()}"}
    for headers in ({}, token, {"x-vol-tenant": "10001"}, {**token, "x-vol-tenant": "10002"}):
        assert client.send("POST", CANCEL, body, {**JSON_TYPE, **headers}).status in {400, 401, 403}
    assert client.state() == ("READY", 0, 4)


def test_every_answer_carries_a_correlation_id_of_its_own(client: PlainClient) -> None:
    answers = [client.ask_token(), client.get(EXAMPLE), client.get(99), client.send("PUT", "/")]
    answers += [client.cancel(EXAMPLE), client.send("GET", f"{SEARCH}1")]
    ids = [answer.headers["x-vol-correlation"] for answer in answers]
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)
    assert len(set(ids)) == len(answers)


def test_an_error_bodys_correlation_id_is_that_of_its_header(client: PlainClient) -> None:
    answer = client.get(99)
    assert answer.json["correlationId"] == answer.headers["x-vol-correlation"]


def test_an_open_tenant_lets_calls_in_without_a_token_but_not_with_a_wrong_one() -> None:
    with EmulatorProcess(open_access=True, tenant="777") as tenant:
        tenant.load_orders([{"orderID": EXAMPLE}])
        client = PlainClient(tenant)
        path, named = f"{SEARCH}{EXAMPLE}", {"x-vol-tenant": "777"}
        assert client.send("GET", path, None, named).status == 200
        assert client.send("GET", path, None, {**named, "Authorization": "Bearer x"}).status == 401
        assert client.send("GET", path).status == 400
