"""Who gets a token, who may call with what, and that no secret stays behind."""

from __future__ import annotations

import base64
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from emulator_client import CANCEL_PATH, TOKEN_PATH, Caller

from airflow_provider_oms.emulator.testing import EmulatorProcess

READ = "/api/v2/order/1010101"
CALLS = (("GET", READ), ("GET", "/api/v2/order/?orderID=1"), ("POST", CANCEL_PATH))


def error_code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errorCode"]


class TestTokens:
    def test_a_token_is_a_bearer_with_an_hour_to_live(self, oms: Caller) -> None:
        answer = oms.ask_token()
        granted = answer.json()
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
        assert set(granted) == {"access_token", "token_type", "expires_in", "refresh_token"}
        assert (granted["token_type"], granted["expires_in"]) == ("Bearer", 3600)
        middle = granted["access_token"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
        assert claims["exp"] - claims["iat"] == 3600

    def test_each_request_for_one_gets_another(self, oms: Caller) -> None:
        assert oms.ask_token().json()["access_token"] != oms.ask_token().json()["access_token"]

    @pytest.mark.parametrize("path", [TOKEN_PATH, f"{TOKEN_PATH}/"])
    def test_a_form_works_like_json(self, oms: Caller, path: str) -> None:
        secret = oms.tenant.client_secret
        fields = {"client_id": oms.tenant.client_id, "client_secret": secret}
        oms.token = oms.call("POST", path, data=fields, headers={}).json()["access_token"]
        assert oms.get(1010101).ok
        refused = oms.call("POST", path, data={**fields, "client_secret": "x"}, headers={})
        assert error_code(refused) == (401, "INVALID_CREDENTIALS")

    @pytest.mark.parametrize("grant_type", ["client_credentials", "client", "", None])
    def test_the_grant_types_seen_in_the_field_work(
        self, oms: Caller, grant_type: str | None
    ) -> None:
        assert oms.ask_token(grant_type=grant_type).ok

    @pytest.mark.parametrize("grant_type", ["password", "refresh_token", 7, ["client"]])
    def test_other_grant_types_are_refused(self, oms: Caller, grant_type: object) -> None:
        refusal = oms.ask_token(grant_type=grant_type)
        assert error_code(refusal) == (400, "GENERIC_BAD_REQUEST")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"client_id": "nobody"},
            {"client_id": None},
            {"client_secret": "wrong"},
            {"client_secret": ""},
            {"client_secret": {"a": 1}},
            {"refresh_token": "made up"},
        ],
    )
    def test_wrong_credentials_are_refused(self, oms: Caller, wrong: dict[str, Any]) -> None:
        refusal = oms.ask_token(**wrong)
        assert error_code(refusal) == (401, "INVALID_CREDENTIALS")
        assert "Invalid Credentials: Invalid credentials." in refusal.json()["message"]

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b"NaN", b"[" * 100_000])
    def test_a_body_that_can_not_be_read_is_refused(self, oms: Caller, body: bytes) -> None:
        assert error_code(oms.call("POST", TOKEN_PATH, data=body)) == (400, "GENERIC_BAD_REQUEST")

    def test_a_refresh_token_works_with_the_credentials(self, oms: Caller) -> None:
        refresh = oms.ask_token().json()["refresh_token"]
        oms.token = oms.ask_token(grant_type="refresh_token", refresh_token=refresh).json()[
            "access_token"
        ]
        assert oms.get(1010101).ok

    def test_another_method_is_refused(self, oms: Caller) -> None:
        oms.tenant.settings(error_body="html")  # the token endpoint keeps the platform's body
        refusal = oms.call("GET", TOKEN_PATH)
        assert error_code(refusal) == (405, "GENERIC_NOT_ALLOWED")
        assert refusal.headers["Allow"] == "POST"


