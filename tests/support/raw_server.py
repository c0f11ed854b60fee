"""A server that plays a script byte for byte, for responses that no framework would let a test
send.

It keeps every request exactly as it came over the socket.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from listener import Listener

Script = Callable[[socket.socket, bytes], None]


def answer(
    status: str = "200 OK", body: bytes = b"", headers: Sequence[str] = (), *, length: bool = True
) -> Script:
    """Answer with a whole response."""
    lines = [f"HTTP/1.1 {status}", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join((*lines, "", "")).encode()

    def play(connection: socket.socket, _: bytes) -> None:
        connection.sendall(head + body)

    return play


def hang_up(connection: socket.socket, _: bytes) -> None:
    """Close without a word."""
    connection.shutdown(socket.SHUT_RDWR)


@dataclass
class RawServer(Listener):
    """Serve a script: one entry for each request, the last one again and again.

    :param script: what to do with each request once it has been read whole.
    :param tls: wraps each connection when given.
    :param greeting: what to send on each connection before any request.
    :param greeted: set when that was sent.
    """

    script: Sequence[Script]
    tls: ssl.SSLContext | None = None
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    greeting: bytes = b""
    greeted: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Listen on a free port of this machine."""
        super().__post_init__()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Return the server's address."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def _take(self, connection: socket.socket) -> None:
        self.connections += 1

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            if self.greeting:
                connection.sendall(self.greeting)
                self.greeted.set()
            while request := read_request(connection):
                with self._lock:
                    self.requests.append(request)
                    play = self.script[min(len(self.requests), len(self.script)) - 1]
                play(connection, request)
        except OSError:
            return  # the client, or the script, has closed the connection


def read_request(connection: socket.socket) -> bytes:
    """Return the next request of a connection, whole; nothing when there is none."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body
