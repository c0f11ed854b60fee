"""How the orders of a run have ended so far: counts, the first ids, and what to say about them.

How one order ended is told in ``outcomes.py``; what a results file holds, in ``results.py``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome

__all__ = ["OrderEnd", "OutcomeCounts"]

_IDS_KEPT = 20
_IDS_IN_MESSAGE = 10


@dataclass(frozen=True, slots=True)
class OrderEnd:
    """Hold how one order of a set ended.

    :param result: the outcome and what it rests on.
    :param attempt: the task's attempt in which it ended.
    :param posts: cancels sent for it in that attempt; ``None`` where only the outcome is known.
    :param started_at: when that attempt turned to it, in seconds since the epoch, if it did.
    :param finished_at: when it came to its end, likewise.
    """

    result: CancellationResult
    attempt: int | None = None
    posts: int | None = None
    started_at: float | None = None
    finished_at: float | None = None


class OutcomeCounts:
    """Count how orders ended, and keep the first ids of each way to fail."""

    def __init__(self) -> None:
        self.counts: Counter[Outcome] = Counter()
        self.first_ids: dict[Outcome, list[OrderId]] = defaultdict(list)

    def add(self, result: CancellationResult) -> None:
        """Count one order.

        :param result: how it ended.
        """
        self.counts[result.outcome] += 1
        first = self.first_ids[result.outcome]
        if not result.outcome.is_success and len(first) < _IDS_KEPT:
            first.append(result.order_id)

    @property
    def total(self) -> int:
        """Return how many orders ended."""
        return self.counts.total()

    @property
    def failures(self) -> int:
        """Return how many orders ended otherwise than they should."""
        return sum(count for outcome, count in self.counts.items() if not outcome.is_success)

    @property
    def may_be_retried(self) -> bool:
        """Tell whether another attempt could still cancel an order."""
        return any(outcome.may_be_retried for outcome in self.counts)

    def as_text(self) -> str:
        """Return the counts in one line, the most frequent outcome first."""
        counts = [f"{count} {outcome}" for outcome, count in self.counts.most_common()]
        return ", ".join(counts) or "none"

    def failed_ids(self) -> dict[str, list[OrderId]]:
        """Return the first ids of each outcome that is no success."""
        return {outcome.value: ids for outcome, ids in self.first_ids.items() if ids}

    def describe_failures(self) -> str:
        """Return how many failed by outcome, with the first ids of each, in one line."""
        parts = []
        for outcome, count in self.counts.most_common():
            if outcome.is_success:
                continue
            ids = ", ".join(map(str, self.first_ids[outcome][:_IDS_IN_MESSAGE]))
            more = ", …" if count > _IDS_IN_MESSAGE else ""
            parts.append(f"{count} {outcome} ({ids}{more})")
        return "; ".join(parts)
