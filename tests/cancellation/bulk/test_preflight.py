"""One read before a run: anything that an OMS says lets it begin, whatever it says of the order."""

from __future__ import annotations

import logging
import time

import pytest
from bulk_runs import Tenant

from airflow_provider_oms.api.errors import (
    OmsConflictError,
    OmsError,
    OmsForbiddenError,
    OmsNotFoundError,
    OmsNotSentError,
    OmsRedirectedError,
    OmsRefusedError,
    OmsServerError,
)
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.validation import CancelRequest
from airflow_provider_oms.cancellation.bulk.preflight import first_read
from airflow_provider_oms.cancellation.history import Policy, Reply

REQUEST = CancelRequest(7, "other", "Fraud")


def read_with(tenant: Tenant, *, is_stopping: bool = False) -> Reply | None:
    """Return what came back, or nothing if it was the OMS that answered."""
    read, is_answered = first_read(
        tenant,
        REQUEST,
        Policy(),
        log=logging.getLogger(__name__),
        is_stopping=lambda: is_stopping,
    )
    return None if is_answered else read.reply


@pytest.mark.parametrize(
    "error",
    [
        None,
        OmsNotFoundError("no such order", http_status=404),
        OmsConflictError("shipped", http_status=409),
        OmsRefusedError("no such order", http_status=400),
    ],
)
def test_whatever_an_oms_says_of_the_order_lets_the_run_begin(error: OmsError | None) -> None:
    tenant = Tenant(read=lambda _: error)
    assert read_with(tenant) is None
    assert [(call.method, call.order_id) for call in tenant.seen] == [("GET", 7)]


def test_a_refusal_of_the_connection_ends_it_at_once() -> None:
    tenant = Tenant(read=lambda _: OmsForbiddenError("no permission", http_status=403))
    reply = read_with(tenant)
    assert reply is not None
    assert reply.evidence is Evidence.FORBIDDEN
    assert len(tenant.seen) == 1


@pytest.mark.slow
def test_a_fault_that_passes_is_waited_for() -> None:
    errors = [
        OmsServerError("busy", http_status=503),
        OmsRedirectedError("maintenance", http_status=302),
        OmsNotSentError("refused"),
        None,
    ]
    tenant = Tenant(read=lambda _: errors.pop(0))
    assert read_with(tenant) is None
    assert len(tenant.seen) == 4


def test_who_is_told_to_end_does_not_wait() -> None:
    tenant = Tenant(read=lambda _: OmsNotSentError("refused"))
    began_at = time.monotonic()
    reply = read_with(tenant, is_stopping=True)
    assert reply is not None
    assert reply.evidence is Evidence.NEVER_SENT
    assert time.monotonic() - began_at < 1
