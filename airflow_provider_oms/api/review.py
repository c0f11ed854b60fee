"""The orders that a native tenant holds for review, and the events about them. Nothing but reads.

The requests, and the meaning of the responses, are in ``native_review.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from airflow_provider_oms.api.errors import OmsError
from airflow_provider_oms.api.evidence import Evidence

if TYPE_CHECKING:
    from airflow_provider_oms.api.client import OmsClient
    from airflow_provider_oms.api.dialect import ApiCall
    from airflow_provider_oms.api.transport import Response

__all__ = [
    "IN_REVIEW",
    "Event",
    "OmsTooManyError",
    "OrderInReview",
    "Page",
    "ReviewCalls",
    "Reviews",
    "moment_in",
]

#: The status of an order that waits for a person or an integration (Mozu/mozu-storefront-sdk).
IN_REVIEW = "PendingReview"
#: Events that one pull returns at most. A longer list is no list of new events.
MOST_EVENTS = 10_000
# Separate kinds of calls: an application may have the permission for only one of them.
_SEARCH, _EVENTS = "SEARCH", "EVENTS"

_Item = TypeVar("_Item")


class OmsTooManyError(OmsError):
    """Report that there is more than may be read; the part read is not used."""

    evidence = Evidence.REFUSED


@dataclass(frozen=True, slots=True)
class OrderInReview:
    """Hold an order's facts about its review.

    :param order_id: its id.
    :param status: its status.
    :param payload: what ``Kibo`` reads a verdict from: the order's names, its status and the
        results of its validators, without anything of the shopper's.
    :param submitted_at: when it was placed; ``None`` if it does not say.
    """

    order_id: str
    status: str
    payload: Mapping[str, Any]
    submitted_at: datetime | None = None

    @property
    def is_in_review(self) -> bool:
        """Return whether the order waits for its review to end."""
        return self.status.lower() == IN_REVIEW.lower()

    @property
    def results(self) -> frozenset[str]:
        """Return the results of its validators, in a form that can be compared."""
        found = self.payload.get("validationResults")
        return frozenset(map(repr, found)) if isinstance(found, list) else frozenset()


@dataclass(frozen=True, slots=True)
class Event:
    """Hold an event that says that an order is held for review.

    :param event_id: its id.
    :param order_id: the order.
    :param created_at: when Kibo recorded it; ``None`` if it does not say.
    """

    event_id: str
    order_id: str
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[_Item]):
    """Hold one page of the results.

    :param items: those of its entries that count.
    :param length: how many entries it has.
    :param total: how many there are in all pages, from the first one on.
    :param last: the time of its last entry; ``None`` if its entries are not sorted by time.
    """

    items: Sequence[_Item]
    length: int
    total: int
    last: datetime | None = None


class ReviewCalls(Protocol):
    """Define the requests about reviews, and the meaning of the responses."""

    def search_call(self, since: datetime | None, start: int) -> ApiCall:
        """Return the search for orders in review, oldest first.

        :param since: the time of submission from which on; ``None`` for any.
        :param start: how many of them to leave out.
        """

    def orders_in(
        self, answer: Response, start: int, *, secrets: Iterable[str] = ()
    ) -> Page[OrderInReview]:
        """Return the orders of one page.

        :param answer: a complete answer to the search.
        :param start: how many it was asked to leave out.
        :param secrets: strings to keep out of error messages.
        :raises OmsHttpError: one of its kinds, for every other answer.
        """

    def read_call(self, order_id: str) -> ApiCall:
        """Return the call that reads one order.

        :param order_id: the order.
        """

    def order_in(
        self, answer: Response, order_id: str, *, secrets: Iterable[str] = ()
    ) -> OrderInReview:
        """Return the order that an answer holds.

        :param answer: a complete answer to the read.
        :param order_id: the order that was asked for.
        :param secrets: strings to keep out of error messages.
        :raises OmsHttpError: one of its kinds, for every other answer.
        """

    def events_call(self, since: datetime | None, start: int) -> ApiCall:
        """Return the pull of events.

        :param since: the time from which on; ``None`` to ask for all, without a filter.
        :param start: how many of them to leave out.
        """

    def events_in(
        self, answer: Response, start: int, *, is_filtered: bool, secrets: Iterable[str] = ()
    ) -> Page[Event]:
        """Return the events of one page that say that an order is held for review.

        :param answer: a complete answer to the pull.
        :param start: how many it was asked to leave out.
        :param is_filtered: whether it was asked with a filter.
        :param secrets: strings to keep out of error messages.
        :raises OmsHttpError: one of its kinds, for every other answer.
        """


class Reviews:
    """Read a tenant's reviews, each call sent once.

    :param client: the tenant's client.
    :raises OmsInputError: for a translated tenant; nothing was sent.
    """

    def __init__(self, client: OmsClient) -> None:
        self._client = client
        self._calls = client.dialect.review_calls()

    def orders(self, *, at_most: int) -> list[OrderInReview]:
        """Return the orders in review, as a search shows them; it may lag behind.

        An order that leaves its review between two pages moves no other one past the reader: each
        page begins at the time at which the last one ended.

        :param at_most: how many there may be.
        :raises OmsTooManyError: when there are more.
        :raises OmsError: one of its kinds, when the tenant does not show them.
        """
        found: dict[str, OrderInReview] = {}
        since: datetime | None = None
        start = 0
        while True:
            page = self._page_of_orders(since, start)
            found |= {order.order_id: order for order in page.items if order.is_in_review}
            if max(len(found), page.total) > at_most:
                raise OmsTooManyError(
                    f"{max(len(found), page.total)} orders are in {IN_REVIEW}, and max_orders "
                    f"allows {at_most}. Raise max_orders if so many may be in review."
                )
            if start + page.length >= page.total:
                return list(found.values())
            if page.last is not None and (since is None or page.last > since):
                since, start = page.last, 0
            else:
                start += page.length

    def _page_of_orders(self, since: datetime | None, start: int) -> Page[OrderInReview]:
        return self._client.call(
            self._calls.search_call(since, start),
            lambda answer, secrets: self._calls.orders_in(answer, start, secrets=secrets),
            kind=_SEARCH,
        )

    def order(self, order_id: str) -> OrderInReview:
        """Read one order.

        :param order_id: its id.
        :raises OmsError: one of its kinds, for anything but the order that was asked for.
        """
        return self._client.call(
            self._calls.read_call(order_id),
            lambda answer, secrets: self._calls.order_in(answer, order_id, secrets=secrets),
            kind="GET",
        )

    def events(self, since: datetime, *, is_filtered: bool) -> list[Event]:
        """Return the events that say that an order is held for review; one may be there twice.

        :param since: the time from which on; earlier ones may be there as well.
        :param is_filtered: whether the tenant can filter events by topic and time. All are read
            otherwise.
        :raises OmsTooManyError: when there are more than 10,000.
        :raises OmsError: one of its kinds, when the tenant does not show them.
        """
        found: list[Event] = []
        start = 0
        while True:
            page = self._page_of_events(since if is_filtered else None, start)
            if page.total > MOST_EVENTS:
                raise OmsTooManyError(
                    f"The event pull shows {page.total} events, and {MOST_EVENTS} are read at "
                    f"most. Have the tenant filter them, or subscribe to fewer topics."
                )
            found += page.items
            start += page.length
            if start >= page.total:
                return found

    def _page_of_events(self, since: datetime | None, start: int) -> Page[Event]:
        return self._client.call(
            self._calls.events_call(since, start),
            lambda answer, secrets: self._calls.events_in(
                answer, start, is_filtered=since is not None, secrets=secrets
            ),
            kind=_EVENTS,
        )


def moment_in(value: object) -> datetime | None:
    """Return a time in whole milliseconds and UTC; ``None`` for a value that is none.

    :param value: a text in ISO 8601; without a zone, UTC is meant.
    """
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
