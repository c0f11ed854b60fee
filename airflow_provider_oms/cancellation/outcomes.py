"""Outcomes of a cancellation: one closed vocabulary for results, logs, metrics and docs.

How an outcome is reached is decided in ``decision.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, TypedDict

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.models import states_shown
from airflow_provider_oms.api.values import OrderId, kind_of, validate_order_states

__all__ = [
    "ACCEPTABLE",
    "OF_APPROVAL",
    "OF_STATES",
    "REMARKS_ON_HELD_BACK",
    "WORST_FIRST",
    "CancellationResult",
    "ConfirmedBy",
    "Outcome",
    "ResultDict",
    "validate_accepted",
]


class Outcome(StrEnum):
    """Name how the cancellation of one order ended."""

    CANCELED = "canceled"
    ALREADY_CANCELED = "already_canceled"
    NOT_CANCELABLE = "not_cancelable"
    NOT_FOUND = "not_found"
    REFUSED = "refused"
    FORBIDDEN = "forbidden"
    NOT_CANCELED = "not_canceled"
    UNKNOWN = "unknown"
    NOT_ATTEMPTED = "not_attempted"
    WOULD_CANCEL = "would_cancel"
    PARTIALLY_CANCELED = "partially_canceled"

    @property
    def is_success(self) -> bool:
        """Return whether a task that ends so succeeds."""
        return self in _SUCCESSES

    @property
    def may_be_retried(self) -> bool:
        """Return whether trying again can change anything without a person's help."""
        return self in _RETRYABLE

    @property
    def is_definite(self) -> bool:
        """Return whether the OMS has confirmed or refused the cancellation of this very order."""
        return self in _SUCCESSES or self in _REFUSALS

    @property
    def shows_order(self) -> bool:
        """Return whether the OMS has shown that it knows the order."""
        return self in _SHOWN

    @property
    def remark(self) -> str:
        """Return the remedy, or a fact that an order's state does not show, in one clause."""
        return _REMARKS[self]


_SUCCESSES = frozenset({Outcome.CANCELED, Outcome.ALREADY_CANCELED, Outcome.WOULD_CANCEL})
_REFUSALS = frozenset({Outcome.NOT_CANCELABLE, Outcome.NOT_FOUND, Outcome.REFUSED})
_RETRYABLE = frozenset(
    {
        Outcome.NOT_CANCELED,
        Outcome.UNKNOWN,
        Outcome.NOT_ATTEMPTED,
        # Where one of the others may be.
        Outcome.PARTIALLY_CANCELED,
    }
)
_SHOWN = _SUCCESSES | {
    Outcome.NOT_CANCELABLE,
    Outcome.NOT_CANCELED,
    Outcome.PARTIALLY_CANCELED,
}
#: The outcomes that a caller may expect of some orders. Each is a definite answer about the order
#: itself; any other one says that something is wrong, or that nothing is known.
ACCEPTABLE = frozenset({Outcome.NOT_CANCELABLE, Outcome.NOT_FOUND})

#: The outcomes that a person has to look at come first, and those that nothing was sent for last.
WORST_FIRST = (
    Outcome.UNKNOWN,
    Outcome.NOT_CANCELED,
    Outcome.PARTIALLY_CANCELED,
    Outcome.FORBIDDEN,
    Outcome.REFUSED,
    Outcome.NOT_CANCELABLE,
    Outcome.NOT_FOUND,
    Outcome.NOT_ATTEMPTED,
    Outcome.WOULD_CANCEL,
)

# The text after the outcome in an order's line: the remedy, or a fact that the state does not show.
_REMARKS = {
    Outcome.CANCELED: "after our cancel",
    Outcome.ALREADY_CANCELED: "not by our cancel",
    Outcome.NOT_CANCELABLE: "look at the order in the OMS; a shipped order needs a return",
    Outcome.NOT_FOUND: "check the order id and the connection's tenant and environment",
    Outcome.REFUSED: "correct the request or the connection, then clear the task",
    Outcome.FORBIDDEN: "correct the connection or the permission, then clear the task",
    Outcome.NOT_CANCELED: (
        "every try allowed has been made; retry or clear the task, which reads the order first"
    ),
    Outcome.UNKNOWN: (
        "it may or may not be canceled; retry or clear the task, which reads the order first"
    ),
    Outcome.NOT_ATTEMPTED: ("no cancel took effect; fix the cause, then retry or clear the task"),
    Outcome.WOULD_CANCEL: "a dry run",
    Outcome.PARTIALLY_CANCELED: "a retry repeats none of the parts that are canceled",
}
_SHIPPED = "SHIPPED"
_OF_SHIPPED = "a shipped order needs a return"
#: The arguments that can keep a cancel from being sent in an order's present state.
OF_STATES, OF_APPROVAL = "only_if_states", "approve_above"
#: What to do about an order that one of them has held back, in one clause.
REMARKS_ON_HELD_BACK = {
    OF_STATES: "if only_if_states should name its state, correct it and clear the task",
    OF_APPROVAL: "look at the order; clear the task to be asked about its present state",
}


