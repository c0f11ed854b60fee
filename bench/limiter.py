"""The limits of a gateway: nginx's `limit_req` with `nodelay`, and its `limit_conn`.

Here it decides by itself, within the stub; nginx is run by `nginx`, from the same `Limit`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Limit:
    """Define a limit, and the response to requests beyond it.

    :param rate: requests a second; ``None`` for any number.
    :param burst: requests that may come on top of the rate at once.
    :param at_a_time: requests under way at a time; ``None`` for any number.
    :param status: of the answer to the rest.
    :param retry_after: seconds that this answer asks to wait; ``None`` for an answer without.
    :param changes: the later rates, each with the seconds since the first request.
    """

    rate: float | None = None
    burst: int = 20
    at_a_time: int | None = None
    status: int = 429
    retry_after: int | None = None
    changes: tuple[tuple[float, float], ...] = ()

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Self:
        """Return the limit that came as JSON.

        :param fields: its fields.
        """
        changes = tuple((after, rate) for after, rate in fields.pop("changes", ()))
        return cls(**fields, changes=changes)


class Limiter:
    """Let requests through, as nginx does: in a leaky bucket, and so many at a time.

    Source: `ngx_http_limit_req_lookup` and `ngx_http_limit_conn_handler` of nginx. A request that
    is turned away adds nothing to the bucket.

    :param limit: the limit.
    """

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.under_way = 0
        self._changes = list(limit.changes)
        self._rate = limit.rate
        self._first_at: float | None = None
        self._last_at = 0.0
        self._excess = 0.0

    def admit(self, now: float) -> bool:
        """Let a request through, or not.

        :param now: the present moment, in seconds of any clock.
        """
        if self.limit.at_a_time is not None and self.under_way >= self.limit.at_a_time:
            return False
        if not self._has_room(now):
            return False
        self.under_way += 1
        return True

    def leave(self) -> None:
        """Take note that a request which was let through is answered."""
        self.under_way -= 1

    def _has_room(self, now: float) -> bool:
        if self._first_at is None:
            self._first_at = self._last_at = now
            return True
        while self._changes and now >= self._first_at + self._changes[0][0]:
            _, self._rate = self._changes.pop(0)
        if self._rate is None:
            return True
        excess = max(0.0, self._excess - self._rate * (now - self._last_at) + 1)
        if excess > self.limit.burst:
            return False
        self._excess, self._last_at = excess, now
        return True
