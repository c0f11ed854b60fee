"""A person's approval of one order, and what it says about the order's present state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_oms.api.values import OrderId

if TYPE_CHECKING:
    from airflow_provider_oms.cancellation.history import Reply

__all__ = ["Approval"]


@dataclass(frozen=True, slots=True)
class Approval:
    """Hold in which state a person has seen an order, and approved its cancel.

    :param order_state: ``orderState``, as it was shown.
    :param order_status: ``orderStatus``, as it was shown.
    :param was_shown: whether the order was shown at all; no cancel is sent where it was not.
    :param looked_up_id: the order's id, where it was shown by another name.
    """

    order_state: str | None = None
    order_status: str | None = None
    was_shown: bool = True
    looked_up_id: OrderId | None = None

    def objection(self, reply: Reply) -> str:
        """Return why the order may not be canceled in its present state; empty if it may.

        :param reply: a reply that held the order.
        """
        if not self.was_shown:
            return "It is not among the orders whose cancel was approved"
        if self.looked_up_id != reply.looked_up_id:
            return (
                f"Its name was that of order {self.looked_up_id} when its cancel was approved, and "
                f"is that of order {reply.looked_up_id} now"
            )
        seen, now = _Pair.of(self), _Pair.of(reply)
        if reply.is_unclear or not any(now):
            return f"It was {seen} when its cancel was approved, and its state cannot be read now"
        if seen.upper() != now.upper():
            return f"It was {seen} when its cancel was approved, and is {now} now"
        return ""


class _Pair(NamedTuple):
    """Hold the two states of an order, of an approval or of a reply."""

    order_state: str
    order_status: str

    @classmethod
    def of(cls, source: Approval | Reply) -> _Pair:
        return cls(source.order_state or "", source.order_status or "")

    def upper(self) -> tuple[str, str]:
        return self.order_state.upper(), self.order_status.upper()

    def __str__(self) -> str:
        return "/".join(dict.fromkeys(filter(None, self))) or "in a state not known"
