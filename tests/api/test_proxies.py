"""The connection's own proxy: which requests it sees, and that a failed tunnel sends nothing."""

from __future__ import annotations

import base64
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
from checkups import ask, press
from connect_proxy import VARIABLES, ConnectProxy, forget_proxies
from raw_server import RawServer, Script, answer, hang_up
from tenants import settings
from wire import EXAMPLE, ORDER, client_of, document

from airflow_provider_oms.api.errors import OmsNoResponseError, OmsNotSentError
from airflow_provider_oms.api.routes import Routes
from airflow_provider_oms.emulator.testing import EmulatorProcess

HOST = "oms.example.com"
TOKENS = "tokens.example.com"
TOKEN = document({"access_token": "tok-1", "expires_in": 3600})


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    bundle = tmp_path_factory.mktemp("proxies") / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    return str(bundle)


def tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(made)
    return made


def port_of(emulator: EmulatorProcess) -> int:
    return urlsplit(emulator.url).port or 0


@pytest.fixture
def oms(authority: trustme.CA) -> Iterator[RawServer]:
    with RawServer([document(ORDER)], tls=tls(authority, HOST, TOKENS)) as server:
        yield server


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_proxies(monkeypatch)


class TestWhichRequestsItSees:
    def test_token_and_order_go_through_its_tunnel_and_it_reads_neither(
        self, oms: RawServer, ca: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # The connection's proxy wins over the variables, NO_PROXY among them.
        monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
        monkeypatch.setenv("no_proxy", "*")
        oms.script = [TOKEN, document(ORDER)]
        ports = {f"{HOST}:443": oms.port, f"{TOKENS}:8443": oms.port}
        with ConnectProxy(ports, user="us er:p@ss") as proxy:
            url = f"http://us%20er:p%40ss@127.0.0.1:{proxy.port}"
            extra = {"auth_url": f"https://{TOKENS}:8443", "ca_bundle": ca, "proxy": url}
            headers = {"X-Gateway-Key": "for the gateway"}
            with client_of(
                HOST, credentials=("id", "a secret"), secret_headers=headers, **extra
            ) as client:
                assert client.post_cancel(EXAMPLE).is_canceled
                assert client.post_cancel(EXAMPLE).is_canceled
        first, second = proxy.asked
        assert first.startswith(f"CONNECT {TOKENS}:8443 HTTP/1.".encode())
        assert second.startswith(f"CONNECT {HOST}:443 HTTP/1.".encode())
        for asked in proxy.asked:
            assert b"Proxy-Authorization: Basic " + base64.b64encode(b"us er:p@ss") in asked
            assert b"Bearer" not in asked
            assert b"X-Gateway-Key" not in asked
        token, *orders = oms.requests
        assert b"X-Gateway-Key" not in token
        assert all(b"X-Gateway-Key: for the gateway\r\n" in request for request in orders)
        assert not any(b"Proxy-Authorization" in request for request in oms.requests)

    def test_the_gateways_header_goes_with_the_token_request_where_the_host_is_the_same(
        self, oms: RawServer, ca: str
    ) -> None:
        oms.script = [TOKEN, document(ORDER)]
        with ConnectProxy({f"{HOST}:443": oms.port}) as proxy:
            # Written in another way, it is the same origin.
            extra = {"auth_url": f"https://{HOST.upper()}:443", "ca_bundle": ca, "proxy": proxy.url}
            headers = {"X-Gateway-Key": "for the gateway"}
            with client_of(
                f"https://{HOST}/kibo",
                credentials=("id", "a secret"),
                secret_headers=headers,
                **extra,
            ) as client:
                assert client.post_cancel(EXAMPLE).is_canceled
        assert all(b"X-Gateway-Key: for the gateway\r\n" in request for request in oms.requests)

    def test_a_proxy_that_is_spoken_to_with_tls_works_as_well(
        self, oms: RawServer, ca: str, authority: trustme.CA
    ) -> None:
        with (
            ConnectProxy({f"{HOST}:443": oms.port}, tls=tls(authority, "127.0.0.1")) as proxy,
            client_of(HOST, ca_bundle=ca, proxy=proxy.url) as client,
        ):
            assert client.post_cancel(EXAMPLE).is_canceled
            assert client.post_cancel(EXAMPLE).is_canceled
        assert len(proxy.asked) == 1

    def test_none_switches_the_environments_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with RawServer([answer("502 Bad Gateway")]) as proxy:
            for name in VARIABLES[:3]:
                monkeypatch.setenv(name, proxy.url)
            with pytest.raises(OmsNotSentError, match="does not resolve"):
                client_of("https://oms.invalid", proxy="none").post_cancel(EXAMPLE)
            assert proxy.requests == []

    def test_what_goes_to_this_machine_never_sees_one(self, oms: RawServer) -> None:
        with ConnectProxy({}) as proxy, RawServer([document(ORDER)]) as local:
            extra = {"auth_url": f"https://{TOKENS}", "proxy": proxy.url}
            tenant = settings(
                {"tenant_id": "1", **extra}, host=local.url, login="id", password="a secret"
            )
            assert Routes(tenant).to(f"{local.url}/api/v2/order/1").proxies == {}
            assert Routes(tenant).to(f"https://{TOKENS}/x").proxies == {"https": proxy.url}


def say_nothing(connection: socket.socket, _: bytes) -> None:
    connection.recv(1)


def drip(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(1000):
        connection.sendall(b"X-%d: y\r\n" % number)
        time.sleep(0.05)


def speak_otherwise(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")


def no_tunnel(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n<html>Log in to the guest network</html>\r\n")


class TestATunnelThatFails:
    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("script", "reason"),
        [
            (
                answer("407 Proxy Authentication Required", b"", ["Proxy-Authenticate: Basic"]),
                "the proxy wants another user or password: HTTP 407",
            ),
            (answer("403 Forbidden", b"<html>s3cret</html>"), "does not let it through: HTTP 403"),
            (answer("502 Bad Gateway"), "the proxy does not let it through: HTTP 502"),
            (answer("504 Gateway Timeout"), "the proxy does not let it through: HTTP 504"),
            (answer("302 Found", b"", ["Location: /x"]), "does not let it through: HTTP 302"),
            (hang_up, "the proxy: the connection was closed"),
            (say_nothing, "the proxy: connecting timed out"),
            (drip, "the proxy: connecting timed out"),
            (speak_otherwise, "the proxy does not let it through"),
            (no_tunnel, "reading timed out"),
        ],
        ids=[
            "407",
            "403",
            "502",
            "504",
            "302",
            "hangs up",
            "silent",
            "drips",
            "other",
            "captive portal",
        ],
    )
    def test_it_sends_nothing(self, script: Script, reason: str) -> None:
        with RawServer([script]) as proxy:
            began = time.monotonic()
            client = client_of(
                HOST,
                proxy=f"http://user:s3cret@127.0.0.1:{proxy.port}",
                connect_timeout=0.5,
            )
            with client, pytest.raises(OmsNotSentError, match=reason) as error:
                client.post_cancel(EXAMPLE)
            assert time.monotonic() - began < 20
        assert "s3cret" not in str(error.value)
        assert all(b"orderID" not in request for request in proxy.requests)

    def test_nor_does_a_proxy_that_is_not_there(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        with pytest.raises(OmsNotSentError, match=r"\(the proxy: connection refused\)"):
            client_of(HOST, proxy=f"http://127.0.0.1:{port}").post_cancel(EXAMPLE)
        with pytest.raises(OmsNotSentError, match=r"\(the proxy: the host name does not resolve\)"):
            client_of(HOST, proxy="http://proxy.invalid:3128").post_cancel(EXAMPLE)

    @pytest.mark.slow
    def test_nor_does_one_behind_which_tls_fails(self, oms: RawServer, ca: str) -> None:
        with EmulatorProcess() as plain:
            ports = {f"{HOST}:443": oms.port, "other.example.com:443": oms.port}
            with ConnectProxy({**ports, "plain.example.com:443": port_of(plain)}) as proxy:
                for host, extra, reason in (
                    (HOST, {}, r"\(the TLS certificate was refused"),
                    ("other.example.com", {"ca_bundle": ca}, r"\(the TLS certificate was refused"),
                    ("plain.example.com", {"ca_bundle": ca}, r"\(what answers there speaks no TLS"),
                ):
                    with (
                        client_of(host, proxy=proxy.url, **extra) as client,
                        pytest.raises(OmsNotSentError, match=reason),
                    ):
                        client.post_cancel(EXAMPLE)
            assert (oms.requests, plain.requests()) == ([], [])

    @pytest.mark.slow
    def test_nor_does_one_to_a_proxy_whose_own_certificate_is_not_trusted(
        self, ca: str, authority: trustme.CA
    ) -> None:
        with ConnectProxy({}, tls=tls(authority, "127.0.0.1")) as proxy:
            with pytest.raises(OmsNotSentError, match="the proxy: the TLS certificate was refused"):
                client_of(HOST, proxy=proxy.url).post_cancel(EXAMPLE)
            # It does speak TLS, and is spoken to without.
            unencrypted = proxy.url.replace("https", "http")
            with pytest.raises(OmsNotSentError, match=r"\(the proxy: the connection was "):
                client_of(HOST, proxy=unencrypted).post_cancel(EXAMPLE)
        with EmulatorProcess() as plain:
            url = plain.url.replace("http", "https")
            with pytest.raises(OmsNotSentError, match="the proxy: what answers there speaks no"):
                client_of(HOST, proxy=url, ca_bundle=ca).post_cancel(EXAMPLE)


class TestABodyThatWasSent:
    def test_a_tunnel_that_breaks_after_the_request_is_no_proof_of_anything(
        self, oms: RawServer, ca: str
    ) -> None:
        oms.script = [hang_up]
        with (
            ConnectProxy({f"{HOST}:443": oms.port}) as proxy,
            client_of(HOST, proxy=proxy.url, ca_bundle=ca) as client,
            pytest.raises(OmsNoResponseError),
        ):
            client.post_cancel(EXAMPLE)
        assert len(oms.requests) == 1

    def test_a_cancel_that_may_no_longer_be_sent_once_the_tunnel_is_there_is_not_sent(
        self, oms: RawServer, ca: str
    ) -> None:
        with ConnectProxy({f"{HOST}:443": oms.port}) as proxy:
            with (
                client_of(HOST, proxy=proxy.url, ca_bundle=ca) as client,
                pytest.raises(
                    OmsNotSentError, match="its deadline had passed or the task was stopping"
                ),
            ):
                client.post_cancel(EXAMPLE, may_send=lambda: not proxy.asked)
            assert len(proxy.asked) == 1
        assert oms.requests == []


class TestTheTestButton:
    def test_it_says_what_the_proxy_said(self) -> None:
        with ConnectProxy({}, user="user:right") as proxy:
            url = f"http://user:wrong-s3cret@127.0.0.1:{proxy.port}"
            extra = {"auth_url": f"https://{TOKENS}"}
            assert ask(HOST, proxy=url, **extra) == (
                f"{TOKENS} cannot be reached through the proxy (the proxy wants another user or "
                f"password: HTTP 407): correct the Proxy (proxy), or HTTPS_PROXY and NO_PROXY "
                f"where it is empty, or have the proxy let this machine through."
            )
            sentence = ask(HOST, proxy=proxy.url, **extra)
            assert "(the proxy does not let it through: HTTP 502): correct the Proxy" in sentence

    def test_it_works_through_one(self, oms: RawServer, ca: str) -> None:
        oms.script = [TOKEN, document({**ORDER, "orderID": 1})]
        with ConnectProxy({f"{HOST}:443": oms.port}) as proxy:
            works, sentence = press(HOST, auth_url=f"https://{HOST}", ca_bundle=ca, proxy=proxy.url)
        assert works, sentence


def test_the_bundle_of_the_environment_counts_for_a_proxy_too(
    oms: RawServer, ca: str, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca)
    assert Path(ca).is_file()
    with ConnectProxy({f"{HOST}:443": oms.port}, tls=tls(authority, "127.0.0.1")) as proxy:
        assert client_of(HOST, proxy=proxy.url).post_cancel(EXAMPLE).is_canceled
