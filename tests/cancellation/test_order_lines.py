"""The line about an order: its state first, then the outcome, and nothing twice."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_oms.api.models import states_shown
from airflow_provider_oms.cancellation.outcomes import CancellationResult, ConfirmedBy, Outcome


def line(outcome: Outcome, reason: str = "", state: str | None = None, **facts: Any) -> str:
    return CancellationResult(
        3000005, outcome, order_state=state, order_status=state, reason=reason, **facts
    ).describe()


SHOWN = states_shown("SHIPPED", "SHIPPED")
FACTS = "(HTTP 200, correlation id c1)"


@pytest.mark.parametrize(
    ("reason", "status", "end"),
    [
        (f"{SHOWN} {FACTS}", 200, f" {FACTS}."),
        ("The OMS refuses this (HTTP 409)", 409, ". The OMS refuses this (HTTP 409)."),
    ],
)
def test_a_shipped_order(reason: str, status: int, end: str) -> None:
    said = line(Outcome.NOT_CANCELABLE, reason, "SHIPPED", http_status=status)
    told = "Order 3000005 is SHIPPED: not_cancelable, a shipped order needs a return"
    assert said == f"{told}{end}"


def test_another_state_that_the_oms_does_not_cancel() -> None:
    said = line(Outcome.NOT_CANCELABLE, "The OMS refuses this", "BACKORDER", http_status=409)
    assert said.startswith(
        "Order 3000005 is BACKORDER: not_cancelable, look at the order in the OMS; a shipped order "
    )


def test_a_guard_says_itself_why_no_cancel_was_sent() -> None:
    reason = f"only_if_states does not name SHIPPED. {SHOWN} {FACTS}"
    assert line(Outcome.NOT_CANCELABLE, reason, "SHIPPED", http_status=200) == (
        f"Order 3000005 is SHIPPED: not_cancelable, only_if_states does not name SHIPPED {FACTS}."
    )


def test_the_state_is_not_repeated_by_the_reason() -> None:
    said = line(Outcome.NOT_CANCELED, f"{SHOWN} {FACTS}", "SHIPPED")
    assert said.count("SHIPPED") == 1
    assert said.endswith(f"which reads the order first {FACTS}.")


def test_both_states_are_named_where_they_differ() -> None:
    result = CancellationResult(
        1, Outcome.CANCELED, ConfirmedBy.READ, order_state="OPEN", order_status="CANCELED"
    )
    assert result.describe() == "Order 1 is OPEN/CANCELED: canceled, after our cancel."


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.NOT_ATTEMPTED, Outcome.NOT_FOUND])
def test_what_was_seen_before_is_no_present_state(outcome: Outcome) -> None:
    said = line(outcome, "No answer came", "READY")
    assert said.startswith(f"Order 3000005: {outcome}, ")


@pytest.mark.parametrize("outcome", [Outcome.CANCELED, Outcome.ALREADY_CANCELED])
def test_a_canceled_order(outcome: Outcome) -> None:
    said = line(outcome, state="CANCELED", looked_up_id="ab12")
    assert said == (f"Order 3000005 is CANCELED: {outcome}, {outcome.remark}. Its id is ab12.")
