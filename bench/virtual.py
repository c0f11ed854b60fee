"""The simulation's world as `scale` needs it: without any trouble but the tenant's limit."""

from __future__ import annotations

import json
import random
from typing import Any

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.cancellation.history import Reply
from bench.limiter import Limiter
from tests.simulation.attempt import Attempt
from tests.simulation.world import Clock, Order, Tenant


class LimitedTenant(Tenant):
    """Answer after a fixed latency, reject requests beyond a limit as nginx does, and count.

    :param rate: requests in a second; ``None`` for any number.
    :param latency: seconds that each request takes.
    :param write_seconds: of a write to a journal.
    """

    def __init__(
        self,
        clock: Clock,
        order_ids: list[Order],
        rate: float | None,
        latency: float,
        write_seconds: float,
    ) -> None:
        super().__init__(clock, MiddlingChance(), order_ids, 0.0, ignore)
        self._limiter = None if rate is None else Limiter(rate)
        self._fixed_latency, self._write_seconds = latency, write_seconds
        self.requests = self.turned_away = 0

    def seconds_to_write(self) -> float:
        """Return the fixed duration of a write."""
        return self._write_seconds

    def _latency(self) -> float:
        return self._fixed_latency

    def _throttle(self) -> tuple[Reply, float] | None:
        self.requests += 1
        if self._limiter is None or self._limiter.admit(self._clock.now):
            return None
        self.turned_away += 1
        return Reply(Evidence.THROTTLED, "slow down", http_status=429), self._latency()


class CountingStore:
    """Count what Airflow would have to take of the journals."""

    def __init__(self) -> None:
        self.writes = self.written_bytes = 0

    def get(self, _: str, default: Any = None) -> Any:
        """Return the default: no task here has an earlier attempt."""
        return default

    def set(self, _: str, value: Any) -> None:
        """Count a value."""
        self.writes += 1
        self.written_bytes += len(json.dumps(value, separators=(",", ":")))


class Ends:
    """Note the ends of attempts, and check nothing else of what the simulation checks."""

    def __init__(self) -> None:
        self.moments: list[float] = []

    def on_done(self, attempt: Attempt) -> None:
        """Note the end of an attempt."""
        self.moments.append(attempt.now)

    def __getattr__(self, _: str) -> Any:
        """Let everything else happen."""
        return ignore


class MiddlingChance(random.Random):  # noqa: S311 - of a simulation
    """Draw the middle of any range, so that every simulation gives the same figures."""

    def random(self) -> float:
        """Return the middle of the range from 0 to 1."""
        return 0.5


def ignore(*_: object) -> None:
    """Take note of nothing."""
