"""The stub as the bench holds it: started, set for a measurement, looked at when that is over.

Its responses are in `stub`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from bench.measure import FIRST_ORDER
from bench.servers import serving
from bench.stub import STATE_PATH
from demo.processes import free_port
from demo.terminal import DemoError


def orders_of(count: int) -> set[int]:
    """Return the orders of a set of some size."""
    return {*range(FIRST_ORDER, FIRST_ORDER + count)}


class Tenant:
    """Hold the running stub."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._session = requests.Session()
        # A proxy has no business between two programs on this machine.
        self._session.trust_env = False

    def reset(self, **settings: float) -> None:
        """Begin with every order open, and with settings of the stub's `Book`."""
        self._session.put(self.url + STATE_PATH, json=settings, timeout=30).raise_for_status()

    def facts(self) -> dict[str, Any]:
        """Return the stub's record since the measurement began."""
        facts = self._session.get(self.url + STATE_PATH, timeout=30).json()
        return {**facts, "canceled": {*facts["canceled"]}}

    def check(self, orders: int) -> dict[str, Any]:
        """Return the record after a check: the first orders are canceled, once, and no others."""
        facts = self.facts()
        canceled = facts.pop("canceled")
        if canceled != orders_of(orders):
            raise DemoError(
                f"Not all of {orders} orders are canceled, or others: {len(canceled)} are, {facts}"
            )
        if facts["reposted"]:
            raise DemoError(f"Orders were posted again after they were canceled: {facts}")
        return facts


@contextmanager
def running(directory: Path) -> Iterator[Tenant]:
    """Run the stub for the length of a `with` block."""
    port = free_port()
    command = [sys.executable, "-m", "bench.stub", str(port)]
    with serving(command, directory, port, name="The stub"):
        yield Tenant(port)
