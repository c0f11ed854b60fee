"""Access tokens: fetched once for all threads, kept until shortly before they expire.

How a token is asked for over HTTP lives in the client.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

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
        self._accepted: str | None = None
        self._is_forbidden = False
        self._replaces_forbidden = False

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

    def drop(self, value: str) -> None:
        """Forget a token that the OMS refused, unless another thread has replaced it already.

        :param value: the token that was refused.
        """
        with self._lock:
            if self._value == value:
                self._value = None

    def accept(self, value: str) -> None:
        """Remember that the OMS took a token.

        :param value: the token.
        """
        # Without the lock, which a thread that fetches the next token may hold for seconds.
        if self._value == value:
            self._accepted = value

    def replace_forbidden(self, value: str) -> bool:
        """Forget a token that a call was forbidden with, if another token may do better.

        The classic OMS answers 403, too, to a token that has expired (its OAuth page). Only a
        token that was good before can have, and only once: if its successor is forbidden as well,
        what is missing is a permission, however many other calls the successor was good for.

        :param value: the token.
        :return: whether the call may be repeated with another token.
        """
        with self._lock:
            if self._value != value:
                return True
            if self._accepted != value or self._replaces_forbidden:
                return False
            self._value = None
            self._is_forbidden = True
            return True

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
        self._replaces_forbidden, self._is_forbidden = self._is_forbidden, False
        return token.value
