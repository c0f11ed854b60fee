"""The Orders page's data beside the journal are bounded, and begin with the important orders."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from finished_runs import finished, result

from airflow_provider_oms.cancellation.bulk.orders_page import (
    OrdersPage,
    page_at_end,
    page_at_start,
)
from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.cancellation.parts.results import PartResult

START = page_at_start(3000, dry_run=False, tenant="tenant 10001", admin_url="https://a/{order_id}")


def rows_of(page: OrdersPage) -> list[dict[str, Any]]:
    rows = [dict(zip(page["columns"], row, strict=True)) for row in page["rows"]]
    texts = page["reasons"]
    for row in rows:
        row["reason"] = texts[row["reason"]]
        row["remark"] = None if row["remark"] is None else texts[row["remark"]]
    return rows


def test_before_the_run_there_are_no_outcomes() -> None:
    assert START["orders"] == 3000
    assert START["outcomes"] is None
    assert START["rows"] == []


def test_orders_that_are_not_canceled_are_told_in_detail() -> None:
    shipped = result(
        2,
        Outcome.NOT_CANCELABLE,
        order_state="SHIPPED",
        http_status=409,
        correlation_id="c-1",
    )
    page = page_at_end(START, finished(Outcome.CANCELED, shipped, accepts={Outcome.NOT_CANCELABLE}))
    (row,) = rows_of(page)
    assert row["order_id"] == 2
    assert row["order_state"] == "SHIPPED"
    assert row["reason"] == "because"
    assert (row["http_status"], row["correlation_id"], row["attempts"]) == (409, "c-1", 1)
    assert page["outcomes"] == {"canceled": 1, "not_cancelable": 1}
    assert page["accepted"] == ["not_cancelable"]
    assert page["admin_url"] == START["admin_url"]


def test_each_outcome_that_is_no_success_says_what_to_do() -> None:
    remarks = START["remarks"]
    assert set(remarks) == {outcome.value for outcome in Outcome if not outcome.is_success}
    assert remarks["not_found"] == (
        "Check the order id and the connection's tenant and environment."
    )
    assert len(json.dumps(remarks)) < 2048


def test_only_an_order_that_needs_something_else_has_a_remark_of_its_own() -> None:
    shipped = result(1, Outcome.NOT_CANCELABLE, order_state="SHIPPED")
    page = page_at_end(START, finished(shipped, Outcome.NOT_CANCELABLE, Outcome.UNKNOWN))
    remarks = {row["order_id"]: row["remark"] for row in rows_of(page)}
    assert remarks == {1: "A shipped order needs a return.", 2: None, 3: None}


def test_a_dry_run_names_the_orders_that_a_real_run_would_probably_not_cancel() -> None:
    shipped = result(1, Outcome.WOULD_CANCEL, order_state="Shipped")
    ready = result(2, Outcome.WOULD_CANCEL, order_state="READY")
    run = finished(shipped, ready, Outcome.NOT_FOUND)
    assert [row["order_id"] for row in rows_of(page_at_end(START, run))] == [3]
    page = page_at_end(START, run, not_cancelable_states=("SHIPPED",))
    not_found, warned = rows_of(page)
    assert (not_found["order_id"], warned["order_id"]) == (3, 1)
    assert "a real run will probably not cancel the order" in warned["remark"]
    assert page["orders_that_deviate"] == 2


def test_each_outcome_that_is_no_success_has_its_place() -> None:
    page = page_at_end(START, finished(*Outcome))
    assert page["orders_that_deviate"] == sum(not outcome.is_success for outcome in Outcome)


def test_of_too_many_those_in_doubt_are_kept() -> None:
    not_found = [result(order_id, Outcome.NOT_FOUND) for order_id in range(1500)]
    page = page_at_end(START, finished(*not_found, result(1500, Outcome.UNKNOWN)))
    assert page["orders_that_deviate"] == 1501
    assert len(page["rows"]) == 1000
    assert rows_of(page)[0]["order_id"] == 1500


@pytest.mark.parametrize(
    ("reason", "correlation_id"), [("", "é" * 500), ("é" * 250, None), ("é" * 100, "é" * 100)]
)
def test_it_is_bounded_in_bytes(reason: str, correlation_id: str | None) -> None:
    orders = [result(n, Outcome.REFUSED, correlation_id=correlation_id) for n in range(1000)]
    orders = [replace(one, reason=f"{one.order_id} {reason}") for one in orders]
    page = page_at_end(START, finished(*orders))
    assert 300 * 1024 < len(json.dumps(page)) < 400 * 1024
    assert 10 < len(page["rows"]) < 1000


def test_texts_of_others_are_cut() -> None:
    refused = replace(result(2, Outcome.REFUSED), reason="x" * 5000)
    page = page_at_end(START, finished(Outcome.CANCELED, refused, stopped="y" * 5000))
    assert max(map(len, page["reasons"])) <= 300
    assert page["stopped"] == "y" * 300


def test_the_end_has_the_fields_of_the_start_and_no_others() -> None:
    start, end = dict(START), dict(page_at_end(START, finished(*Outcome)))
    assert list(end) == list(start)
    assert end["stopped"] is None
    for name in ("version", "orders", "dry_run", "tenant", "admin_url", "remarks"):
        assert end[name] == start[name]


def test_ten_thousand_orders_that_deviate_for_the_same_reason_take_little_room() -> None:
    run = finished(*[Outcome.NOT_ATTEMPTED] * 10_000)
    page = page_at_end(START, run)
    assert page["reasons"] == ["because"]
    assert len(json.dumps(page)) < 128 * 1024


def test_parts_of_an_order_are_told_and_a_whole_one_has_none() -> None:
    run = finished(result(1, Outcome.PARTIALLY_CANCELED), Outcome.NOT_FOUND)
    parts = (PartResult(Outcome.CANCELED, ((4, 2),), 11), PartResult(Outcome.UNKNOWN, ((5, None),)))
    run.ends[1] = replace(run.ends[1], parts=parts)
    of_parts, whole = rows_of(page_at_end(START, run))
    assert of_parts["parts"] == [part.as_row() for part in parts]
    assert whole["parts"] is None
