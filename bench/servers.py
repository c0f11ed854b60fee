"""A server of the bench, for the length of a `with` block."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.processes import Session, end, launch, wait_until
from demo.workplace import REPOSITORY, airflow_environment

_SECONDS_TO_START = 20.0


@contextmanager
def serving(command: list[str], directory: Path, port: int, *, name: str) -> Iterator[None]:
    """Run a server until the end of the block, which begins when it listens."""
    log, environment = directory / "server.log", airflow_environment(directory, directory)
    sessions: list[Session] = []
    try:
        process = launch(command, environment, REPOSITORY, log, sessions.append)
        wait_until(lambda: _listens(port), process, name=name, log=log, limit=_SECONDS_TO_START)
        yield
    finally:
        end(sessions)


def _listens(port: int) -> bool:
    # A connection without a request shows that, and counts against no limit.
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
