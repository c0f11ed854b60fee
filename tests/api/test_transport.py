"""Whether a request has left, and by which way: over sockets that break, proxies, and TLS."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from connect_proxy import VARIABLES, forget_proxies
from raw_server import RawServer, Script, answer, hang_up
from urllib3.connection import HTTPConnection
from wire import EXAMPLE, ORDER, client_of, document

from airflow_provider_oms.api.errors import (
    OmsNoResponseError,
    OmsNotSentError,
    OmsRedirectedError,
    OmsUnexpectedResponseError,
)
from airflow_provider_oms.api.transport import describe_failure


def say_half(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"orderID": 1010101,')
    connection.shutdown(socket.SHUT_RDWR)


def say_nothing(connection: socket.socket, _: bytes) -> None:
    connection.recv(1)


def drip(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    # For longer than any machine takes to notice it.
    for _tick in range(1000):
        connection.sendall(b" ")
        time.sleep(0.05)


def drip_after_a_redirect(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 5000\r\n\r\n")
    for _tick in range(1000):
        connection.sendall(b" ")
        time.sleep(0.05)


def redirect_without_end(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n")
    while True:
        connection.sendall(b" " * 65536)


class TestSentOrNot:
    def test_a_refused_connection_was_never_sent(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with pytest.raises(
            OmsNotSentError, match=r"127\.0\.0\.1:\d+ was not sent \(connection ref"
        ):
            client_of(f"http://127.0.0.1:{port}").post_cancel(EXAMPLE)

    def test_a_name_that_does_not_resolve_was_never_sent(self) -> None:
        with pytest.raises(OmsNotSentError, match="does not resolve") as error:
            client_of("https://oms.invalid").post_cancel(EXAMPLE)
        assert error.value.unresolved
        assert "probably" not in str(error.value)

    @pytest.mark.parametrize("script", [hang_up, say_nothing])
    def test_a_request_that_left_without_answer_is_not_called_unsent(self, script: Script) -> None:
        with RawServer([script]) as server, client_of(server.url, read_timeout=0.3) as client:
            with pytest.raises(OmsNoResponseError, match="Whether it was acted on is not known"):
                client.post_cancel(EXAMPLE)
            assert len(server.requests) == 1

    @pytest.mark.parametrize("script", [say_half, drip])
    def test_an_answer_that_does_not_end_proves_nothing(self, script: Script) -> None:
        with RawServer([script]) as server, client_of(server.url, read_timeout=0.3) as client:
            began = time.monotonic()
            with pytest.raises(OmsUnexpectedResponseError, match="broke off"):
                client.post_cancel(EXAMPLE)
            assert time.monotonic() - began < 30
            assert len(server.requests) == 1

    @pytest.mark.parametrize("script", [drip_after_a_redirect, redirect_without_end])
    def test_a_redirect_is_bounded_like_every_answer(self, script: Script) -> None:
        with RawServer([script]) as server, client_of(server.url, read_timeout=0.3) as client:
            began = time.monotonic()
            with pytest.raises(OmsRedirectedError):
                client.post_cancel(EXAMPLE)
            assert time.monotonic() - began < 30

    @pytest.mark.parametrize("surplus", [0, 1])
    def test_an_answer_of_more_than_4_mib_proves_nothing(self, surplus: int) -> None:
        # It can be read by itself, wherever it is cut.
        body = json.dumps(ORDER).encode().ljust(4 * 1024 * 1024 + surplus)
        with RawServer([answer("200 OK", body)]) as server, client_of(server.url) as client:
            if not surplus:
                assert client.post_cancel(EXAMPLE).is_canceled
                return
            with pytest.raises(OmsUnexpectedResponseError, match="broke off"):
                client.post_cancel(EXAMPLE)

    def test_a_fault_of_the_http_library_after_the_request_left_is_not_called_unsent(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # As urllib3 before 2.2 has no read1.
        monkeypatch.delattr("urllib3.HTTPResponse.read1")
        monkeypatch.delattr("urllib3.response.BaseHTTPResponse.read1")
        with RawServer([document(ORDER)]) as server, client_of(server.url) as client:
            with pytest.raises(OmsNoResponseError, match=r"AttributeError.*is not known"):
                client.post_cancel(EXAMPLE)
            assert len(server.requests) == 1

    def test_a_kept_connection_that_went_stale_is_not_tried_again(self) -> None:
        with RawServer([document(ORDER), hang_up]) as server, client_of(server.url) as client:
            client.get_order(1010101)
            with pytest.raises(OmsNoResponseError):
                client.post_cancel(EXAMPLE)
            assert len(server.requests) == 2


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> Callable[[str], ssl.SSLContext]:
    def context(name: str) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(made)
        return made

    return context


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    """Give a proxy for all addresses, and an environment that exempts none of them."""
    forget_proxies(monkeypatch)
    with RawServer([answer("502 Bad Gateway")]) as server:
        for name in VARIABLES[:3]:
            monkeypatch.setenv(name, server.url)
        yield server


class TestProxies:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_a_proxy_never_sees_what_goes_to_this_machine(
        self, proxy: RawServer, host: str
    ) -> None:
        token = document({"access_token": "tok-1", "expires_in": 3600})
        with RawServer([token, document(ORDER)]) as server:
            client = client_of(f"http://{host}:{server.port}", credentials=("id", "s3cret"))
            assert client.post_cancel(EXAMPLE).is_canceled
        assert proxy.requests == []

    def test_a_proxy_is_used_for_every_other_address(self, proxy: RawServer) -> None:
        with client_of("https://oms.invalid") as client:
            for _ in range(2):
                with pytest.raises(OmsNotSentError):
                    client.post_cancel(EXAMPLE)
        # Which version of HTTP comes next depends on that of Python.
        asked = [request.partition(b" HTTP/1.")[0] for request in proxy.requests]
        assert asked == [b"CONNECT oms.invalid:443"] * 2

    def test_a_proxy_that_lets_nothing_through_is_named_as_the_cause(
        self, proxy: RawServer
    ) -> None:
        with pytest.raises(
            OmsNotSentError, match=r"\(the proxy does not let it through: HTTP 502\)"
        ):
            client_of("https://oms.invalid").post_cancel(EXAMPLE)

    def test_a_proxy_that_is_not_there_is_named_as_the_cause(
        self, proxy: RawServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        with pytest.raises(OmsNotSentError, match=r"\(the proxy: connection refused\)"):
            client_of("https://oms.invalid").post_cancel(EXAMPLE)

    def test_a_socks_proxy_is_refused_before_anything_is_sent(
        self, proxy: RawServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with client_of("https://oms.invalid") as client:
            monkeypatch.setenv("https_proxy", f"socks5://127.0.0.1:{proxy.port}")
            with pytest.raises(OmsNotSentError, match="is a SOCKS proxy"):
                client.post_cancel(EXAMPLE)
        assert proxy.requests == []

    def test_no_proxy_is_used_for_what_the_environment_exempts(
        self, proxy: RawServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("no_proxy", "elsewhere.invalid,oms.invalid")
        with pytest.raises(OmsNotSentError, match="does not resolve"):
            client_of("https://oms.invalid").post_cancel(EXAMPLE)
        assert proxy.requests == []


class TestTls:
    @pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
    def test_the_environments_authority_is_trusted_when_none_is_configured(
        self,
        authority: trustme.CA,
        tls: Callable[[str], ssl.SSLContext],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        variable: str,
    ) -> None:
        bundle = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(bundle)
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(variable, str(bundle))
        with (
            RawServer([document(ORDER)], tls=tls("127.0.0.1")) as server,
            client_of(server.url) as client,
        ):
            assert client.post_cancel(EXAMPLE).is_canceled

    def test_a_companys_own_authority_works_when_configured(
        self, authority: trustme.CA, tls: Callable[[str], ssl.SSLContext], tmp_path: Path
    ) -> None:
        bundle = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(bundle)
        with (
            RawServer([document(ORDER)], tls=tls("127.0.0.1")) as server,
            client_of(server.url, ca_bundle=str(bundle)) as client,
        ):
            assert client.post_cancel(EXAMPLE).is_canceled

    def test_an_unknown_authority_is_refused_before_anything_is_sent(
        self, tls: Callable[[str], ssl.SSLContext]
    ) -> None:
        with RawServer([document(ORDER)], tls=tls("127.0.0.1")) as server:
            with pytest.raises(OmsNotSentError, match="certificate was refused; set ca_bundle"):
                client_of(server.url).post_cancel(EXAMPLE)
            assert server.requests == []

    def test_another_hosts_certificate_is_refused(
        self,
        authority: trustme.CA,
        tls: Callable[[str], ssl.SSLContext],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        bundle = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(bundle)
        # An environment that trusts something else must not loosen the connection's setting.
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
        with RawServer([document(ORDER)], tls=tls("other.example.com")) as server:
            with pytest.raises(
                OmsNotSentError, match="certificate was refused: it is for another address"
            ):
                client_of(server.url, ca_bundle=str(bundle)).post_cancel(EXAMPLE)
            assert server.requests == []

    @pytest.mark.parametrize(
        ("days", "said"),
        [
            ((-20, -10), "it has expired by this machine's clock"),
            ((10, 20), "it is not valid yet by this machine's clock"),
        ],
    )
    def test_one_of_another_time_is_refused_with_the_reason(
        self, authority: trustme.CA, tmp_path: Path, days: tuple[int, int], said: str
    ) -> None:
        bundle, now = tmp_path / "ca.pem", datetime.now(UTC)
        authority.cert_pem.write_to_path(bundle)
        begin, end = (now + timedelta(days=day) for day in days)
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", not_before=begin, not_after=end).configure_cert(made)
        with RawServer([document(ORDER)], tls=made) as server:
            with pytest.raises(OmsNotSentError, match=f"certificate was refused: {said}"):
                client_of(server.url, ca_bundle=str(bundle)).post_cancel(EXAMPLE)
            assert server.requests == []

    def test_a_peer_on_this_machine_that_speaks_no_tls_is_one_to_call_with_http(self) -> None:
        with (
            RawServer([], greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n") as server,
            pytest.raises(OmsNotSentError) as error,
        ):
            client_of(f"https://127.0.0.1:{server.port}").post_cancel(EXAMPLE)
        assert str(error.value) == (
            f"Order 1010101: POST to 127.0.0.1:{server.port} was not sent (what answers there "
            "speaks no TLS; for a local OMS, begin the connection's host with http://). Correct "
            "the cause, then try again."
        )

    @pytest.mark.parametrize(
        "text",
        ["[SSL: WRONG_VERSION_NUMBER] wrong version number", "[SSL] record layer failure"],
        ids=["before OpenSSL 3.2", "since"],
    )
    def test_every_openssl_says_in_its_own_words_that_a_peer_speaks_no_tls(self, text: str) -> None:
        assert describe_failure(ssl.SSLError(1, text)) == "what answers there speaks no TLS"
        assert describe_failure(ssl.SSLError(1, "[SSL] internal error")) == "SSLError"

    def test_any_other_failure_of_a_handshake_has_openssls_name(self) -> None:
        # The client speaks no version that the server does.
        client, server = ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        client.maximum_version, server.minimum_version = (
            ssl.TLSVersion.TLSv1_2,
            ssl.TLSVersion.TLSv1_3,
        )
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        asks = client.wrap_bio(to_client, to_server, server_hostname="localhost")
        answers = server.wrap_bio(to_server, to_client, server_side=True)
        with pytest.raises(ssl.SSLWantReadError):
            asks.do_handshake()
        with pytest.raises(ssl.SSLError):
            answers.do_handshake()
        with pytest.raises(ssl.SSLError) as error:
            asks.do_handshake()
        assert describe_failure(error.value) == "SSLError: TLSV1_ALERT_PROTOCOL_VERSION"


def test_a_cancel_that_may_no_longer_be_sent_once_the_connection_is_there_is_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_stopped = False
    connect = HTTPConnection.connect

    def connect_meanwhile(self: HTTPConnection) -> None:
        nonlocal is_stopped
        connect(self)
        is_stopped = True

    monkeypatch.setattr(HTTPConnection, "connect", connect_meanwhile)
    with RawServer([document(ORDER)]) as server, client_of(server.url) as client:
        with pytest.raises(
            OmsNotSentError, match="its deadline had passed or the task was stopping"
        ):
            client.post_cancel(EXAMPLE, may_send=lambda: not is_stopped)
        assert server.requests == []


def test_head_and_body_of_a_cancel_leave_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    # A process that is frozen between the two would complete the cancel whenever it goes on.
    sent: list[bytes] = []
    send = http.client.HTTPConnection.send

    def send_and_note(self: http.client.HTTPConnection, data: bytes) -> None:
        sent.append(data)
        send(self, data)

    monkeypatch.setattr(http.client.HTTPConnection, "send", send_and_note)
    with RawServer([document(ORDER)]) as server, client_of(server.url) as client:
        client.post_cancel(EXAMPLE, may_send=lambda: True)
        assert sent == server.requests
