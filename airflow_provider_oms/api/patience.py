"""How long refused access tokens are tried again before the credentials count as refused.

A token may not be valid yet, or the OMS may hear of it only after a while. Nothing here waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from airflow_provider_oms.api.errors import OmsError, OmsInputError
from airflow_provider_oms.api.evidence import Evidence

__all__ = [
    "LASTING",
    "TOKEN_PATIENCE",
    "TOKEN_REFUSED",
    "TokenPatience",
    "patiently",
    "pause_after",
]

#: Seconds for which new tokens are tried.
TOKEN_PATIENCE = 15.0
#: Refusals that another token may change. A refusal by the token endpoint itself is final.
TOKEN_REFUSED = frozenset({Evidence.UNAUTHENTICATED, Evidence.DENIED})
#: What stays as it is, however long one waits.
LASTING = frozenset(
    {Evidence.NOT_FOUND, Evidence.REFUSED, Evidence.FORBIDDEN, Evidence.WRONG_SERVER}
)
_TRIES = 4
_LONGEST_PAUSE = 120.0
_Read = TypeVar("_Read")
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

        :param error: the error of the last try.
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


def patiently(
    read: Callable[[], _Read],
    *,
    patience: TokenPatience | None = None,
    sleep: Callable[[float], object] | None = None,
) -> _Read:
    """Read until the OMS answers: a few times, and with other tokens for some time.

    :param read: sends one call that only reads.
    :param patience: for how long other tokens are tried.
    :param sleep: waits for a number of seconds; ``time.sleep`` unless given.
    :return: the value it has read.
    :raises OmsError: the error of the last try, when no other would help, or there were four, or
        the OMS asks for a pause of more than two minutes.
    """
    patience = patience or TokenPatience()
    tries = 0
    while True:
        try:
            return read()
        except OmsInputError:
            raise
        except OmsError as error:
            pause = patience.pause(error)
            if pause is None:
                tries += 1
                pause = max(error.retry_after or 0.0, 2.0 ** (tries - 1))
                is_over = tries >= _TRIES or pause > _LONGEST_PAUSE
                if is_over or error.evidence in LASTING | TOKEN_REFUSED:
                    raise
        (sleep or time.sleep)(pause)
