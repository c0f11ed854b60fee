"""A hook's surroundings in its tests: a connection to a server of bytes, and its responses."""

from __future__ import annotations

import json

from raw_server import RawServer, Script, answer

CANCELED = {"orderID": 1010101, "orderState": "CANCELED", "orderStatus": "CANCELED"}
CORRELATION = "x-vol-correlation: 0123456789abcdef0123456789abcdef"
NOT_FOUND = answer("404 Not Found", b'{"code": 5002, "message": "no such order"}')


def document(value: object) -> Script:
    return answer("200 OK", json.dumps(value).encode(), ("Content-Type: application/json",))


def refusal(status: str, body: object, *headers: str) -> Script:
    return answer(status, json.dumps(body).encode(), headers)


def to(server: RawServer, **extra: object) -> dict[str, object]:
    extra = {"tenant_id": "10001", "settle_seconds": 0, "deadline": 2, **extra}
    return {"conn_type": "oms", "host": server.url, "extra": extra}
