"""Which results are of one validator: where that is not clear, no failed check cancels."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_oms.verdicts.adapters import Kibo
from airflow_provider_oms.verdicts.verdict import Decision, OmsVerdictError

NINE, TEN, ELEVEN = (f"2026-11-28T{hour:02}:00:00Z" for hour in (9, 10, 11))
ORDER = "137a94b6402be0000137196800002711"


def result(status: str, name: Any, at: str, kind: str = "Fraud") -> dict[str, Any]:
    return {"status": status, "validatorName": name, "validatorType": kind, "createdDate": at}


def decided(*results: dict[str, Any]) -> Decision:
    payload = {"id": ORDER, "status": "PendingReview", "validationResults": [*results]}
    (one, other) = (
        Kibo()({**payload, "validationResults": each}) for each in ([*results], [*results][::-1])
    )
    assert one == other
    return one.decision


def refusal(*results: dict[str, Any]) -> OmsVerdictError:
    with pytest.raises(OmsVerdictError) as refused:
        decided(*results)
    assert refused.value.order == ORDER
    return refused.value


@pytest.mark.parametrize("name", ["Kount ", " Kount", "kount", "KOUNT", "Ko unt", "Kount\u200b"])
@pytest.mark.parametrize("word", ["Pass", "Review", "Error"])
@pytest.mark.parametrize("at", [NINE, TEN])
def test_a_later_result_under_almost_the_same_name_is_refused(
    name: str, word: str, at: str
) -> None:
    for failed, later in ((name, "Kount"), ("Kount", name)):
        error = refusal(result("Fail", failed, NINE), result(word, later, at))
        assert error.field == "validationResults"
        assert f"{later!r}, which differs from {failed!r} by letter case or blanks" in error.kind


@pytest.mark.parametrize("name", [None, "", " \t"])
def test_a_later_result_without_a_name_may_be_of_the_validator_that_failed(name: str) -> None:
    for failed, later in ((name, "Kount"), ("Kount", name)):
        error = refusal(result("Fail", failed, NINE), result("Pass", later, TEN))
        assert error.kind == "one without a name that may be of the validator of another one"
    assert decided(result("Fail", name, NINE), result("Pass", None, TEN)) is Decision.KEEP


@pytest.mark.parametrize(
    "others",
    [
        [result("Pass", "Kount ", NINE)],
        [result("Fail", "Kount ", ELEVEN)],
        [result("Pass", "Cybersource", ELEVEN)],
        [result("Pass", "Kount ", ELEVEN), result("Fail", "Cybersource", NINE)],
    ],
)
def test_a_failure_that_stands_under_every_reading_of_the_names_cancels(
    others: list[dict[str, Any]],
) -> None:
    assert decided(result("Fail", "Kount", TEN), *others) is Decision.CANCEL


def test_names_that_are_alike_do_not_matter_where_nothing_failed() -> None:
    assert decided(result("Pass", "Kount", NINE), result("Pass", "kount", TEN)) is Decision.KEEP
    results = [result("Fail", "Kount", NINE), result("Pass", "Kount", TEN)]
    assert decided(*results, result("Pass", "kount", ELEVEN)) is Decision.KEEP


def test_a_name_is_shown_escaped_and_cut() -> None:
    long = "K" * 100
    error = refusal(result("Fail", long, NINE), result("Pass", f"{long}\n", TEN))
    assert len(error.kind) < 200
    assert error.kind.isprintable()


@pytest.mark.parametrize("kind", ["fraud", "Fraud "])
def test_a_later_result_under_almost_the_same_type_is_refused(kind: str) -> None:
    error = refusal(result("Fail", "Kount", NINE), result("Pass", "Kount", TEN, kind))
    assert error.field.endswith("validatorType")
    assert repr(kind) in error.kind


def test_a_result_of_quite_another_type_does_not_keep_a_failed_check_from_canceling() -> None:
    results = [result("Fail", "Kount", NINE), result("Pass", "Kount", TEN, "Address")]
    assert decided(*results) is Decision.CANCEL
