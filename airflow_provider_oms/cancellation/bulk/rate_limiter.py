"""When the next request of a run may leave: a rate the user set, a pause the OMS asked for.

It decides about all requests of a run together; which order makes the next one is decided in
``schedule.py``.
"""

from __future__ import annotations

import math

__all__ = ["RateLimiter"]


class RateLimiter:
    """Say when the next request may leave.

    :param requests_per_second: the most that may leave in a second; ``None`` for any number.
    """

    def __init__(self, requests_per_second: float | None = None) -> None:
        self._interval = 1 / requests_per_second if requests_per_second else 0.0
        self._next_slot = -math.inf
        #: Until when nothing may leave.
        self.paused_until = -math.inf
        #: When a pause was last asked for.
        self.paused_at = -math.inf

    @property
    def opens_at(self) -> float:
        """Return when the next request may leave."""
        return max(self._next_slot, self.paused_until)

    def requests_within(self, seconds: float) -> float:
        """Return how many requests may leave within a time; infinite where there is no rate.

        :param seconds: the time.
        """
        return seconds / self._interval if self._interval else math.inf

    def take_slot(self, now: float) -> None:
        """Count one request that leaves now.

        A request that may not wait for its slot, such as a cancel right after its read, takes one
        all the same: the next request waits for that much longer.

        :param now: the present moment.
        """
        # Slots that no request used are lost: they would add up to a burst.
        self._next_slot = max(self._next_slot, now) + self._interval

    def pause_until(self, moment: float, now: float) -> None:
        """Let nothing leave before a moment; of two pauses the longer counts.

        :param moment: when the next request may leave again.
        :param now: the present moment.
        """
        self.paused_at = now
        self.paused_until = max(self.paused_until, moment)
