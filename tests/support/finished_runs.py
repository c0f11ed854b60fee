"""A run over a set that is over, as a report and a verdict see it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_oms.api.validation import OrderId
from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd, OutcomeCounts
from airflow_provider_oms.cancellation.bulk.rate_limiter import Throttling
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome


@dataclass
class FinishedRun:
    """Hold how the orders of a run ended."""

    ends: dict[OrderId, OrderEnd] = field(default_factory=dict)
    tally: OutcomeCounts = field(default_factory=OutcomeCounts)
    stopped: str | None = None
    is_shut_out: bool = False
    throttling: Throttling = field(default_factory=Throttling)

    def add(self, result: CancellationResult, *, attempt: int | None = 1) -> None:
        self.ends[result.order_id] = OrderEnd(result, attempt)
        self.tally.add(result)


def result(order_id: int, outcome: Outcome, **facts: Any) -> CancellationResult:
    return CancellationResult(order_id, outcome, reason="because", **facts)


def finished(
    *ends: Outcome | CancellationResult,
    stopped: str | None = None,
    is_shut_out: bool = False,
    accepts: Collection[Outcome] = (),
) -> FinishedRun:
    """Return a run that is over, with its orders numbered from 1."""
    tally = OutcomeCounts(frozenset(accepts))
    run = FinishedRun(tally=tally, stopped=stopped, is_shut_out=is_shut_out)
    for order_id, end in enumerate(ends, 1):
        run.add(end if isinstance(end, CancellationResult) else result(order_id, end))
    return run
