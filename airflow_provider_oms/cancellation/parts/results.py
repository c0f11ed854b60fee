"""How the cancellation of parts of an order ended: each part, and all of them together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from airflow_provider_oms.api.parts import LineName
from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.cancellation.outcomes import (
    WORST_FIRST,
    CancellationResult,
    ConfirmedBy,
    Outcome,
)

if TYPE_CHECKING:
    from airflow_provider_oms.cancellation.parts.plan import Part

__all__ = [
    "CanceledLine",
    "PartResult",
    "PartResultDict",
    "PartRow",
    "PartsResult",
    "PartsResultDict",
    "goes_on_after",
    "outcome_of",
]

# These are about one part alone, so that the next one is still tried.
_OF_THE_PART = frozenset({Outcome.NOT_CANCELABLE, Outcome.NOT_FOUND, Outcome.REFUSED})


class CanceledLine(TypedDict):
    """Describe the share of a line in a part; the quantity is null for all that was open."""

    line: LineName
    quantity: int | None


class PartRow(TypedDict):
    """Describe the JSON form of a part's result in those of a set: without a text of the OMS."""

    shipment: int | None
    lines: list[CanceledLine]
    outcome: str
    confirmed_by: str | None
    correlation_id: str | None


class PartResultDict(PartRow):
    """Describe the JSON form of a part's result, as it goes to XCom."""

    reason: str


class PartsResultDict(TypedDict):
    """Describe the JSON form of a result, as it goes to XCom."""

    order_id: OrderId
    looked_up_id: OrderId | None
    outcome: str
    order_state: str | None
    order_status: str | None
    parts: list[PartResultDict]


