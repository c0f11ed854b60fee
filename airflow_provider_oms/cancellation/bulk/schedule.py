"""Which order of a run makes the next request: one that goes on, one that waited, or a fresh one.

``engine.py`` decides on the request.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from collections.abc import Iterator

from airflow_provider_oms.cancellation.bulk.rate_limiter import RateLimiter
from airflow_provider_oms.cancellation.bulk.work_item import ItemState, WorkItem

__all__ = ["Schedule"]


class Schedule:
    """Hold the orders that are under way and not in the journal's hands.

    :param limiter: says when the next request may leave.
    """

    def __init__(self, limiter: RateLimiter) -> None:
        self.limiter = limiter
        self._fresh: deque[WorkItem] = deque()
        self._ready: deque[WorkItem] = deque()
        self._waiting: list[tuple[float, int, WorkItem]] = []
        self._turns = itertools.count()
        self.in_flight: set[WorkItem] = set()

    @property
    def fresh(self) -> int:
        """Return how many orders have a lease and no call yet."""
        return len(self._fresh)

    @property
    def waiting(self) -> int:
        """Return how many orders wait for a moment or for their turn."""
        return len(self._waiting) + len(self._ready)

    @property
    def load(self) -> int:
        """Return how many orders there are."""
        return len(self._fresh) + self.waiting + len(self.in_flight)

    def add_fresh(self, item: WorkItem) -> None:
        """Add an order that has a lease and no call yet.

        :param item: the order.
        """
        item.state = ItemState.READY
        self._fresh.append(item)

    def add_ready(self, item: WorkItem) -> None:
        """Add an order whose request does not wait for a slot of the rate limiter.

        Its turn has come already, or it cancels an order that was read a moment ago: by the time
        of its next turn, the read would be old.

        :param item: the order.
        """
        item.state = ItemState.READY
        self._ready.append(item)

    def add_waiting(self, item: WorkItem, until: float) -> None:
        """Add an order that does nothing before a moment.

        :param item: the order.
        :param until: the moment.
        """
        item.state = ItemState.WAITING
        heapq.heappush(self._waiting, (until, next(self._turns), item))

    def take(self, now: float, *, fresh_may_go: bool) -> WorkItem | None:
        """Return an order that a request may be made for now, if there is one.

        :param now: the present moment.
        :param fresh_may_go: whether fresh orders count.
        """
        if self.limiter.paused_until > now:
            return None
        if self._ready:
            return self._ready.popleft()
        if self.limiter.opens_at > now:
            return None
        if self._waiting and self._waiting[0][0] <= now:
            return heapq.heappop(self._waiting)[2]
        return self._fresh.popleft() if self._fresh and fresh_may_go else None

    def next_at(self, *, fresh_may_go: bool) -> float:
        """Return from when on :meth:`take` returns an order.

        :param fresh_may_go: whether fresh orders count.
        """
        if self._ready:
            return self.limiter.paused_until
        if self._fresh and fresh_may_go:
            return self.limiter.opens_at
        if self._waiting:
            return max(self._waiting[0][0], self.limiter.opens_at)
        return math.inf

    def take_all(self) -> Iterator[WorkItem]:
        """Return every order that is not in flight, and forget it."""
        left = [*self._ready, *(item for _, _, item in sorted(self._waiting)), *self._fresh]
        self._ready.clear()
        self._waiting.clear()
        self._fresh.clear()
        return iter(left)
