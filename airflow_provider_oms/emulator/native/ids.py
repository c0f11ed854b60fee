"""A native order's id: 32 hex digits, the last eight of which are the tenant's id."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

#: The largest value of an `int32`, which an order's number and a tenant's id are.
MAX_INT32: Final = 2**31 - 1
_WELL_FORMED: Final = re.compile(r"[0-9a-f]{32}")


def read_id(text: str) -> str | None:
    """Return a native order id in lower case; None for any other text.

    :param text: what to read.
    """
    found = _WELL_FORMED.fullmatch(text.lower()) if text.isascii() else None
    return found and found[0]


def make_id(order_id: int, tenant_id: int) -> str:
    """Return the native id of an order that was loaded without one.

    :param order_id: the order's id in the translated API.
    :param tenant_id: the tenant.
    """
    # Any order's is another, and none looks like a small number.
    own = sha256(f"native:{order_id}".encode()).hexdigest()[:24]
    return f"{own}{tenant_id & 0xFFFFFFFF:08x}"
