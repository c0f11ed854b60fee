"""The text about a run that a notifier sends: short, plain, and with nothing of a shopper."""

from __future__ import annotations

from typing import Any

import pytest
from finished_runs import FinishedRun, finished, result

from airflow_provider_oms.cancellation.bulk.report import Report
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome

FAILURES = [outcome for outcome in Outcome if not outcome.is_success]


def text_of(run: FinishedRun, results_path: str | None = None, **facts: Any) -> list[str]:
    plain: dict[str, Any] = {
        "orders": len(run.ends),
        "duplicates": 0,
        "dry_run": False,
        "attempt": 1,
        "duration": 0.0,
        "not_cancelable_states": (),
    }
    return Report(run, **(plain | facts)).text(results_path).split("\n")


def shipped(order_id: int, state: str = "SHIPPED") -> CancellationResult:
    return result(order_id, Outcome.NOT_CANCELABLE, order_state=state, order_status="SHIPPED")


def test_a_run_without_failures_is_two_lines() -> None:
    assert text_of(finished(*[Outcome.CANCELED] * 3, Outcome.ALREADY_CANCELED)) == [
        "No order failed.",
        "3 canceled, 1 already_canceled",
    ]


def test_failed_orders_are_named_with_their_states_and_what_to_do() -> None:
    assert text_of(finished(Outcome.CANCELED, shipped(2), Outcome.NOT_FOUND)) == [
        "2 of 3 orders did not end as they should.",
        "1 canceled, 1 not_cancelable, 1 not_found",
        "Order 2 is SHIPPED: not_cancelable",
        "Order 3: not_found",
        f"not_cancelable: {Outcome.NOT_CANCELABLE.remark}",
        f"not_found: {Outcome.NOT_FOUND.remark}",
    ]


def test_both_states_are_named_where_they_differ() -> None:
    assert "Order 1 is READY/SHIPPED: not_cancelable" in text_of(finished(shipped(1, "READY")))


def test_of_many_failures_three_are_named_one_of_each_outcome_first() -> None:
    run = finished(*[Outcome.NOT_FOUND] * 50, Outcome.UNKNOWN, Outcome.NOT_FOUND)
    assert text_of(run)[2:6] == [
        "Order 1: not_found",
        "Order 51: unknown",
        "Order 2: not_found",
        "… and 49 more",
    ]


def test_an_accepted_outcome_is_counted_and_not_named() -> None:
    run = finished(Outcome.CANCELED, shipped(2), accepts=[Outcome.NOT_CANCELABLE])
    assert text_of(run) == ["No order failed.", "1 canceled, 1 not_cancelable"]


def test_it_says_why_a_run_stopped_and_where_the_outcomes_are() -> None:
    run = finished(Outcome.NOT_ATTEMPTED, stopped="5 orders have failed")
    lines = text_of(run, "s3://results/today.jsonl")
    assert lines[2] == "The run stopped: 5 orders have failed."
    assert lines[-1] == "Every order's outcome is in s3://results/today.jsonl."


@pytest.mark.parametrize(
    ("outcome", "headline"),
    [
        (Outcome.WOULD_CANCEL, "Dry run, nothing was canceled. No order failed."),
        (
            Outcome.NOT_FOUND,
            "Dry run, nothing was canceled. 1 of 1 orders did not end as they should.",
        ),
    ],
)
def test_a_dry_run_is_called_one(outcome: Outcome, headline: str) -> None:
    assert text_of(finished(outcome), dry_run=True)[0] == headline


def test_a_dry_run_warns_of_orders_that_a_real_one_would_not_cancel() -> None:
    run = finished(result(1, Outcome.WOULD_CANCEL, order_state="SHIPPED"))
    *_, warning = text_of(run, dry_run=True, not_cancelable_states=("SHIPPED",))
    assert warning.startswith("1 of 1 would_cancel orders are in a state from which this tenant")


def test_it_has_nothing_of_what_the_oms_said_and_stays_short() -> None:
    run = finished(*FAILURES * 1000, stopped="x" * 5000)
    lines = text_of(run)
    assert "because" not in " ".join(lines)
    assert len("\n".join(lines)) < 2000
    assert {line.partition(": ")[0] for line in lines[-len(FAILURES) :]} == set(FAILURES)
