"""The order as this project sees it: an id, two states, and the rest kept out of sight.

The rest of an OMS order holds a shopper's name, address, email and phone.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.values import OrderId

__all__ = ["Order", "is_canceled_state", "readable_state", "states_shown"]

# One L in translated JSON, two in the platform's own order status (contract of Get Order).
_CANCELED_SPELLINGS = frozenset({"CANCELED", "CANCELLED"})
_LONGEST_STATE = 64


def is_canceled_state(state: str | None) -> bool:
    """Return whether an order state or status means that the order is canceled.

    :param state: ``orderState`` or ``orderStatus`` as the OMS gave it.
    :return: ``True`` for ``CANCELED`` or ``CANCELLED`` in any letter case.
    """
    return state is not None and state.upper() in _CANCELED_SPELLINGS


def states_shown(order_state: str | None, order_status: str | None) -> str:
    """Return a sentence with the states that the OMS has shown of an order.

    :param order_state: ``orderState`` as the OMS gave it.
    :param order_status: ``orderStatus`` as the OMS gave it.
    """
    return f"The OMS says orderState {order_state}, orderStatus {order_status}"


@dataclass(frozen=True, slots=True)
class Order:
    """Hold the OMS's answer about one order.

    :param order_id: the order's id, as the answer had it.
    :param order_state: its state, if the answer had one.
    :param order_status: its status, if the answer had one.
    :param raw: the whole answer, read-only. It holds a shopper's data and is left out of
        ``repr()``: whether to put parts of it into logs or XCom is your decision.
    :param correlation_id: ``x-vol-correlation`` of the answer.
    :param http_status: status code of the answer.
    :param is_unclear: whether one of the two states is there, but is nothing that can be read as a
        state.
    :param age: for how many seconds a cache had kept the answer.
    :param is_cancelable: whether the OMS says that the order can be canceled; ``None`` where it
        does not say.
    :param obstacle: which of its fields says that it cannot, in a few words.
    """

    order_id: OrderId
    order_state: str | None
    order_status: str | None
    raw: Mapping[str, Any] = field(repr=False, compare=False)
    correlation_id: str | None = None
    http_status: int = 200
    is_unclear: bool = False
    age: float = 0.0
    is_cancelable: bool | None = None
    obstacle: str = field(default="", compare=False)

    @property
    def is_canceled(self) -> bool:
        """Return whether the OMS shows this order as canceled, by either field."""
        return is_canceled_state(self.order_state) or is_canceled_state(self.order_status)

    @property
    def statement(self) -> str:
        """Return the states that the OMS shows, in one clause."""
        return states_shown(self.order_state, self.order_status)

    @property
    def evidence(self) -> Evidence:
        """Return the order's evidence: it is canceled, or it is open."""
        return Evidence.CANCELED if self.is_canceled else Evidence.OPEN


def readable_state(value: object) -> str | None:
    """Return a state as the OMS gave it, or ``None`` for a value that is no state.

    :param value: what stands where a state should.
    """
    # A state is a short word; anything else could carry a shopper's data into logs and XCom.
    if isinstance(value, str) and value.isprintable() and 0 < len(value.strip()) <= _LONGEST_STATE:
        # One string for all orders in the same state, not one for each of a large set.
        return sys.intern(value.strip())
    return None
