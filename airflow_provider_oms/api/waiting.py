"""Waiting for an order's state: the meaning of one look at the order for a caller that waits.

Nothing here sends anything but reads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, Protocol

from airflow_provider_oms.api.batch_reads import Proof
from airflow_provider_oms.api.errors import OmsError, OmsInputError
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.models import Order, is_canceled_state
from airflow_provider_oms.api.patience import LASTING, TOKEN_REFUSED, TokenPatience
from airflow_provider_oms.api.values import OrderId, validate_order_states

__all__ = [
    "Match",
    "Observation",
    "StateCriteria",
    "is_unsettled",
    "observe",
    "observe_in_batch",
    "observe_patiently",
    "validate_state_criteria",
]

# What stays as it is, however long one waits; anything else passes by itself. Refused tokens are
# tried again, but not for ever.
_FINAL = TOKEN_REFUSED | LASTING


class Match(Enum):
    """Name how an order stands to the wish."""

    REACHED = auto()
    FAILED = auto()
    OPEN = auto()


@dataclass(frozen=True, slots=True)
class Observation:
    """Hold the result of one look at an order.

    :param stand: how it stands.
    :param order_state: its ``orderState``, if the OMS showed it.
    :param order_status: its ``orderStatus``, if the OMS showed it.
    :param trouble: why the OMS did not show it, in one sentence.
    :param retry_after: seconds that the OMS asked to wait.
    """

    stand: Match
    order_state: str | None = None
    order_status: str | None = None
    trouble: str | None = None
    retry_after: float | None = None

    @property
    def evidence(self) -> Evidence:
        """Return the look's evidence about the order."""
        if self.trouble is not None:
            return Evidence.AMBIGUOUS
        is_canceled = is_canceled_state(self.order_state) or is_canceled_state(self.order_status)
        return Evidence.CANCELED if is_canceled else Evidence.OPEN

    def describe(self) -> str:
        """Describe the result in a few words."""
        if self.trouble is not None:
            return f"could not be looked at: {self.trouble}"
        return f"is {self.order_state or '-'} (state), {self.order_status or '-'} (status)"


@dataclass(frozen=True, slots=True)
class StateCriteria:
    """Hold the states that end the waiting; letter case does not count.

    :param target: states that are waited for.
    :param failure: states from which the order will not come to a target any more.
    """

    target: frozenset[str]
    failure: frozenset[str] = frozenset()

    def stand_of(self, order: Order) -> Match:
        """Tell how an order stands: one of its two fields is enough, and failure comes first.

        :param order: the order.
        :return: how it stands.
        """
        shown = _plain(s for s in (order.order_state, order.order_status) if s is not None)
        if shown & _plain(self.failure):
            return Match.FAILED
        return Match.REACHED if shown & _plain(self.target) else Match.OPEN


def _plain(states: Iterable[str]) -> frozenset[str]:
    return frozenset("CANCELED" if is_canceled_state(s) else s.upper() for s in states)


def validate_state_criteria(target_states: Any, failure_states: Any = None) -> StateCriteria:
    """Return the states that end a waiting, or refuse them.

    :param target_states: at least one state: a list, tuple or set; or, as templates render, a
        JSON array or a comma-separated string.
    :param failure_states: the same, or ``None`` for none.
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
    return StateCriteria(target, failure)


class Reads(Protocol):
    """Anything that can read an order."""

    def get_order(self, order_id: OrderId, /) -> Order:
        """Read one order.

        :param order_id: the order.
        """


def observe(client: Reads, order_id: OrderId, wish: StateCriteria) -> Observation:
    """Read an order once, and say how it stands.

    :param client: the tenant's client.
    :param order_id: the order.
    :param wish: the states that are waited for.
    :return: the result; or the trouble, when the OMS may show the order later.
    :raises OmsError: for a failure that waiting will not change: an order that is not known,
        credentials or a request that are refused; and for a refused token, which another one may
        change.
    """
    try:
        order = client.get_order(order_id)
    except OmsInputError:
        raise
    except OmsError as error:
        if error.evidence in _FINAL:
            raise
        return Observation(Match.OPEN, trouble=error.message, retry_after=error.retry_after)
    return Observation(wish.stand_of(order), order.order_state, order.order_status)


def is_unsettled(error: OmsError) -> bool:
    """Return whether a search has not found an order, which may have been placed a moment ago.

    A search may lag by the connection's ``settle_seconds``. Where Get Order does not know an order,
    there is none.

    :param error: why an order could not be looked at.
    """
    return error.evidence is Evidence.NOT_FOUND and not error.was_sent


def observe_in_batch(order: Order, proof: Proof, wish: StateCriteria) -> Observation | None:
    """Say how an order stands that was found in a batch.

    :param order: the order as the batch shows it.
    :param proof: its evidence.
    :param wish: the states that are waited for.
    :return: the result; ``None`` when it would end the waiting and Get Order has to confirm it.
    """
    stand = wish.stand_of(order)
    canceled = replace(order, order_state="CANCELED", order_status=None)
    # CANCELED is believed, but not another state that stands beside it.
    is_believed = proof is Proof.CANCELED and wish.stand_of(canceled) is stand
    if stand is not Match.OPEN and not is_believed:
        return None
    return Observation(stand, order.order_state, order.order_status)


def observe_patiently(
    client: Reads,
    order_id: OrderId,
    wish: StateCriteria,
    *,
    patience: TokenPatience | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> Observation:
    """Look at an order once, with other tokens for some time if one is refused.

    :param client: the tenant's client.
    :param order_id: the order.
    :param wish: the states that are waited for.
    :param patience: for how long; by default as long as a cancel has.
    :param sleep: waits for a number of seconds.
    :return: as :func:`observe`.
    :raises OmsError: as :func:`observe`; for refused tokens only when the time is up.
    """
    patience = patience or TokenPatience()
    while True:
        try:
            return observe(client, order_id, wish)
        except OmsError as error:
            pause = patience.pause(error)
            if pause is None:
                raise
            sleep(pause)
