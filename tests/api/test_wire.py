"""Which bytes are the response to a request, over sockets that send more, or less, or else."""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
import time

import pytest
import trustme
from hypothesis import example, given, settings
from hypothesis import strategies as st
from raw_server import RawServer, hang_up
from wire import EXAMPLE, JSON, ORDER, client_of, raw, response

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.errors import (
    OmsError,
    OmsNoResponseError,
    OmsNotSentError,
    OmsUnexpectedResponseError,
)
from airflow_provider_oms.api.models import Order

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"
EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\nContent-Length: 7\r\n\r\n"
READY = {**ORDER, "orderState": "READY", "orderStatus": "READY"}
OURS = response(ORDER, "second")


def chunked(body: bytes, trailer: bytes = b"") -> bytes:
    head = f"HTTP/1.1 200 OK\r\n{JSON}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    return head + b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(body), body, trailer)


class TestInterimResponses:
    @pytest.mark.parametrize(
        "interim",
        [
            (CONTINUE,),
            (PROCESSING,),
            (EARLY_HINTS,),
            (PROCESSING,) * 100,
            (CONTINUE, EARLY_HINTS + PROCESSING),
        ],
    )
    def test_the_final_response_is_the_response(self, interim: tuple[bytes, ...]) -> None:
        first, second = response(READY, "first"), response(ORDER, "second")
        script = [raw(*interim, first), raw(*interim, second)]
        with RawServer(script) as server, client_of(server.url) as client:
            assert client.get_order(1010101).correlation_id == "first"
            assert client.post_cancel(EXAMPLE).correlation_id == "second"
            assert server.connections == 1

    def test_without_a_final_response_there_is_none(self) -> None:
        def promise_and_hang_up(connection: socket.socket, request: bytes) -> None:
            connection.sendall(PROCESSING)
            hang_up(connection, request)

        with RawServer([promise_and_hang_up, raw(OURS)]) as server:
            client = client_of(server.url)
            with pytest.raises(OmsNoResponseError, match="connection was closed"):
                client.post_cancel(EXAMPLE)
            assert client.get_order(1010101).correlation_id == "second"

    def test_a_final_response_that_comes_too_late_is_not_the_next_ones(self) -> None:
        may_end = threading.Event()

        def answer_late(connection: socket.socket, _: bytes) -> None:
            connection.sendall(PROCESSING)
            may_end.wait(10)
            connection.sendall(response(READY, "late"))

        with RawServer([answer_late, raw(OURS)]) as server:
            client = client_of(server.url, read_timeout=0.2)
            with pytest.raises(OmsNoResponseError, match="reading timed out"):
                client.get_order(1010101)
            may_end.set()
            assert client.get_order(1010101).correlation_id == "second"

    @pytest.mark.parametrize(
        "interim", [CONTINUE * 101, PROCESSING * 101, b"HTTP/1.1 101 Switching Protocols\r\n\r\n"]
    )
    def test_what_leads_to_no_response_ends_the_connection(self, interim: bytes) -> None:
        with RawServer([raw(interim + response(READY)), raw(OURS)]) as server:
            client = client_of(server.url)
            with pytest.raises(OmsNoResponseError, match="no request has asked for"):
                client.get_order(1010101)
            assert client.get_order(1010101).correlation_id == "second"
            assert server.connections == 2


BODY = b'{"orderID": 1010101, "orderState": "READY"}'
HEAD = f"HTTP/1.1 200 OK\r\n{JSON}\r\n".encode()
LENGTH = b"Content-Length: %d\r\n" % len(BODY)


