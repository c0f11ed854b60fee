"""Which orders in review to read, and which to report, decided from events, searches and reads.

Events come late, twice or never, and a search lags behind. So both only name orders to read, and
only a read of the order is reported. Nothing here is kept beyond a restart: a restarted watch
finds every order that is still in review, and reports it once more.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from airflow_provider_oms.api.review import Event, OrderInReview
from airflow_provider_oms.verdicts.verdict import Payload

__all__ = ["Pace", "ReviewWatch"]

_LONGEST_PAUSE = 600.0


class Pace:
    """Say when something is to be asked again.

    :param interval: seconds from one answer to the next question.
    :param pause: seconds after the first failure; each further one doubles them, up to ten minutes
        or the interval, if that is longer.
    """

    def __init__(self, interval: float, pause: float) -> None:
        self._interval = interval
        self._pause = pause
        self._failures = 0
        #: When to ask, in seconds of the caller's clock.
        self.due_at = float("-inf")

    def answered(self, now: float) -> None:
        """Note that the question was answered.

        :param now: the caller's clock.
        """
        self._failures = 0
        self.due_at = now + self._interval

    def failed(self, now: float, retry_after: float | None = None) -> None:
        """Note that the question was not answered.

        :param now: the caller's clock.
        :param retry_after: seconds that the OMS asked to wait, if it did.
        """
        pause = self._pause * 2.0 ** min(self._failures, 32)
        self._failures += 1
        pause = min(pause, max(self._interval, _LONGEST_PAUSE))
        self.due_at = now + max(pause, retry_after or 0.0)


class ReviewWatch:
    """Find orders in review whose results have changed since they were reported.

    Two invariants make it lose none. An order that an event or a search names is waiting until it
    was read. An order that was reported is read again as soon as there is another event about it,
    or a search shows other results.

    :param overlap: how much later than it was created an event may appear.
    :param now: the time, with a time zone.
    """

    def __init__(self, overlap: timedelta, now: datetime) -> None:
        self._overlap = overlap
        self._newest = now
        self._seen: dict[str, datetime] = {}
        self._waiting: dict[str, datetime] = {}
        self._reported: dict[str, frozenset[str]] = {}

    @property
    def since(self) -> datetime:
        """Return from when on events are needed."""
        return self._newest - self._overlap

    @property
    def waiting(self) -> list[str]:
        """Return the orders to read, first come first."""
        return list(self._waiting)

    def on_events(self, events: Iterable[Event], now: datetime) -> None:
        """Note the orders of new events.

        :param events: the tenant's events, in any order; others than those since :attr:`since`
            do not count.
        :param now: the time before they were asked for.
        """
        since = self.since
        for event in events:
            created_at = event.created_at or now
            if created_at >= since and event.event_id not in self._seen:
                self._seen[event.event_id] = created_at
                self._waiting.setdefault(event.order_id, now)
                # Its review may have ended and begun again since it was reported.
                self._reported.pop(event.order_id, None)
                # The event of a clock that is ahead must not hide those that come until then.
                self._newest = max(self._newest, min(created_at, now))
        self._seen = {key: time for key, time in self._seen.items() if time >= self.since}

    def on_search(self, orders: Iterable[OrderInReview], now: datetime) -> None:
        """Note the orders whose results are not those that were reported.

        :param orders: all that a search shows.
        :param now: the time before it was asked.
        """
        shown = {order.order_id: order.results for order in orders}
        for order_id, results in shown.items():
            if self._reported.get(order_id) != results:
                self._waiting.setdefault(order_id, now)
        # An order that comes back is reported again.
        self._reported = {key: one for key, one in self._reported.items() if key in shown}

    def on_read(self, order: OrderInReview) -> Payload | None:
        """Decide whether to report an order.

        :param order: the order as read.
        :return: the event to report; ``None`` for an order that is not in review, and for one whose
            results were reported before.
        """
        self._waiting.pop(order.order_id, None)
        if not order.is_in_review:
            self._reported.pop(order.order_id, None)
            return None
        if self._reported.get(order.order_id) == order.results:
            return None
        self._reported[order.order_id] = order.results
        return order.payload

    def on_trouble(self, order_id: str) -> None:
        """Note that an order could not be read now; it is read again after the others.

        :param order_id: the order.
        """
        self._waiting[order_id] = self._waiting.pop(order_id)

    def on_missing(self, order_id: str, now: datetime) -> bool:
        """Note that the tenant does not know an order, which may not be readable yet.

        :param order_id: the order.
        :param now: the time.
        :return: whether it is read again. A search may still show it after that.
        """
        began_at = self._waiting.pop(order_id, now)
        if now - began_at > self._overlap:
            return False
        self._waiting[order_id] = began_at
        return True
