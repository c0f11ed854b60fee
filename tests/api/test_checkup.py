"""The Test button's answers: each tells one cause apart, in one sentence that says what to do."""

from __future__ import annotations

import socket
import ssl

import pytest
import trustme
from checkups import (
    CORRELATION,
    PAGE,
    SECRET,
    TOKEN,
    Clock,
    ask,
    assert_is_one_sentence,
    press,
    refusal,
)
from raw_server import RawServer, Script, answer, hang_up

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.connection_test import probe
from airflow_provider_oms.emulator.testing import EmulatorProcess

ORDER = answer("200 OK", b'{"orderID": 1, "orderState": "READY", "orderStatus": "READY"}')
NOT_ACCEPTED = answer("401 Unauthorized", b"", (CORRELATION,))


def test_a_token_that_is_not_valid_yet_is_given_three_seconds_and_no_more() -> None:
    refused = refusal("401 Unauthorized", {"errorCode": "INVALID_ACCESS_TOKEN"}, CORRELATION)
    found = answer("404 Not Found", b'{"code": 5002}', (CORRELATION,))
    for answers, works, waited in (
        ([TOKEN, refused, TOKEN, refused, refused, TOKEN, found], True, 3),
        ([TOKEN, refused, TOKEN, refused, refused, TOKEN, refused], False, 3),
        ([TOKEN, found], True, 0),
    ):
        with RawServer(answers) as server:
            time = Clock()
            settings = TenantSettings.from_connection(
                name="one", host=server.url, login="id", password=SECRET, extra='{"tenant_id": "1"}'
            )
            with OmsClient(settings) as client:
                client._tokens._clock = time
                assert probe(client, clock=time, sleep=time.sleep)[0] is works
            assert sum(time.slept) == waited


@pytest.fixture
def tenant(emulator: EmulatorProcess) -> EmulatorProcess:
    emulator.reset_settings()
    emulator.clear_requests()
    return emulator


class TestAgainstATenant:
    @pytest.mark.slow
    def test_it_works_and_nothing_but_one_read_is_sent(self, tenant: EmulatorProcess) -> None:
        works, sentence = press(
            tenant.url,
            login=tenant.client_id,
            password=tenant.client_secret,
            environment="sandbox",
        )
        assert works
        assert sentence == (
            f"It works: the OMS answers at {tenant.url} (environment sandbox, tenant 10001)."
        )
        calls = [(one["method"], one["path"].rpartition("/")[2]) for one in tenant.requests()]
        assert calls == [("POST", "oauth"), ("GET", "1")]

    @pytest.mark.slow
    def test_a_wrong_secret(self, tenant: EmulatorProcess) -> None:
        sentence = ask(tenant.url, login=tenant.client_id)
        assert "refuses the client id or its secret: correct Client ID (login) and" in sentence
        assert "INVALID_CREDENTIALS" in sentence

    @pytest.mark.parametrize("status", [400, 401, 403, 404])
    @pytest.mark.parametrize("body", ["platform", "classic"])
    def test_a_wrong_tenant(self, tenant: EmulatorProcess, status: int, body: str) -> None:
        tenant.settings(wrong_tenant_status=status, error_body=body)
        sentence = ask(
            tenant.url, login=tenant.client_id, password=tenant.client_secret, tenant_id="20002"
        )
        assert "into tenant 20002: correct the Tenant ID (tenant_id)" in sentence

    @pytest.mark.parametrize("status", [401, 403])
    @pytest.mark.parametrize("body", ["html", "empty"])
    def test_a_wrong_tenant_that_is_refused_without_a_word(
        self, tenant: EmulatorProcess, status: int, body: str
    ) -> None:
        tenant.settings(wrong_tenant_status=status, error_body=body)
        sentence = ask(
            tenant.url, login=tenant.client_id, password=tenant.client_secret, tenant_id="20002"
        )
        assert "The credentials are good" in sentence
        assert "for tenant 20002: correct the Tenant ID (tenant_id)" in sentence

    def test_no_credentials_where_they_are_wanted(self, tenant: EmulatorProcess) -> None:
        sentence = ask(tenant.url, login="", password="")
        assert "requires an access token: fill in Client ID (login)" in sentence


