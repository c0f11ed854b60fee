"""A server of the bench, for the length of a `with` block."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.processes import running
from demo.workplace import airflow_environment

_SECONDS_TO_START = 20.0


@contextmanager
def serving(command: list[str], directory: Path, port: int, *, name: str) -> Iterator[None]:
    def listens() -> bool:
        # A connection without a request shows that, and counts against no limit.
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    environment, log = airflow_environment(directory, directory), directory / "server.log"
    with running(command, environment, log, name=name, ready=listens, limit=_SECONDS_TO_START):
        yield
