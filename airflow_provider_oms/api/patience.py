"""How long refused access tokens are tried again before the credentials count as refused.

A token may not be valid yet, or the OMS may hear of it only after a while. Nothing here waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from airflow_provider_oms.api.errors import OmsError
from airflow_provider_oms.api.evidence import Evidence

__all__ = ["TOKEN_PATIENCE", "TOKEN_REFUSED", "TokenPatience", "pause_after"]

#: Seconds for which new tokens are tried.
TOKEN_PATIENCE = 15.0
#: What another token may change. What the token endpoint itself refuses is final.
TOKEN_REFUSED = frozenset({Evidence.UNAUTHENTICATED, Evidence.DENIED})
_PAUSES = (0.0, 0.0, 1.0, 2.0, 4.0, 8.0)


def pause_after(refusals: int) -> float:
    """Return the seconds to wait after so many refusals in a row.

    :param refusals: how many; the first token may merely have expired.
    """
    return _PAUSES[min(refusals, len(_PAUSES) - 1)]


class TokenPatience:
    """Count refused tokens in a row for one who waits.

    :param seconds: how long they are tried again.
    :param clock: monotonic seconds.
    """

    def __init__(
        self, seconds: float = TOKEN_PATIENCE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forget the refusals, because a token was accepted."""
        self._refusals = 0
        self._began_at = 0.0

    def pause(self, error: OmsError) -> float | None:
        """Return the seconds until the next try.

        :param error: what the last try came to.
        :return: the seconds; ``None`` when another token does not help, or the time is up.
        """
        if error.evidence not in TOKEN_REFUSED:
            return None
        now = self._clock()
        if self._refusals == 0:
            self._began_at = now
        self._refusals += 1
        left = self._began_at + self._seconds - now
        return min(pause_after(self._refusals), left) if left > 0 else None
