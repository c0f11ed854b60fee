"""A verdict's own rules."""

from __future__ import annotations

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.verdicts.verdict import Decision, OmsVerdictError, Verdict


def test_a_decision_is_read_from_its_word() -> None:
    assert [Decision(word) for word in ("cancel", "keep", "pending")] == list(Decision)


def test_a_refused_payload_counts_as_invalid_input_that_was_never_sent() -> None:
    error = OmsVerdictError("decision", "a known word", "a text")
    assert isinstance(error, OmsInputError)
    assert not error.was_sent
    assert error.order is None
    assert OmsVerdictError("decision", "a known word", "a text", 7).order == 7


def test_two_verdicts_that_say_the_same_are_equal() -> None:
    assert Verdict(7, Decision.KEEP) == Verdict(7, Decision.KEEP)
    assert Verdict(7, Decision.KEEP) != Verdict("7", Decision.KEEP)
