"""The base address of a tenant's API, which the platform names where the connection wants that.

``look_ups.py`` interprets the platform's response.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_provider_oms.api.errors import (
    OmsError,
    OmsNoHostError,
    OmsNotSentError,
    OmsWrongServerError,
)
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.unreachable import of_tokens

if TYPE_CHECKING:
    from airflow_provider_oms.api.config import TenantSettings

__all__ = ["TenantHost"]

_logger = logging.getLogger(__name__)

# A resolver that has just started, or lost its own source, may say for a moment that a name does
# not exist.
_UNKNOWN_FOR = 15.0


class TenantHost:
    """Know a tenant's address, and look it up where it has to be; safe to share between threads.

    :param settings: the tenant.
    :param get_token: returns an access token for the platform; ``None`` for none.
    :param ask: asks the platform with that token, and returns the address.
    :param clock: monotonic seconds.
    """

    def __init__(
        self,
        settings: TenantSettings,
        get_token: Callable[[], str | None],
        ask: Callable[[str | None], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._get_token = get_token
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._found: str | None = None
        self._failures = 0
        self._failure: OmsNotSentError | None = None
        # Since when the resolver has said, each time, that the platform's name does not exist.
        self._unknown_since: float | None = None

    @property
    def url(self) -> str:
        """Return the address.

        :raises OmsNotSentError: when it has to be looked up, and cannot be; its evidence is
            ``WRONG_SERVER`` where the connection is wrong.
        """
        if not self._settings.discover_host:
            return self._settings.api_url
        return self._found or self._look_up_once()

    def _look_up_once(self) -> str:
        """Look it up, or wait for another thread that does and share its result."""
        failures_before = self._failures
        with self._lock:
            if self._found is None:
                if self._failure is not None and self._failures != failures_before:
                    raise self._failure
                self._found = self._look_up()
                _logger.info("Tenant %s is at %s", self._settings.tenant_id, self._found)
            return self._found

    def _look_up(self) -> str:
        token = self._get_token()
        try:
            return self._ask(token)
        except OmsError as error:
            cause = of_tokens(error, self._settings)
            message = f"The tenant's host could not be looked up: {cause.message}"
            unsent = self.judged(OmsNoHostError.because_of(cause, message))
            unsent.is_of_look_up = True
            if isinstance(error, OmsWrongServerError):
                unsent.evidence = Evidence.WRONG_SERVER
            self._failures, self._failure = self._failures + 1, unsent
            raise unsent from None

    def judged(self, error: OmsNotSentError) -> OmsNotSentError:
        """Return why the platform was not asked, as the connection's fault where it is.

        A name that the connection gives, and that does not exist for some time, will not come to
        exist. Any other failure to resolve it may pass.

        :param error: why not.
        :return: the same error, or one whose evidence is ``WRONG_SERVER``.
        """
        is_given = self._settings.discover_host and self._settings.auth_url is not None
        if not is_given or self._found is not None or not error.is_unknown:
            self._unknown_since = None
            return error
        now = self._clock()
        if self._unknown_since is None:
            self._unknown_since = now
        if now - self._unknown_since < _UNKNOWN_FOR:
            return error
        judged = error.reworded(
            f"{error.message}. auth_url names a host that does not exist; correct it, or give the "
            f"connection a host instead of discover_host"
        )
        judged.evidence = Evidence.WRONG_SERVER
        return judged
