"""A tenant whose orders are looked at, and triggers that look at them."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from raw_server import RawServer, Script, answer

from airflow_provider_oms.triggers.oms import OmsOrderStateTrigger

SECRET = "a secret of forty characters or so"
TOKEN = b'{"access_token": "tok-1", "expires_in": 3600}'
Connect = Callable[..., None]


class Tenant:
    """Answer token requests, and reads of any order by a rule, over real sockets.

    :param state_of: the state of an order, given its id and how often it was looked at before; or
        a script to play instead.
    :param search: whether there is a search, or what plays instead of one.
    :param search_shows: the state of an order in a search, if another; none for one left out.
    """

    def __init__(
        self,
        state_of: Callable[[int, int], str | Script],
        *,
        search: bool | Script = False,
        search_shows: Callable[[int], str | None] | None = None,
    ) -> None:
        self._state_of = state_of
        self._search = search or search_shows is not None
        self._search_shows = search_shows
        self._lock = threading.Lock()
        self.reads: dict[int, list[float]] = {}
        self.looks: Counter[int] = Counter()
        self.searches: list[list[int]] = []
        self.under_way = self.most_under_way = self.tokens = 0
        self.server = RawServer([self._play])

    def _play(self, connection: socket.socket, request: bytes) -> None:
        if searched := re.match(rb"GET /api/v2/order/\?orderID=([\d,]+)&", request):
            self._find([int(one) for one in searched[1].split(b",")], connection, request)
            return
        found = re.match(rb"GET /api/v2/order/(\d+) ", request)
        if found is None:
            self.tokens += 1
            answer("200 OK", TOKEN)(connection, request)
            return
        order_id = int(found[1])
        with self._lock:
            reads = self.reads.setdefault(order_id, [])
            state = self._look(order_id)
            reads.append(time.monotonic())
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        # Long enough for all to be under way at a time that can be.
        time.sleep(0.02)
        with self._lock:
            self.under_way -= 1
        if isinstance(state, str):
            body = {"orderID": order_id, "orderState": state, "email": "shopper@example.com"}
            state = answer("200 OK", json.dumps(body).encode())
        state(connection, request)

    def _look(self, order_id: int) -> str | Script:
        state = self._state_of(order_id, self.looks[order_id])
        self.looks[order_id] += 1
        return state

    def _find(self, order_ids: list[int], connection: socket.socket, request: bytes) -> None:
        self.searches.append(order_ids)
        if callable(self._search):
            self._search(connection, request)
            return
        if not self._search:
            answer("404 Not Found", b'{"code": 5002}')(connection, request)
            return
        with self._lock:
            shown = {each: (self._search_shows or self._look)(each) for each in order_ids}
        found = [{"orderID": each, "orderState": state} for each, state in shown.items() if state]
        page = {"totalCount": len(found), "collection": found}
        answer("200 OK", json.dumps(page).encode())(connection, request)


def trigger(order_id: int | str = 7, **changes: Any) -> OmsOrderStateTrigger:
    arguments = {
        "order_id": order_id,
        "target_states": ["SHIPPED"],
        "failure_states": ["CANCELED"],
        "oms_conn_id": "oms_default",
        "poll_interval": 0.05,
        "give_up_at": time.time() + 30,
        **changes,
    }
    return OmsOrderStateTrigger(**arguments)


async def ending(waiting: OmsOrderStateTrigger) -> dict[str, Any]:
    """Run a trigger as the triggerer does, and return its event's payload."""
    events = [event.payload async for event in waiting.run()]
    assert len(events) == 1
    payload: dict[str, Any] = json.loads(json.dumps(events[0]))
    return payload


def run(waiting: OmsOrderStateTrigger) -> dict[str, Any]:
    return asyncio.run(ending(waiting))
