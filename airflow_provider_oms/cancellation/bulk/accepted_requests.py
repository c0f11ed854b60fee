"""How many requests the tenant accepted in a second, of late and since a wall.

All moments are in a time that stands still in pauses.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

__all__ = ["AcceptedRequests"]

_LOOK_BACK = 2.0
# Accepted in less time, a few requests say little.
_SHORTEST_MEASURE = 0.25


class _Accepted(NamedTuple):
    at: float
    in_flight: int


class AcceptedRequests:
    """Count the requests that the tenant accepted since a wall."""

    def __init__(self) -> None:
        self._latest: deque[_Accepted] = deque()
        #: From when on they are counted.
        self.since = -math.inf
        #: How many it accepted in a second, at most.
        self.most = 0.0

    def note(self, at: float, in_flight: int) -> None:
        """Note a request that was accepted.

        :param at: the present moment.
        :param in_flight: how many were in flight when it was sent, itself among them.
        """
        latest = self._latest
        latest.append(_Accepted(at, in_flight))
        while latest[0].at < at - _LOOK_BACK:
            latest.popleft()
        self.most = max(self.most, len(latest) / _LOOK_BACK)

    def begin(self, at: float) -> None:
        """Begin to count.

        :param at: when the first request may leave.
        """
        self._latest.clear()
        self.since, self.most = at, 0.0

    def count(self, since: float) -> int:
        """Return how many were accepted in the last two seconds at most.

        :param since: the moment after which they count.
        """
        return sum(one.at > since for one in self._latest)

    def most_in_flight(self, default: int) -> int:
        """Return the most that were in flight with one of the last two seconds.

        :param default: the value if none was accepted.
        """
        return max((one.in_flight for one in self._latest), default=default)

    def rate(self, seconds: float, now: float, latency: float, burst: float = 0.0) -> float:
        """Return how many were accepted in a second, of the last two seconds at most.

        :param seconds: the time over which they are counted.
        :param now: the present moment.
        :param latency: how long a response takes; the run may have begun a moment ago.
        :param burst: how many of them do not count.
        """
        since = now - seconds
        if self._latest:
            since = max(since, self._latest[0].at - latency)
        return max(self.count(since) - burst, 0.0) / max(now - since, _SHORTEST_MEASURE)
