"""An Airflow connection turned into a tenant's settings, and these into a client.

How a connection is looked up is the business of the hook, and of the trigger.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.version_compat import AIRFLOW_VERSION

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

__all__ = ["client_of", "settings_of"]


def settings_of(connection: Connection, conn_id: str) -> TenantSettings:
    """Return the checked settings that a connection holds.

    :param connection: the connection.
    :param conn_id: its id, for messages.
    :return: the settings.
    :raises OmsConfigError: naming every field that is wrong.
    """
    return TenantSettings.from_connection(
        name=conn_id,
        host=connection.host,
        port=connection.port,
        login=connection.login,
        password=connection.password,
        schema=connection.schema,
        extra=connection.extra,
    )


def client_of(
    settings: TenantSettings, *, pool_size: int, on_token: Callable[[str], None] | None = None
) -> OmsClient:
    """Return a client that says which Airflow it is part of.

    :param settings: the tenant.
    :param pool_size: HTTP connections kept open.
    :param on_token: called with every new access token before it is used.
    :return: the client.
    """
    return OmsClient(
        settings,
        pool_size=pool_size,
        user_agent_suffix=f"apache-airflow/{AIRFLOW_VERSION}",
        on_token=on_token,
    )
