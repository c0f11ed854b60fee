"""The way of every API request: `_before` it is acted on, and then either as usual or by a fault.

Whatever concerns all requests alike has its place here.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import dataclass, replace

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from airflow_provider_oms.emulator.access_log import Received
from airflow_provider_oms.emulator.calls import shown_at
from airflow_provider_oms.emulator.errors import ApiError, OmsCode, render
from airflow_provider_oms.emulator.faults import Fault
from airflow_provider_oms.emulator.injection import Answer, act_out
from airflow_provider_oms.emulator.paths import CONTROL_PREFIX, canonical, is_native
from airflow_provider_oms.emulator.tenant import Tenant

logger = logging.getLogger(__name__)

CORRELATION_HEADER = b"x-vol-correlation"


@dataclass
class Connection:
    """The connection that a request came on, which the server puts into the scope's state.

    :param transport: what closes it.
    :param served: how many requests of the API it has brought so far.
    """

    transport: asyncio.Transport
    served: int = 0


class Pipeline:
    """The outermost ASGI application.

    :param api: the application that acts on the translated API's requests.
    :param native_api: the application that acts on the native API's requests.
    :param control: the application for the control API, whose requests take no part in this.
    :param tenant: whose requests these are.
    """

    def __init__(self, api: ASGIApp, native_api: ASGIApp, control: ASGIApp, tenant: Tenant) -> None:
        self._api = api
        self._native_api = native_api
        self._control = control
        self._tenant = tenant

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        :param scope: what ASGI tells of it.
        :param receive: gives its body.
        :param send: takes the answer.
        """
        if scope["path"].startswith(f"{CONTROL_PREFIX}/"):
            await self._control(scope, receive, send)
            return
        body = await _read_body(receive)
        if body is None:  # the client left before it had sent all
            return
        exchange, fault = self._before(scope, body, receive, send)
        if fault is None:
            await exchange.answer(await exchange.act())
        else:
            await act_out(fault, exchange)

    def _before(
        self, scope: Scope, body: bytes, receive: Receive, send: Send
    ) -> tuple[_Exchange, Fault | None]:
        connection: Connection = scope["state"]["connection"]
        received = Received(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            headers=[(k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]],
            body=body,
            correlation=secrets.token_hex(16),
            reused=connection.served > 0,
        )
        connection.served += 1
        known = self._tenant.parts.identify(received.call)
        received = replace(received, known_order=known)
        fault = self._tenant.faults.choose(received)
        seq = self._tenant.log.arrived(received, fault.kind if fault else None)
        api = self._native_api if is_native(received.path) else self._api
        exchange = _Exchange(
            api, self._tenant, scope, received, seq, receive, send, connection.transport
        )
        return exchange, fault


@dataclass(frozen=True)
class _Exchange:
    """A request on its way.

    :param api: the application that acts on it.
    :param tenant: whose request it is.
    :param scope: the ASGI scope it came with.
    :param received: the other known facts about it.
    :param seq: its number in the access log.
    :param receive: tells when the client has left.
    :param send: takes the answer.
    :param transport: closes the connection.
    """

    api: ASGIApp
    tenant: Tenant
    scope: Scope
    received: Received
    seq: int
    receive: Receive
    send: Send
    transport: asyncio.Transport

    @property
    def correlation(self) -> str:
        """The id that the answer carries."""
        return self.received.correlation

    async def act(self, *, late: float = 0) -> Answer:
        """Let the tenant act on the request, and return its response.

        :param late: seconds after which a cancel shows.
        """
        path = self.received.path
        if self.tenant.settings.trailing_slash:
            path = canonical(path)
        state = {"correlation": self.correlation, "late": late}
        return await self._ask({**self.scope, "path": path, "state": state}, self.received.body)

    async def earlier(self) -> bytes:
        """Return the order or part of the request in its present state; else nothing."""
        received = self.received
        path = shown_at(received.call, received.order, native=is_native(received.path))
        if not path:
            return b""
        state = {"correlation": self.correlation, "late": 0}
        answer = await self._ask({**self.scope, "method": "GET", "path": path, "state": state}, b"")
        return answer.body

    async def _ask(self, scope: Scope, body: bytes) -> Answer:
        collected = _Collector(body)
        try:
            await self.api(scope, collected.receive, collected.send)
        except Exception:
            logger.exception("The emulator failed on a request")
            failure = ApiError(500, OmsCode.GENERIC_SERVER_ERROR, "The emulator has a fault.")
            response = render(failure, self.tenant.settings.error_body, self.correlation)
            return Answer.of(response)
        anonymous = scope["state"].get("without_correlation", False)
        return replace(collected.answer, anonymous=anonymous)

    def refuse_token(self) -> None:
        """Make the token that the request carries invalid."""
        for name, value in self.received.headers:
            if name == "authorization":
                self.tenant.tokens.revoke(value.partition(" ")[2].strip())

    async def answer(self, answer: Answer) -> None:
        """Send a whole answer.

        :param answer: the answer.
        """
        # Logged first: a client that has the response finds it in the log as well.
        if not self.transport.is_closing():
            self.tenant.log.answered(self.seq, answer.status)
        await self._start(answer)
        await self.send({"type": "http.response.body", "body": answer.body})

    async def begin(self, answer: Answer, body: bytes) -> None:
        """Send an answer's headers and no more than a part of its body.

        :param answer: the answer.
        :param body: the part.
        """
        await self._start(answer)
        await self.send({"type": "http.response.body", "body": body, "more_body": True})

    async def close(self) -> None:
        """Close the connection, and wait until that has come to pass."""
        self.transport.close()
        while (await self.receive())["type"] != "http.disconnect":
            continue

    async def _start(self, answer: Answer) -> None:
        headers = list(answer.headers)
        if not answer.anonymous:
            headers.append((CORRELATION_HEADER, self.correlation.encode()))
        start: Message = {
            "type": "http.response.start",
            "status": answer.status,
            "headers": headers,
        }
        await self.send(start)


class _Collector:
    """Stands in for the client: hands a body in, and keeps the answer instead of sending it."""

    def __init__(self, body: bytes) -> None:
        self._incoming: list[Message] = [{"type": "http.request", "body": body}]
        self.answer = Answer(500, [], b"")

    async def receive(self) -> Message:
        return self._incoming.pop() if self._incoming else {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.answer = Answer(message["status"], list(message["headers"]), b"")
        else:
            body = self.answer.body + message.get("body", b"")
            self.answer = replace(self.answer, body=body)


async def _read_body(receive: Receive) -> bytes | None:
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)
