"""The way of every API request: `_before` it is acted on, `_act`, and `_answer`.

Whatever concerns all requests alike has its place between those three stages, faults included.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, replace

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from airflow_provider_oms.emulator.access_log import Received
from airflow_provider_oms.emulator.errors import ApiError, OmsCode, render
from airflow_provider_oms.emulator.paths import CONTROL_PREFIX, canonical
from airflow_provider_oms.emulator.tenant import Tenant

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Exchange:
    """A request on its way.

    :param scope: the ASGI scope it came with.
    :param received: what is known of it otherwise.
    :param seq: its number in the access log.
    """

    scope: Scope
    received: Received
    seq: int


@dataclass(frozen=True)
class Answer:
    """What goes back.

    :param status: the HTTP status.
    :param headers: the headers, as ASGI has them.
    :param body: the whole body.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Pipeline:
    """The outermost ASGI application.

    :param api: the application that acts on the API's requests.
    :param control: the application for the control API, whose requests take no part in this.
    :param tenant: whose requests these are.
    """

    def __init__(self, api: ASGIApp, control: ASGIApp, tenant: Tenant) -> None:
        self._api = api
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
        exchange = self._before(scope, body)
        answer = await self._act(exchange)
        await self._answer(exchange, answer, send)

    def _before(self, scope: Scope, body: bytes) -> Exchange:
        received = Received(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            headers=[(k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]],
            body=body,
            correlation=secrets.token_hex(16),
        )
        return Exchange(scope, received, self._tenant.log.arrived(received))

    async def _act(self, exchange: Exchange) -> Answer:
        path = exchange.received.path
        if self._tenant.settings.trailing_slash:
            path = canonical(path)
        state = {"correlation": exchange.received.correlation}
        collected = _Collector(exchange.received.body)
        try:
            await self._api(
                {**exchange.scope, "path": path, "state": state}, collected.receive, collected.send
            )
        except Exception:
            logger.exception("The emulator failed on a request")
            failure = ApiError(500, OmsCode.GENERIC_SERVER_ERROR, "The emulator has a fault.")
            response = render(
                failure, self._tenant.settings.error_body, exchange.received.correlation
            )
            return Answer(response.status_code, response.raw_headers, bytes(response.body))
        return collected.answer

    async def _answer(self, exchange: Exchange, answer: Answer, send: Send) -> None:
        # Logged first: whoever has the answer in hand finds it in the log as well.
        self._tenant.log.answered(exchange.seq, answer.status)
        correlation = (b"x-vol-correlation", exchange.received.correlation.encode())
        headers = [*answer.headers, correlation]
        start: Message = {
            "type": "http.response.start",
            "status": answer.status,
            "headers": headers,
        }
        await send(start)
        await send({"type": "http.response.body", "body": answer.body})


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
