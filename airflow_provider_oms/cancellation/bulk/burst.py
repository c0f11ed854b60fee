"""How many requests a tenant accepts in a second, told from the burst that it accepts as well."""

from __future__ import annotations

import math

__all__ = ["Burst"]

# Two walls tell the burst from the rate if the times before them differ by this share.
_APART = 0.15
# An estimate is taken as it is if it differs from the last one by no more than this share, or than
# so many requests make in the shorter time. Where it differs more, requests may be turned away at
# random, and it is not believed below a share of the accepted rate.
_AGREE = 0.1
_MISCOUNT = 2
_UNCONFIRMED = 0.8


class Burst:
    """Tell the rate that a tenant accepts from the burst that it accepts after each pause.

    From the end of a pause to the next wall it accepts a burst, and as many more as its rate
    allows. Two walls, each after a different time, tell how many are the burst.
    """

    def __init__(self) -> None:
        # Since when the tenant has been asked without a pause, and the requests accepted since.
        self._since: float | None = None
        self._accepted = 0
        #: For how long the tenant accepted all requests before the last pause, and how many.
        self.seconds = math.inf
        self._total = 0
        self._burst: float | None = None
        self._estimate = math.inf
        #: How many the tenant accepts in a second; infinite where that cannot be told.
        self.rate = math.inf

    @property
    def size(self) -> float:
        """Return how many are accepted after a pause beyond the rate, as far as is known."""
        return self._burst or 0.0

    def on_accepted(self, sent_at: float) -> None:
        """Note a request that was accepted.

        :param sent_at: when it was sent.
        """
        if self._since is None:
            self._since = sent_at
        # Others were sent before the pause.
        self._accepted += sent_at >= self._since

    def on_pause(self, sent_at: float, in_flight: int, until: float) -> None:
        """Note a request that was turned away, and for which the run pauses.

        :param sent_at: when it was sent.
        :param in_flight: how many were in flight when it was sent, itself among them.
        :param until: when the pause ends.
        """
        if self._since is not None and sent_at > self._since:
            # Those before it in the tenant's count have no response yet.
            self._meet(sent_at - self._since, self._accepted + in_flight - 1)
        self._since, self._accepted = until, 0

    def _meet(self, seconds: float, accepted: int) -> None:
        seconds_before, accepted_before = self.seconds, self._total
        self.seconds, self._total = seconds, accepted
        if seconds_before < math.inf:
            apart = seconds - seconds_before
            if abs(apart) >= _APART * max(seconds, seconds_before):
                burst = (accepted_before * seconds - accepted * seconds_before) / apart
                # In less time it accepts no more: if it did, this was no burst and a rate.
                self._burst = max(burst, 0.0) if burst < accepted else None
        if self._burst is None or self._burst >= accepted:
            self.rate = self._estimate = math.inf
            return
        before, self._estimate = self._estimate, (accepted - self._burst) / seconds
        tolerance = max(_AGREE * self._estimate, _MISCOUNT / min(seconds, seconds_before))
        is_confirmed = abs(self._estimate - before) <= tolerance
        least = 0.0 if is_confirmed else _UNCONFIRMED * accepted / seconds
        self.rate = max(self._estimate, least)
