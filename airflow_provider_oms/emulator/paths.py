"""Where the API's calls are, and how far a path may stray from its documented spelling.

What each call does is not here.
"""

from __future__ import annotations

from typing import Final

TOKEN_PATH: Final = "/api/platform/applications/authtickets/oauth"  # noqa: S105 - an address
SEARCH_PATH: Final = "/api/v2/order/"
CANCEL_PATH: Final = "/api/v2/order/action/cancel"
CONTROL_PREFIX: Final = "/_emulator"


def canonical(path: str) -> str:
    """Return a path as documented: search alone ends in a slash.

    :param path: the path as received.
    """
    if path in {SEARCH_PATH, SEARCH_PATH.rstrip("/")}:
        return SEARCH_PATH
    return path.removesuffix("/")
