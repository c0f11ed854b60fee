"""The order search of the native API: its requests, and the trusted parts of its response."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from airflow_provider_oms.api.dialect import Parse
from airflow_provider_oms.api.errors import (
    OmsAnotherTenantError,
    OmsConflictError,
    OmsHttpError,
    OmsNotFoundError,
    OmsRefusedError,
    OmsSearchError,
    OmsUnexpectedResponseError,
    OmsWrongServerError,
)
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.native_rules import OrderKey, Reference
from airflow_provider_oms.api.responses import correlation_id_of, describe_body, error_of
from airflow_provider_oms.api.transport import Response
from airflow_provider_oms.api.values import OrderId

__all__ = [
    "MOST_PER_PAGE",
    "NO_SEARCH_HERE",
    "SEARCH_ANSWERED",
    "Expected",
    "found_elsewhere",
    "found_in",
    "of_another_tenant",
    "only_one_in",
    "page_in",
    "search_query",
    "unlike",
]

#: Kibo's pages hold up to 200 orders; a filter of so many ids still fits into an address.
MOST_PER_PAGE = 50
# One would do. More show that there are several, and leave room for those of other sites.
_HITS_OF_ONE = 20
_SEVERAL = 2
#: What happened where the address itself is not known.
NO_SEARCH_HERE = (
    "The OMS has no search for orders at this address; check the connection's host and its path, "
    "as airflow oms check does"
)
#: The search as the subject of a message.
SEARCH_ANSWERED = "The search for orders answered"
_FIELDS = {
    OrderKey.ID: "id",
    OrderKey.NUMBER: "orderNumber",
    OrderKey.EXTERNAL_ID: "externalId",
}
_NO_SEARCH = (OmsConflictError, OmsNotFoundError, OmsRefusedError)


@dataclass(frozen=True, slots=True)
class Expected:
    """Hold the facts that must hold for an order that can have been asked for.

    :param tenant_id: its tenant; empty for any.
    :param site_id: its site; ``None`` for any.
    """

    tenant_id: str
    site_id: str | None = None

    def is_tenant_of(self, document: Mapping[str, Any]) -> bool:
        """Return whether an order does not name another tenant.

        :param document: the order.
        """
        tenant = document.get("tenantId")
        return tenant is None or not self.tenant_id or str(tenant) == str(int(self.tenant_id))

    def is_site_of(self, document: Mapping[str, Any]) -> bool:
        """Return whether an order is one of the site that is meant.

        :param document: the order.
        """
        return self.site_id is None or str(document.get("siteId")) == str(int(self.site_id))

    def is_said_by(self, document: Mapping[str, Any]) -> bool:
        """Return whether an order names its tenant and site, as far as that matters.

        :param document: the order.
        """
        wanted = (("tenantId", self.tenant_id), ("siteId", self.site_id))
        return all(document.get(field) is not None for field, value in wanted if value)


def search_query(references: Collection[Reference]) -> str:
    """Return the part of an address that asks for some orders.

    :param references: what names them; their values hold nothing that a filter gives a meaning to.
    """
    terms = (f"{_FIELDS[one.key]} eq {one.value}" for one in references)
    size = _HITS_OF_ONE if len(references) == 1 else 2 * len(references)
    return f"filter={quote(' or '.join(terms), safe='')}&pageSize={size}"


def only_one_in(
    answer: Response,
    reference: Reference,
    expected: Expected,
    *,
    parse: Parse,
    hint: str,
    secrets: Iterable[str] = (),
) -> Order:
    """Return the one order that an answer to a search holds, or raise the error that it means.

    :param answer: a complete answer.
    :param reference: the name of the order.
    :param expected: the facts that must hold for it.
    :param parse: reads an order.
    :param hint: what to do when no OMS answers at this address.
    :param secrets: strings to keep out of error messages.
    :raises OmsNotFoundError: when there is none.
    :raises OmsRefusedError: when there are several.
    :raises OmsHttpError: one of its kinds, for every other answer.
    """
    secrets = tuple(secrets)
    if not answer.is_success:
        # An order that is not there has an empty page.
        error = error_of(answer, secrets=secrets, hint=hint, not_found=NO_SEARCH_HERE)
        raise _of_the_search(error)
    page = page_in(answer, SEARCH_ANSWERED, secrets)
    hits = _hits_in(page, answer, [reference], expected, parse, secrets)
    orders: dict[OrderId, Order] = {}
    for hit in hits.get(reference, ()):
        # Compared without what else the OMS says about the order.
        if orders.setdefault(hit.order_id, hit) != hit:
            raise unlike(SEARCH_ANSWERED, "an order that is in two states", answer, secrets)
    facts: dict[str, Any] = {
        "http_status": answer.status,
        "correlation_id": correlation_id_of(answer, secrets),
    }
    # More of them than a page holds are several, too.
    if len(orders) < _SEVERAL:
        _expect_all(page, answer, secrets)
    if not orders:
        where = _where_it_was_searched(reference, expected)
        raise OmsNotFoundError(f"The OMS knows no order with {_named(reference)}{where}", **facts)
    if len(orders) >= _SEVERAL:
        raise OmsRefusedError(
            f"{len(orders)} orders have {_named(reference)}; name the order by its id, or give the "
            f"connection a site_id",
            **facts,
        )
    (order,) = orders.values()
    return order


def of_another_tenant(
    answer: Response, order_id: OrderId, *, secrets: Iterable[str] = ()
) -> OmsAnotherTenantError:
    """Return the error that an order of another tenant means, which a gateway may show.

    :param answer: the answer that holds it.
    :param order_id: the order that was asked for.
    :param secrets: strings to keep out of the message.
    :return: the error, to be raised by the caller.
    """
    return OmsAnotherTenantError(
        f"The OMS answered with an order of another tenant for {order_id}; check the connection's "
        f"tenant_id and host, and where the id comes from",
        http_status=answer.status,
        correlation_id=correlation_id_of(answer, secrets),
    )


def found_in(
    answer: Response,
    asked: Mapping[Reference, OrderId],
    expected: Expected,
    *,
    parse: Parse,
    hint: str,
    secrets: Iterable[str] = (),
) -> dict[OrderId, Order]:
    """Return the orders that an answer to a search for several holds.

    :param answer: a complete answer.
    :param asked: the orders that were asked for, by what names them.
    :param expected: the facts that must hold for each.
    :param parse: reads an order.
    :param hint: what to do when no OMS answers at this address.
    :param secrets: strings to keep out of error messages.
    :return: each order of which there is one; those that are missing may exist.
    :raises OmsSearchError: when the tenant does not take such a search.
    :raises OmsHttpError: one of its kinds, for a failure that may pass.
    """
    secrets = tuple(secrets)
    if not answer.is_success:
        error = error_of(answer, secrets=secrets, hint=hint)
        if isinstance(error, _NO_SEARCH):
            message = "The tenant does not take a search for several orders"
            raise error.restated(OmsSearchError, message)
        raise error
    page = page_in(answer, SEARCH_ANSWERED, secrets)
    hits = _hits_in(page, answer, asked, expected, parse, secrets)
    _expect_all(page, answer, secrets)
    return {asked[one]: orders[0] for one, orders in hits.items() if len(orders) == 1}


def page_in(answer: Response, what: str, secrets: Sequence[str]) -> Mapping[str, Any]:
    """Return the document of an answer, which has a list of ``items``.

    :param answer: a complete answer with success.
    :param what: what answered, for the error.
    :param secrets: strings to keep out of it.
    :raises OmsUnexpectedResponseError: when there is no such list.
    """
    document = answer.json() if answer.complete else None
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        raise unlike(what, describe_body(answer), answer, secrets)
    return document


def _expect_all(page: Mapping[str, Any], answer: Response, secrets: Sequence[str]) -> None:
    """Refuse a page that does not hold all that was found."""
    count, entries = page.get("totalCount"), page["items"]
    if isinstance(count, bool) or count != len(entries):
        raise unlike(SEARCH_ANSWERED, "only a part of the orders found", answer, secrets)


def _named(reference: Reference) -> str:
    return f"{_FIELDS[reference.key]} {reference.value}"


def _where_it_was_searched(reference: Reference, expected: Expected) -> str:
    """Return which orders that may be meant did not count."""
    parts = []
    if expected.site_id is not None:
        parts.append(f"only site {expected.site_id}, which site_id names, was searched")
    if reference.key is OrderKey.EXTERNAL_ID:
        parts.append("letter case counts")
    return "".join(f"; {part}" for part in parts)


def _of_the_search(error: OmsHttpError) -> OmsHttpError:
    """Return the error of a failed search for one order; it proves nothing about the order."""
    if not isinstance(error, OmsConflictError):
        return error
    return error.restated(OmsRefusedError, "The OMS refuses the search for the order")


def _hits_in(
    page: Mapping[str, Any],
    answer: Response,
    asked: Collection[Reference],
    expected: Expected,
    parse: Parse,
    secrets: Sequence[str],
) -> dict[Reference, list[Order]]:
    """Return the orders that a search has found for each reference.

    An order that was not asked for makes it the answer to another question, of which nothing is
    believed.
    """
    hits: dict[Reference, list[Order]] = {}
    correlation_id = correlation_id_of(answer, secrets)
    for entry in page["items"]:
        if isinstance(entry, dict) and not expected.is_tenant_of(entry):
            raise found_elsewhere(answer, secrets)
        order = parse(entry, http_status=answer.status, correlation_id=correlation_id)
        # Kibo compares without letter case; two names that differ in it are two names.
        names = [one for one in asked if _is_named(entry, one, exactly=False)]
        if order is None or not names:
            raise unlike(SEARCH_ANSWERED, "something that was not asked for", answer, secrets)
        if not expected.is_said_by(entry):
            raise unlike(SEARCH_ANSWERED, "an order that does not say whose it is", answer, secrets)
        if expected.is_site_of(entry):
            for one in names:
                if _is_named(entry, one, exactly=True):
                    hits.setdefault(one, []).append(replace(order, age=answer.age))
    return hits


def _is_named(entry: object, reference: Reference, *, exactly: bool) -> bool:
    value = entry.get(_FIELDS[reference.key]) if isinstance(entry, dict) else None
    if isinstance(value, bool) or not isinstance(value, str | int):
        return False
    given, wanted = str(value), reference.value
    if reference.key is OrderKey.ID:
        return given.replace("-", "").lower() == wanted
    return given == wanted if exactly else given.lower() == wanted.lower()


def found_elsewhere(answer: Response, secrets: Sequence[str]) -> OmsWrongServerError:
    """Return the error for a search that shows another tenant's order; asking again is no help.

    :param answer: the answer.
    :param secrets: strings to keep out of the message.
    :return: the error, to be raised by the caller.
    """
    return OmsWrongServerError(
        f"{SEARCH_ANSWERED} with an order of another tenant; check the connection's tenant_id and "
        f"host",
        http_status=answer.status,
        correlation_id=correlation_id_of(answer, secrets),
    )


def unlike(what: str, found: str, answer: Response, secrets: Sequence[str]) -> OmsHttpError:
    """Return the error for a successful response with other content than was asked for.

    :param what: the call that answered.
    :param found: the content of the answer.
    :param answer: the answer.
    :param secrets: strings to keep out of the message.
    :return: the error, to be raised by the caller.
    """
    return OmsUnexpectedResponseError(
        f"{what} with success, but with {found}",
        http_status=answer.status,
        correlation_id=correlation_id_of(answer, secrets),
    )
