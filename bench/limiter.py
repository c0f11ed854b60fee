"""The limit of a gateway, and nginx's `limit_req` with `nodelay` where there is no nginx."""

from __future__ import annotations

from dataclasses import dataclass

#: Requests that may come on top of a rate at once.
BURST = 20


@dataclass(frozen=True)
class Limit:
    """Define a limit, and nginx's response to requests beyond it.

    :param rate: requests a second; 0 where requests under way at a time are limited.
    :param status: of the answer to the rest.
    :param retry_after: seconds that this answer asks to wait; ``None`` for an answer without.
    """

    rate: float = 0.0
    at_a_time: int = 0
    status: int = 429
    retry_after: int | None = None


class Limiter:
    """Let requests through as nginx's leaky bucket does.

    Source: `ngx_http_limit_req_lookup` of nginx. A request that is turned away adds nothing to the
    bucket.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        # So the bucket is empty for the first request.
        self._excess, self._last_at = -1.0, 0.0

    def admit(self, now: float) -> bool:
        excess = max(0.0, self._excess - self._rate * (now - self._last_at) + 1)
        if excess > BURST:
            return False
        self._excess, self._last_at = excess, now
        return True