@dataclass(frozen=True, slots=True)
class PartResult:
    """Hold how the cancellation of one part ended; it carries no shopper's data.

    :param outcome: how it ended.
    :param lines: what of which lines was to be canceled, by the names that the caller has given.
    :param shipment: the shipment; ``None`` where the call names none.
    :param confirmed_by: the source of that; ``None`` when the OMS confirmed nothing.
    :param correlation_id: of the answer that decided, or else of the last answer.
    :param reason: the basis of the outcome, in one sentence.
    :param posts: cancels that left this machine, or may have.
    """

    outcome: Outcome
    lines: tuple[tuple[LineName, int | None], ...] = ()
    shipment: int | None = None
    confirmed_by: ConfirmedBy | None = None
    correlation_id: str | None = None
    reason: str = ""
    posts: int = 0

    @classmethod
    def of(cls, part: Part, result: CancellationResult) -> PartResult:
        """Return the result of a part of a plan.

        :param part: the part.
        :param result: how its cancellation ended.
        """
        return cls(
            result.outcome,
            lines_of(part),
            part.shipment,
            result.confirmed_by,
            result.correlation_id,
            result.reason,
            result.posts,
        )

    @property
    def name(self) -> str:
        """Return the quantities to be canceled, in a few words."""
        amounts = (
            f"line {line}" if quantity is None else f"{quantity} of line {line}"
            for line, quantity in self.lines
        )
        places = [f"shipment {self.shipment}"] if self.shipment is not None else []
        return ", ".join([*places, *amounts])

    @classmethod
    def of_row(cls, row: PartRow) -> PartResult:
        """Return the result of what :meth:`as_row` returned.

        :param row: the dict.
        :raises ValueError: or ``KeyError`` or ``TypeError``, when it is no such dict.
        """
        confirmed_by = row["confirmed_by"]
        return cls(
            Outcome(row["outcome"]),
            tuple((one["line"], one["quantity"]) for one in row["lines"]),
            row["shipment"],
            ConfirmedBy(confirmed_by) if confirmed_by else None,
            row["correlation_id"],
        )

    def as_row(self) -> PartRow:
        """Return the small JSON-able form in the results of a set."""
        return {
            "shipment": self.shipment,
            "lines": [{"line": line, "quantity": quantity} for line, quantity in self.lines],
            "outcome": self.outcome.value,
            "confirmed_by": self.confirmed_by.value if self.confirmed_by else None,
            "correlation_id": self.correlation_id,
        }

    def as_dict(self) -> PartResultDict:
        """Return the small JSON-able form that operators push to XCom."""
        return {**self.as_row(), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class PartsResult:
    """Hold how the cancellation of parts of an order ended; it carries no shopper's data.

    :param order_id: the order, as the caller has named it.
    :param outcome: how it ended as a whole.
    :param parts: how each part ended.
    :param looked_up_id: the order's id, where another name of it was looked up.
    :param order_state: ``orderState`` of the order before the first cancel.
    :param order_status: ``orderStatus`` of the order before the first cancel.
    :param reason: why no part was begun, where none was.
    :param is_final: whether no retry of the same task can help, whatever the outcome.
    """

    order_id: OrderId
    outcome: Outcome
    parts: tuple[PartResult, ...] = ()
    looked_up_id: OrderId | None = None
    order_state: str | None = None
    order_status: str | None = None
    reason: str = ""
    is_final: bool = False

    @property
    def may_be_retried(self) -> bool:
        """Return whether trying again can change anything without a person's help."""
        if self.is_final or self.outcome.is_success:
            return False
        ends = [part.outcome for part in self.parts] or [self.outcome]
        # Parts that were not attempted were skipped because of it.
        return Outcome.FORBIDDEN not in ends and any(end.may_be_retried for end in ends)

    def as_dict(self) -> PartsResultDict:
        """Return the small JSON-able form that operators push to XCom."""
        return {
            "order_id": self.order_id,
            "looked_up_id": self.looked_up_id,
            "outcome": self.outcome.value,
            "order_state": self.order_state,
            "order_status": self.order_status,
            "parts": [part.as_dict() for part in self.parts],
        }

    def describe(self) -> str:
        """Return one line that says what happened to each part and what to do about it."""
        is_part = self.outcome is Outcome.PARTIALLY_CANCELED
        remark = f", {self.outcome.remark}" if is_part else ""
        texts = [f"Order {self.order_id}: {self.outcome}{remark}.", self.explanation]
        if not self.outcome.is_success:
            texts.append(
                "Retry or clear the task: it reads the remaining parts before it sends anything."
                if self.may_be_retried
                else "Airflow does not retry it. Look at the order in the OMS and correct the task."
            )
        return " ".join(filter(None, texts))

    @property
    def explanation(self) -> str:
        """Return what happened to each part, and why none was begun where none was."""
        texts = [_sentence(self.reason)] if self.reason else []
        for part in self.parts:
            because = f" ({part.reason.rstrip('.')})" if part.reason else ""
            texts.append(f"{part.name[:1].upper()}{part.name[1:]}: {part.outcome}{because}.")
        return " ".join(texts)


def lines_of(part: Part) -> tuple[tuple[LineName, int | None], ...]:
    """Return what of which lines a part cancels.

    :param part: the part.
    """
    return tuple((share.wanted, share.quantity) for share in part.shares)


def outcome_of(parts: Sequence[PartResult]) -> Outcome:
    """Return how parts ended as a whole.

    :param parts: at least one.
    """
    ends = {part.outcome for part in parts}
    if all(end.is_success for end in ends):
        in_turn = (Outcome.WOULD_CANCEL, Outcome.CANCELED, Outcome.ALREADY_CANCELED)
        return _first_of(in_turn, ends)
    if any(end.is_success for end in ends):
        return Outcome.PARTIALLY_CANCELED
    # Where no part was canceled, they ended as the worst of them.
    return _first_of(WORST_FIRST, ends)


def goes_on_after(outcome: Outcome) -> bool:
    """Return whether the parts after one are still tried.

    :param outcome: how that part ended.
    """
    return outcome.is_success or outcome in _OF_THE_PART


def _first_of(outcomes: Iterable[Outcome], ends: set[Outcome]) -> Outcome:
    return next(outcome for outcome in outcomes if outcome in ends)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "…")) else f"{text}."
