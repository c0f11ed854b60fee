"""The state kept from request to request, and the part a forked child leaves to its parent."""

from __future__ import annotations

import multiprocessing
import socket
import threading

import pytest
from raw_server import RawServer
from wire import EXAMPLE, ORDER, client_of, document, head_and_body, raw, response

from airflow_provider_oms.api.errors import OmsNotFoundError


class TestWhatIsKept:
    def test_a_cookie_is_not(self) -> None:
        crumbs = b"Set-Cookie: lb=1; Path=/\r\nSet-Cookie: s=2; Domain=127.0.0.1\r\n"
        script = [raw(response(ORDER, headers=crumbs))]
        with RawServer(script) as server, client_of(server.url) as client:
            for _ in range(2):
                client.get_order(1010101)
        assert b"cookie" not in server.requests[1].lower()

    def test_a_read_asks_for_the_order_as_it_is_now(self) -> None:
        with RawServer([document(ORDER)]) as server, client_of(server.url) as client:
            client.get_order(1010101)
            client.post_cancel(EXAMPLE)
        read, post = (head_and_body(request)[0] for request in server.requests)
        assert "Cache-Control: no-cache" in read
        assert "Accept-Encoding: gzip, deflate" in read
        assert not [line for line in post if line.startswith("Cache-Control")]

    @pytest.mark.parametrize(
        ("value", "age"),
        [
            (b"", 0),
            (b"Age: 0\r\n", 0),
            (b"Age: 30\r\n", 30),
            (b"age:  1.5 \r\n", 1.5),
            (b"Age: 7, 9\r\n", 7),
            (b"Age: 7\r\nAge: 9\r\n", 7),
            (b"Age: " + b"9" * 5000 + b"\r\n", 2**31),
            (b"Age: -5\r\n", 0),
            (b"Age: soon\r\n", 0),
            (b"Age: 1e3\r\n", 0),
            (b"Age: nan\r\n", 0),
            (b"Age: \xb2\r\n", 0),
        ],
    )
    def test_a_cache_says_how_old_its_response_is(self, value: bytes, age: float) -> None:
        script = [raw(response(ORDER, headers=value))]
        with RawServer(script) as server, client_of(server.url) as client:
            assert client.get_order(1010101).age == age

    def test_a_cache_says_how_old_a_refusal_is(self) -> None:
        gone = response({"code": 5002}, "0", "404 Not Found", b"Age: 30\r\n")
        with (
            RawServer([raw(gone)]) as server,
            client_of(server.url) as client,
            pytest.raises(OmsNotFoundError) as error,
        ):
            client.get_order(1010101)
        assert error.value.age == 30


def test_a_child_that_was_forked_while_a_token_was_fetched_begins_afresh() -> None:
    # Every call needs a new token, so that one is fetched whenever there is a call.
    token = {"access_token": "tok-1", "expires_in": 0}
    is_asked, may_answer = threading.Event(), threading.Event()

    def answer_late(connection: socket.socket, _: bytes) -> None:
        is_asked.set()
        may_answer.wait(30)
        connection.sendall(response(token))

    script = [document(token), raw(response(ORDER, "parent")), answer_late]
    script += [document(token), raw(response(ORDER, "child")), raw(response(ORDER, "parent"))]
    process = multiprocessing.get_context("fork")
    with RawServer(script) as server:
        client = client_of(server.url, credentials=("id", "s3cret"), read_timeout=30)
        client.get_order(1010101)
        seen: list[str | None] = []
        thread = threading.Thread(
            target=lambda: seen.append(client.get_order(1010101).correlation_id)
        )
        thread.start()
        assert is_asked.wait(30)
        mine, other = process.Pipe()

        def read_in_the_child() -> None:
            other.send(client.get_order(1010101).correlation_id)
            client.close()

        child = process.Process(target=read_in_the_child)
        child.start()
        child.join(30)
        assert child.exitcode == 0
        assert mine.recv() == "child"
        may_answer.set()
        thread.join(30)
        assert seen == ["parent"]
        assert server.connections == 2
