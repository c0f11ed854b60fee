"""The facts in every error of the client: whether a request has left, and its evidence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_oms.api import errors
from airflow_provider_oms.api.errors import (
    OmsCredentialsError,
    OmsError,
    OmsNamedTwiceError,
    OmsNotSentError,
)
from airflow_provider_oms.api.evidence import Evidence


def kinds(base: type[OmsError] = OmsError) -> Iterator[type[OmsError]]:
    for kind in base.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield kind
        yield from kinds(kind)


@pytest.mark.parametrize("kind", list(dict.fromkeys(kinds())))
def test_what_was_never_sent_and_what_is_about_a_token_did_not_leave(kind: type[OmsError]) -> None:
    # The token endpoint was called, and the search for an order's id; the cancel was not sent.
    others = (OmsCredentialsError, OmsNamedTwiceError)
    stayed = kind.evidence is Evidence.NEVER_SENT or issubclass(kind, others)
    assert kind.was_sent is not stayed


def test_a_call_that_did_not_leave_knows_nothing_that_it_was_not_told() -> None:
    error = OmsNotSentError("no way")
    assert (error.host, error.reason, error.retry_after) == (None, "", None)
    assert not (error.unresolved)
    assert not (error.refused_certificate)
    assert not (error.lacks_scheme)
