"""Name the field of the connection to correct where a host cannot be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_oms.api.errors import OmsError, OmsNotSentError
from airflow_provider_oms.api.transport import CHANGED_CERTIFICATE

if TYPE_CHECKING:
    from airflow_provider_oms.api.config import TenantSettings

__all__ = ["of_tenant", "of_tokens"]


def of_tenant(error: OmsNotSentError, settings: TenantSettings, hint: str) -> OmsNotSentError:
    """Return why the tenant's host was not reached, and what in the connection leads there.

    :param error: why not.
    :param settings: the connection.
    :param hint: what to do where a name that follows from the tenant's number does not resolve.
    :return: the same error where no host was tried, or where its message has the advice already.
    """
    if error.unresolved and not settings.base_url:
        return error.reworded(f"{error.message}. {hint}")
    if settings.base_url:
        return _naming("host and port", error, settings)
    # A host that was looked up is not in the connection.
    return _naming("" if settings.discover_host else "tenant_id and environment", error, settings)


def of_tokens(error: OmsError, settings: TenantSettings) -> OmsError:
    """Return why the host that issues tokens was not asked, and which field leads there.

    :param error: any error of such a request.
    :param settings: the connection.
    :return: the same error where it is another one, or where its message has the advice already.
    """
    if not isinstance(error, OmsNotSentError):
        return error
    # Without both of them it is Kibo's own.
    fields = "auth_url" if settings.auth_url else "host and port" if settings.base_url else ""
    return _naming(fields, error, settings)


def _naming(fields: str, error: OmsNotSentError, settings: TenantSettings) -> OmsNotSentError:
    if error.is_of_proxy:
        fields = "proxy" if settings.proxy is not None else ""
    has_advice = (
        error.host is None
        or error.refused_certificate
        or error.lacks_scheme
        or error.is_about_client_certificate
        or error.reason == CHANGED_CERTIFICATE
    )
    if has_advice or not fields:
        return error
    return error.reworded(f"{error.message}; check the connection's {fields}")
