"""How many requests the tenant accepts, learned from its responses: in a second, and at a time.

It decides how fast the run may be; when the next request may leave is decided in
``rate_limiter.py``. Why it is built like this is in ``docs/decisions/0008-an-adaptive-limiter.md``.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from airflow_provider_oms.cancellation.bulk.accepted_requests import AcceptedRequests
from airflow_provider_oms.cancellation.bulk.burst import Burst
from airflow_provider_oms.cancellation.bulk.random_refusals import RandomRefusals

__all__ = ["AdaptiveLimit", "Learned"]

# Before anything is known, the rate grows from here; after so many doublings it is no limit.
_FIRST_RATE = 40.0
_DOUBLINGS = 8
# A doubling takes as long as costs a run about one percent of its time, within these bounds. The
# time is reckoned for requests of 50 ms each; 1.56 is the share of a doubling that is lost in all.
_SHORTEST_DOUBLING = 0.05
_LONGEST_DOUBLING = 0.6
_SHARE_OF_RUN = 0.01 * 0.05 / 1.56
# The tenant's limit is taken to be the number accepted in the last second. The first time, the
# rate was still doubling, and a burst that the tenant allows is in it.
_MEASURED_OVER = 1.0
_FIRST_DISCOUNT = 0.9
# Accepted in less time, a few requests say little: an estimate falls by half at most.
_SHORTEST_MEASURE = 0.25
_LOWEST_SHARE = 0.5
_LOWEST_RATE = 0.5
# After a wall the rate begins at this share of the accepted rate, and takes that long to get back.
# Several runs on one tenant share the rate that each gives up here. A large step evens them out.
_BACKOFF = 0.8
_SHORTEST_RECOVERY = 1.5
_FIRST_RECOVERY = 0.75
# A pause holds up all of them, and empties the tenant's counter.
_BACKOFF_AFTER_PAUSE = 0.9
# A wall that asks for a pause costs that pause: it is not looked for again before long.
_RECOVERY_PER_PAUSE = 12.0
# Those that follow a wall at once meet the same one: the tenant's counter has to run down first.
_SAME_WALL_FOR = 0.1
# A wall that comes before there is a new measure is met by going down by this much.
_STEP_DOWN = 0.8
# While nothing is accepted after a wall, requests are further and further apart.
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0
# Requests at a time are the limit only if the tenant was at work on this share of them.
_BUSY_SHARE = 0.6
_BUSY_OVER = 0.1
_FIRST_STEP_UP = 2.0
_LONGEST_STEP_UP = 60.0
# A request rejected below this share of the accepted rate is rejected at random.
_CLEARLY_BELOW = 0.95
# While the rate doubles, it is too high for sure where the rate without the burst is below this
# share of it, and the burst lasts no longer than this share of a pause.
_FAR_BELOW = 0.8
_AT_ONCE = 1 / 30
# Responses of 502 and 503 within this time are a burst, and so a wall.
_BURST = 3
_BURST_WITHIN = 1.0
# So many walls in a row that a lower rate did not help against have another reason.
_VAIN_WALLS = 3
_IGNORES_ERRORS_FOR = 30.0
# Responses that take so many times as long as usual hold the increase.
_SLOW = 1.5
_SLOW_SECONDS = 0.01
_HOLDS_FOR = 1.0
# So does this share of requests that get no response: a single one may be chance.
_HOLDS_AT_SHARE = 0.08
# A rate that has moved by less than this share is not written down again.
_WORTH_A_WRITE = 0.1


@dataclass(frozen=True, slots=True)
class Learned:
    """Hold the tenant's limits that a run has learned.

    :param requests_per_second: the rate that it accepts; ``None`` where no such limit was found.
    :param at_a_time: requests in flight that it accepts; ``None`` where no such limit was found.
    """

    requests_per_second: float | None = None
    at_a_time: int | None = None

    def differs_from(self, other: Learned | None) -> bool:
        """Return whether it is worth recording in place of another.

        :param other: the recorded one.
        """
        if other is None or other.at_a_time != self.at_a_time:
            return True
        before, after = other.requests_per_second, self.requests_per_second
        if before is None or after is None:
            return before is not after
        return abs(after - before) > _WORTH_A_WRITE * before

    def as_text(self) -> str:
        """Return the limits in words."""
        if self.requests_per_second is None:
            return f"{self.at_a_time} requests at a time"
        rate = f"{self.requests_per_second:.3g} requests a second"
        return rate if self.at_a_time is None else f"{rate} and {self.at_a_time} at a time"


class AdaptiveLimit:
    """Learn from each response how fast to go on.

    Until the tenant turns a request away, the rate doubles quickly until it is no limit any more.
    From then on it falls a little below the accepted rate, approaches that again, stays near it,
    and then looks for more, ever faster. A wall is a refusal of requests that were sent after the
    last one: others were on their way when it was met.

    :param orders: how many orders are to be canceled.
    :param max_workers: the most requests in flight at a time.
    :param learned: the limits that an earlier attempt has learned; ``None`` if it met no limit.
    """

    def __init__(self, orders: int, max_workers: int, learned: Learned | None = None) -> None:
        share = _SHARE_OF_RUN * orders / max_workers
        self._doubling = min(max(share, _SHORTEST_DOUBLING), _LONGEST_DOUBLING)
        self._max_workers = max_workers
        self._ceiling = math.inf
        self._recovery, self._backoff = _SHORTEST_RECOVERY, _BACKOFF
        self._at_a_time = max_workers
        self._step_up = _FIRST_STEP_UP
        # For how long the rate has grown, and when that was counted.
        self._grown = 0.0
        self._counted_at: float | None = None
        self._held_until = -math.inf
        # When it went down last, and until when that is the same wall.
        self._cut_at = self._ends_at = -math.inf
        # The requests accepted in a second are measured in a time that stands still in pauses.
        self._paused_seconds = 0.0
        self._paused_until = -math.inf
        self._stepped_at = math.inf
        self._accepted = AcceptedRequests()
        self._burst = Burst()
        # Whether the ceiling comes from another wall than the one that the ramp met.
        self._is_confirmed = False
        self._random = RandomRefusals()
        # Of about the last twenty requests, the share that got no response.
        self._silent_share = 0.0
        self._errors: deque[float] = deque()
        self._vain_walls = 0
        self._before_vain_walls = math.inf
        self._ignores_errors_until = -math.inf
        self._latency = self._usual_latency = 0.0
        #: For how many seconds no request is worth sending after one that was turned away.
        self.pause = 0.0
        #: How many requests the tenant turned away.
        self.turned_away = 0
        #: How often that made the run slower.
        self.walls = 0
        if learned is not None:
            if learned.requests_per_second is not None:
                self._ceiling = max(learned.requests_per_second, _LOWEST_RATE)
            if learned.at_a_time is not None:
                self._at_a_time = min(max(learned.at_a_time, 1), max_workers)

    # -- the limits that it sets

    @property
    def learned(self) -> Learned | None:
        """Return the learned limits; ``None`` where it knows no limit."""
        borne = max(self._ceiling, self._accepted.most)
        rate = round(borne, 2) if self._has_ceiling else None
        at_a_time = self._at_a_time if self._at_a_time < self._max_workers else None
        return Learned(rate, at_a_time) if rate or at_a_time else None

    @property
    def _has_ceiling(self) -> bool:
        return self._ceiling < math.inf

    def rate(self, now: float) -> float:
        """Return the requests that may leave in a second; infinite where nothing bounds them.

        :param now: the present moment.
        """
        self._count_growth(now)
        if not self._has_ceiling:
            doublings = self._grown / self._doubling
            return _FIRST_RATE * 2**doublings if doublings < _DOUBLINGS else math.inf
        done = self._grown / self._recovery
        lost = 1 - self._backoff
        if done <= 1:
            return self._ceiling * (1 - lost * (1 - done) ** 2)
        # The exponent is bounded, because a float is.
        return self._ceiling * (1 + lost * (2 ** min(2 * (done - 1), 60) - 1))

    def concurrency(self, now: float) -> int:
        """Return how many requests may be in flight.

        :param now: the present moment.
        """
        if self._at_a_time < self._max_workers and now > self._stepped_at + self._step_up:
            self._at_a_time += 1
            self._stepped_at = now
        return self._at_a_time

    def _count_growth(self, now: float) -> None:
        counted_at = self._counted_at
        if counted_at is None or now <= counted_at:
            return
        self._grown += max(0.0, now - max(counted_at, self._held_until))
        self._counted_at = now

    # -- the input that it learns from

    def on_accepted(self, sent_at: float, in_flight: int, now: float) -> None:
        """Note a request that the tenant has dealt with, whatever it answered.

        :param sent_at: when it was sent.
        :param in_flight: how many were in flight when it was sent, itself among them.
        :param now: when the response came.
        """
        if self._counted_at is None:
            # Before the first response there is nothing to grow on.
            self._counted_at = self._stepped_at = now
            self._accepted.begin(self._active(sent_at))
        self.pause = 0.0
        self._random.on_response(is_refusal=False, is_below=self._is_clearly_below(now))
        self._burst.on_accepted(sent_at)
        self._accepted.note(self._active(now), in_flight)
        self._silent_share *= 0.95
        latency = now - sent_at
        if not self._usual_latency:
            self._latency = self._usual_latency = latency
        self._latency += 0.1 * (latency - self._latency)
        self._usual_latency += 0.005 * (latency - self._usual_latency)
        if self._latency > _SLOW * self._usual_latency + _SLOW_SECONDS:
            self._hold_until(now + _HOLDS_FOR, now)

    def on_no_response(self, now: float) -> None:
        """Note a request that got no response in time, or no connection.

        :param now: when it was given up.
        """
        self._silent_share += 0.05 * (1 - self._silent_share)
        if self._silent_share > _HOLDS_AT_SHARE:
            self._hold_until(now + _HOLDS_FOR, now)

    def on_turned_away(
        self, sent_at: float, in_flight: int, now: float, *, pause: float = 0.0
    ) -> bool:
        """Note a request that the tenant turned away because there are too many.

        :param sent_at: when it was sent.
        :param in_flight: how many were in flight when it was sent, itself among them.
        :param now: when the response came.
        :param pause: for how many seconds the run pauses from now on.
        :return: whether the run goes on slower because of it.
        """
        self.turned_away += 1
        self._pause_after(sent_at)
        if sent_at <= self._ends_at:
            return False
        self._note_pause(sent_at, in_flight, now, pause)
        self._random.on_response(is_refusal=True, is_below=self._is_clearly_below(now))
        is_random = self._random.explain_it(self._ceiling, pause, self._active(now))
        if is_random and not self._is_far_too_fast(now, pause):
            self._stand_still(now, pause)
            return False
        self._meet_wall(in_flight, now, pause)
        return True

    def on_server_error(
        self, sent_at: float, in_flight: int, now: float, *, pause: float = 0.0
    ) -> bool:
        """Note a 502 or 503; a burst of them is a sign of too many requests.

        :param sent_at: when it was sent.
        :param in_flight: how many were in flight when it was sent, itself among them.
        :param now: when the response came.
        :param pause: for how many seconds the run pauses from now on.
        :return: whether the run goes on slower because of it.
        """
        if now < self._ignores_errors_until:
            return False
        self._pause_after(sent_at)
        if sent_at <= self._ends_at:
            return False
        self._note_pause(sent_at, in_flight, now, pause)
        errors = self._errors
        errors.append(now)
        while errors[0] < now - _BURST_WITHIN:
            errors.popleft()
        if len(errors) < _BURST:
            return False
        self.turned_away += len(errors)
        if self._has_ceiling and self._grown < self._recovery:
            # The tenant took as many as that before: fewer did not help.
            self._vain_walls += 1
        else:
            self._vain_walls, self._before_vain_walls = 0, self._ceiling
        if self._vain_walls >= _VAIN_WALLS:
            self._ignore_errors(now)
            return False
        self._meet_wall(in_flight, now, pause)
        return True

    def _note_pause(self, sent_at: float, in_flight: int, now: float, pause: float) -> None:
        if pause:
            # Some that were in flight when it was sent are counted already.
            open_ones = in_flight - self._accepted.count(self._active(sent_at))
            self._burst.on_pause(sent_at, open_ones, now + pause)

    def _pause_after(self, sent_at: float) -> None:
        if sent_at > self._cut_at > -math.inf:
            self.pause = min(max(2 * self.pause, _FIRST_PAUSE), _LONGEST_PAUSE)

    def _ignore_errors(self, now: float) -> None:
        self._errors.clear()
        self._vain_walls = 0
        self._ignores_errors_until = now + _IGNORES_ERRORS_FOR
        self._ceiling = self._before_vain_walls
        self._grown = 0.0 if self._has_ceiling else _DOUBLINGS * self._doubling

    def _hold_until(self, moment: float, now: float) -> None:
        self._count_growth(now)
        self._held_until = max(self._held_until, moment)

    def _stand_still(self, now: float, pause: float) -> None:
        until = max(self._paused_until, now + pause)
        self._paused_seconds += until - max(self._paused_until, now)
        self._paused_until = until
        self._hold_until(until, now)

    def _active(self, now: float) -> float:
        """Return the present moment in a time that stands still in pauses."""
        return max(now, self._paused_until) - self._paused_seconds

    def _is_clearly_below(self, now: float) -> bool:
        """Return whether the rate is one that was accepted before, and no burst with it."""
        return self._is_confirmed and self.rate(now) <= _CLEARLY_BELOW * self._ceiling

    def _is_far_too_fast(self, now: float, pause: float) -> bool:
        """Return whether the rate still doubles, and all but the burst is turned away at once."""
        is_at_once = self._burst.seconds < _AT_ONCE * pause
        too_fast = self._burst.rate < _FAR_BELOW * self.rate(now)
        return is_at_once and too_fast and not self._has_ceiling

    def _meet_wall(self, in_flight: int, now: float, pause: float) -> None:
        self.walls += 1
        rate = self.rate(now)
        self._is_confirmed = self._has_ceiling
        # While the rate still doubles, the newest request meets the most others in any case.
        if not (self._has_ceiling and self._narrow(in_flight, now, pause)):
            self._slow_down(rate, now, pause)
        self._stand_still(now, pause)
        self._cut_at = now + pause
        self._ends_at = self._cut_at + max(_SAME_WALL_FOR, 2 * self._latency)
        self._accepted.begin(self._active(now))
        self._errors.clear()

    def _slow_down(self, rate: float, now: float, pause: float) -> None:
        active, measured = self._active(now), self._accepted
        seconds = active - measured.since
        shortest = _SHORTEST_RECOVERY
        if not self._has_ceiling:
            # Measured over the ramp, it may be far too low.
            shortest = _FIRST_RECOVERY
            accepted = measured.rate(_MEASURED_OVER, active, self._latency, self._burst.size)
            ceiling = accepted if self._burst.size else _FIRST_DISCOUNT * accepted
        elif seconds < _SHORTEST_MEASURE:
            ceiling = _STEP_DOWN * self._ceiling
        else:
            accepted = measured.rate(min(seconds, _MEASURED_OVER), active, self._latency)
            ceiling = min(rate, max(accepted, _LOWEST_SHARE * self._ceiling))
        if pause:
            ceiling = min(ceiling, max(self._burst.rate, _LOWEST_SHARE * ceiling))
        self._ceiling = max(ceiling, _LOWEST_RATE)
        self._backoff = _BACKOFF_AFTER_PAUSE if pause else _BACKOFF
        self._recovery = max(shortest, _RECOVERY_PER_PAUSE * pause)
        self._counted_at = now + pause
        self._grown = 0.0

    def _narrow(self, in_flight: int, now: float, pause: float) -> bool:
        """Bound the requests in flight, if it was their number that the tenant turned away."""
        active = self._active(now)
        most = self._accepted.most_in_flight(in_flight)
        window = max(_BUSY_OVER, 3 * self._latency)
        # Little's law: as many were dealt with at a time.
        busy = self._latency * self._accepted.count(active - window) / window
        if in_flight <= most or busy < _BUSY_SHARE * in_flight:
            return False
        if self._at_a_time < self._max_workers:
            self._step_up = min(2 * self._step_up, _LONGEST_STEP_UP)
        else:
            self._step_up = max(_FIRST_STEP_UP, _RECOVERY_PER_PAUSE * pause)
        self._at_a_time = min(self._max_workers, max(most, int(busy)))
        self._stepped_at = now + pause
        # It was not the rate: that goes on from where it is.
        accepted = self._accepted.rate(_MEASURED_OVER, active, self._latency)
        self._ceiling = max(self._ceiling, accepted)
        self._grown, self._counted_at = self._recovery, now + pause
        return True
