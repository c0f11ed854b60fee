"""The two kinds of tenants of the demo: the data of each, and how it shows an order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

# A native tenant's names for the states of the demo's orders.
_STATUSES = {
    "READY": "Accepted",
    "PAYMENT_HOLD": "PendingReview",
    "PENDING": "Validated",
    "BACKORDER": "Processing",
    "SHIPPED": "Completed",
    "CUSTOMER_CARE": "Errored",
    "CANCELED": "Cancelled",
}


@dataclass(frozen=True)
class Dialect:
    """Hold the particulars of one kind of tenant.

    :param state_in: returns an order's state, given the emulator's facts about it.
    :param statuses: the tenant's names for the states, where it has other words.
    :param prefix: the prefix of the shop's own order numbers, where the verdicts are about
        those; empty where they are about the OMS's numbers.
    :param extra: of the connection, in addition to the fields of any connection to the emulator.
    :param conf: of the DAG run.
    """

    state_in: Callable[[Mapping[str, Any]], str]
    statuses: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    conf: Mapping[str, Any] = field(default_factory=dict)


def _translated_state(order: Mapping[str, Any]) -> str:
    state, status = str(order["orderState"]), str(order["orderStatus"])
    return state if state == status else f"{state}/{status}"


def _native_state(order: Mapping[str, Any]) -> str:
    return str(order["native"]["status"])


TRANSLATED = Dialect(_translated_state)
NATIVE = Dialect(
    _native_state,
    _STATUSES,
    prefix="SHOP-",
    extra={"api": "native", "reason_codes": {"other": "Other"}},
    conf={"order_key": "external_id"},
)
DIALECTS = {"translated": TRANSLATED, "native": NATIVE}
