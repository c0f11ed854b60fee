"""The Test button and addresses: a prefix that is wrong, and a host that speaks no TLS."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from checkups import CORRELATION, PAGE, SECRET, TOKEN, ask, press, refusal
from raw_server import RawServer, Script, answer, hang_up

from airflow_provider_oms.emulator.testing import EmulatorProcess

NO_SUCH_ORDER = refusal("404 Not Found", {"errorCode": "ITEM_NOT_FOUND"}, CORRELATION)


@pytest.fixture
def tenant(emulator: EmulatorProcess) -> EmulatorProcess:
    emulator.reset_settings()
    emulator.clear_requests()
    return emulator


class TestAPrefix:
    @pytest.mark.parametrize("body", ["platform", "classic", "html", "empty"])
    def test_that_the_oms_itself_does_not_know_is_found(
        self, tenant: EmulatorProcess, body: str
    ) -> None:
        tenant.settings(error_body=body)
        credentials: dict[str, Any] = {"login": tenant.client_id, "password": tenant.client_secret}
        sentence = ask(f"{tenant.url}/kibo", **credentials, auth_url=tenant.url)
        assert f"{tenant.url}/kibo responds to a read of order 1 as it does to an" in sentence
        assert "correct the path of the Base Address (host)" in sentence
        assert press(tenant.url, **credentials)[0]

    def test_is_found_too_where_the_oms_names_the_path_that_it_does_not_know(self) -> None:
        unknown = [
            refusal("404 Not Found", {"message": f"No route for {path}"}, CORRELATION)
            for path in ("/kibo/api/v2/order/1", "/kibo/there-is-no-such-prefix/api/v2/order/1")
        ]
        with RawServer([TOKEN, unknown[0], TOKEN, unknown[1]]) as server:
            sentence = ask(f"{server.url}/kibo", auth_url=server.url)
        assert "correct the path of the Base Address (host)" in sentence

    @pytest.mark.parametrize(
        "elsewhere",
        [
            answer("404 Not Found", PAGE),
            answer("404 Not Found"),
            refusal("404 Not Found", {"message": "no such resource"}, CORRELATION),
            refusal("404 Not Found", {"errorCode": "ITEM_NOT_FOUND"}),
            hang_up,
        ],
    )
    def test_of_a_gateway_that_takes_it_off_works(self, elsewhere: Script) -> None:
        with RawServer([TOKEN, NO_SUCH_ORDER, TOKEN, elsewhere]) as server:
            works, sentence = press(f"{server.url}/kibo", auth_url=server.url)
            asked = [request.split(b" ")[1] for request in server.requests]
        assert works, sentence
        assert asked[1] == b"/kibo/api/v2/order/1"
        assert asked[3] == b"/kibo/there-is-no-such-prefix/api/v2/order/1"

    def test_an_order_that_is_there_is_proof_enough(self) -> None:
        order = answer("200 OK", b'{"orderID": 1, "orderState": "READY", "orderStatus": "READY"}')
        with RawServer([TOKEN, order]) as server:
            assert press(f"{server.url}/kibo", auth_url=server.url)[0]
            assert len(server.requests) == 2


class TestHttpToAnotherHost:
    @pytest.fixture
    def named(self, tenant: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> str:
        """Return an address that is none of this machine's, and leads to the emulator."""
        look_up = socket.getaddrinfo

        def resolve(host: str, *arguments: object, **named: object) -> object:
            return look_up(host.replace("oms-emulator", "127.0.0.1"), *arguments, **named)  # type: ignore[arg-type]  # passed on as it came

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        return tenant.url.replace("127.0.0.1", "oms-emulator")

    @pytest.mark.parametrize("is_secret_right", [True, False])
    def test_it_is_reached_and_warned_of_whether_it_works_or_not(
        self, tenant: EmulatorProcess, named: str, is_secret_right: bool
    ) -> None:
        works, sentence = press(
            named,
            login=tenant.client_id,
            password=tenant.client_secret if is_secret_right else SECRET,
            auth_url=named,
            allow_http=True,
        )
        assert works is is_secret_right
        assert sentence.endswith(
            f". Credentials and orders are sent unencrypted to {named}, because the connection "
            f"sets allow_http, which is meant for a local OMS only."
        )

    def test_no_proxy_sees_it(
        self, tenant: EmulatorProcess, named: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with RawServer([answer("502 Bad Gateway")]) as proxy:
            for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url)
            credentials: dict[str, Any] = {
                "login": tenant.client_id,
                "password": tenant.client_secret,
            }
            works, sentence = press(named, **credentials, auth_url=named, allow_http=True)
            assert works, sentence
            assert proxy.requests == []
