"""The report on a run is bounded, whatever the size of the set, and names no shopper."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import pytest
from bulk_runs import Tenant, run_of
from finished_runs import FinishedRun, finished, result
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.api.errors import OmsConflictError, OmsNotFoundError
from airflow_provider_oms.cancellation.bulk.driver import BulkRun
from airflow_provider_oms.cancellation.bulk.rate_limiter import Throttling
from airflow_provider_oms.cancellation.bulk.report import Kept, Report, Summary
from airflow_provider_oms.cancellation.outcomes import ACCEPTABLE, Outcome

LONG = "x" * 5000
FAILURES = [outcome for outcome in Outcome if not outcome.is_success]
WOULD = Outcome.WOULD_CANCEL


def report_of(run: FinishedRun | BulkRun, **facts: Any) -> Report:
    plain: dict[str, Any] = {
        "orders": len(run.ends),
        "duplicates": 0,
        "dry_run": False,
        "attempt": 1,
        "duration": 0.0,
        "not_cancelable_states": (),
    }
    return Report(run, **(plain | facts))


def order_ids_in(line: str) -> list[int]:
    named = re.match(r"Order ([\d, ]+): ", line)
    assert named is not None
    return [int(order_id) for order_id in named[1].split(", ")]


def in_states(*states: str | None, outcome: Outcome = WOULD) -> FinishedRun:
    """Return a run whose orders are in these states, of which `A/B` stands for two that differ."""
    results = []
    for number, each in enumerate(states, 1):
        state, _, status = (each or "").partition("/")
        results.append(result(number, outcome, order_state=state, order_status=status or state))
    return finished(*results)


class TestTheSummary:
    def test_it_has_the_counts_and_the_first_ids_of_each_failure(self) -> None:
        run = finished(Outcome.CANCELED, Outcome.CANCELED, Outcome.NOT_FOUND, Outcome.UNKNOWN)
        report = report_of(run, duplicates=3, attempt=2, duration=1.23456)
        expected: Summary = {
            "orders": 4,
            "duplicates": 3,
            "rows": None,
            "dry_run": False,
            "outcomes": {"canceled": 2, "not_found": 1, "unknown": 1},
            "states": {},
            "warning": None,
            "failed": {"not_found": [3], "unknown": [4]},
            "accepted": {},
            "stopped": None,
            "limits": {
                "requests_per_second": None,
                "at_a_time": None,
                "turned_away": 0,
                "paused_seconds": 0.0,
            },
            "attempts": 2,
            "duration": 1.235,
            "results_path": "r.jsonl",
            "text": report.text("r.jsonl"),
        }
        assert report.summary("r.jsonl") == expected

    def test_rows_are_counted_by_value_where_one_decides(self) -> None:
        counts = {"Decision": {"Rejected": 3, "": 2}, "Paid": {"no": 5}}
        report = report_of(finished(Outcome.CANCELED), rows_by_value=counts)
        assert report.summary(None)["rows"] == counts
        lines = list(report.lines())
        assert lines[1:] == ["Rows by Decision: 3 Rejected, 2 (blank)", "Rows by Paid: 5 no"]

    @pytest.mark.parametrize("outcome", [*FAILURES, WOULD])
    def test_it_stays_small_when_every_order_of_many_ends_so(self, outcome: Outcome) -> None:
        states = [f"{number:04}{'S' * 60}/{number:04}{'T' * 60}" for number in range(5000)]
        run = in_states(*states, outcome=outcome)
        run.stopped = LONG
        report = report_of(run, dry_run=True, not_cancelable_states=(f"0007{'S' * 60}",))
        summary = report.summary(None)
        assert len(json.dumps(summary)) < 16 * 1024
        assert {len(ids) for ids in summary["failed"].values()} <= {20}
        assert sum(map(len, report.lines())) < 4000

    def test_all_failures_at_once_are_counted_by_outcome(self) -> None:
        summary = report_of(finished(*FAILURES * 2000)).summary(None)
        assert set(summary["outcomes"].values()) == {2000}
        assert len(json.dumps(summary)) < 16 * 1024


class TestTheStates:
    def test_a_dry_run_is_counted_by_state_with_the_most_frequent_first(self) -> None:
        states = ["READY", "PAYMENT_HOLD", "SHIPPED", "PAYMENT_HOLD", "READY", "PAYMENT_HOLD"]
        report = report_of(in_states(*states), dry_run=True, duration=0.25)
        assert list(report.lines()) == [
            "6 orders in 0.2 s: 6 would_cancel",
            "6 would_cancel: 3 PAYMENT_HOLD, 2 READY, 1 SHIPPED",
        ]
        by_state = report.summary(None)["states"]
        assert by_state == {"would_cancel": {"PAYMENT_HOLD": 3, "READY": 2, "SHIPPED": 1}}
        assert list(by_state["would_cancel"]) == ["PAYMENT_HOLD", "READY", "SHIPPED"]

    def test_what_a_real_run_could_not_cancel_is_counted_by_state_too(self) -> None:
        report = report_of(in_states("SHIPPED", "SHIPPED", outcome=Outcome.NOT_CANCELABLE))
        assert "2 not_cancelable: 2 SHIPPED" in list(report.lines())

    def test_of_what_is_canceled_the_outcome_says_it_all(self) -> None:
        report = report_of(in_states("CANCELED", outcome=Outcome.CANCELED))
        assert list(report.lines()) == ["1 order in 0.0 s: 1 canceled"]

    def test_what_the_tenants_limits_did_is_a_sentence_of_its_own(self) -> None:
        run = finished(Outcome.CANCELED)
        run.throttling = Throttling(turned_away=7, paused_seconds=3.0)
        assert list(report_of(run).lines())[1] == (
            "The OMS turned 7 requests away, asked for pauses of 3 s in all"
        )

    @pytest.mark.parametrize(
        ("states", "named"),
        [
            ("READY", "READY"),
            ("Ready/READY", "Ready"),
            ("OPEN/SHIPPED", "OPEN/SHIPPED"),
            (None, "state not known"),
        ],
    )
    def test_both_states_are_named_where_they_differ(self, states: str | None, named: str) -> None:
        assert report_of(in_states(states)).summary(None)["states"] == {"would_cancel": {named: 1}}

    @given(st.lists(st.integers(0, 40), max_size=200))
    def test_no_order_is_missing_among_many_states(self, numbers: list[int]) -> None:
        report = report_of(in_states(*(f"S{number}" for number in numbers)))
        counts = report.summary(None)["states"].get("would_cancel", {})
        assert sum(counts.values()) == len(numbers)
        assert len(counts) <= 21


class TestTheWarning:
    @pytest.mark.parametrize("state", ["SHIPPED", "shipped", "OPEN/SHIPPED", "SHIPPED/OPEN"])
    def test_it_names_orders_in_a_state_from_which_the_tenant_refuses(self, state: str) -> None:
        report = report_of(in_states("READY", state), not_cancelable_states=("SHIPPED",))
        warning = report.warning()
        assert warning is not None
        assert warning.startswith("1 of 2 would_cancel orders are in a state from which")
        assert f": 1 {state}. " in warning
        assert report.summary(None)["warning"] == warning

    def test_there_is_none_without_such_an_order(self) -> None:
        assert report_of(in_states("READY"), not_cancelable_states=("SHIPPED",)).warning() is None

    def test_there_is_none_where_no_such_state_is_known(self) -> None:
        assert report_of(in_states("SHIPPED")).warning() is None

    def test_there_is_none_for_what_would_not_be_canceled_anyhow(self) -> None:
        run = in_states("SHIPPED", outcome=Outcome.NOT_CANCELABLE)
        assert report_of(run, not_cancelable_states=("SHIPPED",)).warning() is None


def test_rows_are_given_for_a_thousand_orders_and_no_more() -> None:
    rows = report_of(in_states(*["READY"] * 1000)).rows()
    assert rows is not None
    assert len(rows) == 1000
    assert rows[0] == {
        "order_id": 1,
        "looked_up_id": None,
        "outcome": "would_cancel",
        "order_state": "READY",
        "order_status": "READY",
    }
    assert report_of(in_states(*["READY"] * 1001)).rows() is None


class TestTheFailedLines:
    @pytest.mark.parametrize(
        "kept", [Kept(), Kept(summary=True), Kept(rows=True), Kept(results_path="r.jsonl")]
    )
    @pytest.mark.parametrize("failed", [0, 1, 100, 101, 250])
    def test_each_failure_is_named_unless_it_is_kept_elsewhere(
        self, failed: int, kept: Kept
    ) -> None:
        report = report_of(finished(Outcome.CANCELED, *[Outcome.UNKNOWN] * failed))
        first = list(report.first_failed_lines())
        further = list(report.further_failed_lines(kept))
        assert len(first) == min(failed, 100)
        if kept.has_every_order:
            assert further == ([f"… and {failed - 100} more"] if failed > 100 else [])
        else:
            named = [order_ids_in(line) for line in first + further]
            assert sorted(itertools.chain(*named)) == list(range(2, failed + 2))
            assert {len(order_ids) for order_ids in named[:100]} <= {1}
        assert all(line.startswith("Order ") for line in first)

    def test_orders_that_failed_alike_share_lines_and_others_do_not(self) -> None:
        alike = [result(order_id, Outcome.UNKNOWN) for order_id in range(1, 50_001)]
        other = result(50_001, Outcome.NOT_FOUND)
        lines = list(report_of(finished(*alike, other)).further_failed_lines(Kept()))
        assert [len(order_ids_in(line)) for line in lines] == [100] * 499 + [1]
        assert lines[-1].startswith("Order 50001: not_found")
        assert sum(map(len, lines)) < 1_000_000

    def test_a_failure_is_told_with_its_reason(self) -> None:
        (line,) = report_of(finished(Outcome.NOT_FOUND)).first_failed_lines()
        assert line.startswith("Order 1: not_found, check the order id")
        assert line.endswith(", because.")


class TestAcceptedOutcomes:
    RUN = (Outcome.CANCELED, Outcome.NOT_FOUND, Outcome.UNKNOWN, *[Outcome.NOT_CANCELABLE] * 2)

    def test_the_summary_says_which_were_accepted_and_how_many_there_were(self) -> None:
        summary = report_of(finished(*self.RUN, accepts=ACCEPTABLE)).summary(None)
        assert summary["outcomes"] == {
            "not_cancelable": 2, "canceled": 1, "not_found": 1, "unknown": 1,
        }  # fmt: skip
        assert summary["accepted"] == {"not_found": [2], "not_cancelable": [4, 5]}
        assert summary["failed"] == {"unknown": [3]}

    def test_so_does_the_log_which_names_each_of_them_apart_from_the_failures(self) -> None:
        report = report_of(finished(*self.RUN, accepts=ACCEPTABLE))
        line = "Accepted by accepted_outcomes: 1 not_found, 2 not_cancelable"
        assert line in list(report.lines())
        accepted = [order_ids_in(line) for line in report.accepted_lines(Kept(rows=True))]
        assert accepted == [[2], [4], [5]]
        assert [order_ids_in(line) for line in report.first_failed_lines()] == [[3]]

    def test_without_the_argument_nothing_is_called_accepted(self) -> None:
        report = report_of(finished(*self.RUN))
        assert report.summary(None)["accepted"] == {}
        assert not any("ccepted" in line for line in report.lines())
        assert list(report.accepted_lines(Kept())) == []

    @pytest.mark.parametrize("kept", [Kept(), Kept(rows=True)])
    def test_each_is_named_unless_it_is_kept_elsewhere(self, kept: Kept) -> None:
        run = finished(Outcome.CANCELED, *[Outcome.NOT_FOUND] * 250, accepts=ACCEPTABLE)
        lines = list(report_of(run).accepted_lines(kept))
        if kept.has_every_order:
            assert len(lines) == 101
            assert lines[-1] == "… and 150 more"
        else:
            named = itertools.chain(*map(order_ids_in, lines))
            assert sorted(named) == list(range(2, 252))

    def test_of_a_tenant_that_knows_no_order_not_found_is_a_failure(self) -> None:
        report = report_of(finished(*[Outcome.NOT_FOUND] * 10, accepts=ACCEPTABLE))
        assert report.summary(None)["accepted"] == {}
        assert report.summary(None)["failed"] == {"not_found": list(range(1, 11))}
        assert len(list(report.first_failed_lines())) == 10


def test_a_real_runs_failures_are_told_one_by_one() -> None:
    errors = {
        1: OmsConflictError("shipped", http_status=409),
        2: OmsNotFoundError("unknown", http_status=404),
    }
    run = run_of(Tenant(post=errors.get, read={2: errors[2]}.get), 4)
    run.run()
    told = [line.partition(", ")[0] for line in report_of(run).first_failed_lines()]
    assert sorted(told) == ["Order 1 is READY: not_cancelable", "Order 2: not_found"]