class TestBearers:
    @pytest.mark.parametrize(("method", "path"), CALLS)
    @pytest.mark.parametrize(
        ("authorization", "code"),
        [
            (None, "UNAUTHORIZED"),
            ("", "UNAUTHORIZED"),
            ("Bearer", "UNAUTHORIZED"),
            ("Bearer ", "UNAUTHORIZED"),
            ("Basic abc", "UNAUTHORIZED"),
            ("Bearer made-up", "INVALID_ACCESS_TOKEN"),
        ],
    )
    def test_a_call_needs_a_token_of_ours(
        self, oms: Caller, method: str, path: str, authorization: str | None, code: str
    ) -> None:
        headers = {"x-vol-tenant": "10001"}
        if authorization is not None:
            headers["Authorization"] = authorization
        assert error_code(oms.call(method, path, headers=headers)) == (401, code)

    def test_a_refresh_token_is_no_access_token(self, oms: Caller) -> None:
        oms.token = oms.ask_token().json()["refresh_token"]
        assert error_code(oms.get(1010101)) == (401, "INVALID_ACCESS_TOKEN")

    def test_the_word_bearer_may_be_spelled_in_any_letter_case(self, oms: Caller) -> None:
        headers = oms.headers | {"Authorization": f"bEARER {oms.token}"}
        assert oms.call("GET", READ, headers=headers).ok

    @pytest.mark.slow
    def test_a_token_works_until_it_expires(self, oms: Caller) -> None:
        oms.tenant.settings(token_lifetime=1)
        asked = time.monotonic()
        oms.token = oms.ask_token().json()["access_token"]
        answer = oms.get(1010101)
        # A machine may be so busy that a second has gone by.
        assert answer.status_code == 200 or time.monotonic() > asked + 1
        while answer.status_code == 200 and time.monotonic() < asked + 30:
            time.sleep(0.05)
            answer = oms.get(1010101)
        assert time.monotonic() > asked + 1
        assert error_code(answer) == (401, "INVALID_ACCESS_TOKEN")

    def test_a_token_of_no_lifetime_is_expired_at_birth(self, oms: Caller) -> None:
        oms.tenant.settings(token_lifetime=0)
        granted = oms.ask_token().json()
        oms.token = granted["access_token"]
        assert granted["expires_in"] == 0
        assert error_code(oms.get(1010101)) == (401, "INVALID_ACCESS_TOKEN")

    def test_a_classic_tenant_says_403_for_it(self, oms: Caller) -> None:
        oms.tenant.settings(expired_token_status=403)
        oms.tenant.revoke_tokens()
        refusal = oms.get(1010101)
        assert (refusal.status_code, refusal.json()["code"]) == (403, 5004)
        assert set(refusal.json()) == {"code", "message", "additionalInfo"}

    def test_a_revoked_token_is_refused_and_a_new_one_is_not(self, oms: Caller) -> None:
        assert oms.tenant.revoke_tokens() >= 1
        assert error_code(oms.get(1010101)) == (401, "INVALID_ACCESS_TOKEN")
        assert oms.tenant.revoke_tokens() == 0
        assert Caller(oms.tenant).get(1010101).ok

    @pytest.mark.slow
    def test_with_open_access_the_tenant_header_is_enough(self) -> None:
        with EmulatorProcess(open_access=True, tenant="777", seed=0) as tenant:
            oms = Caller(tenant)
            named = {"x-vol-tenant": "777"}
            assert oms.call("GET", READ, headers=named).ok
            assert oms.call("GET", READ, headers={}).status_code == 400
            wrong = named | {"Authorization": "Bearer made-up"}
            assert oms.call("GET", READ, headers=wrong).status_code == 401


class TestTenants:
    @pytest.mark.parametrize(("method", "path"), CALLS)
    def test_the_header_is_required(self, oms: Caller, method: str, path: str) -> None:
        headers = {"Authorization": f"Bearer {oms.token}"}
        assert error_code(oms.call(method, path, headers=headers)) == (400, "GENERIC_BAD_REQUEST")

    @pytest.mark.parametrize("named", ["10002", "", "t10001", "10001, 10001", "010001"])
    def test_the_header_must_name_this_tenant(self, oms: Caller, named: str) -> None:
        answer = oms.call("GET", READ, headers=oms.headers | {"x-vol-tenant": named})
        assert error_code(answer) == (403, "FORBIDDEN")

    @pytest.mark.parametrize("status", [400, 401, 403])
    def test_both_statuses_can_be_switched(self, oms: Caller, status: int) -> None:
        oms.tenant.settings(missing_tenant_status=status, wrong_tenant_status=404)
        token = {"Authorization": f"Bearer {oms.token}"}
        assert oms.call("GET", READ, headers=token).status_code == status
        assert oms.call("GET", READ, headers=token | {"x-vol-tenant": "1"}).status_code == 404

    def test_nothing_is_canceled_for_a_call_that_is_not_let_in(self, oms: Caller) -> None:
        body = {"orderID": 1010101, "dispositionReason": "created_by_mistake"}
        token = {"Authorization": f"Bearer {oms.token}"}
        for headers in ({}, token, {"x-vol-tenant": "10001"}, token | {"x-vol-tenant": "1"}):
            assert not oms.call("POST", CANCEL_PATH, headers=headers, json=body).ok
        known = oms.tenant.order(1010101)
        assert (known["times_canceled"], known["cancels"]) == (0, 4)


def test_every_answer_carries_a_correlation_id_of_its_own(oms: Caller) -> None:
    answers = [oms.ask_token(), oms.get(1010101), oms.get(99), oms.cancel(), oms.call("PUT", "/")]
    ids = [answer.headers["x-vol-correlation"] for answer in answers]
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)
    assert len(set(ids)) == len(answers)
    assert answers[2].json()["correlationId"] == ids[2]


@pytest.mark.slow
def test_no_secret_and_no_token_is_kept_anywhere(tmp_path: Path) -> None:
    secret = "very-secret"
    with EmulatorProcess(db=tmp_path / "oms.db", client_secret=secret) as emulator:
        oms = Caller(emulator)
        refresh_token = oms.ask_token().json()["refresh_token"]
        oms.ask_token(grant_type="refresh_token", refresh_token=refresh_token)
        fields = {"client_id": emulator.client_id, "client_secret": secret}
        oms.call("POST", TOKEN_PATH, data=fields)
        oms.call("POST", TOKEN_PATH, data=b'{"client_secret": "very-secret"')
        oms.call("POST", TOKEN_PATH, json={"sharedSecret": secret, "nested": {"a": [secret]}})
        oms.call("POST", f"{TOKEN_PATH}?client_secret={secret}", data={"password": secret})
        oms.call("POST", f"/oauth{TOKEN_PATH}?client_secret={secret}", json=fields)
        for value in (f"bearer {oms.token}", oms.token, f"Bearer  {oms.token}", secret):
            names = ("Authorization", "Proxy-Authorization", "Cookie", "API-Key", "X-Shared-Secret")
            oms.call("GET", READ, headers=dict.fromkeys(names, value))
        seen = emulator.requests()
    assert len(seen) == 12
    assert emulator.client_id in seen[0]["body"]
    assert all("***" in one["body"] for one in seen[:8])
    kept = json.dumps(seen).encode() + b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert [one for one in (secret, oms.token, refresh_token) if one.encode() in kept] == []
