"""The base address of a tenant's API, which the platform names where the connection wants that.

What the platform's answer means is read in ``look_ups.py``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_provider_oms.api.errors import OmsError, OmsNoHostError

if TYPE_CHECKING:
    from airflow_provider_oms.api.config import TenantSettings

__all__ = ["TenantHost"]

_logger = logging.getLogger(__name__)


class TenantHost:
    """Know a tenant's address, and look it up where it has to be.

    :param settings: the tenant.
    :param get_token: returns an access token for the platform; ``None`` for none.
    :param ask: asks the platform with that token, and returns the address.
    """

    def __init__(
        self,
        settings: TenantSettings,
        get_token: Callable[[], str | None],
        ask: Callable[[str | None], str],
    ) -> None:
        self._settings = settings
        self._get_token = get_token
        self._ask = ask
        self._found: str | None = None

    @property
    def url(self) -> str:
        """Return the address.

        :raises OmsNotSentError: when it has to be looked up, and cannot be.
        """
        if not self._settings.discover_host:
            return self._settings.api_url
        if self._found is None:
            self._found = self._look_up()
            _logger.info("Tenant %s is at %s", self._settings.tenant_id, self._found)
        return self._found

    def _look_up(self) -> str:
        token = self._get_token()
        try:
            return self._ask(token)
        except OmsError as error:
            message = f"The tenant's host could not be looked up: {error.message}"
            raise OmsNoHostError.because_of(error, message) from None
