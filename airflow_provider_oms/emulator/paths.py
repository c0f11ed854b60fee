"""Where the API's calls are, and how far a path may stray from its documented spelling.

The calls themselves are elsewhere.
"""

from __future__ import annotations

from typing import Final

TOKEN_PATH: Final = "/api/platform/applications/authtickets/oauth"  # noqa: S105 - an address
SEARCH_PATH: Final = "/api/v2/order/"
CANCEL_PATH: Final = "/api/v2/order/action/cancel"
ITEMS_PATH: Final = "/api/v2/orderItem/"
ITEM_CANCEL_PATH: Final = "/api/v2/orderItem/action/cancel/"
SHIPMENTS_PATH: Final = "/api/v2/shipment/"
SHIPMENT_CANCEL_PATH: Final = "/api/v2/shipment/action/cancel"
NATIVE_ORDERS_PATH: Final = "/api/commerce/orders"
NATIVE_SHIPMENTS_PATH: Final = "/api/commerce/shipments"
NATIVE_TENANTS_PATH: Final = "/api/platform/tenants"
NATIVE_EVENTS_PATH: Final = "/api/event/pull"
CONTROL_PREFIX: Final = "/_emulator"
_NATIVE_PREFIXES: Final = ("/api/commerce/", "/api/platform/", "/api/event/")
#: The paths that are documented with a slash at their end.
_SLASHED: Final = (SEARCH_PATH, ITEMS_PATH, ITEM_CANCEL_PATH, SHIPMENTS_PATH)
_ABOUT_ORDERS: Final = (
    SEARCH_PATH,
    ITEMS_PATH,
    SHIPMENTS_PATH,
    f"{NATIVE_ORDERS_PATH}/",
    f"{NATIVE_SHIPMENTS_PATH}/",
    f"{NATIVE_EVENTS_PATH}/",
)


def canonical(path: str) -> str:
    """Return a path as documented: the searches and Cancel Order Item alone end in a slash.

    :param path: the path as received.
    """
    plain = path.removesuffix("/")
    slashed = f"{plain}/"
    return slashed if slashed in _SLASHED else plain


def is_native(path: str) -> bool:
    """Return whether a path is the native API's; both dialects share the token endpoint.

    :param path: the path as received.
    """
    return path.startswith(_NATIVE_PREFIXES) and canonical(path) != TOKEN_PATH


def is_about_orders(path: str) -> bool:
    """Return whether a path is one of those under which orders or their events are.

    :param path: the path as received.
    """
    return f"{canonical(path)}/".startswith(_ABOUT_ORDERS)
