"""What is said about a run when it is over: the summary, the pairs, and the message of a failure.

All of it is bounded, whatever the size of the set, and holds nothing of a shopper.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypedDict

from airflow_provider_oms.api.validation import OrderId
from airflow_provider_oms.cancellation.bulk.driver import BulkRun
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet

__all__ = ["Summary", "failed_lines", "failure_message", "outcome_pairs", "summary_of"]

_MOST_PAIRS = 1000
_MOST_FAILED_LINES = 100
_LONGEST_CAUSE = 500
_GO_ON = "Retry or clear the task to go on: what may have been canceled is read first."
_CORRECT = "Correct what each of them needs, and clear the task."


class Summary(TypedDict):
    """Describe the summary of a run, as it goes to XCom."""

    orders: int
    duplicates: int
    dry_run: bool
    outcomes: dict[str, int]
    failed: dict[str, list[OrderId]]
    stopped: str | None
    attempts: int
    duration: float
    results_path: str | None


def summary_of(
    run: BulkRun,
    orders: OrderSet,
    *,
    dry_run: bool,
    attempt: int,
    duration: float,
    results_path: str | None,
) -> Summary:
    """Return the summary of a run.

    :param run: the run, which is over.
    :param orders: its set.
    :param dry_run: whether nothing was to be posted.
    :param attempt: which attempt of the task it was.
    :param duration: seconds that it took.
    :param results_path: where its results are, if anywhere.
    :return: a dict of less than 16 KiB as JSON.
    """
    return {
        "orders": len(orders),
        "duplicates": orders.duplicates,
        "dry_run": dry_run,
        "outcomes": {outcome.value: count for outcome, count in run.tally.counts.most_common()},
        "failed": run.tally.failed_ids(),
        "stopped": run.stopped[:_LONGEST_CAUSE] if run.stopped else None,
        "attempts": attempt,
        "duration": round(duration, 3),
        "results_path": results_path,
    }


def outcome_pairs(run: BulkRun) -> list[list[Any]] | None:
    """Return order id and outcome of each order, or ``None`` when there are more than 1,000.

    :param run: the run, which is over.
    """
    if len(run.ends) > _MOST_PAIRS:
        return None
    return [[order_id, end.result.outcome.value] for order_id, end in run.ends.items()]


def failed_lines(run: BulkRun) -> Iterator[str]:
    """Return one line for each order that did not end as it should, up to a bound.

    :param run: the run, which is over.
    """
    failures = [end.result for end in run.ends.values() if not end.result.outcome.is_success]
    for result in failures[:_MOST_FAILED_LINES]:
        yield result.describe()
    if len(failures) > _MOST_FAILED_LINES:
        yield f"… and {len(failures) - _MOST_FAILED_LINES} more"


def failure_message(run: BulkRun, results_path: str | None) -> str:
    """Return why a task failed: how many of how many, how, the first ids, and where the rest is.

    :param run: the run, which is over.
    :param results_path: where its results are, if anywhere.
    """
    stopped = f" The run stopped: {run.stopped[:_LONGEST_CAUSE]}." if run.stopped else ""
    upcoming = _GO_ON if run.tally.may_be_retried else _CORRECT
    return (
        f"{run.tally.failures} of {run.tally.total} orders did not end as they should: "
        f"{run.tally.describe_failures()}.{stopped} {_where(run, results_path)} {upcoming}"
    )


def _where(run: BulkRun, results_path: str | None) -> str:
    held = [] if outcome_pairs(run) is None else ["the XCom values return_value and results"]
    if results_path:
        held.append(results_path)
    if held:
        return f"Every order's outcome is in {', and '.join(held)}."
    return (
        "The counts and the first ids are in the XCom value return_value; set results_path to have "
        "every order's outcome."
    )
