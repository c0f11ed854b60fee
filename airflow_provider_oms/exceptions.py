"""The errors that tasks raise: which of them Airflow may retry is said by their base class.

The errors of the client live in ``api/errors.py``; of these, only ``get_order`` and the raw client
let any reach a task.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_provider_oms.api.errors import OmsConfigError, OmsInputError
from airflow_provider_oms.cancellation.outcomes import CancellationResult
from airflow_provider_oms.cancellation.parts.results import PartsResult

__all__ = [
    "OmsApprovalError",
    "OmsApprovalTimeoutError",
    "OmsBulkCancellationError",
    "OmsBulkCancellationRefusedError",
    "OmsCancellationError",
    "OmsCancellationRefusedError",
    "OmsInvalidInputError",
    "OmsOrderStateError",
    "OmsPartsCancellationError",
    "OmsPartsCancellationRefusedError",
    "OmsTriggerEventError",
    "OmsUnsettledVerdictsError",
    "OmsVerdictStateError",
    "bulk_cancellation_error",
    "cancellation_error",
    "invalid_input_is_final",
    "parts_cancellation_error",
]


class OmsInvalidInputError(AirflowFailException, ValueError):
    """Report that the input or the connection is invalid; nothing was sent, and no retry helps."""


class OmsCancellationError(AirflowException):
    """Report an order that did not end canceled; Airflow may retry the task.

    :param result: how the cancellation ended.
    """

    def __init__(self, result: CancellationResult) -> None:
        super().__init__(result.describe())
        self.result = result

    def __reduce__(self) -> tuple[type[Self], tuple[CancellationResult]]:
        # An exception is unpickled from its text, but this one is made from a result.
        return type(self), (self.result,)


class OmsCancellationRefusedError(OmsCancellationError, AirflowFailException):
    """Report an order that cannot be canceled without a person's help; Airflow does not retry.

    :param result: how the cancellation ended.
    """


class OmsPartsCancellationError(AirflowException):
    """Report parts of an order that did not all end canceled; Airflow may retry the task.

    :param result: how the cancellation of each part ended.
    """

    def __init__(self, result: PartsResult) -> None:
        super().__init__(result.describe())
        self.result = result

    def __reduce__(self) -> tuple[type[Self], tuple[PartsResult]]:
        return type(self), (self.result,)


class OmsPartsCancellationRefusedError(OmsPartsCancellationError, AirflowFailException):
    """Report parts of an order that no retry can cancel without a person's help.

    :param result: how the cancellation of each part ended.
    """


class OmsBulkCancellationError(AirflowException):
    """Report a set of orders of which some did not end canceled; Airflow may retry the task."""


class OmsBulkCancellationRefusedError(OmsBulkCancellationError, AirflowFailException):
    """Report a set of which no order can still be canceled without a person's help; no retry."""


class OmsApprovalError(AirflowFailException):
    """Report a set whose cancellation no answer of a person covers; nothing was sent, no retry."""


class OmsApprovalTimeoutError(OmsApprovalError):
    """Report that no person has answered in time, which means no; nothing was sent."""


class OmsUnsettledVerdictsError(AirflowFailException):
    """Report rejected orders that are not canceled, or events that are no verdicts; no retry."""


class OmsVerdictStateError(AirflowException):
    """Report that the state of an inbox of verdicts was not kept; Airflow may retry."""


class OmsOrderStateError(AirflowFailException):
    """Report that an order will not come to the state waited for; Airflow does not retry."""


class OmsTriggerEventError(AirflowException):
    """Report that a trigger came back with something else than it sends; Airflow may retry."""


def cancellation_error(result: CancellationResult) -> OmsCancellationError:
    """Return the error for a cancellation that did not succeed.

    :param result: how it ended.
    :return: an error that Airflow retries if that can help, or else one that it does not.
    """
    retryable = result.outcome.may_be_retried
    return OmsCancellationError(result) if retryable else OmsCancellationRefusedError(result)


def parts_cancellation_error(result: PartsResult) -> OmsPartsCancellationError:
    """Return the error for parts of an order that did not all end canceled.

    :param result: how they ended.
    :return: an error that Airflow retries if that can help, or else one that it does not.
    """
    retryable = result.may_be_retried
    return (OmsPartsCancellationError if retryable else OmsPartsCancellationRefusedError)(result)


def bulk_cancellation_error(message: str, *, can_retry: bool) -> OmsBulkCancellationError:
    """Return the error for a failed run over a set.

    :param message: why the task fails.
    :param can_retry: whether another attempt can help without a person's intervention.
    :return: an error that Airflow retries if that can help, or else one that it does not.
    """
    return (OmsBulkCancellationError if can_retry else OmsBulkCancellationRefusedError)(message)


@contextmanager
def invalid_input_is_final() -> Iterator[None]:
    """Turn an error of input or settings into one that Airflow does not retry.

    It would stay wrong, and a retry would only repeat the message.

    :raises OmsInvalidInputError: for an ``OmsInputError`` or an ``OmsConfigError``.
    """
    try:
        yield
    except (OmsInputError, OmsConfigError) as error:
        raise OmsInvalidInputError(error.message) from None
