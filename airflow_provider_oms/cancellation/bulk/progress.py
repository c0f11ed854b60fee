"""How far a run is, said now and then in a line of the task's log.

What happened to a single order is described by ``runner.py``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from airflow_provider_oms.cancellation.bulk.tally import Tally

__all__ = ["Log", "Progress"]

_PERIOD = 5.0
_WINDOW = 10.0


class Log(Protocol):
    """Name what is needed of a logger."""

    def info(self, message: str, /, *args: object) -> object:
        """Log what is as it should be.

        :param message: the line, with a place for each argument.
        :param args: the arguments.
        """

    def warning(self, message: str, /, *args: object) -> object:
        """Log what a person should look at.

        :param message: the line, with a place for each argument.
        :param args: the arguments.
        """


class _Sample(NamedTuple):
    at: float
    ended: int
    sent: int


class Progress:
    """Measure a run's pace, and tell of it and of single orders.

    :param orders: how many orders there are.
    :param tally: how they have ended so far.
    :param log: receives the lines.
    :param clock: monotonic seconds.
    """

    def __init__(self, orders: int, tally: Tally, log: Log, clock: Callable[[], float]) -> None:
        self._orders = orders
        self._tally = tally
        self._log = log
        self._clock = clock
        self._lines: deque[str] = deque()
        self._samples: deque[_Sample] = deque([_Sample(clock(), 0, 0)])
        self._told_at = clock()

    def start(self) -> None:
        """Count from here on: what an earlier attempt has done says nothing of the pace."""
        self._samples = deque([_Sample(self._clock(), self._tally.total, 0)])
        self._told_at = self._clock()

    def sample(self, sent: int) -> None:
        """Take note of how far the run is now.

        :param sent: cancels that have left since its start.
        """
        now = self._clock()
        self._samples.append(_Sample(now, self._tally.total, sent))
        while len(self._samples) > 1 and self._samples[1].at <= now - _WINDOW:
            self._samples.popleft()

    def _before(self, seconds: float) -> _Sample:
        since = self._clock() - seconds
        return next((s for s in reversed(self._samples) if s.at <= since), self._samples[0])

    def sent_within(self, seconds: float) -> int:
        """Return how many cancels left lately.

        :param seconds: how lately.
        """
        return self._samples[-1].sent - self._before(seconds).sent

    def rate(self, seconds: float = _WINDOW) -> float:
        """Return how many orders ended in each of the last seconds.

        :param seconds: how many of them to look at.
        """
        before = self._before(seconds)
        elapsed = self._clock() - before.at
        return (self._tally.total - before.ended) / max(elapsed, 0.01)

    def say_soon(self, line: str) -> None:
        """Keep a line for the next time that something is said; any thread may do so.

        :param line: the line.
        """
        self._lines.append(line)

    def say_lines(self) -> None:
        """Say the lines that were kept."""
        while self._lines:
            self._log.info("%s", self._lines.popleft())

    def say_now_and_then(self, waiting: int) -> None:
        """Say how far the run is, unless that was just said.

        :param waiting: orders that wait to settle, or for the OMS.
        """
        self.say_lines()
        if self._clock() - self._told_at < _PERIOD:
            return
        self._told_at = self._clock()
        done, rate = self._tally.total, self.rate()
        left = f"{(self._orders - done) / rate:.0f} s" if rate else "unknown"
        self._log.info(
            "%d of %d orders done, %.0f per second; %s; %d waiting; time left: %s",
            *(done, self._orders, rate, self._tally.as_text(), waiting, left),
        )
