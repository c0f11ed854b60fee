"""How long an exchange may take, over sockets that drip."""

from __future__ import annotations

import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import trustme
from raw_server import RawServer, Script
from wire import EXAMPLE, JSON, ORDER, client_of, document, head_and_body

from airflow_provider_oms.api import wire
from airflow_provider_oms.api.errors import (
    OmsNoResponseError,
    OmsNotSentError,
    OmsUnexpectedResponseError,
)

PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"
BODY = b'{"orderID": 1010101, "orderState": "READY"}'
HEAD = f"HTTP/1.1 200 OK\r\n{JSON}\r\n".encode()
LENGTH = b"Content-Length: %d\r\n" % len(BODY)


def drip(head: bytes, drop: bytes) -> Script:
    """Begin a response, and go on with it, drop by drop, for much longer than any timeout."""

    def play(connection: socket.socket, _: bytes) -> None:
        connection.sendall(head)
        for _tick in range(400):
            connection.sendall(drop)
            time.sleep(0.05)

    return play


HEADERS = drip(HEAD, b"a: b\r\n")
ONE_HEADER = drip(HEAD + b"a: ", b"b")
STATUS = drip(b"HTTP/1.1 200 ", b"O")
INTERIM = drip(b"", PROCESSING)
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


class TestTime:
    """A server drips for 20 s; a `read_timeout` below one leaves a busy machine time enough."""

    @pytest.mark.parametrize("script", [STATUS, HEADERS, ONE_HEADER, INTERIM])
    def test_a_head_that_drips_is_no_response(self, script: Script) -> None:
        with RawServer([script]) as server, client_of(server.url, read_timeout=0.2) as client:
            began = time.monotonic()
            with pytest.raises(OmsNoResponseError, match="reading timed out"):
                client.post_cancel(EXAMPLE)
            assert time.monotonic() - began < 10

    @pytest.mark.parametrize(
        "script",
        [
            drip(CHUNKED + b"2\r\n{}\r\n0\r\n", b"a: b\r\n"),
            drip(CHUNKED + b"2\r\n{}\r\n", b"0"),
            drip(CHUNKED, b"1\r\n{\r\n"),
            drip(CHUNKED + b"2;", b"x"),
        ],
        ids=["trailers", "size of a chunk", "chunks", "extension of a chunk"],
    )
    def test_a_chunked_body_that_drips_proves_nothing(self, script: Script) -> None:
        # Within it, the head has to come.
        with RawServer([script]) as server, client_of(server.url, read_timeout=0.8) as client:
            began = time.monotonic()
            with pytest.raises(OmsUnexpectedResponseError, match=r"broke off|empty"):
                client.post_cancel(EXAMPLE)
            assert time.monotonic() - began < 10

    def test_a_token_endpoint_that_drips_has_sent_no_cancel(self) -> None:
        with RawServer([HEADERS]) as server:
            client = client_of(server.url, credentials=("id", "s3cret"), read_timeout=0.2)
            began = time.monotonic()
            with pytest.raises(OmsNotSentError, match="reading timed out"):
                client.post_cancel(EXAMPLE)
            assert time.monotonic() - began < 10
            assert len(server.requests) == 1

    @pytest.mark.slow
    def test_the_bound_is_on_head_and_body_together(self) -> None:
        def half_and_half(connection: socket.socket, _: bytes) -> None:
            time.sleep(0.2)
            connection.sendall(HEAD + LENGTH + b"\r\n")
            time.sleep(1)
            connection.sendall(BODY)

        with RawServer([half_and_half]) as server:
            with pytest.raises(OmsUnexpectedResponseError):
                client_of(server.url, read_timeout=1.1).get_order(1010101)
            client_of(server.url, read_timeout=30).get_order(1010101)

    def test_a_name_with_many_addresses_gets_no_more_time_to_connect(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = socket.getaddrinfo

        def many(host: str, *args: Any) -> list[Any]:
            if host != "oms.invalid":
                return list(found(host, *args))
            return list(found("127.0.0.1", *args)) * 100

        monkeypatch.setattr(socket, "getaddrinfo", many)
        monkeypatch.setenv("NO_PROXY", "oms.invalid")
        # Nothing is accepted, and the queue for it is full: connecting takes for ever.
        with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as waiting:
            port = full.getsockname()[1]
            waiting.connect(("127.0.0.1", port))
            client = client_of(f"https://oms.invalid:{port}", connect_timeout=0.2)
            began = time.monotonic()
            with pytest.raises(OmsNotSentError, match="connecting timed out"):
                client.post_cancel(EXAMPLE)
            assert time.monotonic() - began < 10

    def test_a_look_up_that_takes_all_of_the_time_leaves_none_to_connect(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = socket.getaddrinfo

        def late(*args: Any) -> list[Any]:
            time.sleep(0.1)
            return list(found(*args))

        monkeypatch.setattr(socket, "getaddrinfo", late)
        with RawServer([document(ORDER)]) as server:
            with pytest.raises(OmsNotSentError, match="connecting timed out"):
                client_of(server.url, connect_timeout=0.05).post_cancel(EXAMPLE)
            assert server.connections == 0

    def test_every_address_of_a_name_is_tried(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = socket.getaddrinfo

        def two(host: str, *args: Any) -> list[Any]:
            names = ("127.0.0.2", "127.0.0.1") if host == "localhost" else (host,)
            return [row for name in names for row in found(name, *args)]

        monkeypatch.setattr(socket, "getaddrinfo", two)
        with RawServer([document(ORDER)]) as server:
            client = client_of(f"http://localhost:{server.port}")
            assert client.post_cancel(EXAMPLE).is_canceled
        assert f"Host: localhost:{server.port}" in head_and_body(server.requests[0])[0]


class TestSystemCallsThatAreSpared:
    @pytest.mark.parametrize(
        ("before", "wanted", "after"),
        [(5.0, 5.02, 5.0), (5.0, 4.98, 5.0), (5.0, 4.9, 4.9), (5.0, 9.0, 9.0), (None, 3.0, 3.0)],
    )
    def test_a_timeout_is_changed_only_where_that_makes_a_difference(
        self, before: float | None, wanted: float, after: float
    ) -> None:
        with socket.socket() as sock:
            sock.settimeout(before)
            wire.limit(sock, wanted)
            assert sock.gettimeout() == after

    def test_nothing_has_come_until_something_has(self) -> None:
        here, there = socket.socketpair()
        with here, there:
            assert wire.is_silent(here)
            there.sendall(b"x")
            assert not wire.is_silent(here)

    def test_what_tls_has_decrypted_already_has_come(self) -> None:
        authority = trustme.CA()
        here, there = socket.socketpair()
        server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
        authority.issue_cert("oms.example.com").configure_cert(server)
        authority.configure_trust(client)
        with ThreadPoolExecutor(1) as pool, here, there:
            accepting = pool.submit(server.wrap_socket, there, server_side=True)
            ours = client.wrap_socket(here, server_hostname="oms.example.com")
            with ours, accepting.result() as theirs:
                theirs.sendall(b"xy")
                assert ours.recv(1) == b"x"
                # The socket itself holds nothing any more.
                assert not wire.is_silent(ours)
                assert ours.recv(1) == b"y"
                assert wire.is_silent(ours)

    def test_tls_inside_of_tls_is_asked_itself(self) -> None:
        class Wrapped:
            pass

        assert not wire.is_silent(Wrapped())
