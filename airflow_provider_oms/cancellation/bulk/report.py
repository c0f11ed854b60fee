"""The report of a finished run: a summary, one row and one log line per order.

Summary and rows are bounded, whatever the size of the set, and contain no shopper's data. Whether
the task fails is decided in ``verdict.py``.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, NotRequired, Protocol, TypedDict

from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.cancellation.bulk.adaptive_limit import Learned
from airflow_provider_oms.cancellation.bulk.outcome_counts import (
    OF_PARTS,
    OrderEnd,
    OutcomeCounts,
    counted,
)
from airflow_provider_oms.cancellation.bulk.rate_limiter import Throttling
from airflow_provider_oms.cancellation.outcomes import (
    REMARKS_ON_HELD_BACK,
    CancellationResult,
    Outcome,
)

if TYPE_CHECKING:
    from airflow_provider_oms.cancellation.parts.results import PartRow

__all__ = [
    "LONGEST_CAUSE",
    "FinishedRun",
    "Kept",
    "Report",
    "ResultRow",
    "Summary",
    "is_probably_refused",
]

LONGEST_CAUSE = 500
_MOST_ROWS = 1000
_MOST_FAILED_LINES = 100
_IDS_PER_LINE = 100
_MOST_STATES = 20
_ORDERS_IN_TEXT = 3
_OTHER_STATES = "other states"
_NO_STATE = "state not known"
# Any other outcome implies the state, or no state is known.
_TOLD_BY_STATE = (Outcome.WOULD_CANCEL, Outcome.NOT_CANCELABLE)


class FinishedRun(Protocol):
    """Declare the attributes of a finished run that report and verdict read."""

    @property
    def ends(self) -> Mapping[OrderId, OrderEnd]:
        """Return how each order ended, by its id."""

    @property
    def tally(self) -> OutcomeCounts:
        """Return the counts."""

    @property
    def stopped(self) -> str | None:
        """Return why it stopped early, in a few words; ``None`` if it did not."""

    @property
    def is_shut_out(self) -> bool:
        """Return whether the credentials were refused before anything was sent."""

    @property
    def throttling(self) -> Throttling:
        """Return the effect of the tenant's limits on the run."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Record where the outcomes of a run were actually stored.

    :param summary: whether the summary was pushed to XCom.
    :param rows: whether the rows were pushed to XCom.
    :param results_path: the file with one line per order; ``None`` if none was written.
    """

    summary: bool = False
    rows: bool = False
    results_path: str | None = None

    @property
    def has_every_order(self) -> bool:
        """Return whether every order's outcome is stored outside the log."""
        return self.rows or self.results_path is not None


class Limits(TypedDict):
    """Describe the effect of the tenant's limits on a run: a part of its summary."""

    requests_per_second: float | None
    at_a_time: int | None
    turned_away: int
    paused_seconds: float


class Summary(TypedDict):
    """Describe the summary of a run, as it goes to XCom."""

    orders: int
    duplicates: int
    rows: dict[str, dict[str, int]] | None
    dry_run: bool
    outcomes: dict[str, int]
    states: dict[str, dict[str, int]]
    warning: str | None
    failed: dict[str, list[OrderId]]
    accepted: dict[str, list[OrderId]]
    stopped: str | None
    limits: Limits
    attempts: int
    duration: float
    results_path: str | None
    text: str


class ResultRow(TypedDict):
    """Describe how one order ended: an element of the XCom value ``results``.

    It has ``parts`` where only parts of the order were to be canceled.
    """

    order_id: OrderId
    looked_up_id: OrderId | None
    outcome: str
    order_state: str | None
    order_status: str | None
    parts: NotRequired[list[PartRow]]


