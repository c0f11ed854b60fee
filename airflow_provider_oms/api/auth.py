"""Access tokens: fetched once for all threads, kept until shortly before they expire.

How a token is asked for over HTTP lives in the client.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider_oms.api.patience import pause_after

__all__ = ["Token", "TokenCache"]

# Kibo's own clients renew 60 to 300 s before the end of a token's hour; a tenth of a shorter
# lifetime keeps a test tenant with a token of seconds usable.
_LONGEST_SAFETY_MARGIN = 120.0
_SAFETY_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Token:
    """Hold one access token.

    :param value: the token; a secret.
    :param lifetime: seconds until the OMS stops accepting it, counted from its request.
    """

    value: str
    lifetime: float

    def __repr__(self) -> str:
        """Show the lifetime and never the token."""
        return f"Token(value='***', lifetime={self.lifetime})"


class TokenCache:
    """Share one access token between the threads of a client.

    :param fetch: asks the token endpoint for a new token; called by one thread at a time.
    :param clock: monotonic seconds.
    """

    def __init__(
        self, fetch: Callable[[], Token], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._value: str | None = None
        self._good_until = 0.0
        self._failures = 0
        self._failure: Exception | None = None
        self._asked_at = 0.0
        self._has_been_accepted = False
        # Tokens that were refused in a row, for calls of one kind.
        self._refusals = 0
        self._refused_call = ""

    def get(self) -> str:
        """Return a token that is not about to expire, fetching one if there is none.

        Threads that wait while another one fetches share its token, and its failure too: a
        token endpoint that is down is not asked once for each of them.

        :return: the token.
        :raises OmsError: whatever the fetch raised.
        """
        failures_before = self._failures
        with self._lock:
            if self._value is not None and self._clock() < self._good_until:
                return self._value
            if self._failure is not None and self._failures != failures_before:
                raise self._failure
            return self._renew()

    @property
    def has_been_accepted(self) -> bool:
        """Return whether the OMS has ever taken a token."""
        return self._has_been_accepted

    def accept(self, value: str, call: str) -> None:
        """Remember that the OMS took a token.

        :param value: the token.
        :param call: the kind of call that it was good for.
        """
        # Without the lock, which a thread that fetches the next token may hold for seconds.
        self._has_been_accepted = True
        if self._value == value and call == self._refused_call:
            self._refusals = 0

    def refuse(self, value: str, call: str) -> None:
        """Forget a token that the OMS refused, unless it is too young to be given up.

        The first one is forgotten at once, because it may have expired. Its successor may not be
        valid yet, so that it is kept for a while; and so the token endpoint is asked with growing
        pauses, however many calls are refused. Only a call of the kind that was refused ends that:
        what other calls the token is good for says nothing about a permission that is missing.

        :param value: the token that was refused.
        :param call: the kind of call that it was refused for.
        """
        with self._lock:
            is_young = self._clock() - self._asked_at < pause_after(self._refusals + 1)
            # Another thread may have replaced it already.
            if self._value != value or is_young:
                return
            self._value = None
            self._refusals += 1
            self._refused_call = call

    def _renew(self) -> str:
        asked_at = self._clock()
        try:
            token = self._fetch()
        except Exception as error:
            self._failures += 1
            self._failure = error
            raise
        margin = min(_LONGEST_SAFETY_MARGIN, token.lifetime * _SAFETY_SHARE)
        self._value = token.value
        self._good_until = asked_at + token.lifetime - margin
        self._failure = None
        self._asked_at = asked_at
        return token.value
