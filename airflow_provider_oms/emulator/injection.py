"""Acting a fault out: the processing of a request that meets one, and its client's view.

Which request meets which fault is decided in `faults`.
"""

from __future__ import annotations

import asyncio
import email.utils
import gzip
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

from starlette.responses import Response

from airflow_provider_oms.emulator import faults
from airflow_provider_oms.emulator.errors import ApiError, OmsCode, Shape, render
from airflow_provider_oms.emulator.wire import dump_json, load_json

_BODILESS: Final = (204, 304)


@dataclass(frozen=True)
class Answer:
    """What goes back.

    :param status: the HTTP status.
    :param headers: the headers, as ASGI has them.
    :param body: the whole body.
    :param anonymous: whether it goes without a correlation id.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    anonymous: bool = False

    @classmethod
    def of(cls, response: Response) -> Answer:
        """Return a framework's response as an answer.

        :param response: a response that is not streamed.
        """
        return cls(response.status_code, list(response.raw_headers), bytes(response.body))

    def with_body(self, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Return the answer with another body, its length, and more headers.

        :param body: the new body.
        :param headers: headers to replace or to add.
        """
        changed = {"content-length": str(len(body)), **(headers or {})}
        kept = [pair for pair in self.headers if pair[0].decode().lower() not in changed]
        added = [(name.encode(), value.encode()) for name, value in changed.items()]
        return replace(self, headers=[*kept, *added], body=body)


class Call(Protocol):
    """A request on its way, as far as a fault can interfere with it."""

    @property
    def correlation(self) -> str:
        """The id that the answer carries."""

    async def act(self, *, late: float = 0) -> Answer:
        """Let the tenant act on the request.

        :param late: seconds after which a cancel shows.
        """

    async def earlier(self) -> bytes:
        """Return the order that the request is about in its state before anything is done."""

    def refuse_token(self) -> None:
        """Make the token that the request carries invalid."""

    async def answer(self, answer: Answer) -> None:
        """Send a whole answer.

        :param answer: the answer.
        """

    async def begin(self, answer: Answer, body: bytes) -> None:
        """Send an answer's headers and no more than a part of its body.

        :param answer: the answer.
        :param body: the part.
        """

    async def close(self) -> None:
        """Close the connection."""


async def act_out(fault: faults.Fault, call: Call) -> None:
    """Let a request meet a fault.

    :param fault: the fault.
    :param call: the request.
    """
    await _ACTS[type(fault)](fault, call)


