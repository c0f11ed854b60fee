"""A note on each order that a cancel of ours has canceled: once, and never a reason to fail."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from airflow_provider_oms.api.errors import OmsError
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.values import CancelRequest, OrderId

__all__ = ["LeavesNotes"]

_logger = logging.getLogger(__name__)


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


class LeavesNotes:
    """Make the calls of a client, and leave a note where a response shows our cancel done.

    A cancel that the OMS refused gets no note. A task that is interrupted between the cancel and
    its note leaves none, because a second note would be worse.

    :param calls: the client.
    :param note: the note.
    """

    def __init__(self, calls: NoteCalls, note: str) -> None:
        self._calls = calls
        self._note = note
        self._sent: set[OrderId] = set()
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
        try:
            self._calls.post_note(order_id, self._note)
        except OmsError as error:
            if not self._has_failed:
                self._has_failed = True
                _logger.warning(
                    "The note on order %s could not be left, which changes nothing else; others "
                    "are not mentioned: %s",
                    order_id,
                    error.message,
                )
