"""The benchmark's stub: it tells the truth, and its faults are the same in every round."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bench.stub import CANCEL_PATH, Book, Connection, Fault, Stub

ORDER = 5_000_001
HEAD = b"%s %s HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer token"

Ask = Callable[..., bytes | None]


@pytest.fixture
def stub() -> Stub:
    stub = Stub()
    stub.book = Book(latency=0)
    return stub


@pytest.fixture
def ask(stub: Stub) -> Ask:
    def ask(method: bytes, path: bytes, body: bytes = b"", head: bytes = HEAD) -> bytes | None:
        sent: list[bytes | None] = []
        stub.respond(head % (method, path), body, sent.append)
        (answer,) = sent
        return answer

    return ask


def cancel(ask: Ask, order_id: int) -> bytes | None:
    return ask(b"POST", CANCEL_PATH, json.dumps({"orderID": order_id}).encode())


def state(ask: Ask, order_id: int) -> Any:
    answer = ask(b"GET", b"/api/v2/order/%d" % order_id)
    assert answer is not None
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def test_an_order_is_open_until_it_is_canceled(ask: Ask, stub: Stub) -> None:
    assert state(ask, ORDER)["orderState"] == "READY"
    answer = cancel(ask, ORDER)
    assert answer is not None
    assert b'"orderState":"CANCELED"' in answer
    assert state(ask, ORDER) == {
        "orderID": ORDER,
        "orderState": "CANCELED",
        "orderStatus": "CANCELED",
    }
    assert stub.book.facts()["reposted"] == 0


def test_a_cancel_of_a_canceled_order_is_counted(ask: Ask, stub: Stub) -> None:
    cancel(ask, ORDER)
    cancel(ask, ORDER)
    assert stub.book.facts() == {
        "posts": 2,
        "canceled": 1,
        "lowest": ORDER,
        "highest": ORDER,
        "reposted": 1,
        "reads": 0,
        "faulted": 0,
    }


def test_a_fault_hits_the_first_cancel_only_and_the_state_is_the_truth(
    ask: Ask, stub: Stub
) -> None:
    stub.book = Book(latency=0, faults=1)
    seen = set()
    for order_id in range(ORDER, ORDER + 20):
        answer = cancel(ask, order_id)
        seen.add(answer is None)
        # Half act and break the connection, half fail and do not act.
        assert answer is None or answer.startswith(b"HTTP/1.1 502 ")
        assert (state(ask, order_id)["orderState"] == "CANCELED") == (answer is None)
        if answer is not None:
            again = cancel(ask, order_id)
            assert again is not None
            assert again.startswith(b"HTTP/1.1 200 ")
    assert seen == {True, False}


def test_the_same_orders_meet_the_same_faults_and_about_as_many_as_asked_for() -> None:
    def faults() -> list[Fault | None]:
        book = Book(faults=0.05)
        return [book.cancel(order_id) for order_id in range(ORDER, ORDER + 10_000)]

    found = faults()
    assert found == faults()
    for kind in Fault:
        assert 200 < found.count(kind) < 300


def test_who_shows_no_token_is_refused(ask: Ask) -> None:
    answer = ask(b"GET", b"/api/v2/order/1", head=b"%s %s HTTP/1.1\r\nHost: here")
    assert answer is not None
    assert answer.startswith(b"HTTP/1.1 401 ")


def test_a_request_that_comes_in_pieces_is_answered_once_it_is_whole(stub: Stub) -> None:
    body = json.dumps({"orderID": ORDER}).encode()
    head = HEAD % (b"POST", CANCEL_PATH) + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
    connection = Connection(stub)
    for piece in (head[:20], head[20:], body[:5]):
        connection.data_received(piece)
        assert not stub.book.posts
    connection.data_received(body[5:])
    assert stub.book.posts == {ORDER: 1}
