"""A client for a server that plays bytes, and the answers that an OMS would give."""

from __future__ import annotations

import json
import socket
from typing import Any

from raw_server import Script, answer

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.validation import CancelRequest

EXAMPLE = CancelRequest(1010101, "other", "Customer changed mind")
ORDER = {"orderID": 1010101, "orderState": "CANCELED", "orderStatus": "CANCELED"}
JSON = "Content-Type: application/json"
CORRELATION = "x-vol-correlation: 0123456789abcdef0123456789abcdef"


def document(value: object, status: str = "200 OK", *headers: str) -> Script:
    return answer(status, json.dumps(value).encode(), (JSON, CORRELATION, *headers))


def raw(data: bytes, *more: bytes) -> Script:
    """Answer with these bytes, each in a separate segment, and leave the connection open."""

    def play(connection: socket.socket, _: bytes) -> None:
        for part in (data, *more):
            connection.sendall(part)

    return play


def response(
    value: object, correlation_id: str = "0", status: str = "200 OK", headers: bytes = b""
) -> bytes:
    """Return the bytes of a whole response."""
    body = json.dumps(value).encode()
    head = f"HTTP/1.1 {status}\r\n{JSON}\r\nx-vol-correlation: {correlation_id}\r\n".encode()
    return head + headers + b"Content-Length: %d\r\n\r\n" % len(body) + body


def client_of(url: str, **extra: Any) -> OmsClient:
    credentials = extra.pop("credentials", None) or (None, None)
    fields = {"tenant_id": "10001", "connect_timeout": 2, "read_timeout": 2, **extra}
    settings = TenantSettings.from_connection(
        name="test",
        host=url,
        login=credentials[0],
        password=credentials[1],
        extra=json.dumps(fields),
    )
    return OmsClient(settings, user_agent_suffix="apache-airflow/9.9")


def head_and_body(request: bytes) -> tuple[list[str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    return head.decode().split("\r\n"), body
