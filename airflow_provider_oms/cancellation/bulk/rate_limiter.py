"""When the next request of a run may leave: a rate, set or learned, and a pause the OMS asked for.

It decides about all requests of a run together; which order makes the next one is decided in
``schedule.py``, and how fast the run may be in ``adaptive_limit.py``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.cancellation.bulk.adaptive_limit import AdaptiveLimit, Learned
from airflow_provider_oms.cancellation.history import Event

__all__ = ["RateLimiter", "Throttling"]

# Who waits for a slot wakes up a little after it. The slots after it stay where they are, or each
# would be that much later than the rate says.
_LATE_BY = 0.01
_TOO_MANY = frozenset({502, 503})
_NO_RESPONSE = frozenset({Evidence.AMBIGUOUS, Evidence.NEVER_SENT})


@dataclass(frozen=True, slots=True)
class Throttling:
    """Hold the effect of the tenant's limits on a run.

    :param learned: the limits; ``None`` if the run has met none.
    :param turned_away: how many requests the tenant turned away.
    :param paused_seconds: for how many seconds it asked the run to pause.
    """

    learned: Learned | None = None
    turned_away: int = 0
    paused_seconds: float = 0.0

    def as_text(self) -> str:
        """Return the effect of the limits in one line; empty where there are none."""
        parts = []
        if self.learned is not None:
            parts.append(f"accepts about {self.learned.as_text()}")
        if self.turned_away:
            parts.append(f"turned {self.turned_away} requests away")
        if self.paused_seconds:
            parts.append(f"asked for pauses of {self.paused_seconds:.0f} s in all")
        return f"the OMS {', '.join(parts)}" if parts else ""


class RateLimiter:
    """Say when the next request may leave.

    :param requests_per_second: the most that may leave in a second; ``None`` for any number.
    :param adaptive: the limits that the run learns; ``None`` to learn nothing.
    :param longest_pause: seconds that a response may pause the run for; whether a longer one stops
        it is decided in ``circuit_breaker.py``.
    """

    def __init__(
        self,
        requests_per_second: float | None = None,
        adaptive: AdaptiveLimit | None = None,
        *,
        longest_pause: float = math.inf,
    ) -> None:
        self._given = requests_per_second or math.inf
        self._adaptive = adaptive
        self._longest_pause = longest_pause
        self._next_slot = -math.inf
        #: Until when nothing may leave.
        self.paused_until = -math.inf
        #: When a pause was last asked for.
        self.paused_at = -math.inf
        self._asked_until = -math.inf
        self._asked_seconds = 0.0

    @property
    def opens_at(self) -> float:
        """Return when the next request may leave."""
        return max(self._next_slot, self.paused_until)

    @property
    def throttling(self) -> Throttling:
        """Return the effect of the tenant's limits on the run so far."""
        turned_away = self._adaptive.turned_away if self._adaptive is not None else 0
        return Throttling(self.learned, turned_away, self._asked_seconds)

    @property
    def learned(self) -> Learned | None:
        """Return the tenant's limits that the run has learned; ``None`` if it knows of none."""
        return self._adaptive.learned if self._adaptive is not None else None

    @property
    def found(self) -> str:
        """Return in one line which limit was found a moment ago, if it is the first one."""
        learned = self.learned
        if learned is None or self._adaptive is None or self._adaptive.walls > 1:
            return ""
        return (
            f"The OMS turns requests away; it accepts about {learned.as_text()}. The run stays "
            f"below that, and tries more now and then"
        )

    def requests_within(self, seconds: float) -> float:
        """Return how many requests may leave within a time; infinite where there is no rate.

        :param seconds: the time.
        """
        learned = self.learned
        borne = learned.requests_per_second if learned is not None else None
        rate = min(self._given, borne) if borne else self._given
        return seconds * rate

    def take_slot(self, now: float) -> None:
        """Count one request that leaves now.

        A request that may not wait for its slot, such as a cancel right after its read, takes one
        nevertheless: the next request waits for that much longer.

        :param now: the present moment.
        """
        rate = self._given
        if self._adaptive is not None:
            rate = min(rate, self._adaptive.rate(now))
        # Slots that no request used are lost: they would add up to a burst.
        is_used = now <= self._next_slot + _LATE_BY
        self._next_slot = (self._next_slot if is_used else now) + 1 / rate

    def pause_until(self, moment: float, now: float) -> None:
        """Let nothing leave before a moment; of two pauses the longer counts.

        :param moment: when the next request may leave again.
        :param now: the present moment.
        """
        self.paused_at = now
        self.paused_until = max(self.paused_until, moment)

    def on_reply(self, event: Event) -> None:
        """Pause as a response asks.

        :param event: the call and its reply.
        """
        asked, now = event.reply.retry_after, event.at
        if asked and asked <= self._longest_pause:
            moment = now + asked
            self._asked_seconds += max(0.0, moment - max(now, self._asked_until))
            self._asked_until = max(self._asked_until, moment)
            self.pause_until(moment, now)

    def learn(self, event: Event, in_flight: int) -> bool:
        """Learn from a response how fast the run may be.

        :param event: the call and its reply.
        :param in_flight: how many calls were in flight when it was made, itself among them.
        :return: whether the run goes on slower because of it.
        """
        reply, now = event.reply, event.at
        adaptive = self._adaptive
        # A response of the token endpoint proves nothing about the OMS.
        if adaptive is None or not reply.left:
            return False
        call = (event.sent_at, in_flight, now)
        pause = max(0.0, self.paused_until - now)
        is_wall = False
        if reply.evidence is Evidence.THROTTLED:
            is_wall = adaptive.on_turned_away(*call, pause=pause)
        elif reply.evidence not in _NO_RESPONSE:
            adaptive.on_accepted(*call)
        elif reply.http_status in _TOO_MANY:
            is_wall = adaptive.on_server_error(*call, pause=pause)
        elif reply.http_status is None:
            adaptive.on_no_response(now)
        if is_wall:
            # The next slot was reckoned for the rate before it.
            begins_at = max(now, self.paused_until)
            self._next_slot = max(self._next_slot, begins_at + 1 / adaptive.rate(begins_at))
        if adaptive.pause:
            self._next_slot = max(self._next_slot, now + adaptive.pause)
        return is_wall
