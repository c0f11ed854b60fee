"""The requests to a native tenant about reviews, and the parts of its responses that are trusted.

The calls are those of Kibo's API description (KiboSoftware/kibo-open-api-specs): the order search,
Get Order, and the event pull. By which fields the pull can be filtered is not published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from airflow_provider_oms.api.dialect import ApiCall
from airflow_provider_oms.api.errors import OmsConflictError, OmsNotFoundError, OmsRefusedError
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.native_rules import OrderKey, refer
from airflow_provider_oms.api.native_search import (
    NO_SEARCH_HERE,
    SEARCH_ANSWERED,
    Expected,
    found_elsewhere,
    page_in,
    unlike,
)
from airflow_provider_oms.api.responses import error_of
from airflow_provider_oms.api.review import IN_REVIEW, Event, OrderInReview, Page, moment_in
from airflow_provider_oms.api.transport import Response

__all__ = ["NativeReview"]

_ORDERS = "/api/commerce/orders"
_EVENTS = "/api/event/pull"
# Kibo's pages hold up to 200 entries.
_PAGE = 200
_TOPIC = "order.pendingreview"
_NAMES = ("id", "orderNumber", "externalId", "status", "submittedDate")
_RESULTS = "validationResults"
# A result's messages are free text, and stay with Kibo's admin.
_OF_A_RESULT = ("validationId", "validatorName", "validatorType", "status", "createdDate")
_FIELDS = ",".join((*_NAMES, "tenantId", "siteId", _RESULTS))
_SEARCH_FIELDS = f"totalCount,items({_FIELDS})"
_EVENT_FIELDS = "totalCount,items(id,tenantId,siteId,topic,entityId,isTest,auditInfo)"
_REFUSALS = (OmsConflictError, OmsNotFoundError, OmsRefusedError)


class NativeReview:
    """Speak the part of the native API that is about reviews.

    :param expected: the facts that must hold for an order.
    :param order_in: returns the order that an answer to a read holds, or raises the error that it
        means.
    :param hint: what to do when no OMS answers at this address.
    """

    def __init__(self, expected: Expected, order_in: Callable[..., Order], hint: str) -> None:
        self._expected = expected
        self._order_in = order_in
        self._hint = hint

    def search_call(self, since: datetime | None, start: int) -> ApiCall:
        """Return ``GET /api/commerce/orders?filter=status eq PendingReview…``.

        :param since: the time of submission from which on; ``None`` for any.
        :param start: how many of them to leave out.
        """
        terms = f"status eq {IN_REVIEW}"
        if since is not None:
            terms += f" and submittedDate ge {_time(since)}"
        return _paged(_ORDERS, start, _SEARCH_FIELDS, filter=terms, sortBy="submittedDate asc")

    def orders_in(
        self, answer: Response, start: int, *, secrets: Iterable[str] = ()
    ) -> Page[OrderInReview]:
        """Return the orders of one page; see :class:`.review.ReviewCalls`.

        :param answer: a complete answer to the search.
        :param start: how many it was asked to leave out.
        :param secrets: strings to keep out of error messages.
        :raises OmsHttpError: one of its kinds, for every other answer.
        """
        secrets = tuple(secrets)
        what = SEARCH_ANSWERED
        refusal = "The OMS refuses the search for orders"
        page = self._page_in(answer, start, what, refusal, secrets, not_found=NO_SEARCH_HERE)
        orders = []
        times = []
        for entry in page["items"]:
            document = entry if isinstance(entry, dict) else {}
            order_id, status = _id_in(document.get("id")), document.get("status")
            if order_id is None or not isinstance(status, str):
                raise unlike(what, "something that is no order", answer, secrets)
            if not self._expected.is_tenant_of(document):
                raise found_elsewhere(answer, secrets)
            if not self._expected.is_said_by(document):
                raise unlike(what, "an order that does not say whose it is", answer, secrets)
            order = _order(order_id, status, document)
            times.append(order.submitted_at)
            if self._expected.is_site_of(document):
                orders.append(order)
        return Page(orders, len(times), page["totalCount"], _last_of(times))

    def read_call(self, order_id: str) -> ApiCall:
        """Return ``GET /api/commerce/orders/{orderId}``.

        :param order_id: the order.
        """
        return ApiCall("GET", f"{_ORDERS}/{order_id}?responseFields={_quoted(_FIELDS)}")

    def order_in(
        self, answer: Response, order_id: str, *, secrets: Iterable[str] = ()
    ) -> OrderInReview:
        """Return the order that an answer holds; see :class:`.review.ReviewCalls`.

        :param answer: a complete answer to the read.
        :param order_id: the order that was asked for.
        :param secrets: strings to keep out of error messages.
        :raises OmsHttpError: one of its kinds, for every other answer.
        """
        order = self._order_in(answer, order_id, secrets=secrets)
        return _order(order_id, order.order_status or "", order.raw)

    def events_call(self, since: datetime | None, start: int) -> ApiCall:
        """Return ``GET /api/event/pull``.

        :param since: the time from which on; ``None`` to ask for all, without a filter.
        :param start: how many of them to leave out.
        """
        if since is None:
            return _paged(_EVENTS, start, _EVENT_FIELDS)
        terms = f"topic eq {_TOPIC} and createDate ge {_time(since)}"
        return _paged(_EVENTS, start, _EVENT_FIELDS, filter=terms, sortBy="createDate asc")

    def events_in(
        self, answer: Response, start: int, *, is_filtered: bool, secrets: Iterable[str] = ()
    ) -> Page[Event]:
        """Return the events of one page; see :class:`.review.ReviewCalls`.

        An event only says which order to read, so one that cannot be read is left out: the search
        finds its order.

        :param answer: a complete answer to the pull.
        :param start: how many it was asked to leave out.
        :param is_filtered: whether it was asked with a filter.
        :param secrets: strings to keep out of error messages.
        :raises OmsHttpError: one of its kinds, for every other answer.
        """
        refusal = "The OMS refuses the event pull"
        if is_filtered:
            refusal += "; set filter_events to False if the tenant cannot filter events"
        page = self._page_in(answer, start, "The event pull answered", refusal, tuple(secrets))
        events = [event for entry in page["items"] if (event := self._event(entry)) is not None]
        return Page(events, len(page["items"]), page["totalCount"])

    def _page_in(
        self,
        answer: Response,
        start: int,
        what: str,
        refusal: str,
        secrets: tuple[str, ...],
        *,
        not_found: str = "",
    ) -> Mapping[str, Any]:
        if not answer.is_success:
            error = error_of(answer, secrets=secrets, hint=self._hint)
            if isinstance(error, OmsNotFoundError):
                refusal = not_found or refusal
            is_refusal = isinstance(error, _REFUSALS)
            raise error.restated(OmsRefusedError, refusal) if is_refusal else error
        page = page_in(answer, what, secrets)
        total = page.get("totalCount")
        if isinstance(total, bool) or not isinstance(total, int) or total < len(page["items"]):
            raise unlike(what, "no count of the orders found", answer, secrets)
        if not page["items"] and start < total:
            raise unlike(what, "an empty page where more was found", answer, secrets)
        return page

    def _event(self, entry: object) -> Event | None:
        document = entry if isinstance(entry, dict) else {}
        event_id, order_id = document.get("id"), _id_in(document.get("entityId"))
        topic, is_test = document.get("topic"), document.get("isTest") is True
        is_ours = self._expected.is_tenant_of(document) and self._expected.is_site_of(document)
        is_readable = isinstance(event_id, str) and order_id is not None and not is_test
        if not (isinstance(topic, str) and topic.lower() == _TOPIC and is_ours and is_readable):
            return None
        times = document.get("auditInfo")
        created = times.get("createDate") if isinstance(times, dict) else None
        return Event(str(event_id), str(order_id), moment_in(created))


def _last_of(times: Sequence[datetime | None]) -> datetime | None:
    """Return the last of some times if they are sorted, for only then none comes before it."""
    known = [time for time in times if time is not None]
    is_sorted = len(known) == len(times) and known == sorted(known)
    return known[-1] if known and is_sorted else None


def _id_in(value: object) -> str | None:
    try:
        reference = refer(value)
    except ValueError:
        return None
    return reference.value if reference.key is OrderKey.ID else None


def _order(order_id: str, status: str, document: Mapping[str, Any]) -> OrderInReview:
    results = document.get(_RESULTS)
    if isinstance(results, list):
        # A value that is no object stays unreadable, and is never shown.
        results = [
            {name: one.get(name) for name in _OF_A_RESULT} if isinstance(one, dict) else None
            for one in results
        ]
    else:
        results = None
    payload = {name: document.get(name) for name in _NAMES} | {_RESULTS: results}
    payload["id"] = order_id
    return OrderInReview(order_id, status, payload, moment_in(document.get("submittedDate")))


def _paged(path: str, start: int, fields: str, **parameters: str) -> ApiCall:
    given = {**parameters, "startIndex": str(start), "pageSize": str(_PAGE)}
    query = "&".join(f"{name}={_quoted(value)}" for name, value in given.items())
    return ApiCall("GET", f"{path}?{query}&responseFields={_quoted(fields)}")


def _quoted(text: str) -> str:
    return quote(text, safe=",()")


def _time(moment: datetime) -> str:
    """Return a time as Kibo writes it, rounded down to milliseconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
