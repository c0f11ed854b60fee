"""How the orders of a run have ended so far: counts, the first ids, and what to say about them.

``outcomes.py`` defines how one order ended; ``results.py``, the content of a results file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome

if TYPE_CHECKING:
    from airflow_provider_oms.cancellation.parts.results import PartResult

__all__ = ["OF_PARTS", "OrderEnd", "OutcomeCounts", "counted", "too_many_failed"]

#: What to do about an order of which parts were not canceled, in one clause.
OF_PARTS = "the reason of each part in the task's log tells what to do"
_IDS_KEPT = 20
# So many orders that the OMS does not know, and none that it knows, are a sign of a wrong tenant.
_TELLING = 10
_NAMED_IN_MESSAGE = 3


def counted(count: int, one: str = "order", several: str = "orders") -> str:
    """Return a number with its noun, such as ``1 order``.

    :param count: how many.
    :param one: the noun for one.
    :param several: the noun for any other number.
    """
    return f"{count} {one if count == 1 else several}"


def too_many_failed(failures: int, limit: int) -> str:
    """Return why a run stops at its ``stop_after_failures``, in one clause.

    :param failures: how many orders have failed.
    :param limit: the argument.
    """
    have = "has" if failures == 1 else "have"
    return f"{counted(failures)} {have} failed, and stop_after_failures is {limit}"


@dataclass(frozen=True, slots=True)
class OrderEnd:
    """Hold how one order of a set ended.

    :param result: the outcome and its basis.
    :param attempt: the task's attempt in which it ended.
    :param posts: cancels sent for it in that attempt; ``None`` where only the outcome is known.
    :param started_at: when that attempt turned to it, in seconds since the epoch, if it did.
    :param finished_at: when it came to its end, in the same unit.
    :param parts: how each part ended, where only parts of it were to be canceled; ``None`` for a
        whole order.
    :param is_final: whether no retry of the task can help, whatever the outcome.
    """

    result: CancellationResult
    attempt: int | None = None
    posts: int | None = None
    started_at: float | None = None
    finished_at: float | None = None
    parts: tuple[PartResult, ...] | None = None
    is_final: bool = False

    @property
    def may_be_retried(self) -> bool:
        """Return whether trying again can change anything without a person's help."""
        return self.result.outcome.may_be_retried and not self.is_final


class OutcomeCounts:
    """Count how orders ended, and keep the first ids of each outcome that is no success.

    :param accepts: outcomes that the caller accepts of orders that are not canceled.
    """

    def __init__(self, accepts: frozenset[Outcome] = frozenset()) -> None:
        self._accepts = accepts
        self.counts: Counter[Outcome] = Counter()
        self.first_ids: dict[Outcome, list[OrderId]] = defaultdict(list)
        #: Whether another attempt could still cancel an order.
        self.may_be_retried = False

    def add(self, result: CancellationResult, *, is_final: bool = False) -> None:
        """Count one order.

        :param result: how it ended.
        :param is_final: whether no retry of the task can help, whatever the outcome.
        """
        self.counts[result.outcome] += 1
        self.may_be_retried |= result.outcome.may_be_retried and not is_final
        first = self.first_ids[result.outcome]
        if not result.outcome.is_success and len(first) < _IDS_KEPT:
            first.append(result.order_id)

    @property
    def total(self) -> int:
        """Return how many orders ended."""
        return self.counts.total()

    @property
    def is_tenant_doubtful(self) -> bool:
        """Return whether ``not_found`` is not accepted, because the tenant is probably a wrong one.

        Of ten orders or more that have ended so, the OMS has not shown a single one. On another
        tenant, some of the numbers may be other people's orders.
        """
        is_accepted = Outcome.NOT_FOUND in self._accepts
        is_telling = is_accepted and self.counts[Outcome.NOT_FOUND] >= _TELLING
        return is_telling and not any(outcome.shows_order for outcome in self.counts)

    @property
    def accepted(self) -> frozenset[Outcome]:
        """Return the outcomes that count neither as a success nor as a failure."""
        return self._accepts - {Outcome.NOT_FOUND} if self.is_tenant_doubtful else self._accepts

    @property
    def accepted_counts(self) -> dict[str, int]:
        """Return how many orders ended in an accepted outcome, by outcome."""
        accepted = self.accepted
        return {each.value: count for each, count in self.counts.items() if each in accepted}

    @property
    def failures(self) -> int:
        """Return how many orders ended otherwise than they should."""
        return sum(self.counts[outcome] for outcome in self.failed)

    @property
    def failed(self) -> list[Outcome]:
        """Return the outcomes that are failures."""
        accepted = self.accepted
        return [each for each in self.counts if not each.is_success and each not in accepted]

    def as_text(self) -> str:
        """Return the counts in one line, the most frequent outcome first."""
        counts = [f"{count} {outcome}" for outcome, count in self.counts.most_common()]
        return ", ".join(counts) or "none"

    def failed_ids(self) -> dict[str, list[OrderId]]:
        """Return the first ids of each outcome that is a failure."""
        return {outcome.value: self.first_ids[outcome] for outcome in self.failed}

    def accepted_ids(self) -> dict[str, list[OrderId]]:
        """Return the first ids of each outcome that is accepted."""
        accepted = self.accepted
        return {each.value: ids for each, ids in self.first_ids.items() if each in accepted}

    def describe_failures(self, ends: Mapping[OrderId, OrderEnd]) -> str:
        """Return how many failed by outcome, with the first of each and their states, in one line.

        :param ends: how each order ended.
        """
        parts = []
        failed = self.failed
        for outcome, count in self.counts.most_common():
            if outcome not in failed:
                continue
            first = self.first_ids[outcome][:_NAMED_IN_MESSAGE]
            named = [f"{order_id} {ends[order_id].result.state}".rstrip() for order_id in first]
            more = ["…"] if count > _NAMED_IN_MESSAGE else []
            parts.append(f"{count} {outcome} ({', '.join(named + more)})")
        return "; ".join(parts)
