"""The journal of a task as its attempts write it, at a moment of the test's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from journal_store import Store

from airflow_provider_oms.api.validation import OrderId
from airflow_provider_oms.cancellation.bulk.journal import Journal, Recorded
from airflow_provider_oms.cancellation.outcomes import CancellationResult, ConfirmedBy, Outcome

NOW = 1_800_000_000.0
LEASE = 7.0
IDS = range(1, 100)
CANCELED = Recorded(Outcome.CANCELED, ConfirmedBy.ANSWER)


class Writer:
    """Open a task's journal as one of its attempts, and write at a moment."""

    def __init__(
        self,
        store: Store | None,
        attempt: int = 1,
        now: float = NOW,
        *,
        order_ids: Iterable[OrderId] = IDS,
        tenant: str = "",
    ) -> None:
        self.now = now
        self.journal = Journal(store, now=now, attempt=attempt, tenant=tenant, order_ids=order_ids)

    def write(self, intents: Iterable[OrderId], ended: Iterable[CancellationResult] = ()) -> None:
        self.journal.write(intents, ended, posted_by=self.now + LEASE, now=self.now)


def found_in(store: Store, attempt: int = 2, **settings: Any) -> dict[OrderId, Recorded]:
    return dict(Writer(store, attempt, **settings).journal.earlier)


def ended(order_id: OrderId, outcome: Outcome) -> CancellationResult:
    return CancellationResult(order_id, outcome)


def canceled(order_id: OrderId) -> CancellationResult:
    return CancellationResult(order_id, Outcome.CANCELED, ConfirmedBy.ANSWER)
