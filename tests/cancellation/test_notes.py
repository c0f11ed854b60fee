"""A note on an order that a cancel of ours has canceled, and on no other."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping

import pytest

from airflow_provider_oms.api.errors import (
    OmsConflictError,
    OmsError,
    OmsNoResponseError,
    OmsNotSentError,
    OmsServerError,
)
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.values import CancelRequest, OrderId
from airflow_provider_oms.cancellation.notes import LeavesNotes

OPEN, CANCELED = "Accepted", "Cancelled"
REQUEST = CancelRequest("number:7", "Other")


class Client:
    """Answer as a test says: a status, or why there is none."""

    def __init__(self, *answers: str | OmsError, note: OmsError | None = None) -> None:
        self._answers: Iterator[str | OmsError] = iter(answers)
        self._note = note
        self.notes: list[tuple[OrderId, str]] = []

    def _answer(self) -> Order:
        answer = next(self._answers)
        if isinstance(answer, OmsError):
            raise answer
        return Order("a" * 32, answer, answer, {})

    def get_order(self, order_id: OrderId) -> Order:
        return self._answer()

    def find_orders(self, order_ids: Iterable[OrderId]) -> Mapping[OrderId, Order]:
        return {order_id: self._answer() for order_id in order_ids}

    def post_cancel(
        self, request: CancelRequest, *, may_send: Callable[[], bool] | None = None
    ) -> Order:
        assert may_send is None or may_send()
        return self._answer()

    def post_note(self, order_id: OrderId, note: str) -> None:
        self.notes.append((order_id, note))
        if self._note is not None:
            raise self._note


def cancel(calls: LeavesNotes, reads: int = 0) -> None:
    with contextlib.suppress(OmsError):
        calls.post_cancel(REQUEST, may_send=lambda: True)
    for _ in range(reads):
        calls.get_order("number:7")


def test_it_is_left_once_when_the_response_to_the_cancel_shows_it_done() -> None:
    client = Client(CANCELED, CANCELED)
    cancel(LeavesNotes(client, "by run 1"), reads=1)
    assert client.notes == [("number:7", "by run 1")]


@pytest.mark.parametrize(
    "first", [OPEN, OmsNoResponseError("timed out"), OmsServerError("503", http_status=503)]
)
def test_it_is_left_when_a_read_shows_a_cancel_done_that_left(first: str | OmsError) -> None:
    client = Client(first, OPEN, CANCELED, CANCELED)
    cancel(LeavesNotes(client, "by run 1"), reads=3)
    assert client.notes == [("number:7", "by run 1")]


@pytest.mark.parametrize(
    "first", [OmsConflictError("canceled", http_status=409), OmsNotSentError("no route")]
)
def test_none_is_left_where_no_cancel_of_ours_was_taken(first: OmsError) -> None:
    client = Client(first, CANCELED)
    cancel(LeavesNotes(client, "by run 1"), reads=1)
    assert client.notes == []


def test_none_is_left_on_an_order_that_is_only_read() -> None:
    client = Client(CANCELED, CANCELED)
    calls = LeavesNotes(client, "by run 1")
    assert calls.get_order("number:7").is_canceled
    assert calls.find_orders(["number:7"])["number:7"].is_canceled
    assert client.notes == []


def test_that_it_cannot_be_left_is_said_once_and_fails_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = Client(CANCELED, CANCELED, note=OmsConflictError("no notes", http_status=409))
    calls = LeavesNotes(client, "by run 1")
    with caplog.at_level(logging.WARNING):
        assert calls.post_cancel(REQUEST).is_canceled
        assert calls.post_cancel(CancelRequest("number:8", "Other")).is_canceled
    assert [order_id for order_id, _ in client.notes] == ["number:7", "number:8"]
    (said,) = caplog.messages
    assert "number:7" in said
    assert "no notes" in said
