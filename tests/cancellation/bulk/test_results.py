"""The lines of a results file: the next attempt reads exactly those of the last one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.api.validation import OrderId
from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd
from airflow_provider_oms.cancellation.bulk.results import (
    from_record,
    line_of,
    read_ends,
    with_details,
)
from airflow_provider_oms.cancellation.outcomes import CancellationResult, ConfirmedBy, Outcome
from airflow_provider_oms.cancellation.parts.results import PartResult

BEGUN = 1_800_000_000.0
RESULT = CancellationResult(
    7,
    Outcome.NOT_CANCELABLE,
    ConfirmedBy.READ,
    "SHIPPED",
    "CLOSED",
    "c1",
    reason="the OMS's message",
    posts=1,
    http_status=409,
    oms_code="5003",
    looked_up_id="a" * 32,
)
END = OrderEnd(RESULT, 2, 1, BEGUN + 0.25, BEGUN + 1.5)


def test_a_line_is_one_json_object_without_any_text_of_the_oms() -> None:
    line = line_of(END, "other")
    assert line.endswith("}\n")
    assert json.loads(line) == {
        "order_id": 7,
        "looked_up_id": "a" * 32,
        "outcome": "not_cancelable",
        "confirmed_by": "read",
        "order_state": "SHIPPED",
        "order_status": "CLOSED",
        "disposition_reason": "other",
        "attempts": 2,
        "posts": 1,
        "http_status": 409,
        "oms_code": "5003",
        "correlation_id": "c1",
        "started_at": "2027-01-15T08:00:00.250000+00:00",
        "finished_at": "2027-01-15T08:00:01.500000+00:00",
    }


def test_parts_of_an_order_are_written_and_read_without_any_text_of_the_oms() -> None:
    parts = (
        PartResult(Outcome.CANCELED, ((4, 2),), 11, ConfirmedBy.ANSWER, "c2", "as the OMS said"),
        PartResult(Outcome.NOT_FOUND, (("5" * 32, None),)),
    )
    line = line_of(replace(END, parts=parts), "other")
    assert "as the OMS said" not in line
    (found,) = read_ends([line], [7], since=BEGUN).values()
    assert found.parts == (replace(parts[0], reason=""), parts[1])
    assert read_ends([line_of(END, "other")], [7], since=BEGUN)[7].parts is None


def test_what_is_written_is_read_again() -> None:
    (read,) = read_ends([line_of(END, "other")], {7}, since=BEGUN).values()
    assert (read.attempt, read.posts) == (2, 1)
    assert (read.started_at, read.finished_at) == (END.started_at, END.finished_at)
    assert read.result.outcome is Outcome.NOT_CANCELABLE
    assert (read.result.correlation_id, read.result.oms_code) == ("c1", "5003")
    assert read.result.looked_up_id == "a" * 32


def test_a_line_of_an_earlier_version_is_read_too() -> None:
    row = json.loads(line_of(END, "other"))
    del row["looked_up_id"]
    (read,) = read_ends([json.dumps(row)], {7}, since=BEGUN).values()
    assert read.result.looked_up_id is None


def test_an_order_that_nobody_turned_to_has_no_times_and_is_not_read_again() -> None:
    line = line_of(OrderEnd(CancellationResult(7, Outcome.NOT_ATTEMPTED)), "other")
    row = json.loads(line)
    assert (row["started_at"], row["attempts"], row["confirmed_by"]) == (None, None, None)
    assert read_ends([line], {7}, since=0) == {}


def test_what_another_run_wrote_before_is_not_read() -> None:
    assert read_ends([line_of(END, "other")], {7}, since=BEGUN + 1) == {}


def test_orders_that_are_not_asked_for_are_not_read() -> None:
    assert read_ends([line_of(END, "other")], {8}, since=0) == {}


OUTCOMES = st.sampled_from(Outcome)


def ends_of(outcomes: dict[int, tuple[Outcome, int | None]]) -> dict[OrderId, OrderEnd]:
    return {
        order_id: OrderEnd(CancellationResult(order_id, outcome), attempt)
        for order_id, (outcome, attempt) in outcomes.items()
    }


@given(
    st.dictionaries(st.integers(1, 5), st.tuples(OUTCOMES, st.none() | st.just(2))),
    st.dictionaries(st.integers(1, 5), st.tuples(OUTCOMES, st.just(1))),
)
def test_an_older_file_adds_details_to_an_outcome_and_changes_none(
    given_ends: dict[int, tuple[Outcome, int | None]], given_rows: dict[int, tuple[Outcome, int]]
) -> None:
    ends, rows = ends_of(given_ends), ends_of({**given_rows})
    merged = with_details(ends, rows)
    assert list(merged) == list(ends)
    for order_id, end in ends.items():
        assert merged[order_id].result.outcome is end.result.outcome
        is_known = end.attempt is None and order_id in rows
        agrees = is_known and rows[order_id].result.outcome is end.result.outcome
        assert merged[order_id] is (rows[order_id] if agrees else end)


def test_orders_of_which_only_the_outcome_is_on_record_are_looked_for() -> None:
    ends: dict[OrderId, OrderEnd] = {
        7: OrderEnd(CancellationResult(7, Outcome.CANCELED)),
        8: END,
    }
    assert from_record(ends) == {7}


@pytest.mark.parametrize(
    "changes",
    [{"outcome": "vanished"}, {"confirmed_by": "hearsay"}, {"started_at": "noon"}, None],
)
def test_a_line_that_is_none_of_ours_is_passed_over(changes: dict[str, Any] | None) -> None:
    good = line_of(END, "other")
    bad = json.dumps({**json.loads(good), **changes}) if changes else '{"order_id": 7'
    assert read_ends([bad, "7\n", "[]\n"], {7}, since=0) == {}
    assert list(read_ends([bad, good], {7}, since=0)) == [7]
