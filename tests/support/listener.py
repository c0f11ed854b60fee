"""A socket that listens for the length of a `with` block, and a thread for each connection."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self


class Listener:
    """Listen on a free port of this machine; a dataclass that inherits from it defines the
    responses.

    Everything in `_open` is closed at the end.
    """

    def __post_init__(self) -> None:
        """Listen on a free port of this machine."""
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for opened in (self._listener, *self._open):
            with contextlib.suppress(OSError):  # it may have ended already
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            # Who sends twice in a row must not wait for the client's acknowledgment.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.append(connection)
            self._take(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _take(self, connection: socket.socket) -> None:
        """Note a connection before its thread starts."""

    def _serve(self, connection: socket.socket) -> None:
        """Serve one connection, in a separate thread."""
        raise NotImplementedError
