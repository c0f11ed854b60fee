"""`python -m bench.stub`: a tenant that costs next to nothing, so that its callers are measured.

It checks no more than the bench relies on; the OMS whose behavior counts is the emulator.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from http import HTTPStatus
from typing import Any

from bench.limiter import Limit, Limiter

CANCEL_PATH = b"/api/v2/order/action/cancel"
ORDER_PATH = b"/api/v2/order/"
TOKEN_PATH = b"/api/platform/applications/authtickets/oauth"
STATE_PATH = b"/_bench/state"
ACTED_PATH = b"/_bench/acted"
RESET_PATH = b"/_bench/reset"
TOKEN = "a-token-that-is-worth-nothing"  # noqa: S105 - worthless
_END_OF_HEAD = b"\r\n\r\n"
_BACKLOG = 512
_DRAWS = 2**32

#: Takes an answer; ``None`` breaks the connection.
Send = Callable[[bytes | None], None]


class Fault(Enum):
    """Name the fate of the first cancel of an order that is to meet a fault."""

    DROPPED = auto()
    FAILED = auto()
    UNAVAILABLE = auto()


@dataclass
class Book:
    """Hold the stub's state; every order exists and is open until it is canceled.

    :param latency: seconds until an answer about an order leaves.
    :param faults: share of the orders whose first cancel meets a fault, from 0 to 1: half act and
        break the connection, half are a 502 that did not act.
    :param unavailable: share of the orders whose first cancel acts and is answered 503.
    """

    latency: float = 0.05
    faults: float = 0.0
    unavailable: float = 0.0
    posts: Counter[int] = field(default_factory=Counter)
    canceled: dict[int, float] = field(default_factory=dict)
    reposted: int = 0
    reads: int = 0
    faulted: int = 0
    first_at: float = 0.0
    turned_away: int = 0
    cancels_turned_away: int = 0

    def cancel(self, order_id: int) -> Fault | None:
        """Cancel an order, and return the fault that its answer is to meet, if any.

        :param order_id: the order.
        """
        self.posts[order_id] += 1
        if order_id in self.canceled:
            self.reposted += 1
        fault = self._fault_of(order_id) if self.posts[order_id] == 1 else None
        if fault is not Fault.FAILED:
            self.canceled.setdefault(order_id, time.time())
        return fault

    def turn_away(self, method: bytes) -> None:
        """Take note of a request that the limit did not let through.

        :param method: of the request.
        """
        self.turned_away += 1
        self.cancels_turned_away += method == b"POST"

    def _fault_of(self, order_id: int) -> Fault | None:
        # By the id and not by chance: every round of every contender meets the same faults.
        draw = zlib.crc32(b"%d" % order_id) / _DRAWS
        if draw >= self.faults + self.unavailable:
            return None
        self.faulted += 1
        if draw >= self.faults:
            return Fault.UNAVAILABLE
        return Fault.DROPPED if draw < self.faults / 2 else Fault.FAILED

    def facts(self) -> dict[str, float]:
        """Return the facts that the bench reads when a measurement is over."""
        return {
            "posts": self.posts.total(),
            "canceled": len(self.canceled),
            "lowest": min(self.canceled, default=0),
            "highest": max(self.canceled, default=0),
            "reposted": self.reposted,
            "reads": self.reads,
            "faulted": self.faulted,
            "first_at": self.first_at,
            "turned_away": self.turned_away,
            "cancels_turned_away": self.cancels_turned_away,
        }


def answer(order_id: int, *, is_canceled: bool) -> bytes:
    """Return the whole answer about an order, with the fields that a client looks at.

    :param order_id: the order.
    :param is_canceled: whether it is canceled.
    """
    state = b"CANCELED" if is_canceled else b"READY"
    body = b'{"orderID":%d,"orderState":"%s","orderStatus":"%s"}' % (order_id, state, state)
    return _with_head(b"200 OK", body, b"x-vol-correlation: bench-%d\r\n" % order_id)


def _with_head(status: bytes, body: bytes, more: bytes = b"") -> bytes:
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n"
    return head % (status, more, len(body)) + body


def refusal(limit: Limit) -> bytes:
    """Return what nginx answers to a request that a limit does not let through.

    :param limit: the limit.
    """
    status = f"{limit.status} {HTTPStatus(limit.status).phrase}"
    body = f"<html><head><title>{status}</title></head></html>"
    asked = "" if limit.retry_after is None else f"Retry-After: {limit.retry_after}\r\n"
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\n{asked}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


_ANSWERS_TO_FAULTS = {
    Fault.DROPPED: None,
    Fault.FAILED: _with_head(b"502 Bad Gateway", b'{"message":"The OMS did not answer"}'),
    Fault.UNAVAILABLE: _with_head(b"503 Service Unavailable", b'{"message":"Try again"}'),
}
_UNAUTHORIZED = _with_head(b"401 Unauthorized", b'{"message":"No token"}')
_NOTHING_HERE = _with_head(b"404 Not Found", b'{"message":"Nothing here"}')
_TOKEN_ANSWER = _with_head(
    b"200 OK", json.dumps({"access_token": TOKEN, "expires_in": 86400}).encode()
)


def _counted(send: Send, limiter: Limiter) -> Send:
    def send_and_leave(data: bytes | None) -> None:
        limiter.leave()
        send(data)

    return send_and_leave


class Stub:
    """Answer requests out of a book that can be reset between two measurements."""

    def __init__(self) -> None:
        self.book = Book()
        self.limiter: Limiter | None = None

    def respond(self, head: bytes, body: bytes, send: Send) -> None:
        """Answer one request, now or after the latency.

        :param head: its first line and its headers.
        :param body: its body.
        :param send: takes the answer; ``None`` breaks the connection.
        """
        method, path, _ = head.split(b" ", 2)
        if path == STATE_PATH:
            send(_with_head(b"200 OK", json.dumps(self.book.facts()).encode()))
        elif path == ACTED_PATH:
            send(_with_head(b"200 OK", json.dumps([*self.book.canceled.items()]).encode()))
        elif path == RESET_PATH:
            self._reset(json.loads(body))
            send(_with_head(b"200 OK", b"{}"))
        else:
            self.book.first_at = self.book.first_at or time.time()
            if self.limiter is None:
                self._let_through(method, path, head, body, send)
            elif self.limiter.admit(time.monotonic()):
                self._let_through(method, path, head, body, _counted(send, self.limiter))
            else:
                self.book.turn_away(method)
                send(refusal(self.limiter.limit))

    def _reset(self, settings: dict[str, Any]) -> None:
        limit = settings.pop("limit", None)
        self.limiter = None if limit is None else Limiter(Limit.of(limit))
        self.book = Book(**settings)

    def _let_through(
        self, method: bytes, path: bytes, head: bytes, body: bytes, send: Send
    ) -> None:
        if path == TOKEN_PATH:
            send(_TOKEN_ANSWER)
        elif b"Bearer " not in head:
            send(_UNAUTHORIZED)
        else:
            self._send_later(send, self._about_an_order(method, path, body))

    def _about_an_order(self, method: bytes, path: bytes, body: bytes) -> bytes | None:
        if method == b"POST" and path == CANCEL_PATH:
            order_id = json.loads(body)["orderID"]
            fault = self.book.cancel(order_id)
            if fault is None:
                return answer(order_id, is_canceled=True)
            return _ANSWERS_TO_FAULTS[fault]
        if method == b"GET" and path.startswith(ORDER_PATH):
            order_id = int(path.removeprefix(ORDER_PATH))
            self.book.reads += 1
            return answer(order_id, is_canceled=order_id in self.book.canceled)
        return _NOTHING_HERE

    def _send_later(self, send: Send, data: bytes | None) -> None:
        if self.book.latency:
            asyncio.get_running_loop().call_later(self.book.latency, send, data)
        else:
            send(data)


class Connection(asyncio.Protocol):
    """Read the requests of one connection; none is sent before the last one's answer came.

    :param stub: answers them.
    """

    def __init__(self, stub: Stub) -> None:
        self._stub = stub
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection over."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer the request as soon as all of it is there."""
        received = self._received = self._received + data
        end_of_head = received.find(_END_OF_HEAD)
        if end_of_head < 0:
            return
        head, body = received[:end_of_head], received[end_of_head + len(_END_OF_HEAD) :]
        if len(body) < _content_length(head):
            return
        self._received = b""
        self._stub.respond(head, body, self._send)

    def _send(self, data: bytes | None) -> None:
        if self._transport is None:
            return
        if data is None:
            self._transport.abort()
        elif not self._transport.is_closing():
            self._transport.write(data)


def _content_length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


async def serve(port: int) -> None:
    """Listen until the process is ended.

    :param port: on the loopback interface only.
    """
    stub = Stub()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(stub), "127.0.0.1", port, backlog=_BACKLOG)
    await server.serve_forever()


def main() -> None:
    """Run the stub."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    asyncio.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
