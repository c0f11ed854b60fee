"""A note on an order that our cancel has canceled, and on no other."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest

from airflow_provider_oms.api.errors import (
    OmsConflictError,
    OmsError,
    OmsForbiddenError,
    OmsNoResponseError,
    OmsNotSentError,
    OmsServerError,
    OmsThrottledError,
    OmsUnauthorizedError,
)
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.values import CancelRequest, OrderId
from airflow_provider_oms.cancellation.notes import LeavesNotes
from airflow_provider_oms.cancellation.runner import Runtime

OPEN, CANCELED = "Accepted", "Cancelled"
REQUEST = CancelRequest("number:7", "Other")


class Client:
    """Answer as a test says: a status, or why there is none."""

    def __init__(
        self, *answers: str | OmsError, note: OmsError | None = None, turned_away: int = -1
    ) -> None:
        self._answers: Iterator[str | OmsError] = iter(answers)
        self._note = note
        # How many notes meet the error, from the first on; -1 for all.
        self._turned_away = turned_away
        self.notes: list[tuple[OrderId, str]] = []
        self.now = 0.0
        self.noted_at: list[float] = []

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
        if may_send is not None and not may_send():
            raise OmsNotSentError("too late")
        return self._answer()

    def post_note(self, order_id: OrderId, note: str) -> None:
        self.notes.append((order_id, note))
        self.noted_at.append(self.now)
        if self._note is not None and self._turned_away != 0:
            self._turned_away -= 1
            raise self._note

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


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


def test_a_cancel_that_may_not_leave_any_more_does_not() -> None:
    client = Client(CANCELED)
    with pytest.raises(OmsNotSentError):
        LeavesNotes(client, "by run 1").post_cancel(REQUEST, may_send=lambda: False)
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


def throttled(seconds: float | None = None) -> OmsError:
    return OmsThrottledError("not now", http_status=429, retry_after=seconds)


EXPIRED = OmsUnauthorizedError("expired", http_status=401)


def finish(
    client: Client, *, orders: int = 1, at_most: float = 120.0, stops_at: float = 1e9, **more: Any
) -> None:
    """Cancel orders, whose notes meet the client's replies, and leave those that are late."""
    calls = LeavesNotes(client, "by run 1", client.clock)
    for number in range(orders):
        calls.post_cancel(CancelRequest(f"number:{number}", "Other"))
    around = Runtime(client.clock, client.sleep, lambda: client.now >= stops_at)
    calls.leave_late_notes(at_most, around, **more)


class TestANoteThatWasTurnedAway:
    @pytest.mark.parametrize(
        ("error", "noted_at"),
        [
            (EXPIRED, [0, 0]),
            (throttled(), [0, 1]),
            (throttled(0), [0, 1]),
            (throttled(60), [0, 60]),
            (OmsNotSentError("no route"), [0, 1]),
        ],
    )
    def test_it_is_left_when_all_else_is_done(
        self, error: OmsError, noted_at: list[float], caplog: pytest.LogCaptureFixture
    ) -> None:
        client = Client(CANCELED, note=error, turned_away=1)
        finish(client)
        assert [name for name, _ in client.notes] == ["number:0"] * 2
        assert client.noted_at == noted_at
        assert not [one for one in caplog.records if one.levelno >= logging.WARNING]

    def test_pauses_grow_and_the_time_for_all_of_them_is_bounded(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        client = Client(CANCELED, note=throttled())
        finish(client, at_most=40)
        assert client.noted_at == [0, 1, 2, 4, 8, 16, 31]
        (said,) = [one for one in caplog.records if one.levelno >= logging.WARNING]
        assert "number:0 could not be left" in said.getMessage()

    def test_it_is_not_waited_for_longer_than_there_is_time(self) -> None:
        client = Client(CANCELED, note=throttled(60))
        finish(client, at_most=60)
        assert client.noted_at == [0]
        assert client.now == 0

    @pytest.mark.parametrize(
        "error",
        [
            OmsNoResponseError("timed out"),
            OmsServerError("failed", http_status=503),
            OmsConflictError("no notes", http_status=409),
            OmsForbiddenError("no permission", http_status=403),
        ],
    )
    def test_one_that_may_be_there_or_is_refused_is_never_sent_again(self, error: OmsError) -> None:
        client = Client(CANCELED, note=error)
        finish(client)
        assert client.noted_at == [0]

    def test_those_of_a_set_follow_each_other_at_its_rate(self) -> None:
        client = Client(*[CANCELED] * 4, note=throttled(), turned_away=3)
        finish(client, orders=4, pause=0.5)
        assert [name for name, _ in client.notes] == [
            *(f"number:{n}" for n in range(4)),
            *(f"number:{n}" for n in range(3)),
        ]
        assert client.noted_at == [0, 0, 0, 0, 1.0, 1.5, 2.0]

    def test_a_task_that_is_told_to_end_leaves_none(self) -> None:
        client = Client(CANCELED, CANCELED, note=throttled(5))
        finish(client, orders=2, stops_at=3)
        assert client.noted_at == [0, 0]


def test_without_a_note_none_is_left() -> None:
    client = Client(CANCELED)
    assert LeavesNotes(client, None).post_cancel(REQUEST).is_canceled
    assert client.notes == []
