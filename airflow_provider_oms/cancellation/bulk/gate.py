"""One gate for all requests of a run: a pause that the OMS asked for, and a rate that the user set.

It only says when the next request may leave; who waits for it is the business of ``desk.py``.
"""

from __future__ import annotations

import math

__all__ = ["Gate"]


class Gate:
    """Say when the next request may leave; used under its owner's lock.

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
        """Return when the next request may leave, in seconds of the caller's clock."""
        return max(self._next_slot, self.paused_until)

    def pass_through(self, now: float) -> None:
        """Count one request that leaves now.

        :param now: the present moment, not before :attr:`opens_at`.
        """
        # Slots that nobody used are lost: they would add up to a burst.
        self._next_slot = max(self._next_slot, now) + self._interval

    def pause_until(self, moment: float, now: float) -> None:
        """Keep the gate shut until a moment, if it is not shut for longer already.

        :param moment: when it may open again.
        :param now: the present moment.
        """
        self.paused_at = now
        self.paused_until = max(self.paused_until, moment)
