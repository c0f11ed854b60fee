"""What the ends of the parts make of the whole: its outcome, whether to retry, and its words."""

from __future__ import annotations

from itertools import combinations_with_replacement

import pytest

from airflow_provider_oms.cancellation.outcomes import WORST_FIRST, ConfirmedBy, Outcome
from airflow_provider_oms.cancellation.parts.results import (
    PartResult,
    PartsResult,
    goes_on_after,
    outcome_of,
)

SUCCESSES = (Outcome.WOULD_CANCEL, Outcome.CANCELED, Outcome.ALREADY_CANCELED)
RETRIED = {Outcome.NOT_CANCELED, Outcome.UNKNOWN, Outcome.NOT_ATTEMPTED}
ENDS = [one for one in Outcome if one is not Outcome.PARTIALLY_CANCELED]
PAIRS = list(combinations_with_replacement(ENDS, 2))
RETRY = "Retry or clear the task: it reads the remaining parts before it sends anything."
NO_RETRY = "Airflow does not retry it. Look at the order in the OMS and correct the task."


def of(*ends: Outcome, is_final: bool = False, outcome: Outcome | None = None) -> PartsResult:
    parts = tuple(PartResult(end, ((line, 1),), 11) for line, end in enumerate(ends, start=1))
    return PartsResult(7, outcome or outcome_of(parts), parts, is_final=is_final)


@pytest.mark.parametrize("ends", PAIRS)
def test_two_parts_end_as_the_worse_or_in_part(ends: tuple[Outcome, Outcome]) -> None:
    successes = [end for end in ends if end in SUCCESSES]
    if len(successes) == 2:
        expected = min(ends, key=SUCCESSES.index)
    elif successes:
        expected = Outcome.PARTIALLY_CANCELED
    else:
        expected = min(ends, key=WORST_FIRST.index)
    assert of(*ends).outcome is of(*reversed(ends)).outcome is expected


@pytest.mark.parametrize("ends", PAIRS)
def test_a_retry_helps_where_one_of_them_may_be_retried_and_none_is_forbidden(
    ends: tuple[Outcome, Outcome],
) -> None:
    result = of(*ends)
    expected = bool(RETRIED & set(ends)) and Outcome.FORBIDDEN not in ends
    assert result.may_be_retried is expected
    assert not of(*ends, is_final=True).may_be_retried


@pytest.mark.parametrize("outcome", ENDS)
def test_where_no_part_was_begun_the_outcome_decides(outcome: Outcome) -> None:
    assert of(outcome=outcome).may_be_retried is (outcome in RETRIED)
    assert not of(outcome=outcome, is_final=True).may_be_retried


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("is_final", [False, True])
def test_its_line_says_what_to_do_unless_it_is_a_success(outcome: Outcome, is_final: bool) -> None:
    result = of(Outcome.UNKNOWN, outcome=outcome, is_final=is_final)
    remark = (
        ", a retry repeats none of the parts that are canceled"
        if outcome is Outcome.PARTIALLY_CANCELED
        else ""
    )
    advice = "" if outcome in SUCCESSES else f" {NO_RETRY if is_final else RETRY}"
    beginning = f"Order 7: {outcome.value}{remark}. Shipment 11, 1 of line 1: unknown."
    assert result.describe() == beginning + advice


def test_its_line_names_each_part_with_its_reason() -> None:
    parts = (
        PartResult(Outcome.CANCELED, ((1, 2), ("a", None)), reason="A read showed it."),
        PartResult(Outcome.NOT_CANCELABLE, (), 12, reason="It has left"),
    )
    for reason in ("Nothing was sent", "Nothing was sent.", "Nothing was …"):
        result = PartsResult(7, outcome_of(parts), parts, reason=reason)
        assert result.explanation == (
            f"{reason.removesuffix('.')}{'' if reason.endswith('…') else '.'} "
            "2 of line 1, line a: canceled (A read showed it). "
            "Shipment 12: not_cancelable (It has left)."
        )


@pytest.mark.parametrize("outcome", Outcome)
def test_the_next_part_is_tried_unless_the_cause_is_not_the_part(outcome: Outcome) -> None:
    of_the_part = {Outcome.NOT_CANCELABLE, Outcome.NOT_FOUND, Outcome.REFUSED}
    assert goes_on_after(outcome) is (outcome in {*SUCCESSES, *of_the_part})


@pytest.mark.parametrize("by", [None, *ConfirmedBy])
@pytest.mark.parametrize("shipment", [None, 11])
def test_a_row_is_read_back_as_it_was(by: ConfirmedBy | None, shipment: int | None) -> None:
    part = PartResult(Outcome.CANCELED, ((1, 2), ("a", None)), shipment, by, "c0ffee")
    assert PartResult.of_row(part.as_row()) == part
    assert part.as_dict() == {
        "shipment": shipment,
        "lines": [{"line": 1, "quantity": 2}, {"line": "a", "quantity": None}],
        "outcome": "canceled",
        "confirmed_by": by and by.value,
        "correlation_id": "c0ffee",
        "reason": "",
    }
