"""A native tenant's host, as the platform names it: which one is believed, and gets a token."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from raw_server import RawServer, Script, answer, hang_up
from requests.structures import CaseInsensitiveDict
from wire import document, head_and_body

from airflow_provider_oms.api.client import TOKEN_PATH, OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.errors import (
    OmsError,
    OmsHttpError,
    OmsNotSentError,
    OmsRefusedError,
    OmsUnexpectedResponseError,
)
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.look_ups import host_in
from airflow_provider_oms.api.transport import Response

ID = "137a94b6402be0000137196800002711"
POD = "t10001.tp1.mozu.com"
TOKEN = "a-token-that-is-a-secret"
GRANTED = {"access_token": TOKEN, "token_type": "bearer", "expires_in": 3600}
ORDER = {"id": ID, "status": "Accepted", "tenantId": 10001, "orderNumber": 1042}
CREDENTIALS = {"login": "an-app", "password": "its-secret"}


def settings(**extra: Any) -> TenantSettings:
    fields = {"api": "native", "tenant_id": "10001", "discover_host": True, **extra}
    fields.setdefault("environment", "production")
    return TenantSettings.from_connection(name="native", extra=json.dumps(fields), **CREDENTIALS)


def tenant(domain: object = POD, tenant_id: object = 10001, **more: Any) -> dict[str, Any]:
    return {"id": tenant_id, "name": "A tenant", "domain": domain, "sites": [], **more}


def host(content: object, *, status: int = 200, complete: bool = True, **extra: Any) -> str:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = CaseInsensitiveDict({"x-vol-correlation": "0123"})
    return host_in(Response(status, headers, body, complete), settings(**extra), (TOKEN,))


class TestAHost:
    @pytest.mark.parametrize(
        "domain",
        [
            POD,
            "T10001.TP1.MOZU.COM",
            "t10001-s2.tp3.mozu.com",
            "t10001.tp1.euw1.kibocommerce.com",
            "t10001.tp0.euw4.gcp.kibocommerce.com",
            "orders.shop.kibocommerce.com",
        ],
    )
    def test_one_of_kibos_is_believed(self, domain: str) -> None:
        assert host(tenant(domain)) == f"https://{domain}"

    def test_a_tenant_that_the_platform_does_not_know_is_no_order(self) -> None:
        with pytest.raises(OmsRefusedError) as refusal:
            host({"message": "no such tenant"}, status=404)
        assert refusal.value.message.startswith(
            "The platform knows no such tenant. Check auth_url and tenant_id (HTTP 404, "
        )

    @pytest.mark.parametrize("tenant_id", [10001, "10001"])
    def test_it_is_this_tenants(self, tenant_id: object) -> None:
        assert host(tenant(tenant_id=tenant_id), tenant_id="010001") == f"https://{POD}"

    @pytest.mark.parametrize(
        "domain",
        [
            *("evil.example", "evil-mozu.com", "mozu.com.evil.example", "xmozu.com", "mozu.co"),
            *("mozu.com@evil.example", "x:y@evil.example", f"{POD}@evil.example"),
            *(f"evil.example/{POD}", f"evil.example?{POD}", f"evil.example#{POD}"),
            *(f"evil.example\\.{POD}", f"evil.example\n.{POD}", f"evil.example\t{POD}"),
            *(f"evil.example%2f.{POD}", f"evil.example\u3002mozu.com/{POD}", f"evil.example {POD}"),
            *(f"evil.example:443/{POD}", f"evil.example;{POD}", f"[::1]@{POD}", f"user@{POD}"),
            *("t10001.tp1.mozu.com.evil.example.", "kibocommerce.com.evil.example"),
            *("127.0.0.1", "127.0.0.1:8787", "localhost", "[::1]", "169.254.169.254", "0x7f.1"),
            *(f"https://{POD}", f"http://{POD}", f"//{POD}", f"ftp://{POD}", f"{POD}:0"),
            *(f"{POD}:99999", f"{POD}/api", f"{POD}/api/commerce", "", " ", "None", "{domain}"),
        ],
    )
    def test_any_other_gets_no_token(self, domain: str) -> None:
        with pytest.raises(OmsUnexpectedResponseError, match="host cannot be looked up") as refusal:
            host(tenant(domain))
        assert "Give the connection a host instead of discover_host" in str(refusal.value)
        assert "https://home.mozu.com" in str(refusal.value)

    @pytest.mark.parametrize(
        ("domain", "extra", "named"),
        [
            ("t10002.tp1.mozu.com", {}, "belongs to tenant 10002, and tenant_id is 10001"),
            ("t10001.sandbox.mozu.com", {}, "is Kibo's sandbox, and environment is 'production'"),
            ("t10001.sb.euw1.kibocommerce.com", {}, "is Kibo's sandbox"),
            (POD, {"environment": "sandbox"}, "is Kibo's production, and environment is 'sandbox'"),
            ("t10001-s3.tp1.mozu.com", {"site_id": 2}, "belongs to site 3, and site_id is 2"),
            ("t10002.stg1.mozu.com", {}, "belongs to tenant 10002, and tenant_id is 10001"),
            ("stg1.mozu.com", {}, "is a part of Kibo's platform and no tenant's"),
            ("10001-translation.mozu.com", {}, "is not Kibo's native API"),
            ("10001.tp1.mozu.com", {}, "is not Kibo's native API"),
            ("home.mozu.com", {}, "issues access tokens and has no orders"),
            ("t10001.shopatron.com", {}, "is the classic OMS"),
        ],
    )
    def test_one_that_contradicts_the_connection_is_refused_by_name(
        self, domain: str, extra: dict[str, Any], named: str
    ) -> None:
        with pytest.raises(OmsUnexpectedResponseError) as refusal:
            host(tenant(domain), **extra)
        assert named in str(refusal.value)

    @pytest.mark.parametrize(
        "content",
        [
            *(tenant(tenant_id=one) for one in (10002, None, True, 10001.5, "t10001", [10001])),
            *(tenant(one) for one in (None, 7, True, [POD], {"domain": POD})),
            *({"domain": POD}, {"id": 10001}, [tenant()], POD, None, b"", b"<html>", b"{"),
        ],
    )
    def test_what_is_not_the_tenant_names_no_host(self, content: object) -> None:
        with pytest.raises(OmsUnexpectedResponseError, match="instead of the tenant"):
            host(content)

    def test_a_body_that_broke_off_names_none(self) -> None:
        with pytest.raises(OmsUnexpectedResponseError):
            host(tenant(), complete=False)

    @pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 429, 500])
    def test_a_failure_names_none(self, status: int) -> None:
        with pytest.raises(OmsHttpError) as refusal:
            host(tenant(), status=status)
        assert refusal.value.http_status == status

    def test_a_platform_on_this_machine_may_name_an_address_on_it(self) -> None:
        local: dict[str, Any] = {"auth_url": "http://127.0.0.1:8787"}
        assert host(tenant("127.0.0.1:9"), **local) == "http://127.0.0.1:9"
        assert host(tenant(POD), **local) == f"https://{POD}"
        with pytest.raises(OmsUnexpectedResponseError):
            host(tenant("oms-emulator:8787"), **local)


@dataclass
class Recorder:
    """Answer as a tenant would, and keep each request, its address and its token."""

    answers: Mapping[str, object]
    sent: list[tuple[str, str | None]] = field(default_factory=list)

    def exchange(self, _: str, url: str, *, token: str | None, **__: Any) -> Response:
        self.sent.append((url, token))
        path = urlsplit(url).path
        content = next(value for start, value in self.answers.items() if path.startswith(start))
        headers = CaseInsensitiveDict({"x-vol-correlation": "0123"})
        return Response(200, headers, json.dumps(content).encode())

    def close(self) -> None:
        """Do nothing."""


def recorded(monkeypatch: pytest.MonkeyPatch, client: OmsClient, domain: object) -> Recorder:
    paths = {TOKEN_PATH: GRANTED, "/api/platform/tenants/10001": tenant(domain), "": ORDER}
    recorder = Recorder(paths)
    monkeypatch.setattr(client, "_transport", recorder)
    return recorder


def try_to_read(client: OmsClient) -> OmsError | None:
    try:
        client.get_order(ID)
    except OmsError as error:
        return error
    return None


def leads_here(name: str) -> bool:
    """Return whether a host's name is this machine's."""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


PARTS = st.sampled_from(
    [
        *("t10001", "t10002", "mozu", "com", "evil", "example", "tp1", "sandbox", "kibocommerce"),
        *("mozu.com", "evil.example", "127.0.0.1", "localhost", "\u3002", "\uff0e", "xn--mozu"),
    ]
)
SIGNS = st.sampled_from([*".@/\\:#?%-_[]; \t\n", "//", "://", "%2e", ":443", ".."])
DOMAINS = st.one_of(
    st.text(max_size=30),
    st.lists(st.one_of(PARTS, SIGNS), max_size=8).map("".join),
    st.builds(lambda text: f"{text}.mozu.com", st.text(max_size=20)),
)


@given(DOMAINS, st.sampled_from(["https://home.mozu.com", "http://127.0.0.1:8787"]))
@example("127.0.0.2", "http://127.0.0.1:8787")
@example("127.0.0.1/0", "http://127.0.0.1:8787")
def test_no_token_goes_to_a_host_that_is_not_kibos(domain: str, auth_url: str) -> None:
    with pytest.MonkeyPatch.context() as patch, OmsClient(settings(auth_url=auth_url)) as client:
        sent = recorded(patch, client, domain).sent
        try_to_read(client)
        for url, token in sent:
            parts = urlsplit(url)
            name = parts.hostname or ""
            if token is None or url.startswith(f"{auth_url}/"):
                continue
            is_kibos = name.rstrip(".").endswith((".mozu.com", ".kibocommerce.com"))
            is_kibos = is_kibos or name.rstrip(".") in ("mozu.com", "kibocommerce.com")
            is_here = auth_url.startswith("http:") and leads_here(name)
            assert (is_kibos and parts.scheme == "https") or is_here
            assert "@" not in parts.netloc
            assert parts.path == f"/api/commerce/orders/{ID}"


class TestOverAClient:
    def test_it_is_asked_for_once_and_then_orders_are_read_there(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO")
        with OmsClient(settings()) as client:
            sent = recorded(monkeypatch, client, POD).sent
            client.get_order(ID)
            client.get_order(ID)
            assert client.api_url == f"https://{POD}"
        assert [(urlsplit(url).hostname, urlsplit(url).path, token) for url, token in sent] == [
            ("home.mozu.com", TOKEN_PATH, None),
            ("home.mozu.com", "/api/platform/tenants/10001", TOKEN),
            (POD, f"/api/commerce/orders/{ID}", TOKEN),
            (POD, f"/api/commerce/orders/{ID}", TOKEN),
        ]
        assert f"Tenant 10001 is at https://{POD}" in caplog.text

    def test_what_is_refused_is_not_remembered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with OmsClient(settings()) as client:
            recorder = recorded(monkeypatch, client, "evil.example")
            assert isinstance(try_to_read(client), OmsNotSentError)
            recorder.answers = {**recorder.answers, "/api/platform/tenants/10001": tenant()}
            assert try_to_read(client) is None

    @pytest.mark.parametrize(
        ("script", "retry_after"),
        [
            (hang_up, None),
            (answer("503 Unavailable"), None),
            (answer("429 Too Many", b"", ("Retry-After: 60",)), 60),
            (answer("403 Forbidden", b"", ("x-vol-correlation: 0",)), None),
            (answer("404 Not Found", b"", ("x-vol-correlation: 0",)), None),
            (answer("307 Elsewhere", b"", ("Location: http://127.0.0.1:9/",)), None),
            (document(tenant("evil.example")), None),
            (document(tenant("mozu.com@evil.example")), None),
        ],
    )
    def test_a_look_up_that_fails_sends_no_cancel(
        self, script: Script, retry_after: float | None
    ) -> None:
        with RawServer([document(GRANTED), script]) as platform:
            found = settings(auth_url=platform.url, read_timeout=2)
            with OmsClient(found) as client, pytest.raises(OmsNotSentError) as refusal:
                client.post_cancel(client.dialect.cancel_request(ID, "Fraud"))
        assert refusal.value.evidence is Evidence.NEVER_SENT
        assert refusal.value.retry_after == retry_after
        assert "The tenant's host could not be looked up: " in str(refusal.value)
        assert f"Order {ID}: " in str(refusal.value)
        assert TOKEN not in str(refusal.value)
        lines = [head_and_body(request)[0][0].split(" ")[:2] for request in platform.requests]
        assert lines == [["POST", TOKEN_PATH], ["GET", "/api/platform/tenants/10001"]]

    def test_a_platform_that_cannot_be_found_is_not_called_the_tenants_host(self) -> None:
        found = settings(auth_url="https://nowhere.invalid")
        with OmsClient(found) as client:
            error = try_to_read(client)
        assert "does not resolve" in str(error)
        assert "hosts of the native API begin with t" not in str(error)

    def test_a_token_that_expired_is_replaced_before_the_next(self) -> None:
        expired = answer("401 Unauthorized", b"", ("x-vol-correlation: 0",))
        script: list[Script] = [document(GRANTED), expired, document(GRANTED)]
        with RawServer(script) as platform:
            script += [document(tenant(f"127.0.0.1:{platform.port}")), document(ORDER)]
            with OmsClient(settings(auth_url=platform.url)) as client:
                assert isinstance(try_to_read(client), OmsNotSentError)
                assert try_to_read(client) is None
        paths = [head_and_body(request)[0][0].split(" ")[1] for request in platform.requests]
        assert [path.partition("?")[0] for path in paths] == [
            TOKEN_PATH,
            "/api/platform/tenants/10001",
            TOKEN_PATH,
            "/api/platform/tenants/10001",
            f"/api/commerce/orders/{ID}",
        ]
