"""Rules between the fields of a connection.

The rules for a single field are in ``config.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_oms.api.addresses import (
    DEFAULT_AUTH_URL,
    address_problem,
    derived_url,
    is_kibo,
    is_plain_http,
    usable_proxy,
)
from airflow_provider_oms.api.certificates import (
    check_ca_bundle,
    check_client_certificate,
    environments_ca_bundle,
)
from airflow_provider_oms.api.routes import NO_PROXY, environments_proxy, is_never_proxied

if TYPE_CHECKING:
    from airflow_provider_oms.api.config import TenantSettings

__all__ = ["DEFAULTS_OF_NATIVE", "broken_rules"]

#: A field's default on a native tenant, where it differs.
DEFAULTS_OF_NATIVE: dict[str, Any] = {
    # The effect of a native cancel on payments may show only after a while.
    "settle_seconds": 60.0,
    "not_cancelable_states": ("Completed",),
}


def broken_rules(tenant: TenantSettings, wrong: Set[str]) -> list[str]:
    """Return a message for each rule between fields that a connection breaks.

    :param tenant: the settings; each field is valid by itself, or at its default and named in
        ``wrong``.
    :param wrong: fields known to be invalid.
    :return: one message for each broken rule.
    """
    found = [rule.problem(tenant, wrong) for rule in _RULES if rule.fields.isdisjoint(wrong)]
    return [problem for problem in found if problem]


@dataclass(frozen=True)
class _Rule:
    """Define one rule.

    :param fields: fields from whose defaults it would conclude something wrong; it is skipped when
        one of them is invalid.
    :param problem: returns the message, given the settings and the fields known to be invalid;
        ``None`` when the rule is kept.
    """

    fields: frozenset[str]
    problem: Callable[[TenantSettings, Set[str]], str | None]


def _environment(tenant: TenantSettings, _: Set[str]) -> str | None:
    if tenant.base_url or tenant.environment is not None:
        return None
    return (
        "environment: must be 'production' or 'sandbox' unless host is given; there is no default, "
        "because a wrong guess cancels real orders or silently cancels none"
    )


def _address(tenant: TenantSettings, _: Set[str]) -> str | None:
    if tenant.discover_host and tenant.base_url:
        return "discover_host: looks the host up, and host is given too; leave one of them out"
    if tenant.base_url or tenant.discover_host or tenant.environment is None:
        return None
    if derived_url(tenant.tenant_id, tenant.environment, tenant.api):
        return None
    return (
        "host: must be given for a native tenant in production, such as t10001.tp1.mozu.com, "
        "because it does not follow from tenant_id; or set discover_host to have it looked up"
    )


def _fits_api(tenant: TenantSettings, wrong: Set[str]) -> str | None:
    given = tenant.model_fields_set - wrong
    fields = type(tenant).model_fields
    unfit = [
        name
        for name in _OF_ONE_API[tenant.api]
        # Forms send a switch that was left alone, too.
        if name in given and getattr(tenant, name) != fields[name].default
    ]
    if not unfit:
        return None
    other = "native" if tenant.api == "translated" else "translated"
    return f"{', '.join(unfit)}: has a meaning for api: {other} only; leave it out"


def _both_credentials(tenant: TenantSettings, _: Set[str]) -> str | None:
    if bool(tenant.client_id) == bool(tenant.client_secret):
        return None
    return (
        "login (the client id) and password (the client secret) go together: give both, or neither "
        "for a tenant that takes x-vol-tenant alone"
    )


def _time_to_settle(tenant: TenantSettings, _: Set[str]) -> str | None:
    if tenant.settle_seconds <= tenant.deadline:
        return None
    longer, shorter = (_with_default(tenant, field) for field in ("settle_seconds", "deadline"))
    return (
        f"settle_seconds: must not be longer than deadline, and {longer} s is longer than "
        f"{shorter} s; lower settle_seconds, or raise deadline"
    )


def _with_default(tenant: TenantSettings, field: str) -> str:
    """Return a number of seconds, and that it is the default where it is."""
    value, default = getattr(tenant, field), type(tenant).model_fields[field].default
    if tenant.api == "native":
        default = DEFAULTS_OF_NATIVE.get(field, default)
    return f"the default of {value:g}" if value == default else f"{value:g}"


def _no_guessed_auth_url(tenant: TenantSettings, _: Set[str]) -> str | None:
    if not tenant.has_credentials or tenant.auth_url is not None or tenant.implies_auth_url:
        return None
    return (
        "auth_url: must be given when host is given and is not this machine, so that the client "
        "secret never goes to a guessed address"
    )


def _known_host(tenant: TenantSettings, wrong: Set[str]) -> str | None:
    return _compared("host", tenant.base_url, tenant, wrong)


def _known_auth_url(tenant: TenantSettings, wrong: Set[str]) -> str | None:
    return _compared("auth_url", tenant.auth_url, tenant, wrong)


def _compared(
    field: str, address: str | None, tenant: TenantSettings, wrong: Set[str]
) -> str | None:
    problem = address_problem(
        address or "",
        tenant_id=None if "tenant_id" in wrong else tenant.tenant_id,
        environment=tenant.environment,
        issues_tokens=field == "auth_url",
        api=None if "api" in wrong else tenant.api,
        site_id=None if "site_id" in wrong else tenant.site_id,
    )
    return problem and f"{field}: {problem}"


def _host_over_https(tenant: TenantSettings, _: Set[str]) -> str | None:
    return _over_https("host", tenant.base_url, tenant)


def _auth_url_over_https(tenant: TenantSettings, _: Set[str]) -> str | None:
    return _over_https("auth_url", tenant.auth_url, tenant)


def _over_https(field: str, address: str | None, tenant: TenantSettings) -> str | None:
    if tenant.allow_http or not is_plain_http(address or ""):
        return None
    return (
        f"{field}: must use https; http is accepted for this machine (loopback), and for a local "
        f"OMS elsewhere with allow_http"
    )


def _http_never_to_kibo(tenant: TenantSettings, _: Set[str]) -> str | None:
    if not tenant.allow_http:
        return None
    if tenant.base_url and not is_kibo(tenant.base_url) and not is_kibo(tenant.auth_url or ""):
        return None
    return (
        "allow_http: is for a local OMS only; leave it out, or give a host and an auth_url that "
        "are not Kibo's"
    )


def _environments_certificates(tenant: TenantSettings, _: Set[str]) -> str | None:
    named = environments_ca_bundle()
    if tenant.ca_bundle or named is None:
        return None
    addresses = [tenant.base_url or DEFAULT_AUTH_URL]
    if tenant.has_credentials:
        addresses.append(tenant.token_base_url)
    if all(address.startswith("http:") for address in addresses):
        return None
    variable, path = named
    try:
        check_ca_bundle(path)
    except ValueError as error:
        return (
            f"ca_bundle: is empty, and {variable} of the environment names {path!r}: {error}; "
            f"correct the variable, or give ca_bundle"
        )
    return None


def _called_by(tenant: TenantSettings) -> tuple[str, ...]:
    tokens = (tenant.token_base_url,) if tenant.has_credentials else ()
    return tenant.api_url, *tokens


def _environments_proxy(tenant: TenantSettings, _: Set[str]) -> str | None:
    if tenant.proxy is not None:
        return None
    for address in _called_by(tenant):
        if (named := environments_proxy(address)) is None:
            continue
        variable, proxy = named
        try:
            usable_proxy(proxy)
        except ValueError as error:
            return (
                f"proxy: is empty, and the address in {variable} of the environment {error}; "
                f"correct the variable, or give proxy"
            )
    return None


def _useful_proxy(tenant: TenantSettings, _: Set[str]) -> str | None:
    if tenant.proxy is None or tenant.proxy.get_secret_value() == NO_PROXY:
        return None
    if not all(is_never_proxied(address) for address in _called_by(tenant)):
        return None
    return (
        "proxy: is never used for this machine or for plain HTTP, and this connection calls "
        "nothing else; leave it out"
    )


def _client_certificate(tenant: TenantSettings, _: Set[str]) -> str | None:
    if tenant.client_cert is None:
        return tenant.client_key and "client_key: is given without client_cert"
    if tenant.api_url.startswith("http:"):
        return "client_cert: is shown over https only, and host begins with http://; leave it out"
    try:
        check_client_certificate(tenant.client_cert, tenant.client_key)
    except ValueError as error:
        return str(error)
    return None


def _gateway_of_tokens(tenant: TenantSettings, _: Set[str]) -> str | None:
    if not tenant.gateway_covers_auth:
        return None
    if tenant.client_cert is None and not tenant.secret_headers:
        return "gateway_covers_auth: has no meaning without client_cert or secret_headers"
    if is_kibo(tenant.token_base_url):
        return (
            "gateway_covers_auth: access tokens come from Kibo's own host, which no gateway of "
            "yours covers; leave it out, or give auth_url the gateway's address"
        )
    return None


# Fields that only the other API's connections may have.
_OF_ONE_API = {
    "translated": (
        "discover_host",
        "reason_codes",
        "check_reasons",
        "reason_category",
        "search_with_or",
    ),
    "native": ("disposition_reasons",),
}
_RULES = (
    _Rule(frozenset({"api"}), _fits_api),
    _Rule(frozenset({"api", "base_url", "environment", "discover_host"}), _address),
    _Rule(frozenset({"base_url", "environment"}), _environment),
    _Rule(frozenset({"client_id", "client_secret"}), _both_credentials),
    _Rule(frozenset({"settle_seconds", "deadline"}), _time_to_settle),
    _Rule(frozenset({"auth_url"}), _no_guessed_auth_url),
    _Rule(frozenset(), _known_host),
    _Rule(frozenset(), _known_auth_url),
    _Rule(frozenset({"allow_http"}), _host_over_https),
    _Rule(frozenset({"allow_http"}), _auth_url_over_https),
    _Rule(frozenset({"base_url"}), _http_never_to_kibo),
    _Rule(frozenset({"ca_bundle", "base_url"}), _environments_certificates),
    _Rule(frozenset({"proxy", "base_url", "auth_url"}), _environments_proxy),
    _Rule(frozenset({"proxy", "base_url", "auth_url"}), _useful_proxy),
    _Rule(frozenset({"client_cert", "client_key", "base_url"}), _client_certificate),
    _Rule(frozenset({"client_cert", "secret_headers", "base_url", "auth_url"}), _gateway_of_tokens),
)
