"""How far a run is and how fast: measured at its events, and said now and then in one line.

What happened to a single order is described by ``runner.py``.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from airflow_provider_oms.cancellation.bulk.outcome_counts import OutcomeCounts
from airflow_provider_oms.cancellation.bulk.work_item import LEASE_SECONDS

__all__ = ["Progress"]

_PERIOD = 5.0
_WINDOW = 10.0
# How far the paces of both halves of the window may be apart.
_STEADY = 1.25
# Samples are this many seconds apart, so that there are few to search.
_RESOLUTION = 0.1


class _Sample(NamedTuple):
    at: float
    ended: int
    sent: int


class Progress:
    """Measure the pace of a run.

    :param orders: how many orders there are.
    :param ended: how many of them ended in an earlier attempt; they say nothing of the pace.
    :param now: the present moment.
    """

    def __init__(self, orders: int, ended: int, now: float) -> None:
        self._orders = orders
        self._samples: deque[_Sample] = deque([_Sample(now, ended, 0)])
        self._sent = self._sent_before = 0
        #: When the next line is due.
        self.says_next_at = now + _PERIOD
        #: How many orders ended in each of the last two seconds.
        self.rate = 0.0

    def count_sent(self) -> None:
        """Count one cancel that was let go."""
        self._sent += 1

    @property
    def sent_lately(self) -> int:
        """Return how many cancels left while a lease lasts."""
        return self._sent - self._sent_before

    def sample(self, ended: int, now: float) -> None:
        """Measure how far the run is.

        :param ended: how many orders have ended.
        :param now: the present moment.
        """
        if now - self._samples[-1].at < _RESOLUTION:
            return
        self._samples.append(_Sample(now, ended, self._sent))
        while self._samples[1].at <= now - _WINDOW:
            self._samples.popleft()
        before = self._before(LEASE_SECONDS, now)
        self._sent_before = before.sent
        self.rate = (ended - before.ended) / max(now - before.at, 0.01)

    def _before(self, seconds: float, now: float) -> _Sample:
        since = now - seconds
        return next((s for s in reversed(self._samples) if s.at <= since), self._samples[0])

    def line(self, tally: OutcomeCounts, waiting: int, limits: str, now: float) -> str:
        """Return how far the run is, and note when the next line is due.

        :param tally: how the orders have ended so far.
        :param waiting: orders that wait to settle, or for the OMS.
        :param limits: the effect of the tenant's limits so far, in words; empty where there are
            none.
        :param now: the present moment.
        """
        self.says_next_at = now + _PERIOD
        done, before = tally.total, self._before(_WINDOW, now)
        rate = (done - before.ended) / max(now - before.at, 0.01)
        parts = [f"{done} of {self._orders} orders done", f"{waiting} waiting"]
        if done:
            parts[0] += f", {rate:.0f} per second"
            parts.insert(1, tally.as_text())
        if self._is_steady(done, waiting, now):
            parts.append(f"about {(self._orders - done) / rate:.0f} s left")
        return "; ".join([*parts, limits] if limits else parts)

    def _is_steady(self, done: int, waiting: int, now: float) -> bool:
        """Return whether the pace says how long the rest takes.

        It does not while a run begins, while a tenant's limit is being found, or where most of the
        orders that are left only wait.
        """
        start, middle = self._before(_WINDOW, now), self._before(_WINDOW / 2, now)
        if not start.at < middle.at < now or now - start.at < _WINDOW:
            # It begins, or it stood still for so long that nothing was measured.
            return False
        if 2 * waiting > self._orders - done:
            return False
        earlier = (middle.ended - start.ended) / (middle.at - start.at)
        later = (done - middle.ended) / (now - middle.at)
        return 0 < max(earlier, later) <= _STEADY * min(earlier, later)
