"""The benchmark's stub: it tells the truth, and its faults are the same in every round."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bench.stub import ACTED_PATH, CANCEL_PATH, RESET_PATH, Book, Connection, Fault, Stub

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
    facts = stub.book.facts()
    assert facts.pop("first_at") > 0
    assert facts == {
        "posts": 2,
        "canceled": 1,
        "lowest": ORDER,
        "highest": ORDER,
        "reposted": 1,
        "reads": 0,
        "faulted": 0,
        "turned_away": 0,
        "cancels_turned_away": 0,
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
        book = Book(faults=0.05, unavailable=0.025)
        return [book.cancel(order_id) for order_id in range(ORDER, ORDER + 10_000)]

    found = faults()
    assert found == faults()
    for kind in Fault:
        assert 200 < found.count(kind) < 300


def test_an_answer_of_503_can_come_from_the_oms_that_acted(ask: Ask, stub: Stub) -> None:
    stub.book = Book(latency=0, unavailable=1)
    answer = cancel(ask, ORDER)
    assert answer is not None
    assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert state(ask, ORDER)["orderState"] == "CANCELED"


def test_what_the_limit_turns_away_is_not_acted_on_and_is_counted(ask: Ask, stub: Stub) -> None:
    limit = {"rate": 0.001, "burst": 1, "status": 503, "retry_after": 5}
    ask(b"POST", RESET_PATH, json.dumps({"latency": 0, "limit": limit}).encode())
    for order_id in (ORDER, ORDER + 1):
        assert b"200 OK" in (cancel(ask, order_id) or b"")
    for method in (b"POST", b"GET"):
        answer = ask(method, b"/api/v2/order/%d" % (ORDER + 2))
        assert answer is not None
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"\r\nRetry-After: 5\r\nContent-Length: %d" % len(body) in head
    facts = stub.book.facts()
    assert [facts[name] for name in ("posts", "turned_away", "cancels_turned_away")] == [2, 2, 1]
    assert [order_id for order_id, _ in json.loads(ask_for(ask, ACTED_PATH))] == [ORDER, ORDER + 1]


def ask_for(ask: Ask, path: bytes) -> bytes:
    answer = ask(b"GET", path)
    assert answer is not None
    return answer.partition(b"\r\n\r\n")[2]


def test_a_request_is_under_way_until_it_is_answered(ask: Ask, stub: Stub) -> None:
    ask(b"POST", RESET_PATH, json.dumps({"latency": 0, "limit": {"at_a_time": 1}}).encode())
    for order_id in range(ORDER, ORDER + 3):
        assert b"200 OK" in (cancel(ask, order_id) or b"")
    assert stub.limiter is not None
    assert stub.limiter.under_way == 0


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
