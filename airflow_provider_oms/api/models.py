"""The order as this project sees it: an id, two states, and the rest kept out of sight.

The rest of an OMS order holds a shopper's name, address, email and phone.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.validation import validate_order_id

__all__ = ["Order", "is_canceled_state"]

# One L in translated JSON, two in the platform's own order status (contract of Get Order).
_CANCELED_SPELLINGS = frozenset({"CANCELED", "CANCELLED"})
_LONGEST_STATE = 64


def is_canceled_state(state: str | None) -> bool:
    """Tell whether an order state or status says that the order is canceled.

    :param state: ``orderState`` or ``orderStatus`` as the OMS gave it.
    :return: ``True`` for ``CANCELED`` or ``CANCELLED`` in any letter case.
    """
    return state is not None and state.upper() in _CANCELED_SPELLINGS


@dataclass(frozen=True, slots=True)
class Order:
    """Hold what the OMS answered about one order.

    :param order_id: the ``orderID`` of the answer.
    :param order_state: its ``orderState``, if the answer had one.
    :param order_status: its ``orderStatus``, if the answer had one.
    :param raw: the whole answer, read-only. It holds a shopper's data and is left out of
        ``repr()``: what you take from it into logs or XCom is your decision.
    :param correlation_id: ``x-vol-correlation`` of the answer.
    :param http_status: status code of the answer.
    :param is_unclear: whether one of the two states is there, but is nothing that can be read as a
        state.
    :param age: for how many seconds a cache had kept the answer.
    """

    order_id: int
    order_state: str | None
    order_status: str | None
    raw: Mapping[str, Any] = field(repr=False, compare=False)
    correlation_id: str | None = None
    http_status: int = 200
    is_unclear: bool = False
    age: float = 0.0

    @property
    def is_canceled(self) -> bool:
        """Tell whether the OMS says that this order is canceled, by either field."""
        return is_canceled_state(self.order_state) or is_canceled_state(self.order_status)

    @property
    def evidence(self) -> Evidence:
        """Return what the order proves: that it is canceled, or that it is open."""
        return Evidence.CANCELED if self.is_canceled else Evidence.OPEN

    @classmethod
    def from_answer(
        cls, document: object, *, http_status: int, correlation_id: str | None
    ) -> Order | None:
        """Read an order from the JSON document of an answer.

        :param document: the decoded JSON of a 2xx answer.
        :param http_status: its status code.
        :param correlation_id: its ``x-vol-correlation``.
        :return: the order, or ``None`` when the document is no order.
        """
        if not isinstance(document, dict):
            return None
        try:
            order_id = validate_order_id(document.get("orderID"))
        except ValueError:
            return None
        given = (document.get("orderState"), document.get("orderStatus"))
        state, status = seen = [_state(value) for value in given]
        if state is None and status is None:
            return None
        return cls(
            order_id,
            state,
            status,
            MappingProxyType(document),
            correlation_id,
            http_status,
            is_unclear=any(
                state is None and value not in (None, "")
                for value, state in zip(given, seen, strict=True)
            ),
        )


def _state(value: object) -> str | None:
    # A state is a short word; anything else could carry a shopper's data into logs and XCom.
    if isinstance(value, str) and value.isprintable() and 0 < len(value.strip()) <= _LONGEST_STATE:
        # One string for all orders in the same state, not one for each of a large set.
        return sys.intern(value.strip())
    return None
