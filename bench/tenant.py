"""The stub as the bench holds it: started, set for a measurement, looked at when that is over.

Its responses are in `stub`.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from bench.limiter import Limit
from bench.stub import ACTED_PATH, RESET_PATH, STATE_PATH
from demo.processes import Session, end, free_port, launch, wait_until
from demo.terminal import DemoError
from demo.workplace import REPOSITORY, airflow_environment

FIRST_ORDER = 5_000_001
_SECONDS_TO_START = 20.0
_SECONDS_PER_CALL = 30.0


@dataclass(frozen=True)
class Seen:
    """Hold the stub's record of one measurement.

    :param posts: cancels.
    :param reads: reads.
    :param faulted: orders whose first cancel met a fault.
    """

    posts: int
    reads: int
    faulted: int


class Tenant:
    """Run the stub for the length of a `with` block.

    :param directory: where its log goes.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._log = directory / "stub.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._sessions: list[Session] = []
        self._session = requests.Session()
        # A proxy has no business between two programs on this machine.
        self._session.trust_env = False

    def __enter__(self) -> Self:
        """Start the stub, and wait until it answers."""
        command = [sys.executable, "-m", "bench.stub", "--port", str(self.port)]
        environment = airflow_environment(self._directory, self._directory)
        try:
            process = launch(command, environment, REPOSITORY, self._log, self._sessions.append)
            wait_until(
                self._is_up, process, name="The stub", log=self._log, limit=_SECONDS_TO_START
            )
        except BaseException:
            end(self._sessions)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the stub."""
        end(self._sessions)

    def _is_up(self) -> bool:
        try:
            return self._ask("GET", STATE_PATH) is not None
        except requests.ConnectionError:
            return False

    def _ask(self, method: str, path: bytes, body: Any = None) -> Any:
        address = self.url + path.decode()
        answer = self._session.request(method, address, json=body, timeout=_SECONDS_PER_CALL)
        answer.raise_for_status()
        return answer.json()

    def reset(
        self,
        *,
        latency: float,
        faults: float = 0.0,
        unavailable: float = 0.0,
        limit: Limit | None = None,
    ) -> None:
        """Begin with every order open.

        :param latency: seconds until an answer about an order leaves.
        :param faults: share of the orders whose first cancel meets a fault.
        :param unavailable: share of the orders whose first cancel acts and is answered 503.
        :param limit: the stub's own limit; ``None`` for everything.
        """
        settings = {
            "latency": latency,
            "faults": faults,
            "unavailable": unavailable,
            "limit": None if limit is None else asdict(limit),
        }
        self._ask("POST", RESET_PATH, settings)

    def facts(self) -> dict[str, Any]:
        """Return the stub's record since the measurement began."""
        facts: dict[str, Any] = self._ask("GET", STATE_PATH)
        return facts

    def acted(self) -> list[tuple[int, float]]:
        """Return each canceled order with the moment of its cancel, in seconds since the epoch."""
        return [(order_id, at) for order_id, at in self._ask("GET", ACTED_PATH)]

    def check(self, orders: int) -> Seen:
        """Check the work of a measurement, and return the requests that it sent.

        :param orders: how many orders it was to cancel, from the first one on.
        :raises DemoError: when others are canceled, or one was posted after it was canceled.
        """
        facts = self.facts()
        wanted = (orders, FIRST_ORDER, FIRST_ORDER + orders - 1)
        if (facts["canceled"], facts["lowest"], facts["highest"]) != wanted:
            raise DemoError(f"Not all of {orders} orders are canceled, or others: {facts}")
        if facts["reposted"]:
            raise DemoError(f"Orders were posted again after they were canceled: {facts}")
        return Seen(*(int(facts[name]) for name in ("posts", "reads", "faulted")))
