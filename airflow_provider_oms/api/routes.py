"""How requests travel to a host: through which proxy, with which certificate and headers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy

from airflow_provider_oms.api.addresses import is_loopback, is_same_origin

if TYPE_CHECKING:
    from airflow_provider_oms.api.config import TenantSettings

__all__ = ["NO_PROXY", "Route", "Routes", "environments_proxy", "is_never_proxied"]

#: The value of a connection's proxy for none, whatever the environment sets.
NO_PROXY = "none"


def is_never_proxied(address: str) -> bool:
    """Return whether no proxy ever sees requests to an address.

    :param address: an address with its scheme.
    :return: whether it leads to this machine, or is plain HTTP.
    """
    # A proxy would read an unencrypted request, and cannot resolve a container's name.
    return urlsplit(address).scheme == "http" or is_loopback(address)


def environments_proxy(address: str) -> tuple[str, str] | None:
    """Return the proxy that the environment names for an address, while the connection names none.

    :param address: an address with its scheme.
    :return: the variable, and the proxy's address that it holds; ``None`` for no proxy.
    """
    proxy = (
        None if is_never_proxied(address) else select_proxy(address, get_environ_proxies(address))
    )
    if proxy is None:
        return None
    variables = (name for name, text in os.environ.items() if text == proxy)
    named = (name for name in variables if name.lower().endswith("_proxy"))
    return next(named, "the system"), proxy


@dataclass(frozen=True, slots=True)
class Route:
    """Hold how requests travel to one host.

    :param proxies: the proxy by the scheme of the request, as requests wants it.
    :param certificate: files of the client certificate and its key; ``None`` for none.
    :param headers: headers that only this host gets; secrets may be among them.
    """

    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    certificate: str | tuple[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Routes:
    """Know how requests travel to each host of a tenant.

    :param settings: the tenant.
    """

    def __init__(self, settings: TenantSettings) -> None:
        self._settings = settings
        self._known: dict[str, Route] = {}

    def to(self, url: str) -> Route:
        """Return how requests travel to an address.

        :param url: the address.
        """
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        route = self._known.get(origin)
        if route is None:
            route = self._known[origin] = self._to(origin)
        return route

    def _to(self, origin: str) -> Route:
        settings, proxies = self._settings, self._proxies_for(origin)
        # Client certificate and headers are for a gateway in front of the orders. Kibo's token
        # host, or any other host, does not get them.
        if settings.is_bare_token_address and is_same_origin(origin, settings.token_base_url):
            return Route(proxies)
        certificate, key = settings.client_cert, settings.client_key
        return Route(
            proxies,
            (certificate, key) if certificate and key else certificate,
            {name: value.get_secret_value() for name, value in settings.secret_headers},
        )

    def _proxies_for(self, origin: str) -> dict[str, str]:
        given = self._settings.proxy
        if given is None:
            named = environments_proxy(origin)
            return {"https": named[1]} if named else {}
        proxy = given.get_secret_value()
        return {} if proxy == NO_PROXY or is_never_proxied(origin) else {"https": proxy}
