"""A TLS server that refuses a client within the handshake, at the moment that a test wants."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from dataclasses import dataclass, field

from listener import Listener


@dataclass
class StrictServer(Listener):
    """Refuse every client for its certificate, and wait for it to go.

    :param context: wants a certificate that no client has.
    :param after_bytes: look at the certificate only when so much has come after the greeting.
    :param refused: set when a client was refused.
    """

    context: ssl.SSLContext
    after_bytes: int = 1
    refused: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Return the server's address."""
        return f"https://127.0.0.1:{self.port}"

    def _serve(self, connection: socket.socket) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(incoming, outgoing, server_side=True)
        wanted = 1
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(outgoing.read())
                incoming.write(_receive(connection, wanted))
                try:
                    tls.do_handshake()
                except ssl.SSLWantReadError:
                    wanted = self.after_bytes
                except ssl.SSLError:
                    break
            connection.sendall(outgoing.read())
            self.refused.set()
            # To close with something unread would reset the connection, alert and all.
            while connection.recv(65536):
                pass


def _receive(connection: socket.socket, wanted: int) -> bytes:
    data = b""
    while len(data) < wanted and (more := connection.recv(65536)):
        data += more
    return data
