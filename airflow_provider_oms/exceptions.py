"""The errors that tasks raise: which of them Airflow may retry is said by their base class.

The errors of the client live in ``api/errors.py``; of these, only ``get_order`` and the raw client
let any reach a task.
"""

from __future__ import annotations

from typing import Self

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_provider_oms.cancellation.outcomes import CancellationResult

__all__ = [
    "OmsCancellationError",
    "OmsCancellationRefusedError",
    "OmsUnsendableError",
    "cancellation_error",
]


class OmsUnsendableError(AirflowFailException, ValueError):
    """Report that the input or the connection is invalid; nothing was sent, and no retry helps."""


class OmsCancellationError(AirflowException):
    """Report an order that did not end canceled; Airflow may retry the task.

    :param result: how the cancellation ended.
    """

    def __init__(self, result: CancellationResult) -> None:
        super().__init__(result.describe())
        self.result = result

    def __reduce__(self) -> tuple[type[Self], tuple[CancellationResult]]:
        # An exception is unpickled from its text, which is not what this one is made of.
        return type(self), (self.result,)


class OmsCancellationRefusedError(OmsCancellationError, AirflowFailException):
    """Report an order that cannot be canceled without a person's help; Airflow does not retry.

    :param result: how the cancellation ended.
    """


def cancellation_error(result: CancellationResult) -> OmsCancellationError:
    """Return the error for a cancellation that did not succeed.

    :param result: how it ended.
    :return: an error that Airflow retries if that can help, or else one that it does not.
    """
    retryable = result.outcome.may_be_retried
    return OmsCancellationError(result) if retryable else OmsCancellationRefusedError(result)
