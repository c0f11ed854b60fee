"""Decide whether to read a tenant in batches, and the evidence of a batch about an order.

Get Order has the last word: a search may lag behind it, leave orders out, fail, or not be there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Protocol

from airflow_provider_oms.api.errors import OmsError, OmsSearchError
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.values import OrderId

__all__ = ["FEWEST_PER_BATCH", "BatchReads", "Proof", "Seen", "WhyNot"]

#: Fewer orders than these are read one by one.
FEWEST_PER_BATCH = 5
_FAILURES_IN_A_ROW = 3
# Fewer orders than these may be a chance.
_ENOUGH = 20
# A longer past must not outweigh a search that breaks now.
_LONGEST_PAST = 1000
_REMEMBERED = 10_000
_SHOWN = frozenset({Evidence.CANCELED, Evidence.OPEN})
_RESPONDED = _SHOWN | {Evidence.NOT_FOUND}


class Seen(Protocol):
    """The facts that a read shows about an order."""

    @property
    def evidence(self) -> Evidence:
        """The evidence of the read."""

    @property
    def order_state(self) -> str | None:
        """Its ``orderState``."""

    @property
    def order_status(self) -> str | None:
        """Its ``orderStatus``."""


class SeenInBatch(Seen, Protocol):
    """The facts that a batch shows about an order."""

    @property
    def is_unclear(self) -> bool:
        """Whether one of its two states could not be read."""


class Proof(Enum):
    """Name the evidence of a batch about an order."""

    #: The order is canceled; that is believed.
    CANCELED = auto()
    #: The order was in another state a short time ago. Before a cancel leaves, and before anything
    #: else is made of that state, Get Order has to show it.
    TO_CONFIRM = auto()
    #: Nothing: the batch did not show the order, which may exist.
    TO_READ = auto()


class WhyNot(StrEnum):
    """Name why a tenant is not read in batches any more; the value is the phrase for the log."""

    NO_SEARCH = "the tenant has no order search, or another than the documented one"
    FAILS = "the order search fails while Get Order responds"
    CONTRADICTS = "the order search shows an order as canceled that Get Order then shows open"
    LEAVES_OUT = "the order search leaves out most of the orders"
    LAGS = "the order search shows fewer changes than Get Order"


@dataclass(frozen=True, slots=True)
class _Said:
    """Hold the last batch's facts about an order.

    :param proof: its evidence.
    :param states: both states of the order; none if it was missing.
    """

    proof: Proof
    states: tuple[str | None, str | None] | None = None


@dataclass(slots=True)
class _Comparison:
    """Count in how many cases the search did well, and in how many badly."""

    well: int = 0
    badly: int = 0

    def add(self, *, well: int = 0, badly: int = 0) -> None:
        """Count more cases; of a long past only a part is kept.

        :param well: how many went well.
        :param badly: how many did not.
        """
        self.well += well
        self.badly += badly
        while self.well + self.badly > _LONGEST_PAST:
            self.well, self.badly = self.well // 2, self.badly // 2

    @property
    def is_bad(self) -> bool:
        """Return whether most cases went badly, and enough of them."""
        return self.badly >= _ENOUGH and self.badly > self.well


class BatchReads:
    """Decide for one tenant from what batches said, and from what single reads said afterwards.

    It knows no clock and no I/O, and is not to be shared between threads.
    """

    def __init__(self) -> None:
        #: Why there are no batches any more; ``None`` as long as there may be. It never changes
        #: back.
        self.why_not: WhyNot | None = None
        #: How many requests the batches have saved so far; below 0 when they have cost some.
        self.requests_saved = 0
        self._failures = 0
        self._has_failed = False
        self._presence = _Comparison()
        self._changes = _Comparison()
        self._said: OrderedDict[OrderId, _Said] = OrderedDict()

    def is_for(self, orders: int) -> bool:
        """Return whether so many orders are to be read in a batch now.

        After a batch that failed, they are not before Get Order has shown an order again: what
        fails may be the whole tenant.

        :param orders: how many.
        """
        return self.why_not is None and not self._has_failed and orders >= FEWEST_PER_BATCH

    def on_batch(
        self, asked: Iterable[OrderId], answer: Mapping[OrderId, SeenInBatch] | OmsError
    ) -> dict[OrderId, Proof]:
        """Take the result of a batch, and return its evidence about each order.

        :param asked: the orders that were asked for.
        :param answer: those that were found, or why the batch failed.
        :return: the proof for each order that was asked for.
        """
        said = dict.fromkeys(asked, _Said(Proof.TO_READ))
        self.requests_saved -= 1
        if isinstance(answer, OmsError):
            self._on_failure(answer)
        elif self.why_not is None:
            self._failures, self._has_failed = 0, False
            said |= {order_id: _said_of(answer[order_id]) for order_id in said.keys() & answer}
            self.requests_saved += len(said)
            self._presence.add(well=len(answer))
            for order_id, now in said.items():
                self._on_said(order_id, now)
        return {order_id: now.proof for order_id, now in said.items()}

    def _on_failure(self, error: OmsError) -> None:
        if isinstance(error, OmsSearchError):
            self._end(WhyNot.NO_SEARCH)
        self._has_failed = True

    def _on_said(self, order_id: OrderId, now: _Said) -> None:
        before = self._said.pop(order_id, None)
        self._said[order_id] = now
        if len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)
        if now.states is None:
            return
        if before is None or before.states is None:
            has_changed = now.proof is Proof.CANCELED
        else:
            has_changed = before.states != now.states
        self._changes.add(well=int(has_changed))

    def on_single(self, order_id: OrderId, seen: Seen | OmsError) -> None:
        """Take what Get Order showed, sent after the last batch about the order had answered.

        :param order_id: the order.
        :param seen: the order, or why it was not shown.
        """
        if seen.evidence not in _RESPONDED:
            return
        if self._has_failed:
            self._has_failed = False
            self._failures += 1
            if self._failures >= _FAILURES_IN_A_ROW:
                self._end(WhyNot.FAILS)
        said = self._said.pop(order_id, None)
        if said is None:
            return
        self.requests_saved -= 1
        if not isinstance(seen, OmsError) and seen.evidence in _SHOWN:
            self._compare(said, seen)

    def _compare(self, said: _Said, seen: Seen) -> None:
        if said.states is None:
            self._presence.add(badly=1)
            if self._presence.is_bad:
                self._end(WhyNot.LEAVES_OUT)
        elif said.proof is Proof.CANCELED and seen.evidence is Evidence.OPEN:
            self._end(WhyNot.CONTRADICTS)
        elif said.states != (seen.order_state, seen.order_status):
            self._changes.add(badly=1)
            if self._changes.is_bad:
                self._end(WhyNot.LAGS)

    def _end(self, why: WhyNot) -> None:
        self.why_not = self.why_not or why


def _said_of(order: SeenInBatch) -> _Said:
    is_canceled = order.evidence is Evidence.CANCELED and not order.is_unclear
    proof = Proof.CANCELED if is_canceled else Proof.TO_CONFIRM
    return _Said(proof, (order.order_state, order.order_status))
