"""Requests that the tenant turns away whatever the rate, because of a proxy or of what others send.

A limit rejects requests beyond it, and none below it. A rejection at a rate clearly below the
accepted one has another cause, and a lower rate does not help against it.
"""

from __future__ import annotations

import math
from collections import deque

__all__ = ["RandomRefusals"]

# Their share is reckoned over so many responses. A few responses say little about it.
_RECKONED_OVER = 1000
_FEW_RESPONSES = 20
# They are known after one, until it has faded this far.
_KNOWN_FROM = 0.3
# More of them in so many responses than their share explains are a limit, and so is any share that
# is larger than this one.
_JUDGED_OVER = 20
_LARGEST_SHARE = 0.1
_DEVIATIONS = 3
# A lower rate is tried down to this share of the accepted one.
_LOWEST_TRY = 0.5
# Seconds; a pause cannot follow the last one sooner than this.
_SHORTEST = 0.01


class RandomRefusals:
    """Tell requests that are turned away at random from those that are too many."""

    def __init__(self) -> None:
        # Of the responses at a rate clearly below the accepted one, how many there were, and how
        # many of them turned a request away; both fade.
        self._responses_below = 0.0
        self._refusals_below = 0.0
        # How many responses there were, and which of them turned a request away of late.
        self._responses = 0
        self._refusals: deque[int] = deque(maxlen=_JUDGED_OVER)
        # When the last one was judged, in a time that stands still in pauses.
        self._judged_at = -math.inf
        # From which ceiling on a lower rate is tried, and whether that was in vain.
        self._tried_from: float | None = None
        self._tried_in_vain = False

    def on_response(self, *, is_refusal: bool, is_below: bool) -> None:
        """Note a response.

        :param is_refusal: whether it turned the request away.
        :param is_below: whether the rate is clearly below the accepted one.
        """
        # One right after another may be the rest of a second that is used up.
        is_random = is_refusal and self._responses not in self._refusals
        self._responses += 1
        if is_refusal:
            self._refusals.append(self._responses)
        if is_below:
            fades = 1 - 1 / _RECKONED_OVER
            self._responses_below = fades * self._responses_below + 1
            self._refusals_below = fades * self._refusals_below + is_random

    @property
    def are_known(self) -> bool:
        """Return whether the tenant has turned requests away at random of late."""
        return self._refusals_below >= _KNOWN_FROM

    def explain_it(self, ceiling: float, pause: float, active: float) -> bool:
        """Return whether the latest one was rejected at random, so that going slower is in vain.

        A limit can look random: after each pause it takes a burst again, and seldom rejects
        requests a little above it. Where pauses cost much, a lower rate costs little beside them.
        So a lower rate is tried, by no more than the share of the time that pauses take.

        :param ceiling: the presumed number of requests that the tenant accepts in a second;
            infinite where no limit is known, for the first one would be measured while the rate
            still doubles.
        :param pause: for how many seconds the run pauses because of it.
        :param active: the present moment, in a time that stands still in pauses.
        """
        cost = pause / max(active - self._judged_at, _SHORTEST)
        self._judged_at = active
        if not self.are_known:
            self._tried_from, self._tried_in_vain = None, False
        is_random = (self.are_known or ceiling == math.inf) and self.explain_the_latest
        if not is_random or not pause or ceiling == math.inf or self._tried_in_vain:
            return is_random
        if self._tried_from is None:
            self._tried_from = ceiling
        self._tried_in_vain = ceiling < self._tried_from * max(_LOWEST_TRY, 1 / (1 + cost))
        return self._tried_in_vain

    @property
    def explain_the_latest(self) -> bool:
        """Return whether no more requests were turned away of late than are at random."""
        refusals = self._refusals
        while refusals and refusals[0] <= self._responses - _JUDGED_OVER:
            refusals.popleft()
        share = self._refusals_below / (self._responses_below + _FEW_RESPONSES)
        expected = _JUDGED_OVER * min(share, _LARGEST_SHARE)
        most = max(1, math.ceil(expected + _DEVIATIONS * math.sqrt(expected)) - 1)
        return len(refusals) <= most