async def _drop(fault: faults.Drop, call: Call) -> None:
    if fault.when != "before":
        answer = await call.act()
        if fault.when == "mid_answer":
            await call.begin(answer, answer.body[: len(answer.body) // 2])
    await call.close()


async def _hang(fault: faults.Hang, call: Call) -> None:
    if fault.acts:
        await call.act()
    await asyncio.sleep(fault.seconds)
    await call.close()


async def _slow(fault: faults.Slow, call: Call) -> None:
    if fault.acts == "last":
        await asyncio.sleep(fault.seconds)
        await call.answer(await call.act())
        return
    answer = await call.act()
    await asyncio.sleep(fault.seconds)
    await call.answer(answer)


async def _status(fault: faults.Status, call: Call) -> None:
    if isinstance(fault.body, dict) or fault.body == "order":
        body = (await call.act()).body if fault.acts else await call.earlier()
        if isinstance(fault.body, dict):
            body = dump_json(fault.body).encode()
        headers = {"content-type": "application/json", **_lower(fault.headers)}
        shown = b"" if fault.status in _BODILESS else body
        await call.answer(Answer(fault.status, [], b"").with_body(shown, headers))
        return
    if fault.acts:
        await call.act()
    await call.answer(_error(fault.status, fault.body, call, fault.headers))


async def _throttle(fault: faults.Throttle, call: Call) -> None:
    headers = {}
    if fault.retry_after is not None:
        # Whole seconds only: rounded up, or the date would be too early.
        at = int(time.time()) + 1 + fault.retry_after
        headers["retry-after"] = (
            email.utils.formatdate(at, usegmt=True) if fault.as_date else str(fault.retry_after)
        )
    await call.answer(_error(429, "empty", call, headers))


async def _over_limit(_fault: faults.OverLimit, call: Call) -> None:
    page = b"<h1>Developer Over Qps</h1>"
    headers = {"content-type": "text/html", "x-mashery-error-code": "ERR_403_DEVELOPER_OVER_QPS"}
    await call.answer(Answer(403, [], b"").with_body(page, headers))


async def _unauthorized(fault: faults.Unauthorized, call: Call) -> None:
    if fault.revokes:
        call.refuse_token()
    refusal = ApiError(
        401,
        OmsCode.GENERIC_NOT_AUTHORIZED,
        "The access token is invalid or has expired.",
        error_code="INVALID_ACCESS_TOKEN",
    )
    await call.answer(Answer.of(render(refusal, "platform", call.correlation)))


async def _answer(fault: faults.Answer200, call: Call) -> None:
    earlier = await call.earlier()
    answer = await call.act() if fault.acts else Answer(200, [], b"")
    body, content_type = earlier, "application/json"
    if fault.body == "empty":
        body = b""
    elif fault.body == "html":
        body, content_type = b"<html><body><h1>Please wait</h1></body></html>", "text/html"
    elif fault.body == "text":
        body, content_type = b"OK", "text/plain"
    elif fault.body == "cut_off":
        body = (answer.body or earlier)[:-20]
    elif fault.body == "other_order":
        body = _with_another_id(answer.body or earlier)
    await call.answer(Answer(200, [], b"").with_body(body, {"content-type": content_type}))


async def _gzip(_fault: faults.Gzip, call: Call) -> None:
    answer = await call.act()
    await call.answer(answer.with_body(gzip.compress(answer.body), {"content-encoding": "gzip"}))


async def _late(fault: faults.Late, call: Call) -> None:
    answer = await call.act(late=fault.seconds)
    if fault.answer == "drop":
        await call.close()
    elif fault.answer == "error":
        await call.answer(_error(502, "html", call, {}))
    else:
        await call.answer(answer)


async def _close_after(_fault: faults.CloseAfter, call: Call) -> None:
    await call.answer(await call.act())
    await call.close()


def _with_another_id(order: bytes) -> bytes:
    try:
        other = load_json(order)
    except ValueError:  # an error without JSON, which is no order in any case
        return order
    if not isinstance(other, dict):
        return order
    if isinstance(native_id := other.get("id"), str):
        first = "1" if native_id.startswith("0") else "0"
        return dump_json({**other, "id": first + native_id[1:]}).encode()
    # A part names its order as well, and is the one that its first id names.
    ids = ("orderItemID", "shipmentNumber", "shipmentID")
    name = next((one for one in ids if one in other), "orderID")
    return dump_json({**other, name: other.get(name, 0) + 1}).encode()


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _error(status: int, shape: Shape, call: Call, headers: Mapping[str, str]) -> Answer:
    shape = "empty" if status in _BODILESS else shape
    codes = {404: OmsCode.GENERIC_NOT_FOUND, 400: OmsCode.GENERIC_BAD_REQUEST}
    code = codes.get(status, OmsCode.GENERIC_SERVER_ERROR)
    response = render(ApiError(status, code, "A fault of the emulator."), shape, call.correlation)
    response.headers.update(headers)
    return Answer.of(response)


_ACTS: dict[type, Callable[..., Awaitable[None]]] = {
    faults.Drop: _drop,
    faults.Hang: _hang,
    faults.Slow: _slow,
    faults.Status: _status,
    faults.Throttle: _throttle,
    faults.OverLimit: _over_limit,
    faults.Unauthorized: _unauthorized,
    faults.Answer200: _answer,
    faults.Gzip: _gzip,
    faults.Late: _late,
    faults.CloseAfter: _close_after,
}