class TestTheEndOfAResponse:
    @pytest.mark.parametrize("surplus", [b"x", b"\r\n", CONTINUE, response(READY, "stale"), b"HTT"])
    @pytest.mark.parametrize(
        "first", [response(READY, "first"), chunked(BODY), chunked(BODY, b"a: b\r\n")]
    )
    def test_bytes_beyond_it_close_the_connection(self, first: bytes, surplus: bytes) -> None:
        with RawServer([raw(first + surplus), raw(OURS)]) as server:
            client = client_of(server.url)
            client.get_order(1010101)
            assert client.get_order(1010101).correlation_id == "second"
            assert server.connections == 2

    def test_a_body_where_there_is_none_closes_the_connection(self) -> None:
        empty = b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nxxxxx"
        with RawServer([raw(empty), raw(OURS)]) as server, client_of(server.url) as client:
            with pytest.raises(OmsUnexpectedResponseError):
                client.get_order(1010101)
            assert client.get_order(1010101).correlation_id == "second"
            assert server.connections == 2

    @pytest.mark.parametrize(
        ("first", "connections"),
        [
            (HEAD + LENGTH + b"\r\n" + BODY, 1),
            (chunked(BODY), 1),
            (b"HTTP/1.1 204 No Content\r\n\r\n", 1),
            (HEAD + LENGTH + LENGTH + b"\r\n" + BODY, 2),
            (HEAD + LENGTH.replace(b": ", b": +") + b"\r\n" + BODY, 2),
            (chunked(BODY).replace(b"\r\n\r\n", b"\r\n" + LENGTH + b"\r\n", 1), 2),
            (HEAD + LENGTH + b"Transfer-Encoding: identity\r\n\r\n" + BODY, 2),
            (chunked(BODY).replace(b"1.1", b"1.0").replace(JSON.encode(), b"Keep-Alive: 5"), 2),
        ],
    )
    def test_only_one_that_is_beyond_dispute_lets_another_follow(
        self, first: bytes, connections: int
    ) -> None:
        with RawServer([raw(first), raw(OURS)]) as server, client_of(server.url) as client:
            if b" 204 " in first:
                with pytest.raises(OmsUnexpectedResponseError):
                    client.get_order(1010101)
            else:
                client.get_order(1010101)
            assert client.get_order(1010101).correlation_id == "second"
            assert server.connections == connections


class TestBeforeTheRequest:
    @pytest.mark.parametrize("is_tls", [False, True])
    def test_a_response_that_came_before_it_is_not_taken(
        self, *, is_tls: bool, authority: trustme.CA, bundle: str
    ) -> None:
        tls = context_of(authority) if is_tls else None
        with RawServer([raw(OURS)], tls=tls, greeting=response(ORDER, "stale")) as server:
            client = client_of(server.url, ca_bundle=bundle)

            asked = itertools.count()

            def may_send() -> bool:
                # Asked before there is a connection, and again when there is one.
                if next(asked) == 1:
                    assert server.greeted.wait(30)
                    time.sleep(0.05)
                return True

            with pytest.raises(OmsNotSentError, match="no request has asked for"):
                client.post_cancel(EXAMPLE, may_send=may_send)
            assert server.requests == []

    def test_a_connection_that_the_oms_closes_meanwhile_has_sent_nothing(self) -> None:
        opened: list[socket.socket] = []

        def keep(connection: socket.socket, _: bytes) -> None:
            opened.append(connection)
            connection.sendall(response(READY))

        with RawServer([keep, raw(OURS)]) as server, client_of(server.url) as client:
            client.get_order(1010101)

            asked = itertools.count()

            def may_send() -> bool:
                if next(asked) == 1:
                    opened[0].shutdown(socket.SHUT_RDWR)
                    time.sleep(0.05)
                return True

            with pytest.raises(OmsNotSentError, match="the connection was closed"):
                client.post_cancel(EXAMPLE, may_send=may_send)
            assert len(server.requests) == 1
            assert client.post_cancel(EXAMPLE).correlation_id == "second"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def context_of(authority: trustme.CA) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(made)
    return made


def call(client: OmsClient, *, is_read: bool) -> Order | OmsError:
    try:
        return client.get_order(1010101) if is_read else client.post_cancel(EXAMPLE)
    except OmsError as error:
        return error


