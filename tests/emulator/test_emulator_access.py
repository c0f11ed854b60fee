"""Who is let in: tokens, tenants, and what every answer carries."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
import requests
from emulator_client import CANCEL_PATH, TOKEN_PATH, Caller

from airflow_provider_oms.emulator.testing import EmulatorProcess


class TestTokens:
    def test_a_token_is_a_bearer_with_an_hour_to_live(self, oms: Caller) -> None:
        grant = oms.ask_token().json()
        assert set(grant) == {"access_token", "token_type", "expires_in", "refresh_token"}
        assert (grant["token_type"], grant["expires_in"]) == ("Bearer", 3600)
        middle = grant["access_token"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
        assert claims["exp"] - claims["iat"] == 3600

    def test_each_request_for_one_gets_another(self, oms: Caller) -> None:
        assert oms.ask_token().json()["access_token"] != oms.token
        assert oms.get(1010101).ok

    @pytest.mark.parametrize("grant_type", ["client_credentials", "client", None, ""])
    def test_the_grant_types_seen_in_the_field_work(
        self, oms: Caller, grant_type: str | None
    ) -> None:
        assert oms.ask_token(grant_type=grant_type).ok

    def test_a_form_works_like_json(self, oms: Caller) -> None:
        fields = {"client_id": oms.tenant.client_id, "client_secret": oms.tenant.client_secret}
        assert requests.post(f"{oms.tenant.url}{TOKEN_PATH}", data=fields, timeout=10).ok

    def test_a_refresh_token_works_with_the_credentials(self, oms: Caller) -> None:
        refresh_token = oms.ask_token().json()["refresh_token"]
        assert oms.ask_token(grant_type="refresh_token", refresh_token=refresh_token).ok
        made_up = oms.ask_token(grant_type="refresh_token", refresh_token="made-up")
        assert made_up.status_code == 401

    @pytest.mark.parametrize("wrong", [{"client_id": "x"}, {"client_secret": "x"}])
    def test_wrong_credentials_are_refused(self, oms: Caller, wrong: dict[str, str]) -> None:
        refusal = oms.ask_token(**wrong)
        assert refusal.status_code == 401
        assert refusal.json()["errorCode"] == "INVALID_CREDENTIALS"
        assert "Invalid credentials" in refusal.json()["message"]

    @pytest.mark.parametrize("grant_type", ["password", 7])
    def test_other_grant_types_are_refused(self, oms: Caller, grant_type: object) -> None:
        assert oms.ask_token(grant_type=grant_type).status_code == 400

    def test_another_method_is_refused(self, oms: Caller) -> None:
        assert oms.call("GET", TOKEN_PATH).status_code == 405


class TestBearers:
    @pytest.mark.parametrize("authorization", [None, "Bearer made-up", "Basic abc", "Bearer", ""])
    def test_a_call_needs_a_token_of_ours(self, oms: Caller, authorization: str | None) -> None:
        headers = {"x-vol-tenant": oms.tenant.tenant}
        if authorization is not None:
            headers["Authorization"] = authorization
        for method, path in (("GET", "/api/v2/order/1010101"), ("POST", CANCEL_PATH)):
            assert oms.call(method, path, headers=headers).status_code == 401
        assert oms.tenant.order(1010101)["times_canceled"] == 0

    def test_an_expired_token_is_refused(self, oms: Caller) -> None:
        oms.tenant.settings(token_lifetime=0)
        refusal = Caller(oms.tenant).get(1010101)
        assert refusal.status_code == 401
        assert refusal.json()["errorCode"] == "INVALID_ACCESS_TOKEN"

    def test_a_revoked_token_is_refused_and_a_new_one_is_not(self, oms: Caller) -> None:
        assert oms.tenant.revoke_tokens() >= 1
        assert oms.get(1010101).status_code == 401
        assert Caller(oms.tenant).get(1010101).ok

    def test_a_classic_tenant_says_403_for_it(self, oms: Caller) -> None:
        oms.tenant.settings(expired_token_status=403)
        oms.tenant.revoke_tokens()
        refusal = oms.get(1010101)
        assert refusal.status_code == 403
        assert set(refusal.json()) == {"code", "message", "additionalInfo"}

    def test_with_open_access_the_tenant_header_is_enough(self) -> None:
        with EmulatorProcess(open_access=True) as emulator:
            emulator.load_orders([{"orderID": 7}])
            url = f"{emulator.url}/api/v2/order/7"
            assert requests.get(url, headers={"x-vol-tenant": "10001"}, timeout=10).ok
            headers = {"x-vol-tenant": "10001", "Authorization": "Bearer made-up"}
            assert requests.get(url, headers=headers, timeout=10).status_code == 401


class TestTenants:
    def test_the_header_is_required_and_must_name_this_tenant(self, oms: Caller) -> None:
        token = {"Authorization": f"Bearer {oms.token}"}
        path = "/api/v2/order/1010101"
        assert oms.call("GET", path, headers=token).status_code == 400
        assert oms.call("GET", path, headers={**token, "x-vol-tenant": "2"}).status_code == 403

    def test_both_statuses_can_be_switched(self, oms: Caller) -> None:
        oms.tenant.settings(missing_tenant_status=401, wrong_tenant_status=404)
        token = {"Authorization": f"Bearer {oms.token}"}
        path = "/api/v2/order/1010101"
        assert oms.call("GET", path, headers=token).status_code == 401
        assert oms.call("GET", path, headers={**token, "x-vol-tenant": "2"}).status_code == 404


def test_every_answer_carries_a_correlation_id_of_its_own(oms: Caller) -> None:
    answers = (oms.ask_token(), oms.get(1010101), oms.get(1010101), oms.get(5), oms.cancel({}))
    ids = [answer.headers["x-vol-correlation"] for answer in answers]
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)
    assert len(set(ids)) == len(ids)
    assert answers[3].json()["correlationId"] == ids[3]


def test_no_secret_and_no_token_is_kept_anywhere(tmp_path: Path) -> None:
    with EmulatorProcess(db=tmp_path / "oms.db", client_secret="very-secret") as emulator:
        oms = Caller(emulator)
        refresh_token = oms.ask_token().json()["refresh_token"]
        oms.ask_token(grant_type="refresh_token", refresh_token=refresh_token)
        form = {"client_id": emulator.client_id, "client_secret": "very-secret"}
        requests.post(f"{emulator.url}{TOKEN_PATH}", data=form, timeout=10)
        broken = b'{"client_secret": "very-secret"'
        requests.post(f"{emulator.url}{TOKEN_PATH}", data=broken, timeout=10)
        for value in (f"bearer {oms.token}", oms.token, f"Bearer  {oms.token}"):
            oms.call("GET", "/api/v2/order/1", headers={"Authorization": value, "Cookie": value})
        requests_seen = emulator.requests()
    assert len(requests_seen) == 8
    kept = json.dumps(requests_seen).encode()
    kept += b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in ("very-secret", oms.token, refresh_token):
        assert secret.encode() not in kept