class TestOtherHosts:
    @pytest.mark.parametrize(
        "script",
        [
            answer("404 Not Found", PAGE),
            answer("404 Not Found"),
            answer("403 Forbidden", PAGE),
            answer("200 OK", PAGE),
        ],
    )
    def test_a_tenant_without_translated_apis(self, script: Script) -> None:
        with RawServer([TOKEN, script]) as server:
            sentence = ask(server.url)
        assert "tenant 10001 probably has no translated APIs, which Kibo's support can" in sentence

    def test_a_token_address_where_no_tokens_are_issued(self) -> None:
        with RawServer([answer("404 Not Found", PAGE)]) as server:
            sentence = ask(server.url)
        assert "issues no tokens: correct the Token Address (auth_url)" in sentence

    @pytest.mark.parametrize("status", ["503 Service Unavailable", "302 Found"])
    def test_a_token_endpoint_that_is_down(self, status: str) -> None:
        with RawServer([answer(status)]) as server:
            sentence = ask(server.url)
        said = f"Could not get an access token from {server.url} (HTTP {status[:3]}): try again"
        assert said in sentence
        assert "check the Token Address (auth_url)" in sentence

    def test_a_redirect(self) -> None:
        with RawServer([TOKEN, answer("302 Found", b"", (CORRELATION,))]) as server:
            sentence = ask(server.url)
        assert "redirects elsewhere, which is not followed: correct the Base Address" in sentence

    def test_an_oms_that_is_failing(self) -> None:
        with RawServer([TOKEN, answer("500 Internal Server Error", b"", (CORRELATION,))]) as server:
            sentence = ask(server.url)
        assert "is failing: try again in a minute" in sentence
        assert "correlation id 0123456789abcdef" in sentence

    def test_a_rate_limit(self) -> None:
        limit = answer("429 Too Many Requests", b"", ("Retry-After: 60",))
        with RawServer([TOKEN, limit]) as server:
            sentence = ask(server.url)
        assert "try again in 60 seconds" in sentence

    def test_a_connection_that_is_closed_without_an_answer(self) -> None:
        with RawServer([TOKEN, hang_up]) as server:
            sentence = ask(server.url)
        assert "took the request and did not answer" in sentence

    def test_an_order_that_is_refused_for_itself_is_a_connection_that_works(self) -> None:
        script = refusal("409 Conflict", {"message": "order 1 is being imported"}, CORRELATION)
        with RawServer([TOKEN, script]) as server:
            works, sentence = press(server.url)
        assert works
        assert "though it would not show order 1 (HTTP 409" in sentence
        assert_is_one_sentence(sentence)

    @pytest.mark.parametrize(
        ("body", "headers"),
        [
            ({"code": 5002, "message": "Not found"}, ()),
            ({"errorCode": "ITEM_NOT_FOUND"}, ()),
            ({"message": "Not Found"}, (CORRELATION,)),
            ({}, (CORRELATION,)),
        ],
    )
    def test_a_404_with_the_marks_of_an_oms_is_about_the_order(
        self, body: dict[str, object], headers: tuple[str, ...]
    ) -> None:
        with RawServer([TOKEN, refusal("404 Not Found", body, *headers)]) as server:
            assert press(server.url) == (
                True,
                f"It works: the OMS answers at {server.url} (environment not named, tenant 10001).",
            )

    @pytest.mark.parametrize(
        "body",
        [
            {"detail": "Not Found"},
            {"message": "no Route matched with those values"},
            {"status": 404, "error": "Not Found", "path": "/api/v2/order/1"},
            {"statusCode": 404, "message": "Resource not found"},
        ],
    )
    def test_a_404_that_any_server_may_give_is_no_oms(self, body: dict[str, object]) -> None:
        with RawServer([TOKEN, refusal("404 Not Found", body)]) as server:
            sentence = ask(server.url)
        assert sentence.startswith(f"What answers at {server.url} is no OMS")


def tenant_that_is_late(refusals: int) -> Script:
    """Issue tokens at once, and take none of them for a number of reads."""
    left = refusals

    def play(connection: socket.socket, request: bytes) -> None:
        nonlocal left
        if request.startswith(b"POST"):
            TOKEN(connection, request)
        elif left:
            left -= 1
            NOT_ACCEPTED(connection, request)
        else:
            ORDER(connection, request)

    return play