WHOLE = [
    response(ORDER),
    chunked(BODY, b"a: b\r\n"),
    PROCESSING + response(READY),
    response({"access_token": "tok-1", "expires_in": 3600}),
    HEAD + b"Content-Encoding: gzip\r\n" + LENGTH + b"\r\n" + BODY,
    HEAD + b"Content-Encoding: deflate, br, zstd\r\n\r\n" + BODY,
    b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nSet-Cookie: a=b; Expires=soon\r\n\r\n",
    b"HTTP/1.1 429 No\r\nRetry-After: 1\r\nAge: 1\r\nContent-Length: 1,1\r\n\r\n{",
]
PIECES = [b"\r\n", b"\r\n\r\n", b" ", b":", b"\0", b"\xff", b"HTTP/1.1 100 C\r\n\r\n", b"9" * 5000]
PIECES += [
    b"HTTP/1.1 ",
    b"-1",
    b"chunked",
    b"Transfer-Encoding: chunked\r\n",
    b"Age: ",
    b"[" * 5000,
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = draw(st.sampled_from(WHOLE))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 20)))
        data = data[:start] + draw(st.sampled_from(PIECES) | st.binary(max_size=4)) + data[end:]
    return data[: draw(st.just(len(data)) | st.integers(0, len(data)))]


@pytest.mark.parametrize("credentials", [None, ("id", "s3cret")], ids=["to a call", "for a token"])
def test_whatever_comes_ends_in_an_order_or_an_error_of_the_clients_own(
    credentials: tuple[str, str] | None,
) -> None:
    said = b""

    def say(connection: socket.socket, _: bytes) -> None:
        connection.sendall(said)
        connection.shutdown(socket.SHUT_RDWR)

    with RawServer([say]) as server:
        client = client_of(server.url, credentials=credentials, read_timeout=60)

        @settings(max_examples=150)
        @given(st.binary(max_size=200) | mutated(), st.booleans())
        @example(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}", True)
        @example(b"HTTP/1.1 1000 OK\r\n\r\n", True)
        def hold(data: bytes, is_read: bool) -> None:
            nonlocal said
            said = data
            assert isinstance(call(client, is_read=is_read), Order | OmsError)

        hold()


def test_whatever_a_proxy_says_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    said = b""

    def say(connection: socket.socket, _: bytes) -> None:
        connection.sendall(said)
        connection.shutdown(socket.SHUT_RDWR)

    with RawServer([say]) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        client = client_of("https://oms.invalid", read_timeout=60, connect_timeout=60)

        @settings(max_examples=60)
        @given(st.binary(max_size=200) | mutated())
        def hold(data: bytes) -> None:
            nonlocal said
            said = data
            assert isinstance(call(client, is_read=False), OmsNotSentError)

        hold()


REST = st.sampled_from([b"", b"x", b"\r\n", b"HTTP/1.1", PROCESSING, response(READY, "stale")])
INTERIMS = st.lists(st.sampled_from([CONTINUE, PROCESSING, EARLY_HINTS]), max_size=3)


def test_no_response_is_taken_for_that_of_another_request() -> None:
    parts: list[tuple[list[bytes], bool, bytes]] = []

    def say(connection: socket.socket, _: bytes) -> None:
        interim, is_chunked, rest = parts[0]
        mine = response({**ORDER, "note": str(len(server.requests))})
        if is_chunked:
            mine = chunked(mine.partition(b"\r\n\r\n")[2])
        connection.sendall(b"".join(interim) + mine + rest)

    with RawServer([say]) as server, client_of(server.url) as client:

        @settings(max_examples=40)
        @given(st.lists(st.tuples(INTERIMS, st.booleans(), REST), min_size=2, max_size=6))
        def hold(sequence: list[tuple[list[bytes], bool, bytes]]) -> None:
            for each in sequence:
                parts[:] = [each]
                order = client.get_order(1010101)
                assert order.raw["note"] == str(len(server.requests))

        hold()
