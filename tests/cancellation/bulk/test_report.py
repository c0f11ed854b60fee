"""What is said about a run is bounded, whatever the size of the set, and names no shopper."""

from __future__ import annotations

import json

from bulk_runs import Tenant, run_of

from airflow_provider_oms.api.errors import OmsConflictError, OmsNotFoundError
from airflow_provider_oms.cancellation.bulk.driver import BulkRun
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet
from airflow_provider_oms.cancellation.bulk.report import (
    failed_lines,
    failure_message,
    outcome_pairs,
    summary_of,
)
from airflow_provider_oms.cancellation.bulk.tally import OrderEnd
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome

LONG = "x" * 5000


def finished(*outcomes: Outcome, stopped: str | None = None) -> BulkRun:
    """Return a run that is over, with its orders numbered from 1."""
    run = run_of(Tenant(), len(outcomes))
    for order_id, outcome in enumerate(outcomes, 1):
        result = CancellationResult(order_id, outcome, reason="because")
        run.ends[order_id] = OrderEnd(result, 1, 1)
        run.tally.add(result)
    if stopped:
        run._engine.stop(stopped, 0.0)
    return run


def test_the_summary_has_the_counts_and_the_first_ids_of_each_failure() -> None:
    run = finished(Outcome.CANCELED, Outcome.CANCELED, Outcome.NOT_FOUND, Outcome.UNKNOWN)
    summary = summary_of(
        run, OrderSet({}, 3), dry_run=False, attempt=2, duration=1.23456, results_path="r.jsonl"
    )
    assert summary == {
        "orders": 0,
        "duplicates": 3,
        "dry_run": False,
        "outcomes": {"canceled": 2, "not_found": 1, "unknown": 1},
        "failed": {"not_found": [3], "unknown": [4]},
        "stopped": None,
        "attempts": 2,
        "duration": 1.235,
        "results_path": "r.jsonl",
    }


def test_it_stays_small_when_every_order_of_many_fails() -> None:
    outcomes = [outcome for outcome in Outcome if not outcome.is_success] * 2000
    run = finished(*outcomes, stopped=LONG)
    summary = summary_of(
        run, OrderSet({}), dry_run=False, attempt=1, duration=1.0, results_path=None
    )
    assert len(json.dumps(summary)) < 16 * 1024
    assert {len(ids) for ids in summary["failed"].values()} == {20}
    assert len(failure_message(run, None)) < 3000
    lines = list(failed_lines(run))
    assert len(lines) == 101
    assert lines[-1] == f"… and {len(outcomes) - 100} more"


def test_pairs_are_given_for_a_thousand_orders_and_no_more() -> None:
    pairs = outcome_pairs(finished(*[Outcome.CANCELED] * 1000))
    assert pairs is not None
    assert (len(pairs), pairs[0]) == (1000, [1, "canceled"])
    assert outcome_pairs(finished(*[Outcome.CANCELED] * 1001)) is None


class TestTheMessage:
    def test_it_says_how_many_how_and_where_the_rest_is(self) -> None:
        run = finished(*[Outcome.NOT_FOUND] * 12, Outcome.CANCELED)
        assert failure_message(run, "r.jsonl") == (
            "12 of 13 orders did not end as they should: 12 not_found (1, 2, 3, 4, 5, 6, 7, 8, 9, "
            "10, …). Every order's outcome is in the XCom values return_value and results, and "
            "r.jsonl. Correct what each of them needs, and clear the task."
        )

    def test_it_names_the_file_alone_where_xcom_does_not_hold_them_all(self) -> None:
        run = finished(*[Outcome.NOT_FOUND] * 1001)
        assert "Every order's outcome is in r.jsonl. " in failure_message(run, "r.jsonl")

    def test_it_says_how_to_have_them_all_where_nothing_holds_them(self) -> None:
        message = failure_message(finished(*[Outcome.NOT_FOUND] * 1001), None)
        assert "Every order's outcome" not in message
        assert "the first ids are in the XCom value return_value; set results_path" in message

    def test_it_says_to_go_on_where_another_attempt_can_help(self) -> None:
        message = failure_message(finished(Outcome.UNKNOWN, Outcome.NOT_FOUND), None)
        assert message.endswith(
            "Retry or clear the task to go on: what may have been canceled is read first."
        )

    def test_it_says_why_the_run_stopped(self) -> None:
        message = failure_message(finished(Outcome.NOT_ATTEMPTED, stopped="enough"), None)
        assert "The run stopped: enough." in message


def test_a_real_runs_failures_are_told_one_by_one() -> None:
    errors = {
        1: OmsConflictError("shipped", http_status=409),
        2: OmsNotFoundError("unknown", http_status=404),
    }
    run = run_of(Tenant(post=errors.get), 4)
    run.run()
    told = [line.partition(" (")[0] for line in failed_lines(run)]
    assert sorted(told) == ["Order 1: not_cancelable", "Order 2: not_found"]