@dataclass(frozen=True, slots=True)
class Report:
    """Report how the orders of a set ended.

    :param run: the finished run.
    :param orders: number of orders in the set.
    :param duplicates: number of entries that named an order again.
    :param dry_run: whether nothing was to be posted.
    :param attempt: number of the task's attempt.
    :param duration: seconds that the run took.
    :param not_cancelable_states: states from which the tenant is known to refuse a cancellation.
    :param rows_by_value: how many rows of the set's files had which value, by the column that
        decides; ``None`` where none does.
    :param tenant: the tenant's number.
    """

    run: FinishedRun
    orders: int
    duplicates: int
    dry_run: bool
    attempt: int
    duration: float
    not_cancelable_states: tuple[str, ...]
    rows_by_value: dict[str, dict[str, int]] | None = None
    tenant: str = ""

    def summary(self, results_path: str | None) -> Summary:
        """Return the summary.

        :param results_path: the file of results; ``None`` if none was written.
        :return: a dict of less than 16 KiB as JSON.
        """
        run = self.run
        return {
            "orders": self.orders,
            "duplicates": self.duplicates,
            "rows": self.rows_by_value,
            "dry_run": self.dry_run,
            "outcomes": {outcome.value: count for outcome, count in run.tally.counts.most_common()},
            "states": {
                outcome.value: _first(states) for outcome, states in self._by_state().items()
            },
            "warning": self.warning(),
            "failed": run.tally.failed_ids(),
            "accepted": run.tally.accepted_ids(),
            "stopped": run.stopped[:LONGEST_CAUSE] if run.stopped else None,
            "limits": self._limits(),
            "attempts": self.attempt,
            "duration": round(self.duration, 3),
            "results_path": results_path,
            "text": self.text(results_path),
        }

    def text(self, results_path: str | None) -> str:
        """Return a short text about the run for a person, for a mail or a chat.

        :param results_path: the file of results; ``None`` if none was written.
        :return: some lines of plain text: the counts, up to three failed orders, and what to do.
        """
        tally, failed = self.run.tally, self.run.tally.failed_ids()
        # One of each outcome before a second one of any.
        sequence = [each for ids in zip_longest(*failed.values()) for each in ids if each]
        named = sequence[:_ORDERS_IN_TEXT]
        lines = [self._headline(), tally.as_text()]
        if self.run.stopped:
            lines.append(f"The run stopped: {self.run.stopped[:LONGEST_CAUSE]}.")
        lines += [_short_line_of(self.run.ends[order_id].result) for order_id in named]
        if more := tally.failures - len(named):
            lines.append(f"… and {more} more")
        lines += self._advice(failed)
        if warning := self.warning():
            lines.append(warning)
        if results_path:
            lines.append(f"Every order's outcome is in {results_path}.")
        return "\n".join(lines)

    def _advice(self, failed: Mapping[str, Collection[OrderId]]) -> Iterator[str]:
        for outcome, ids in failed.items():
            ends = [self.run.ends[order_id] for order_id in ids]
            whole = [end.result for end in ends if end.parts is None]
            for held_back_by in dict.fromkeys(result.held_back_by for result in whole):
                remark = REMARKS_ON_HELD_BACK.get(held_back_by, Outcome(outcome).remark)
                yield f"{outcome}: {remark}"
            if len(whole) < len(ends):
                yield f"{outcome}, of parts: {OF_PARTS}"

    def _headline(self) -> str:
        failures = self.run.tally.failures
        headline = f"{failures} of {self.orders} orders did not end as they should."
        if not failures:
            headline = "No order failed."
        return f"Dry run, nothing was canceled. {headline}" if self.dry_run else headline

    def _limits(self) -> Limits:
        throttling = self.run.throttling
        learned = throttling.learned or Learned()
        return {
            "requests_per_second": learned.requests_per_second,
            "at_a_time": learned.at_a_time,
            "turned_away": throttling.turned_away,
            "paused_seconds": round(throttling.paused_seconds, 3),
        }

    def rows(self) -> list[ResultRow] | None:
        """Return one row per order; ``None`` if there are more than 1,000 orders and parts."""
        ends = self.run.ends.values()
        if sum(len(end.parts or ()) or 1 for end in ends) > _MOST_ROWS:
            return None
        return [_row_of(end) for end in ends]

    def lines(self) -> Iterator[str]:
        """Return the lines with the counts: by outcome, and by state where it adds something."""
        yield f"{counted(self.orders)} in {self.duration:.1f} s: {self.run.tally.as_text()}"
        if accepted := self.run.tally.accepted_counts:
            yield f"Accepted by accepted_outcomes: {_as_text(accepted)}"
        for column, counts in (self.rows_by_value or {}).items():
            named = {value or "(blank)": count for value, count in counts.items()}
            yield f"Rows by {column}: {_as_text(named)}"
        if limits := self.run.throttling.as_text():
            yield limits[0].upper() + limits[1:]
        for outcome, states in self._by_state().items():
            yield f"{states.total()} {outcome}: {_as_text(_first(states))}"

    def first_failed_lines(self) -> Iterator[str]:
        """Return one line for each of the first 100 failed orders."""
        return _first_lines(self._failed())

    def further_failed_lines(self, kept: Kept) -> Iterator[str]:
        """Return lines that name all further failed orders, or only their number.

        :param kept: where the outcomes were stored; if nowhere, every order is named.
        """
        return _further_lines(self._failed(), kept)

    def accepted_lines(self, kept: Kept) -> Iterator[str]:
        """Return lines that name the orders of accepted outcomes as failed ones are named.

        :param kept: where the outcomes were stored; if nowhere, every order is named.
        """
        yield from _first_lines(self._accepted())
        yield from _further_lines(self._accepted(), kept)

    def _failed(self) -> Iterator[CancellationResult]:
        accepted = self.run.tally.accepted
        results = (end.result for end in self.run.ends.values())
        return (
            result
            for result in results
            if not result.outcome.is_success and result.outcome not in accepted
        )

    def _accepted(self) -> Iterator[CancellationResult]:
        accepted = self.run.tally.accepted
        results = (end.result for end in self.run.ends.values())
        return (result for result in results if result.outcome in accepted)

    def warning(self) -> str | None:
        """Return which ``would_cancel`` orders a real run would probably not cancel, if any."""
        refused = Counter(
            _name_of(result)
            for result in self._results(Outcome.WOULD_CANCEL)
            if is_probably_refused(result, self.not_cancelable_states)
        )
        if not refused:
            return None
        return (
            f"{refused.total()} of {self.run.tally.counts[Outcome.WOULD_CANCEL]} would_cancel "
            f"orders are in a state from which this tenant is known to refuse a cancellation: "
            f"{_as_text(_first(refused))}. In a real run they will probably end not_cancelable. "
            f"Remove them from the set, or name the states to cancel from in only_if_states. (The "
            f"connection's not_cancelable_states lists the known states.)"
        )

    def _results(self, outcome: Outcome) -> Iterator[CancellationResult]:
        results = (end.result for end in self.run.ends.values())
        return (result for result in results if result.outcome is outcome)

    def _by_state(self) -> dict[Outcome, Counter[str]]:
        counts = {
            outcome: Counter(map(_name_of, self._results(outcome))) for outcome in _TOLD_BY_STATE
        }
        return {outcome: states for outcome, states in counts.items() if states}


