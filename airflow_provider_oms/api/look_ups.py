"""Look-ups other than orders: a tenant's host, its reasons, and an order's id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_oms.api.addresses import (
    address_problem,
    check_address,
    is_kibo,
    is_loopback,
)
from airflow_provider_oms.api.errors import (
    OmsError,
    OmsNotSentError,
    OmsUnexpectedResponseError,
    OmsWrongServerError,
)
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.responses import (
    correlation_id_of,
    describe_body,
    error_of,
    is_foreign,
)
from airflow_provider_oms.api.transport import Response

if TYPE_CHECKING:
    from airflow_provider_oms.api.config import TenantSettings

__all__ = [
    "TENANT_PATH",
    "cancel_without_id",
    "host_in",
    "reasons_in",
]

TENANT_PATH = "/api/platform/tenants/{tenant_id}"
_CHECK = "Check auth_url and tenant_id"
_NO_LIST = (
    "The OMS has no list of reasons at this address; check the connection's host and its path, as "
    "airflow oms check does"
)


def host_in(answer: Response, settings: TenantSettings, secrets: Iterable[str] = ()) -> str:
    """Return a tenant's address as the platform says it, once a token may be sent there.

    :param answer: a complete answer about the tenant.
    :param settings: the tenant.
    :param secrets: strings to keep out of error messages.
    :return: the address, without a slash at its end.
    :raises OmsHttpError: one of its kinds, when there is none, or it is not one of Kibo's.
    """
    if not answer.is_success:
        not_found = f"The platform knows no such tenant. {_CHECK}"
        raise error_of(answer, secrets=secrets, hint=_CHECK, not_found=not_found)
    if answer.complete and is_foreign(answer):
        message = f"No OMS answered, but {describe_body(answer)}. {_CHECK}"
        raise OmsWrongServerError(message, http_status=answer.status)
    document = answer.json() if answer.complete else None
    fields = document if isinstance(document, dict) else {}
    problem = f"{describe_body(answer)} instead of the tenant"
    domain = fields.get("domain")
    if str(fields.get("id")) == str(int(settings.tenant_id)) and isinstance(domain, str):
        address, problem = _address_of(domain, settings)
        if not problem:
            return address
    raise OmsUnexpectedResponseError(
        f"The tenant's host cannot be looked up at {settings.token_base_url}: the answer holds "
        f"{problem}. Give the connection a host instead of discover_host",
        http_status=answer.status,
        correlation_id=correlation_id_of(answer, secrets),
    )


def _address_of(domain: str, settings: TenantSettings) -> tuple[str, str]:
    try:
        address = check_address(f"https://{domain}")
    except ValueError:
        address = ""
    if not address or urlsplit(address).path:
        return "", "a domain that is no host"
    if is_loopback(settings.token_base_url) and is_loopback(address):
        # A platform on this machine may name an address on this machine.
        scheme = urlsplit(settings.token_base_url).scheme
        address = urlsplit(address)._replace(scheme=scheme).geturl()
    elif not is_kibo(address):
        return "", "a domain that is not Kibo's, and gets no token"
    contradiction = address_problem(
        address,
        tenant_id=settings.tenant_id,
        environment=settings.environment,
        issues_tokens=False,
        api=settings.api,
        site_id=settings.site_id,
    )
    return address, contradiction or ""


# These say something about the order or the caller, and not only that there was no answer.
_SAYS_WHY = frozenset(
    {
        Evidence.NOT_FOUND,
        Evidence.REFUSED,
        Evidence.FORBIDDEN,
        Evidence.WRONG_SERVER,
        Evidence.THROTTLED,
        Evidence.UNAUTHENTICATED,
        Evidence.DENIED,
        Evidence.NEVER_SENT,
        Evidence.MISDIRECTED,
        Evidence.LOCKED,
    }
)


def cancel_without_id(error: OmsError) -> OmsError:
    """Return the error of a cancel whose order could not be looked up.

    :param error: why not.
    :return: an error that states that the cancel never left; it keeps the OMS's answer about the
        order.
    """
    if error.evidence in _SAYS_WHY:
        found = error.reworded(error.message)
        # Of the cancel: the request that was sent was another one.
        found.was_sent = False
        return found
    message = f"The order could not be looked up, so no cancel was sent: {error.message}"
    unsent = OmsNotSentError(message, reason=error.message, retry_after=error.retry_after)
    unsent.is_of_look_up = error.is_of_look_up
    return unsent


def reasons_in(answer: Response, hint: str, secrets: Iterable[str] = ()) -> dict[str, bool]:
    """Return the reasons that a tenant lists, and whether each needs an explanation.

    :param answer: a complete answer.
    :param hint: what to do when no OMS answers at this address.
    :param secrets: strings to keep out of error messages.
    :raises OmsHttpError: one of its kinds, when it holds no such list.
    """
    if not answer.is_success:
        raise error_of(answer, secrets=secrets, hint=hint, not_found=_NO_LIST)
    document = answer.json() if answer.complete else None
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise OmsUnexpectedResponseError(
            f"The OMS was asked for its reasons, and answered with {describe_body(answer)}",
            http_status=answer.status,
            correlation_id=correlation_id_of(answer, secrets),
        )
    return {
        item["reasonCode"]: item.get("needsMoreInfo") is True
        for item in items
        if isinstance(item, dict) and isinstance(item.get("reasonCode"), str)
    }
