"""A note on each order that our cancel has canceled: once, and never a reason to fail."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from airflow_provider_oms.api.errors import OmsError
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.values import CancelRequest, OrderId
from airflow_provider_oms.cancellation.clock import seconds
from airflow_provider_oms.cancellation.runner import Runtime

__all__ = ["LeavesNotes"]

_logger = logging.getLogger(__name__)

# These say that the OMS has not taken the note, and may take it another time. A 403 on a native
# tenant is a permission that is missing, and not a token that has expired.
_TURNED_AWAY = frozenset(
    {
        Evidence.THROTTLED,
        Evidence.UNAUTHENTICATED,
        Evidence.NEVER_SENT,
        Evidence.LOCKED,
        Evidence.MISDIRECTED,
    }
)
_SHORTEST_PAUSE, _LONGEST_PAUSE = 1.0, 15.0


class NoteCalls(Protocol):
    """Name the calls of a client that also leaves notes."""

    def get_order(self, order_id: OrderId, /) -> Order:
        """Read one order."""

    def find_orders(self, order_ids: Iterable[OrderId], /) -> Mapping[OrderId, Order]:
        """Read orders by one search."""

    def post_cancel(
        self, request: CancelRequest, /, *, may_send: Callable[[], bool] | None = None
    ) -> Order:
        """Send one cancel."""

    def post_note(self, order_id: OrderId, note: str, /) -> None:
        """Leave a note on an order."""


@dataclass(frozen=True, slots=True)
class _Late:
    """Hold a note that the OMS turned away.

    :param order_id: the order.
    :param not_before: when it may be sent again.
    :param error: what turned it away.
    """

    order_id: OrderId
    not_before: float
    error: OmsError


class LeavesNotes:
    """Make the calls of a client, and leave a note where a response shows our cancel done.

    A cancel that the OMS refused gets no note. A task that is interrupted between the cancel and
    its note leaves none, because a second note would be worse. For the same reason only a note that
    the OMS turned away is sent again. That happens when all else is done, so that no cancel waits
    for a note.

    :param calls: the client.
    :param note: the note; ``None`` for none.
    :param clock: monotonic seconds.
    """

    def __init__(
        self, calls: NoteCalls, note: str | None, clock: Callable[[], float] = seconds
    ) -> None:
        self._calls = calls
        self._note = note
        self._clock = clock
        self._sent: set[OrderId] = set()
        # Workers append to it, and only their end lets anything be taken out.
        self._late: deque[_Late] = deque()
        self._has_failed = False

    def get_order(self, order_id: OrderId) -> Order:
        """Read one order.

        :param order_id: the order.
        """
        order = self._calls.get_order(order_id)
        self._leave_note_if_done(order_id, order)
        return order

    def find_orders(self, order_ids: Iterable[OrderId]) -> Mapping[OrderId, Order]:
        """Read orders by one search.

        :param order_ids: the orders.
        """
        return self._calls.find_orders(order_ids)

    def post_cancel(
        self, request: CancelRequest, *, may_send: Callable[[], bool] | None = None
    ) -> Order:
        """Send one cancel.

        :param request: the cancellation.
        :param may_send: asked before it leaves.
        """
        try:
            order = self._calls.post_cancel(request, may_send=may_send)
        except OmsError as error:
            if error.evidence is Evidence.AMBIGUOUS:
                self._sent.add(request.order_id)
            raise
        self._sent.add(request.order_id)
        self._leave_note_if_done(request.order_id, order)
        return order

    def _leave_note_if_done(self, order_id: OrderId, order: Order) -> None:
        if not order.is_canceled or order_id not in self._sent:
            return
        self._sent.discard(order_id)
        self._leave_note(order_id)

    def _leave_note(self, order_id: OrderId) -> bool:
        """Leave a note, and return whether the OMS did not reject it."""
        if self._note is None:
            return True
        try:
            self._calls.post_note(order_id, self._note)
        except OmsError as error:
            if error.evidence in _TURNED_AWAY:
                # A token that has expired is replaced at once.
                least = 0.0 if error.evidence is Evidence.UNAUTHENTICATED else _SHORTEST_PAUSE
                not_before = self._clock() + max(error.retry_after or 0.0, least)
                self._late.append(_Late(order_id, not_before, error))
                return False
            self._give_up(order_id, error)
        return True

    def leave_late_notes(self, at_most: float, around: Runtime, *, pause: float = 0.0) -> None:
        """Leave the notes that the OMS turned away; to be called when all cancels have ended.

        :param at_most: seconds that it may take.
        :param around: time, and the end.
        :param pause: seconds between two of them at least.
        """
        until = around.clock() + at_most
        failures = 0
        while self._late:
            late = self._late[0]
            backoff = min(2.0 ** min(failures - 1, 10), _LONGEST_PAUSE) if failures else pause
            due = max(late.not_before, around.clock() + backoff)
            if due >= until:
                break
            if (wait := due - around.clock()) >= 1:
                _logger.info(
                    "The note on order %s is sent again in %.0f s: %s",
                    *(late.order_id, wait, late.error.message),
                )
            around.sleep(wait)
            if around.is_stopping():
                break
            self._late.popleft()
            failures = 0 if self._leave_note(late.order_id) else failures + 1
        while self._late:
            late = self._late.popleft()
            self._give_up(late.order_id, late.error)

    def _give_up(self, order_id: OrderId, error: OmsError) -> None:
        if self._has_failed:
            return
        self._has_failed = True
        _logger.warning(
            "The note on order %s could not be left, which changes nothing else; others are not "
            "mentioned: %s",
            order_id,
            error.message,
        )