def is_probably_refused(result: CancellationResult, not_cancelable_states: Collection[str]) -> bool:
    """Return whether a real run would probably not cancel an order that a dry run would.

    :param result: how the order ended.
    :param not_cancelable_states: states from which the tenant is known to refuse a cancellation.
    """
    # Asked of each order of a set, and most of them are canceled.
    if result.outcome is not Outcome.WOULD_CANCEL:
        return False
    known = {state.upper() for state in not_cancelable_states}
    return not known.isdisjoint(state.upper() for state in _states_of(result))


def _first_lines(results: Iterator[CancellationResult]) -> Iterator[str]:
    return (result.describe() for result in itertools.islice(results, _MOST_FAILED_LINES))


def _further_lines(results: Iterator[CancellationResult], kept: Kept) -> Iterator[str]:
    further = itertools.islice(results, _MOST_FAILED_LINES, None)
    if kept.has_every_order:
        if more := sum(1 for _ in further):
            yield f"… and {more} more"
        return
    alike: dict[str, list[OrderId]] = defaultdict(list)
    for result in further:
        state = f"{result.shown_state}: " if result.shown_state else ""
        alike[f"{state}{result.explanation}"].append(result.order_id)
    for explanation, order_ids in alike.items():
        # A run that could not begin explains a hundred thousand orders by one sentence.
        for first in range(0, len(order_ids), _IDS_PER_LINE):
            named = ", ".join(map(str, order_ids[first : first + _IDS_PER_LINE]))
            yield f"Order {named}: {explanation}"


def _row_of(end: OrderEnd) -> ResultRow:
    result = end.result
    row: ResultRow = {
        "order_id": result.order_id,
        "looked_up_id": result.looked_up_id,
        "outcome": result.outcome.value,
        "order_state": result.order_state,
        "order_status": result.order_status,
    }
    if end.parts is not None:
        row["parts"] = [part.as_row() for part in end.parts]
    return row


def _states_of(result: CancellationResult) -> list[str]:
    return [state for state in (result.order_state, result.order_status) if state]


def _short_line_of(result: CancellationResult) -> str:
    """Return order, state and outcome, without anything that the OMS said in words."""
    if not _states_of(result):
        return f"Order {result.order_id}: {result.outcome}"
    return f"Order {result.order_id} is {_name_of(result)}: {result.outcome}"


def _name_of(result: CancellationResult) -> str:
    return result.state or _NO_STATE


def _first(states: Counter[str]) -> dict[str, int]:
    """Return the most frequent states; the others are counted together."""
    first = dict(states.most_common(_MOST_STATES))
    others = states.total() - sum(first.values())
    return {**first, _OTHER_STATES: others} if others else first


def _as_text(states: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in states.items())
