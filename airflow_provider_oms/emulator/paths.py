"""Where the API's calls are, and how far a path may stray from its documented spelling.

What each call does is not here.
"""

from __future__ import annotations

from typing import Final

TOKEN_PATH: Final = "/api/platform/applications/authtickets/oauth"  # noqa: S105 - an address
SEARCH_PATH: Final = "/api/v2/order/"
CANCEL_PATH: Final = "/api/v2/order/action/cancel"
NATIVE_ORDERS_PATH: Final = "/api/commerce/orders"
NATIVE_TENANTS_PATH: Final = "/api/platform/tenants"
NATIVE_EVENTS_PATH: Final = "/api/event/pull"
CONTROL_PREFIX: Final = "/_emulator"
_NATIVE_PREFIXES: Final = ("/api/commerce/", "/api/platform/", "/api/event/")


def canonical(path: str) -> str:
    """Return a path as documented: search alone ends in a slash.

    :param path: the path as received.
    """
    if path in {SEARCH_PATH, SEARCH_PATH.rstrip("/")}:
        return SEARCH_PATH
    return path.removesuffix("/")


def is_native(path: str) -> bool:
    """Tell whether a path is the native API's; both dialects share the token endpoint.

    :param path: the path as received.
    """
    return path.startswith(_NATIVE_PREFIXES) and canonical(path) != TOKEN_PATH


def is_about_orders(path: str) -> bool:
    """Tell whether a path is one of those under which orders or their events are.

    :param path: the path as received.
    """
    prefixes = (SEARCH_PATH, f"{NATIVE_ORDERS_PATH}/", f"{NATIVE_EVENTS_PATH}/")
    return f"{canonical(path)}/".startswith(prefixes)
