"""The order search of the translated API: its requests, and the trusted parts of its response.

Path and envelope are here alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from airflow_provider_oms.api.dialect import Parse
from airflow_provider_oms.api.errors import (
    OmsConflictError,
    OmsHttpError,
    OmsNotFoundError,
    OmsRefusedError,
    OmsSearchError,
    OmsUnexpectedResponseError,
    OmsWrongServerError,
)
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.responses import correlation_id_of, describe_body, error_of
from airflow_provider_oms.api.transport import Response
from airflow_provider_oms.api.values import OrderId

__all__ = ["MOST_PER_BATCH", "found_in", "search_path"]

#: The most orders that one page of a search holds (Kibo's "Search for Order" page).
MOST_PER_BATCH = 100
# Documented with a slash before the parameters, and with lists that are separated by commas.
_SEARCH_PATH = "/api/v2/order/?orderID={order_ids}&perPage={most}&page=1"


# Responses of a search that is missing, or not as documented; they prove nothing about an order.
_NO_SEARCH = (OmsConflictError, OmsNotFoundError, OmsRefusedError)
_OF_THE_CALLER = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def search_path(order_ids: Collection[OrderId]) -> str:
    """Return path and query of the search for some orders.

    :param order_ids: their ids, at most 100.
    """
    return _SEARCH_PATH.format(order_ids=",".join(map(str, order_ids)), most=MOST_PER_BATCH)


def found_in(
    answer: Response,
    asked: Collection[OrderId],
    parse: Parse,
    *,
    hint: str,
    secrets: Iterable[str] = (),
) -> dict[OrderId, Order]:
    """Return the orders that an answer to a search holds, or raise the error that it means.

    An entry that is no order is left out, and so is an order about which the answer contradicts
    itself: the rest is still valid for each order. But an order that was not asked for makes it
    the answer to another question, so none of it is trusted.

    The envelope, ``{"totalCount": n, "collection": [...]}``, is that of the shipment search, which
    the order search most likely shares; no other is guessed.

    :param answer: a complete answer to a search.
    :param asked: the orders that were asked for.
    :param parse: reads an order from one entry.
    :param hint: what to do when no OMS answers at this address.
    :param secrets: strings to keep out of error messages.
    :return: each order that can be believed, by its id; those that are missing may exist.
    :raises OmsSearchError: when the tenant has no such search.
    :raises OmsHttpError: one of its kinds, for a failure that may pass.
    """
    secrets = tuple(secrets)
    if not answer.is_success:
        raise _failure_of(answer, secrets, hint)
    document = answer.json() if answer.complete else None
    # The JSON value null is no list of orders either, but nothing that passes.
    if document is None and answer.body.strip() != b"null":
        raise _unlike(OmsUnexpectedResponseError, describe_body(answer), answer, secrets)
    entries = _entries_of(document)
    if entries is None:
        raise _unlike(OmsSearchError, "something else", answer, secrets)
    if len(entries) > MOST_PER_BATCH:
        raise _unlike(OmsSearchError, f"more than {MOST_PER_BATCH} orders", answer, secrets)
    read = _orders_in(entries, answer, parse, secrets)
    if entries and not read:
        raise _unlike(OmsSearchError, "a list of something else", answer, secrets)
    if any(order.order_id not in asked for order in read):
        raise _unlike(OmsSearchError, "orders that were not asked for", answer, secrets)
    return _without_contradictions(read)


def _failure_of(answer: Response, secrets: Sequence[str], hint: str) -> OmsHttpError:
    error = error_of(answer, secrets=secrets, hint=hint)
    is_foreign = isinstance(error, OmsWrongServerError) and answer.status not in _OF_THE_CALLER
    if not isinstance(error, _NO_SEARCH) and not is_foreign:
        return error
    message = "The tenant has no search for orders, or another than the documented one"
    return error.restated(OmsSearchError, message, retry_after=error.retry_after)


def _unlike(
    kind: type[OmsHttpError], found: str, answer: Response, secrets: Sequence[str]
) -> OmsHttpError:
    return kind(
        f"The search for orders answered with success, but with {found} instead of a list of the "
        "orders asked for",
        http_status=answer.status,
        correlation_id=correlation_id_of(answer, secrets),
    )


def _entries_of(document: object) -> list[Any] | None:
    if not isinstance(document, dict):
        return None
    count, entries = document.get("totalCount"), document.get("collection")
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        return None
    return entries if isinstance(entries, list) else None


def _orders_in(
    entries: Iterable[object], answer: Response, parse: Parse, secrets: Sequence[str]
) -> list[Order]:
    correlation_id = correlation_id_of(answer, secrets)
    orders = (
        parse(entry, http_status=answer.status, correlation_id=correlation_id) for entry in entries
    )
    return [replace(order, age=answer.age) for order in orders if order is not None]


def _without_contradictions(read: Iterable[Order]) -> dict[OrderId, Order]:
    found: dict[OrderId, Order] = {}
    contradicted = set()
    for order in read:
        # Compared without what else the OMS says about the order.
        if found.setdefault(order.order_id, order) != order:
            contradicted.add(order.order_id)
    return {order_id: order for order_id, order in found.items() if order_id not in contradicted}
