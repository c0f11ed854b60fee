"""A verdict on one order, as every adapter returns it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeAlias

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.values import kind_of

__all__ = [
    "Adapter",
    "AdapterFault",
    "Decision",
    "OmsVerdictError",
    "Payload",
    "Verdict",
    "verdict_of",
]


class Decision(StrEnum):
    """Name the effect of a verdict on its order.

    A verdict that is not final is ``PENDING``: it never cancels, and a later one replaces it.
    """

    CANCEL = "cancel"
    KEEP = "keep"
    PENDING = "pending"


class OmsVerdictError(OmsInputError):
    """Refuse a payload that is no verdict; it neither cancels its order nor keeps it.

    :param field: name of the part of the payload that was refused.
    :param rule: the rule for that part.
    :param kind: the kind of value given instead, described without quoting a shopper's data.
    :param order: the order that the payload is about, where that much could be read. An inbox holds
        this order until the fraud check sends a verdict that can be read.
    :param decided_at: since when it holds the order, with a time zone; ``None`` for the time of the
        event.
    """

    def __init__(
        self,
        field: str,
        rule: str,
        kind: str,
        order: str | int | None = None,
        decided_at: datetime | None = None,
    ) -> None:
        super().__init__(field, rule, kind)
        self.order = order
        self.decided_at = decided_at and decided_at.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Hold a fraud check's decision on one order.

    :param order: the order as the fraud check names it; nothing has looked it up yet.
    :param decision: its decision.
    :param case_id: the fraud check's own name of the case, if it gave one.
    :param decided_at: when it decided, with a time zone; ``None`` if the payload does not tell.
    """

    order: str | int
    decision: Decision
    case_id: str | None = None
    decided_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse values that a custom adapter may get wrong.

        :raises OmsVerdictError: when the order is neither a text nor a whole number, the decision
            is none, or the time has no zone.
        """
        order: Any = self.order
        if not isinstance(order, str | int) or isinstance(order, bool):
            raise OmsVerdictError("order", "a text or a whole number", kind_of(order))
        try:
            object.__setattr__(self, "decision", Decision(self.decision))
        except ValueError:
            rule = "cancel, keep or pending"
            raise OmsVerdictError("decision", rule, "something else", self.order) from None
        if self.decided_at is not None and self.decided_at.tzinfo is None:
            raise OmsVerdictError("decided_at", "a time with a zone", "one without", self.order)


#: A fraud check's message, as parsed JSON.
Payload: TypeAlias = Mapping[str, Any]
#: Returns the verdict that a payload holds, and raises an ``OmsVerdictError`` for one that is none.
Adapter: TypeAlias = Callable[[Payload], Verdict]


class AdapterFault(Exception):  # noqa: N818 - no error of a payload
    """Report that an adapter raised an unexpected error, without the error's text.

    :param name: the class of that error; its text may hold a part of the payload.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"the adapter raised {name}; correct it")


def verdict_of(payload: Payload, adapter: Adapter) -> Verdict:
    """Return the verdict that a payload holds.

    :param payload: a fraud check's message.
    :param adapter: reads it; it may be a user's own code.
    :raises OmsVerdictError: when it is none, and when the adapter returns something else.
    :raises AdapterFault: when the adapter raises anything else.
    """
    try:
        verdict: object = adapter(payload)
    except OmsVerdictError:
        raise
    except Exception as error:  # noqa: BLE001 - one that the author of an adapter did not expect
        raise AdapterFault(type(error).__name__) from None
    if not isinstance(verdict, Verdict):
        raise OmsVerdictError("the adapter's return value", "a Verdict", kind_of(verdict))
    return verdict
