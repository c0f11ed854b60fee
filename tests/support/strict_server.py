"""A TLS server that refuses a client within the handshake, at the moment that a test wants."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from dataclasses import dataclass, field
from typing import Self


@dataclass
class StrictServer:
    """Refuse every client for its certificate, and wait for it to go.

    :param context: wants a certificate that no client has.
    :param after_bytes: look at the certificate only when so much has come after the greeting.
    :param refused: set when a client was refused.
    """

    context: ssl.SSLContext
    after_bytes: int = 1
    refused: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Listen on a free port of this machine."""
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for opened in (self._listener, *self._open):
            with contextlib.suppress(OSError):  # it may have ended already
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                threading.Thread(target=self._refuse, args=(connection,), daemon=True).start()

    def _refuse(self, connection: socket.socket) -> None:
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
