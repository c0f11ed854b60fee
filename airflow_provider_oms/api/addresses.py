"""Parse addresses, and compare them with the documented hosts and paths of Kibo.

Nothing here looks up a name or opens a connection.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, unquote, urlsplit

__all__ = [
    "DEFAULT_AUTH_URL",
    "address_problem",
    "base_url_of",
    "check_address",
    "check_proxy",
    "check_template",
    "derived_url",
    "is_kibo",
    "is_loopback",
    "is_plain_http",
    "is_same_origin",
    "parse_port",
    "usable_proxy",
]

# US production and its sandboxes (Kibo's "API authentication" page); other regions differ.
DEFAULT_AUTH_URL = "https://home.mozu.com"
_DERIVED = {
    ("translated", "production"): "https://{tenant_id}-translation.mozu.com",
    ("translated", "sandbox"): "https://{tenant_id}-translation.sandbox.mozu.com",
    # In production the pod that a tenant is on is a part of the name.
    ("native", "sandbox"): "https://t{tenant_id}.sandbox.mozu.com",
}
_RULE = "must be an address such as https://example.com"
_PROXY_RULE = (
    "must be an address such as http://proxy.example.com:3128 or http://user:password@proxy:3128, "
    "with user and password percent-encoded (%5C for a backslash)"
)
# Letters of any script, and the underscore of container names. Refuses an unresolved template, and
# the scheme of an address in which it was typed twice.
_HOST_NAME = re.compile(r"(?!(?:https?|null|none)$)\w(?:[\w-]*\w)?(?:\.\w(?:[\w-]*\w)?)*\.?")
_LONGEST_LABEL = 63
_PORT_RULE = "port must be a whole number from 1 to 65535, or empty or 0 for none"
_LARGEST_PORT = 65535

_CLASSIC_DOMAINS = ("shopatron.com", "cloudatron.com")
_DOMAINS = ("mozu.com", "kibocommerce.com", *_CLASSIC_DOMAINS)
# 10001-translation.sandbox.mozu.com, and t10001-s2.sandbox.mozu.com of the native API.
_TENANT_LABEL = re.compile(
    r"(?P<native>t?)(?P<tenant>[0-9]{1,18})(?:-s(?P<site>[0-9]{1,18}))?"
    r"(?P<translated>-translation)?"
)
# stg1.mozu.com: a part of Kibo's platform, under which tenants have hosts.
_POD_LABEL = re.compile(r"(?:stg|tp|sb|sandbox)[0-9]*")
_SANDBOX_LABELS = frozenset({"sandbox", "sb"})
_PRODUCTION_LABELS = frozenset({"tp0", "tp1", "tp2", "tp3", "tp4", "tp5"})
# Paths of Kibo's calls. A gateway's prefix may begin with /api/v2 as well, when another word
# follows.
_OWN_PATHS = re.compile(
    r"/api/(?:v2(?:/(?:order|orderitem|shipment|createorder|importorder|schema)(?:/.*)?)?"
    r"|(?:platform|commerce)(?:/.*)?)$",
    re.IGNORECASE,
)


def derived_url(tenant_id: str, environment: str, api: str) -> str:
    """Return Kibo's documented address of a tenant's API.

    :param tenant_id: the bare number.
    :param environment: ``production`` or ``sandbox``.
    :param api: ``translated`` or ``native``.
    :return: the address, without a slash at its end; empty where it does not follow from these.
    """
    return _DERIVED.get((api, environment), "").format(tenant_id=tenant_id)


def address_problem(
    address: str,
    *,
    tenant_id: str | None,
    environment: str | None,
    issues_tokens: bool,
    api: str | None = "translated",
    site_id: str | None = None,
) -> str | None:
    """Compare an address with the documented hosts and paths of Kibo.

    :param address: a checked address.
    :param tenant_id: the connection's tenant; ``None`` when that is not known.
    :param environment: the connection's environment; ``None`` when it names none.
    :param issues_tokens: whether access tokens are to come from there, and not orders.
    :param api: the connection's API; ``None`` when that is not known.
    :param site_id: the connection's site; ``None`` when it names none.
    :return: the contradiction, and how to resolve it; ``None`` when there is none.
    """
    parts = urlsplit(address)
    name = _name_of(parts)
    if _is_within(name, _CLASSIC_DOMAINS):
        return f"{name} is the classic OMS, which has other calls"
    bare = _without_surplus_path(parts)
    if bare is not None:
        return f"must not hold {parts.path}, because each call adds its own path; give {bare}"
    if not _is_within(name, _DOMAINS):
        return None
    label = name.partition(".")[0]
    if label == "home" and not issues_tokens:
        return f"{name} issues access tokens and has no orders; it belongs into auth_url"
    if _POD_LABEL.fullmatch(label) and not issues_tokens:
        return f"{name} is a part of Kibo's platform and no tenant's; give the tenant's own host"
    tenant = _TENANT_LABEL.fullmatch(label)
    if tenant is None:
        return None
    if tenant_id is not None and int(tenant["tenant"]) != int(tenant_id):
        return f"{name} belongs to tenant {tenant['tenant']}, and tenant_id is {tenant_id}"
    actual = _environment_of(name)
    if None not in (actual, environment) and actual != environment:
        return f"{name} is Kibo's {actual}, and environment is {environment!r}"
    if tenant["site"] and site_id is not None and int(tenant["site"]) != int(site_id):
        return f"{name} belongs to site {tenant['site']}, and site_id is {site_id}"
    return None if issues_tokens else _other_api(name, tenant, api)


def _other_api(name: str, tenant: re.Match[str], api: str | None) -> str | None:
    if api == "native" and (tenant["translated"] or not tenant["native"]):
        return (
            f"{name} is not Kibo's native API, whose hosts begin with t; give such a host, or set "
            f"api to translated"
        )
    if api == "translated" and tenant["native"]:
        return (
            f"{name} is Kibo's native API (its hosts begin with t), which has no translated calls; "
            f"set api to native, or leave host empty, and tenant_id and environment make the "
            f"address"
        )
    return None


def _environment_of(name: str) -> str | None:
    labels = name.split(".")
    if _SANDBOX_LABELS.intersection(labels):
        return "sandbox"
    if not _PRODUCTION_LABELS.isdisjoint(labels):
        return "production"
    # A US translation host has no label for production. Other regions are not documented.
    is_translated = re.fullmatch(r"t?[0-9]+-translation\.mozu\.com", name) is not None
    return "production" if is_translated else None


def _without_surplus_path(parts: SplitResult) -> str | None:
    path = re.sub("/+", "/", unquote(parts.path))
    if path and _is_within(_name_of(parts), _DOMAINS):
        return parts._replace(path="").geturl()
    found = _OWN_PATHS.search(path)
    return parts._replace(path=path[: found.start()]).geturl() if found else None


def is_kibo(address: str) -> bool:
    """Return whether an address is on one of Kibo's domains.

    :param address: an address with its scheme.
    :return: whether it is.
    """
    return _is_within(_name_of(urlsplit(address)), _DOMAINS)


def _name_of(parts: SplitResult) -> str:
    return (parts.hostname or "").rstrip(".")


def _is_within(name: str, domains: tuple[str, ...]) -> bool:
    return any(name == domain or name.endswith(f".{domain}") for domain in domains)


def is_loopback(address: str) -> bool:
    """Return whether an address leads to this machine, without looking up its name.

    :param address: an address with its scheme.
    :return: whether its host is ``localhost`` or a loopback IP address.
    """
    hostname = urlsplit(address).hostname or ""
    if hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False


def is_plain_http(address: str) -> bool:
    """Return whether requests to an address would leave this machine unencrypted.

    :param address: an address with its scheme.
    :return: whether they would.
    """
    return urlsplit(address).scheme == "http" and not is_loopback(address)


def is_same_origin(one: str, other: str) -> bool:
    """Return whether two addresses lead to the same port of the same host.

    :param one: an address with its scheme.
    :param other: another one.
    :return: whether scheme, host and port are the same.
    """
    return _origin_of(one) == _origin_of(other)


def _origin_of(address: str) -> tuple[str, str, int]:
    parts = urlsplit(address)
    return parts.scheme, _name_of(parts), parts.port or (80 if parts.scheme == "http" else 443)


def base_url_of(host: str | None, port: object) -> str:
    """Return the address that a connection's host and port make.

    :param host: a host or an address; https without a scheme.
    :param port: its port, a number or the text of one; ``None``, empty text and 0 for none.
    :return: the address, still unchecked; empty when there is no host.
    :raises ValueError: when they contradict each other.
    """
    host = (host or "").strip()
    number = parse_port(port)
    if not host:
        if number:
            raise ValueError("port is given without host")
        return ""
    parts = _split(host)
    if number and parts.port and parts.port != number:
        raise ValueError("names another port than the field port")
    netloc = f"{parts.netloc}:{number}" if number and not parts.port else parts.netloc
    return parts._replace(netloc=netloc).geturl()


def parse_port(value: object) -> int | None:
    """Return a port as a number; secrets files and ``airflow connections get`` have it as text.

    :param value: the connection's value.
    :return: the port; ``None`` for ``None``, empty text and 0.
    :raises ValueError: for anything that is no port.
    """
    text = "" if value is None else str(value).strip()
    if not text:
        return None
    is_number = not isinstance(value, bool) and re.fullmatch("[0-9]{1,5}", text, re.ASCII)
    if not is_number or int(text) > _LARGEST_PORT:
        raise ValueError(_PORT_RULE)
    return int(text) or None


def check_address(value: str) -> str:
    """Return an address in its one form, or refuse it.

    :param value: the address; https without a scheme.
    :return: the address with its scheme, without a slash at its end.
    :raises ValueError: when it is no bare address of http or https.
    """
    parts = _split(value)
    if parts.scheme not in ("http", "https") or not _is_host(parts.hostname or ""):
        raise ValueError(_RULE)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must be a bare address, without user, query or fragment")
    return parts._replace(path=parts.path.rstrip("/")).geturl()


def check_proxy(value: str) -> str:
    """Return the address of a proxy in its one form, or refuse it.

    :param value: the address, which may hold a user and a password; http without a scheme.
    :return: the address with its scheme.
    :raises ValueError: when it is no such address.
    """
    parts = usable_proxy(value)
    user, has_user, _ = parts.netloc.rpartition("@")
    is_bare = not (parts.path.strip("/") or parts.query or parts.fragment)
    if not is_bare or (has_user and not (parts.username and ":" in user)):
        raise ValueError(_PROXY_RULE)
    return parts._replace(path="").geturl()


def usable_proxy(value: str) -> SplitResult:
    """Return the parts of a proxy's address, or refuse one that the client cannot use.

    :param value: the address, which may hold a user and a password; http without a scheme.
    :raises ValueError: when the client could not connect to it, or not send user and password.
    """
    if re.match("socks[0-9a-z]*://", value, re.IGNORECASE):
        raise ValueError("is a SOCKS proxy, which this client cannot use; give an HTTP proxy")
    try:
        parts = _split(value if "://" in value else f"http://{value}")
    except ValueError:
        raise ValueError(_PROXY_RULE) from None
    is_http = parts.scheme in ("http", "https")
    if not is_http or "\\" in parts.netloc or not _is_host(parts.hostname or ""):
        raise ValueError(_PROXY_RULE)
    try:
        # As the client will read and send them.
        f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode("latin-1")
    except ValueError:
        raise ValueError(
            "has a user or password with characters that HTTP cannot carry; it has those of "
            "Latin-1 only"
        ) from None
    return parts


def _is_host(name: str) -> bool:
    if ":" in name:
        return True  # IPv6, which the library has checked by itself
    has_short_labels = all(len(label) <= _LONGEST_LABEL for label in name.split("."))
    return has_short_labels and _HOST_NAME.fullmatch(name) is not None


def check_template(value: str, placeholder: str) -> str:
    """Return the address of a page about an order, or refuse it.

    Which page of the admin shows an order is not documented, and it may hang on a query or a
    fragment: so the whole address is the user's, as long as a browser can be sent there.

    :param value: the address.
    :param placeholder: stands for the order's id.
    :return: the address with its scheme.
    :raises ValueError: when it is no address of https, or has another placeholder.
    """
    parts = _split(value)
    address = parts._replace(path="", query="", fragment="").geturl()
    rest = parts._replace(scheme="", netloc="").geturl().replace(placeholder, "")
    if any(sign in address + rest for sign in "{}"):
        raise ValueError(f"must have no other placeholder than {placeholder}, and none in the host")
    if is_plain_http(check_address(address)):
        raise ValueError("must use https; http is accepted for this machine (loopback) only")
    return parts.geturl()


def _split(address: str) -> SplitResult:
    # urlsplit silently drops tabs and line breaks, which would lead to another host.
    if not address.isprintable() or " " in address:
        raise ValueError(_RULE)
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
        port = parts.port  # checked only when it is asked for
    except ValueError:
        # The message of urlsplit quotes the address, which may contain a secret.
        raise ValueError(_RULE) from None
    if port == 0:
        raise ValueError(_RULE)
    return parts