class TestFreshTokens:
    def test_that_are_not_known_yet_everywhere_are_waited_for(self) -> None:
        clock = Clock()
        with RawServer([tenant_that_is_late(2)]) as server:
            works, _ = press(server.url, clock=clock)
            calls = [request.split(b" ", 1)[0] for request in server.requests]
        assert works
        assert calls.count(b"GET") == 3
        assert calls.count(b"POST") > 1
        assert sorted(clock.slept) == clock.slept
        assert 0 < sum(clock.slept) < 3

    def test_that_stay_unknown_are_waited_for_three_seconds_at_most(self) -> None:
        clock = Clock()
        with RawServer([tenant_that_is_late(100)]) as server:
            sentence = ask(server.url, clock=clock)
        assert "The credentials are good" in sentence
        # A blip of two seconds has passed by then.
        assert 2 < sum(clock.slept) <= 3.001

    @pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
    def test_a_refusal_of_the_credentials_is_final_at_once(self, status: str) -> None:
        clock = Clock()
        with RawServer([answer(status, b"{}")]) as server:
            assert "refuses the client id or its secret" in ask(server.url, clock=clock)
            assert len(server.requests) == 1
        assert clock.slept == []


class TestHostsThatAreNotReached:
    def test_nothing_listens(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        sentence = ask(f"http://127.0.0.1:{port}")
        assert f"127.0.0.1:{port} cannot be reached (connection refused): correct the Base" in (
            sentence
        )

    def test_the_token_endpoint_is_not_reached(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with RawServer([TOKEN]) as server:
            sentence = ask(server.url, auth_url=f"http://127.0.0.1:{port}")
        assert "cannot be reached (connection refused): correct the Token Address" in sentence

    def test_the_host_of_the_base_address_does_not_exist(self) -> None:
        with RawServer([TOKEN]) as server:
            sentence = ask("https://oms.invalid", auth_url=server.url)
        assert sentence == (
            "The host oms.invalid does not exist: correct the Base Address (host) and the Port."
        )

    def test_the_host_derived_from_the_tenant_does_not_exist(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        look_up = socket.getaddrinfo

        def resolve(host: str, *arguments: object, **named: object) -> object:
            if host.endswith(".mozu.com"):
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return look_up(host, *arguments, **named)  # type: ignore[arg-type]  # as they came

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        with RawServer([TOKEN]) as server:
            sentence = ask("", environment="sandbox", auth_url=server.url)
        assert "The host 10001-translation.sandbox.mozu.com does not exist: correct Tenant ID" in (
            sentence
        )
        assert "whether this tenant has translated APIs" in sentence

    @pytest.mark.parametrize("is_token_endpoint", [True, False])
    def test_a_certificate_is_refused(self, is_token_endpoint: bool) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
        with RawServer([TOKEN], tls=context) as tls, RawServer([TOKEN]) as plain:
            if is_token_endpoint:
                sentence = ask(plain.url, auth_url=tls.url)
            else:
                sentence = ask(tls.url, auth_url=plain.url)
            assert tls.requests == []
        where = f"The TLS certificate of 127.0.0.1:{tls.port} was refused, so nothing was sent"
        assert sentence.startswith(where)
        assert "set CA Bundle (ca_bundle)" in sentence

    @pytest.mark.parametrize("scheme", ["", "https://"])
    def test_a_local_oms_without_tls_is_asked_with_tls(
        self, tenant: EmulatorProcess, scheme: str
    ) -> None:
        address = tenant.url.removeprefix("http://")
        sentence = ask(scheme + address)
        assert sentence == (
            f"What answers at {address} speaks no TLS, so nothing was sent: write http:// in front "
            f"of it in the Base Address (host), which means https without a scheme."
        )
        assert tenant.requests() == []

    def test_a_local_token_endpoint_without_tls_is_asked_with_tls(
        self, tenant: EmulatorProcess
    ) -> None:
        with RawServer([TOKEN]) as server:
            sentence = ask(server.url, auth_url=tenant.url.replace("http:", "https:"))
        assert "in front of it in the Token Address (auth_url)" in sentence

    def test_a_host_elsewhere_that_speaks_no_tls_is_not_to_be_asked_without(
        self, tenant: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        port = int(tenant.url.rpartition(":")[2])
        look_up = socket.getaddrinfo

        def resolve(host: str, *arguments: object, **named: object) -> object:
            return look_up(host.replace("oms.invalid", "127.0.0.1"), *arguments, **named)  # type: ignore[arg-type]  # passed on as it came

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        sentence = ask(f"oms.invalid:{port}", login="", password="")
        assert sentence == (
            f"oms.invalid:{port} cannot be reached (what answers there speaks no TLS): correct the "
            f"Base Address (host) and the Port, or have the network let this machine through to it."
        )
