"""Waiting for an order's state: what one look at the order means to somebody who waits.

Nothing here waits by itself or sends anything but reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from airflow_provider_oms.api.errors import (
    OmsConflictError,
    OmsError,
    OmsInputError,
    OmsNoAnswerError,
    OmsNotSentError,
    OmsRedirectedError,
    OmsServerError,
    OmsThrottledError,
    OmsUnauthorizedError,
    OmsUnusableAnswerError,
)
from airflow_provider_oms.api.models import Order, is_canceled_state
from airflow_provider_oms.api.validation import validate_order_states

__all__ = ["Look", "Stand", "Wish", "look_at", "validate_wish"]

# What passes by itself. Anything else stays as it is, however long one waits.
_PASSING = (
    OmsNotSentError,
    OmsNoAnswerError,
    OmsServerError,
    OmsThrottledError,
    OmsRedirectedError,
    OmsUnusableAnswerError,
    OmsConflictError,
)


class Stand(StrEnum):
    """Name how an order stands to what is wished for."""

    REACHED = "reached"
    FAILED = "failed"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Look:
    """Hold what one look at an order has shown.

    :param stand: how it stands.
    :param order_state: its ``orderState``, if the OMS showed it.
    :param order_status: its ``orderStatus``, if the OMS showed it.
    :param trouble: why the OMS did not show it, in one sentence.
    :param retry_after: seconds that the OMS asked to wait.
    """

    stand: Stand
    order_state: str | None = None
    order_status: str | None = None
    trouble: str | None = None
    retry_after: float | None = None

    def describe(self) -> str:
        """Return what was seen, in a few words."""
        if self.trouble is not None:
            return f"could not be looked at: {self.trouble}"
        return f"is {self.order_state or '-'} (state), {self.order_status or '-'} (status)"


@dataclass(frozen=True, slots=True)
class Wish:
    """Hold the states that end the waiting; letter case does not count.

    :param target: states that are waited for.
    :param failure: states from which the order will not come to a target any more.
    """

    target: frozenset[str]
    failure: frozenset[str] = frozenset()

    def stand_of(self, order: Order) -> Stand:
        """Tell how an order stands: one of its two fields is enough, and failure comes first.

        :param order: the order.
        :return: how it stands.
        """
        shown = _plain(s for s in (order.order_state, order.order_status) if s is not None)
        if shown & _plain(self.failure):
            return Stand.FAILED
        return Stand.REACHED if shown & _plain(self.target) else Stand.OPEN


def _plain(states: Iterable[str]) -> frozenset[str]:
    return frozenset("CANCELED" if is_canceled_state(s) else s.upper() for s in states)


def validate_wish(target_states: Any, failure_states: Any = None) -> Wish:
    """Return the states that end a waiting, or refuse them.

    :param target_states: at least one state: a list, tuple or set; or, as templates render, a
        JSON array or a comma-separated string.
    :param failure_states: likewise, or ``None`` for none.
    :return: the wish.
    :raises OmsInputError: when a value names no state, or both name the same.
    """
    rule = "at least one order state: a list, a JSON array, or comma-separated"
    target = validate_order_states("target_states", target_states, rule=rule)
    failure: frozenset[str] = frozenset()
    if failure_states is not None:
        failure = validate_order_states("failure_states", failure_states, rule=rule)
    if _plain(target) & _plain(failure):
        raise OmsInputError("failure_states", "none of the target_states", "one of them")
    return Wish(target, failure)


class Reads(Protocol):
    """Anything that can read an order."""

    def get_order(self, order_id: int | str) -> Order:
        """Read one order.

        :param order_id: the order.
        """


def look_at(client: Reads, order_id: int, wish: Wish) -> Look:
    """Read an order once, and say how it stands.

    :param client: the tenant's client.
    :param order_id: the order.
    :param wish: what is waited for.
    :return: what was seen; or what the trouble is, when the OMS may show the order later.
    :raises OmsError: for what will not change by waiting: an order that is not known, credentials
        or a request that are refused.
    """
    try:
        try:
            order = client.get_order(order_id)
        except OmsUnauthorizedError:
            # That token is forgotten now, and the next one may do.
            order = client.get_order(order_id)
    except _PASSING as error:
        trouble: OmsError = error
        retry_after: float | None = getattr(error, "retry_after", None)
        return Look(Stand.OPEN, trouble=trouble.message, retry_after=retry_after)
    return Look(wish.stand_of(order), order.order_state, order.order_status)
