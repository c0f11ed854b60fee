"""`python -m bench.stub PORT`: a tenant that costs little, so that its callers are measured.

It checks no more than the bench relies on; the OMS whose behavior counts is the emulator.
"""

from __future__ import annotations

import asyncio
import sys
import zlib
from collections import Counter
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


class Stub:
    """Hold orders, each of which exists and is open until it is canceled, and answer requests."""

    def __init__(self) -> None:
        self.reset()

    def reset(self, latency: float = 0.05, faults: float = 0.0, unavailable: float = 0.0) -> None:
        """Begin with every order open.

        :param latency: seconds until an answer about an order leaves.
        :param faults: share of the orders whose first cancel meets a fault, from 0 to 1: half act
            and break the connection, half are a 502 that did not act.
        :param unavailable: share of the orders whose first cancel acts and is answered 503.
        """
        self._latency, self._faults, self._unavailable = latency, faults, unavailable
        self._posts: Counter[int] = Counter()
        self._canceled: set[int] = set()
        self._reposted = self._reads = self._faulted = 0

    def facts(self) -> dict[str, Any]:
        return {
            "canceled": [*self._canceled],
            "posts": self._posts.total(),
            "reposted": self._reposted,
            "reads": self._reads,
            "faulted": self._faulted,
        }

    def cancel(self, order_id: int) -> int:
        self._posts[order_id] += 1
        self._reposted += order_id in self._canceled
        status = self._fate_of(order_id) if self._posts[order_id] == 1 else OK
        self._faulted += status != OK
        if status != FAILED:
            self._canceled.add(order_id)
        return status

    def _fate_of(self, order_id: int) -> int:
        # By the id and not by chance: every round of every contender meets the same faults.
        draw = zlib.crc32(b"%d" % order_id) / _DRAWS
        if draw >= self._faults:
            return UNAVAILABLE if draw < self._faults + self._unavailable else OK
        return DROPPED if draw < self._faults / 2 else FAILED

    async def respond(self, request: web.BaseRequest) -> web.Response:
        if request.path == STATE_PATH:
            if request.method == "PUT":
                self.reset(**await request.json())
            return web.json_response(self.facts())
        if request.path == TOKEN_PATH:
            return web.json_response({"access_token": TOKEN, "expires_in": 86400})
        if "Authorization" not in request.headers:
            return web.Response(status=401)
        if request.path == CANCEL_PATH:
            order_id = (await request.json())["orderID"]
            status = self.cancel(order_id)
        else:
            order_id, status = int(request.path.rpartition("/")[2]), OK
            self._reads += 1
        state = "CANCELED" if order_id in self._canceled else "READY"
        body = {"orderID": order_id, "orderState": state, "orderStatus": state}
        await asyncio.sleep(self._latency)
        if status == DROPPED and request.transport is not None:
            request.transport.abort()
        if status != OK:
            return web.json_response({"message": "Try again"}, status=status or FAILED)
        return web.json_response(body, headers={"x-vol-correlation": f"bench-{order_id}"})


async def serve(port: int) -> None:
    """Listen until the process is ended, on the loopback interface only."""
    # No access log: it would cost more than the answer.
    server = web.Server(Stub().respond, access_log=None)
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(server, "127.0.0.1", port, backlog=512)
    await listener.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
