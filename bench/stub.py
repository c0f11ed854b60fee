"""`python -m bench.stub PORT`: a tenant that costs little, so that its callers are measured.

It checks no more than the bench relies on; the OMS whose behavior counts is the emulator.
"""

from __future__ import annotations

import asyncio
import sys
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

CANCEL_PATH = "/api/v2/order/action/cancel"
TOKEN_PATH = "/api/platform/applications/authtickets/oauth"  # noqa: S105 - a path
STATE_PATH = "/_bench/state"
TOKEN = "a-token-that-is-worth-nothing"  # noqa: S105 - worthless
OK, FAILED, UNAVAILABLE = 200, 502, 503
#: Breaks the connection.
DROPPED = 0
_DRAWS = 2**32


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
    canceled: set[int] = field(default_factory=set)
    reposted: int = 0
    reads: int = 0
    faulted: int = 0

    def cancel(self, order_id: int) -> int:
        """Cancel an order, and return the answer's status."""
        self.posts[order_id] += 1
        self.reposted += order_id in self.canceled
        status = self._fate_of(order_id) if self.posts[order_id] == 1 else OK
        self.faulted += status != OK
        if status != FAILED:
            self.canceled.add(order_id)
        return status

    def _fate_of(self, order_id: int) -> int:
        # By the id and not by chance: every round of every contender meets the same faults.
        draw = zlib.crc32(b"%d" % order_id) / _DRAWS
        if draw >= self.faults:
            return UNAVAILABLE if draw < self.faults + self.unavailable else OK
        return DROPPED if draw < self.faults / 2 else FAILED

    def order(self, order_id: int) -> dict[str, Any]:
        """Return an order as a client reads it."""
        state = "CANCELED" if order_id in self.canceled else "READY"
        return {"orderID": order_id, "orderState": state, "orderStatus": state}

    def facts(self) -> dict[str, Any]:
        """Return the facts that the bench reads when a measurement is over."""
        facts = {name: getattr(self, name) for name in ("reposted", "reads", "faulted")}
        return {**facts, "posts": self.posts.total(), "canceled": [*self.canceled]}


class Stub:
    """Answer requests out of a book; each measurement begins with a new one."""

    def __init__(self) -> None:
        self.book = Book()

    async def respond(self, request: web.BaseRequest) -> web.Response:
        """Answer one request."""
        if request.path == STATE_PATH:
            if request.method == "PUT":
                self.book = Book(**await request.json())
            return web.json_response(self.book.facts())
        if request.path == TOKEN_PATH:
            return web.json_response({"access_token": TOKEN, "expires_in": 86400})
        if "Authorization" not in request.headers:
            return web.Response(status=401)
        if request.path == CANCEL_PATH:
            order_id = (await request.json())["orderID"]
            status = self.book.cancel(order_id)
        else:
            order_id, status = int(request.path.rpartition("/")[2]), OK
            self.book.reads += 1
        body = self.book.order(order_id) if status == OK else {"message": "Try again"}
        await asyncio.sleep(self.book.latency)
        if status == DROPPED and request.transport is not None:
            request.transport.abort()
        headers = {"x-vol-correlation": f"bench-{order_id}"}
        return web.json_response(body, status=status or OK, headers=headers)


async def serve(port: int) -> None:
    """Listen until the process is ended, on the loopback interface only."""
    # No access log: it would cost more than the answer.
    server = web.Server(Stub().respond, access_log=None)
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(server, "127.0.0.1", port, backlog=512)
    await listener.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
