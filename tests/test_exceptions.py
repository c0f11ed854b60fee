"""The errors survive a process boundary: a scheduler's, a pool's, a @task.virtualenv's."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from airflow_provider_oms.api.errors import (
    OmsConfigError,
    OmsConflictError,
    OmsError,
    OmsHttpError,
    OmsInputError,
    OmsNoResponseError,
    OmsNotFoundError,
    OmsNotSentError,
    OmsRefusedError,
    OmsServerError,
    OmsThrottledError,
    OmsUnauthorizedError,
    OmsUnexpectedResponseError,
)
from airflow_provider_oms.cancellation.outcomes import CancellationResult, ConfirmedBy, Outcome
from airflow_provider_oms.exceptions import OmsInvalidInputError, cancellation_error


def pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - our own bytes


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.NOT_FOUND])
def test_what_became_of_an_order_survives_pickling(outcome: Outcome) -> None:
    error = cancellation_error(CancellationResult(1, outcome, ConfirmedBy.READ, "READY"))
    copy = pickled(error)
    assert type(copy) is type(error)
    assert copy.result == error.result
    assert str(copy) == str(error)


@pytest.mark.parametrize(
    "error",
    [
        OmsConfigError("wrong"),
        OmsInputError("order_id", "an integer", "zero"),
        OmsNoResponseError("no answer").about(7),
        OmsNotSentError("not sent", unresolved=True, retry_after=5),
        OmsConflictError("shipped", http_status=409, oms_code="9", correlation_id="c").about(7),
    ],
)
def test_the_clients_errors_survive_pickling(error: OmsError) -> None:
    copy = pickled(error)
    assert type(copy) is type(error)
    assert (str(copy), copy.args, copy.__dict__) == (str(error), error.args, error.__dict__)


@pytest.mark.parametrize(
    "kind",
    [
        OmsNotFoundError,
        OmsRefusedError,
        OmsConflictError,
        OmsThrottledError,
        OmsServerError,
        OmsUnauthorizedError,
        OmsUnexpectedResponseError,
    ],
)
def test_an_answer_says_which_order_it_was_about_and_what_to_do(kind: type[OmsHttpError]) -> None:
    error = kind("It went wrong", http_status=499).about(7)
    assert str(error) == f"Order 7: It went wrong (HTTP 499). {kind.advice}"
    assert kind.advice.endswith(".")


def test_an_unsendable_error_survives_pickling() -> None:
    assert str(pickled(OmsInvalidInputError("wrong"))) == "wrong"
