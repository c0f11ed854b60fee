"""Whether a connection works, found out by reading one order, and what to do if it does not.

Nothing here changes anything at the OMS; a wrong setting is found before, in ``config.py``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.errors import (
    OmsConflictError,
    OmsCredentialsError,
    OmsError,
    OmsForbiddenError,
    OmsHttpError,
    OmsNoHostError,
    OmsNoResponseError,
    OmsNotFoundError,
    OmsNotSentError,
    OmsRedirectedError,
    OmsRefusedError,
    OmsServerError,
    OmsThrottledError,
    OmsUnauthorizedError,
    OmsUnexpectedResponseError,
    OmsWrongServerError,
)
from airflow_provider_oms.api.patience import TokenPatience
from airflow_provider_oms.api.transport import UNKNOWN_AUTHORITY

__all__ = ["probe"]

# Seconds for which other tokens are tried when one is refused; a person waits for them.
_PATIENCE = 3.0
# GENERIC_NOT_FOUND and INVALID_ID of the classic OMS, and the platform's own; a tenant may answer
# an unknown order with any of them, and with 400 instead of 404.
_NO_SUCH_ORDER = ("5002", "5013", "ITEM_NOT_FOUND")
_NO_SUCH_PREFIX = "/there-is-no-such-prefix"
_REFUSED_CREDENTIALS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
)

_REFUSED_BY_GATEWAY = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def probe(
    client: OmsClient,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> tuple[bool, str]:
    """Return whether a client can reach its tenant's orders.

    :param client: the client.
    :param sleep: waits for a number of seconds.
    :param clock: monotonic seconds.
    :return: whether it does, and one sentence that says what to do if it does not; a second
        sentence when a gateway's headers may be wrong or the connection sends unencrypted.
    """
    works, sentence = _try_out(client, sleep, clock)
    warning = client.settings.warning
    return works, f"{sentence} {warning}" if warning else sentence


def _try_out(
    client: OmsClient, sleep: Callable[[float], object], clock: Callable[[], float]
) -> tuple[bool, str]:
    settings = client.settings
    aside = ""
    try:
        _read_patiently(client, TokenPatience(_PATIENCE, clock), sleep)
    except OmsError as error:
        if not (isinstance(error, OmsHttpError) and _is_about_the_order(error)):
            said = (_advice(error, settings), _about_headers(error, settings))
            return False, " ".join(filter(None, said))
        if _is_said_of_any_address(client, error):
            return False, _wrong_prefix(error, client)
        # "Unknown order" is the expected response; any other deserves a message.
        if not isinstance(error, OmsNotFoundError):
            asked = client.dialect.unknown_order_id
            aside = f", though it would not show order {asked} ({error.facts})"
    return True, f"It works: the OMS answers at {_found(client).describe()}{aside}."


def _found(client: OmsClient) -> TenantSettings:
    """Return the settings with the host that was looked up, if they ask for that."""
    settings = client.settings
    if not settings.discover_host:
        return settings
    return settings.model_copy(update={"discover_host": False, "base_url": client.api_url})


def _read_patiently(
    client: OmsClient, patience: TokenPatience, sleep: Callable[[float], object]
) -> None:
    while True:
        try:
            client.get_order(client.dialect.unknown_order_id)
        except OmsError as error:
            pause = patience.pause(error)
            if pause is None:
                raise
            sleep(pause)
        else:
            return


def _is_about_the_order(error: OmsHttpError) -> bool:
    """Return whether an OMS refused nothing but the order that was asked for."""
    if not isinstance(error, OmsNotFoundError | OmsRefusedError | OmsConflictError):
        return False
    if _speaks_of_tenant(error):
        return False
    if isinstance(error, OmsNotFoundError) or error.oms_code in _NO_SUCH_ORDER:
        return True
    # Any web server refuses requests. Only Kibo's gateway adds a correlation id to each response.
    return error.correlation_id is not None and bool(error.detail or error.oms_code)


def _is_said_of_any_address(client: OmsClient, error: OmsHttpError) -> bool:
    """Return whether the OMS sends the same response for a path that does not exist.

    When a gateway forwards its prefix, the OMS gets an unknown path for each call, and its 404
    looks like the one for an unknown order.
    """
    settings = client.settings
    if not urlsplit(settings.api_url).path:
        return False
    elsewhere = settings.model_copy(update={"base_url": settings.api_url + _NO_SUCH_PREFIX})
    with OmsClient(elsewhere) as other:
        try:
            other.get_order(other.dialect.unknown_order_id)
        except OmsHttpError as said:
            return _signature(said) == _signature(error)
        except OmsError:
            return False
    return False


def _signature(error: OmsHttpError) -> tuple[type[OmsHttpError], int, bool, str | None, str]:
    has_mark = error.correlation_id is not None
    detail = (error.detail or "").replace(_NO_SUCH_PREFIX, "")
    return type(error), error.http_status, has_mark, error.oms_code, detail


def _speaks_of_tenant(error: OmsHttpError) -> bool:
    return "tenant" in f"{error.detail or ''} {error.oms_code or ''}".lower()


def _advice(error: OmsError, settings: TenantSettings) -> str:
    if isinstance(error, OmsHttpError) and _is_refused(error) and _speaks_of_tenant(error):
        return _wrong_tenant(error, settings)
    if error.is_about_client_certificate:
        return _client_certificate(error, settings)
    for kind, write in _ADVICE:
        if isinstance(error, kind):
            return write(error, settings)
    return f"{error.message}."


def _about_headers(error: OmsError, settings: TenantSettings) -> str:
    if error.http_status not in _REFUSED_BY_GATEWAY or not settings.secret_headers:
        return ""
    return (
        f"If a gateway answered with HTTP {error.http_status}, correct Secret Headers "
        f"(secret_headers)."
    )


def _is_refused(error: OmsHttpError) -> bool:
    is_of_token = isinstance(error, OmsCredentialsError)
    return not is_of_token and not isinstance(error, OmsServerError | OmsThrottledError)


def _not_sent(error: OmsNotSentError, settings: TenantSettings) -> str:
    if error.host is None:
        return (
            f"Could not get an access token from {settings.token_base_url} ({error.reason}): try "
            "again in a minute; if it keeps failing, check the Token Address (auth_url)."
        )
    if error.reason == UNKNOWN_AUTHORITY:
        return (
            f"The TLS certificate of {error.host} was refused, so nothing was sent: set CA Bundle "
            f"(ca_bundle) to the certificates of your company's authority, or correct the address "
            f"if that host is not Kibo's."
        )
    if error.refused_certificate:
        return (
            f"The TLS certificate of {error.host} was refused, so nothing was sent: "
            f"{error.reason.partition(': ')[2]}; correct {_fields_of_address(error.host, settings)}"
            f", or tell those who run that host."
        )
    if error.is_of_proxy:
        return (
            f"{error.host} cannot be reached through the proxy ({error.reason}): correct the Proxy "
            f"(proxy), or HTTPS_PROXY and NO_PROXY where it is empty, or have the proxy let this "
            f"machine through."
        )
    fields = _fields_of_address(error.host, settings)
    if error.lacks_scheme:
        field = fields.removesuffix(" and the Port")
        return (
            f"What answers at {error.host} speaks no TLS, so nothing was sent: write http:// in "
            f"front of it in {field}, which means https without a scheme."
        )
    if not error.unresolved:
        return (
            f"{error.host} cannot be reached ({error.reason}): correct {fields}, or have the "
            f"network let this machine through to it."
        )
    if "Tenant" in fields and settings.api == "translated":
        fields += (
            ", ask Kibo's support whether this tenant has translated APIs, or set API (api) to "
            "native"
        )
    return f"The host {error.host} does not exist: correct {fields}."


def _client_certificate(error: OmsError, settings: TenantSettings) -> str:
    said = error.facts if isinstance(error, OmsHttpError) else "in the TLS handshake"
    # Where no host is named, it is the token endpoint that was reached.
    is_of_token = isinstance(error, OmsCredentialsError)
    if isinstance(error, OmsNotSentError):
        is_of_token = error.host in (None, urlsplit(settings.token_base_url).netloc)
    if is_of_token and settings.is_bare_token_address:
        return (
            f"{settings.token_base_url} wants a client certificate, which the connection gives to "
            f"the Base Address (host) only: set Gateway Covers Auth (gateway_covers_auth) if "
            f"your gateway is in front of both, or correct the Token Address (auth_url) ({said})."
        )
    address = settings.token_base_url if is_of_token else settings.api_url
    if settings.client_cert is None:
        return (
            f"{address} wants a client certificate, and the connection has none: set Client "
            f"Certificate (client_cert) and Client Key (client_key) ({said})."
        )
    return (
        f"{address} does not take the client certificate: set Client Certificate (client_cert) and "
        f"Client Key (client_key) to a pair that has not expired, from an authority that the "
        f"gateway trusts, with the intermediate certificates below the pair's own ({said})."
    )


def _no_host(error: OmsNoHostError, settings: TenantSettings) -> str:
    return (
        f"{settings.token_base_url} does not say where tenant {settings.tenant_id} is "
        f"({error.reason}): correct the Token Address (auth_url) and the Tenant ID (tenant_id), or "
        f"give the Base Address (host) instead of Discover Host (discover_host)."
    )


def _fields_of_address(host: str, settings: TenantSettings) -> str:
    if host != urlsplit(settings.api_url).netloc:
        return "the Token Address (auth_url)"
    if settings.base_url:
        return "the Base Address (host) and the Port"
    return "Tenant ID (tenant_id) and Environment"


def _no_answer(_: OmsNoResponseError, settings: TenantSettings) -> str:
    return (
        f"{settings.api_url} took the request and did not answer within {settings.read_timeout:g} "
        f"s or closed the connection: try again, and if it stays so, check the Base Address (host) "
        f"and what lies between it and this machine."
    )


def _credentials(error: OmsCredentialsError, settings: TenantSettings) -> str:
    if error.http_status in _REFUSED_CREDENTIALS:
        return (
            f"{settings.token_base_url} refuses the client id or its secret: correct Client ID "
            f"(login) and Client Secret (password), which are in Kibo's Dev Center ({error.facts})."
        )
    return (
        f"What answers at {settings.token_base_url} issues no tokens: correct the Token Address "
        f"(auth_url) ({error.facts})."
    )


def _wrong_tenant(error: OmsHttpError, settings: TenantSettings) -> str:
    return (
        f"The OMS at {settings.api_url} does not let this connection into tenant "
        f"{settings.tenant_id}: correct the Tenant ID (tenant_id), or have the application "
        f"installed for that tenant ({error.facts})."
    )


def _not_admitted(error: OmsHttpError, settings: TenantSettings) -> str:
    if not settings.has_credentials:
        return (
            f"The OMS at {settings.api_url} requires an access token: fill in Client "
            f"ID (login) and Client Secret (password) of an application with permissions for "
            f"tenant {settings.tenant_id} ({error.facts})."
        )
    return (
        f"The credentials are good, but the OMS at {settings.api_url} does not take them for "
        f"tenant {settings.tenant_id}: correct the Tenant ID (tenant_id), or check the "
        f"application's permissions for that tenant ({error.facts})."
    )


def _not_translated(error: OmsHttpError, settings: TenantSettings) -> str:
    if settings.api == "native":
        return (
            f"What answers at {settings.describe()} is no native API of Kibo's: correct the Base "
            f"Address (host) and the Tenant ID (tenant_id), or set API (api) to translated "
            f"({error.facts})."
        )
    return (
        f"What answers at {settings.api_url} is no OMS: tenant {settings.tenant_id} probably has "
        f"no translated APIs, which Kibo's support can enable, unless the Tenant ID (tenant_id) or "
        f"the Base Address (host) is wrong ({error.facts})."
    )


def _wrong_prefix(error: OmsHttpError, client: OmsClient) -> str:
    asked = client.dialect.unknown_order_id
    return (
        f"{client.settings.api_url} responds to a read of order {asked} as it does to an "
        f"address that does not exist, so the path is probably wrong: correct the path of the Base "
        f"Address (host), or read an order that is there to be sure ({error.facts})."
    )


def _throttled(error: OmsThrottledError, _: TenantSettings) -> str:
    wait = "a minute" if error.retry_after is None else f"{error.retry_after:.0f} seconds"
    return (
        f"The OMS is there and limits the rate of calls: try again in {wait}, and let fewer tasks "
        f"call it at a time ({error.facts})."
    )


def _failing(error: OmsServerError, settings: TenantSettings) -> str:
    return (
        f"The OMS at {settings.api_url} is failing: try again in a minute, and if it stays so, ask "
        f"Kibo's support and quote the correlation id ({error.facts})."
    )


def _redirected(error: OmsRedirectedError, settings: TenantSettings) -> str:
    return (
        f"{settings.api_url} redirects elsewhere, which is not followed: correct the Base Address "
        f"(host) ({error.facts})."
    )


def _refused(error: OmsHttpError, settings: TenantSettings) -> str:
    return (
        f"The OMS at {settings.api_url} refuses to show any order: check Tenant ID (tenant_id) and "
        f"Base Address (host), and ask Kibo's support ({error.facts})."
    )


_ADVICE: tuple[tuple[type[OmsError], Callable[[Any, TenantSettings], str]], ...] = (
    (OmsNoHostError, _no_host),
    (OmsNotSentError, _not_sent),
    (OmsNoResponseError, _no_answer),
    (OmsCredentialsError, _credentials),
    (OmsWrongServerError, _not_translated),
    (OmsNotFoundError, _not_translated),
    (OmsUnexpectedResponseError, _not_translated),
    (OmsUnauthorizedError, _not_admitted),
    (OmsForbiddenError, _not_admitted),
    (OmsThrottledError, _throttled),
    (OmsServerError, _failing),
    (OmsRedirectedError, _redirected),
    (OmsHttpError, _refused),
)