def validate_accepted(field: str, value: Any) -> frozenset[Outcome]:
    """Return the outcomes that a caller accepts of an order that is not canceled.

    An empty value accepts none, which is the stricter way.

    :param field: name of the argument.
    :param value: ``not_cancelable``, ``not_found``, or a list, tuple or set of them; or, as
        templates render, a JSON array or a comma-separated string; ``None`` or empty for none.
    :return: the outcomes.
    :raises OmsInputError: for anything else.
    """
    if value is None or (isinstance(value, str | list | tuple | set | frozenset) and not value):
        return frozenset()
    rule = "not_cancelable, not_found, a list of these, or left out"
    names = validate_order_states(field, value, rule=rule)
    if not names <= ACCEPTABLE:
        raise OmsInputError(field, rule, kind_of(value))
    return frozenset(map(Outcome, names))


class ConfirmedBy(StrEnum):
    """Name the source of the outcome: the response to the cancel, or a read of the order."""

    ANSWER = "answer"
    READ = "read"


class ResultDict(TypedDict):
    """Describe the JSON form of a result, as it goes to XCom."""

    order_id: OrderId
    looked_up_id: OrderId | None
    outcome: str
    confirmed_by: str | None
    order_state: str | None
    order_status: str | None
    correlation_id: str | None


@dataclass(frozen=True, slots=True)
class CancellationResult:
    """Hold how the cancellation of one order ended; it carries no shopper's data.

    :param order_id: the order.
    :param outcome: how it ended.
    :param confirmed_by: the source of that; ``None`` when the OMS confirmed nothing.
    :param order_state: last ``orderState`` the OMS gave for the order.
    :param order_status: last ``orderStatus`` the OMS gave for the order.
    :param correlation_id: of the answer that decided, or else of the last answer.
    :param reason: the basis of the outcome, in one sentence.
    :param posts: cancels that left this machine, or may have.
    :param http_status: status code of the answer that decided.
    :param oms_code: error code of the answer that decided.
    :param looked_up_id: the order's id, where another name of it was looked up.
    :param held_back_by: the argument that has kept a cancel from being sent in the order's present
        state; empty where none has.
    """

    order_id: OrderId
    outcome: Outcome
    confirmed_by: ConfirmedBy | None = None
    order_state: str | None = None
    order_status: str | None = None
    correlation_id: str | None = None
    reason: str = ""
    posts: int = 0
    http_status: int | None = None
    oms_code: str | None = None
    looked_up_id: OrderId | None = None
    held_back_by: str = ""

    def as_dict(self) -> ResultDict:
        """Return the small JSON-able form that operators push to XCom."""
        return {
            "order_id": self.order_id,
            "looked_up_id": self.looked_up_id,
            "outcome": self.outcome.value,
            "confirmed_by": self.confirmed_by.value if self.confirmed_by else None,
            "order_state": self.order_state,
            "order_status": self.order_status,
            "correlation_id": self.correlation_id,
        }

    @property
    def state(self) -> str:
        """Return the order's state, both if the two differ; empty where none is known."""
        given = (state for state in (self.order_status, self.order_state) if state)
        states = {state.upper(): state for state in given}
        return "/".join(reversed(states.values()))

    @property
    def shown_state(self) -> str:
        """Return the order's state where the outcome proves that it is the present one."""
        return self.state if self.outcome.shows_order else ""

    def describe(self) -> str:
        """Return one line that says what happened to the order and what to do about it."""
        line = f"Order {self.order_id}: {self.explanation}"
        if self.shown_state:
            line = f"Order {self.order_id} is {self.shown_state}: {self.explanation}"
        return line if self.looked_up_id is None else f"{line} Its id is {self.looked_up_id}."

    @property
    def explanation(self) -> str:
        """Return the outcome, what to do, and its reason, without the order and its state."""
        shown = states_shown(self.order_state, self.order_status)
        # The state stands in front of it.
        reason = self.reason.replace(f". {shown} (", " (").replace(f"{shown} (", "(")
        text = self.outcome.value
        if not self._is_told_by(reason):
            text += f", {self.remark}"
        if reason.startswith("("):
            text += f" {reason}"
        elif reason:
            text += f", {reason}" if reason[0].islower() else f". {reason}"
        return text if text.endswith((".", "…")) else f"{text}."

    @property
    def remark(self) -> str:
        """Return what to do about the order; one that is shipped or held back has its clause."""
        if self.outcome is Outcome.NOT_CANCELABLE and _SHIPPED in self.state.upper():
            return _OF_SHIPPED
        return REMARKS_ON_HELD_BACK.get(self.held_back_by, self.outcome.remark)

    def _is_told_by(self, reason: str) -> bool:
        """Return whether a read has kept the cancel from being sent, and the reason says why."""
        is_of_read = self.http_status == HTTPStatus.OK and not reason.startswith("(")
        return self.outcome is Outcome.NOT_CANCELABLE and is_of_read
