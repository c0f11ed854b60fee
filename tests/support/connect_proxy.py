"""A forward proxy that opens tunnels: CONNECT and nothing else, with its own names."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from listener import Listener
from raw_server import read_request

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def forget_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the environment name no proxy, and exempt no host from one."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@dataclass
class ConnectProxy(Listener):
    """Let connections through to this machine, under names that only the proxy knows.

    :param ports: the port of this machine for each ``host:port`` that may be reached.
    :param user: ``user:password`` that it wants, if any.
    :param tls: wraps each connection to the proxy itself when given.
    """

    ports: Mapping[str, int]
    user: str = ""
    tls: ssl.SSLContext | None = None
    asked: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Return the proxy's address, with the user that it wants."""
        user = f"{self.user}@" if self.user else ""
        return f"{'https' if self.tls else 'http'}://{user}127.0.0.1:{self.port}"

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            request = read_request(connection)
            self.asked.append(request)
            status = self._status(request)
            if status != "200 Connection established":
                connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
                connection.close()
                return
            server = socket.create_connection(("127.0.0.1", self.ports[_target(request)]))
            self._open.append(server)
            connection.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())
            threading.Thread(target=_pump, args=(server, connection), daemon=True).start()
            _pump(connection, server)

    def _status(self, request: bytes) -> str:
        wanted = base64.b64encode(self.user.encode())
        if self.user and b"Proxy-Authorization: Basic " + wanted not in request:
            return "407 Proxy Authentication Required"
        if not request.startswith(b"CONNECT "):
            return "405 Method Not Allowed"
        return "200 Connection established" if _target(request) in self.ports else "502 Bad Gateway"


def _target(request: bytes) -> str:
    return request.split(b" ")[1].decode()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
