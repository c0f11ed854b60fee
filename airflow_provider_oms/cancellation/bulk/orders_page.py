"""The data of the *Orders* page about a run, beside its journal: one JSON value of a bounded size.

The page itself is in ``www/``. It takes the outcome of each order from the journal, and from here
how many orders there are, and the details of those that are not canceled.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd
from airflow_provider_oms.cancellation.bulk.report import FinishedRun, is_probably_refused
from airflow_provider_oms.cancellation.bulk.results import details_of
from airflow_provider_oms.cancellation.outcomes import WORST_FIRST, CancellationResult, Outcome

if TYPE_CHECKING:
    from airflow_provider_oms.cancellation.parts.results import PartRow

__all__ = ["PAGE_KEY", "OrdersPage", "page_at_end", "page_at_start"]

#: The key of the value in XCom.
PAGE_KEY = "oms_orders"

_VERSION = 1
_MOST_ORDERS = 1000
_MOST_BYTES = 384 * 1024
_LONGEST_REASON = 300
_PROBABLY_REFUSED = (
    "This tenant is known to refuse a cancellation from this state, so a real run will probably "
    "not cancel the order. Remove it from the set."
)


class OrdersPage(TypedDict):
    """Describe the data of the page.

    ``outcomes`` is ``None`` until the run is over. ``orders_that_deviate`` counts all that are not
    canceled, or in a dry run probably would not be. ``rows`` holds the first of them as lists,
    whose fields ``columns`` names; ``reason`` and ``remark`` are indices into ``reasons``.
    ``remarks`` tells by outcome what to do, and a row's own ``remark`` replaces it. ``parts`` is
    ``None`` for a whole order.
    """

    version: int
    orders: int
    dry_run: bool
    tenant: str
    admin_url: str | None
    outcomes: dict[str, int] | None
    accepted: list[str]
    stopped: str | None
    orders_that_deviate: int
    remarks: dict[str, str]
    columns: list[str]
    reasons: list[str]
    rows: list[list[Any]]


def page_at_start(orders: int, *, dry_run: bool, tenant: str, admin_url: str | None) -> OrdersPage:
    """Return the data known before the first request.

    :param orders: number of orders in the set.
    :param dry_run: whether nothing is to be posted.
    :param tenant: host, environment and tenant in a phrase.
    :param admin_url: the connection's, with ``{order_id}`` in place of the id; ``None`` for
        none.
    :return: a value without rows.
    """
    return {
        "version": _VERSION,
        "orders": orders,
        "dry_run": dry_run,
        "tenant": tenant,
        "admin_url": admin_url,
        "outcomes": None,
        "accepted": [],
        "stopped": None,
        "orders_that_deviate": 0,
        "remarks": {one.value: _sentence(one.remark) for one in Outcome if not one.is_success},
        "columns": [],
        "reasons": [],
        "rows": [],
    }


def page_at_end(
    page: OrdersPage, run: FinishedRun, *, not_cancelable_states: Collection[str] = ()
) -> OrdersPage:
    """Return the data known when a run is over.

    :param page: the earlier data.
    :param run: the run.
    :param not_cancelable_states: states from which the tenant is known to refuse a cancellation.
    :return: a value of less than 400 KiB as JSON, with up to 1,000 rows.
    """
    deviating = _that_deviate(run.ends, not_cancelable_states)
    reasons: dict[str, int] = {}
    columns: list[str] = []
    rows: list[list[Any]] = []
    size = 0
    for end in deviating[:_MOST_ORDERS]:
        texts = {"reason": end.result.reason[:_LONGEST_REASON], "remark": _own_remark(end.result)}
        details = details_of(end)
        for name, text in texts.items():
            if text is not None and text not in reasons:
                # Orders that deviate for the same reason share its text.
                size += len(json.dumps(text))
                reasons[text] = len(reasons)
            details[name] = None if text is None else reasons[text]
        details["parts"] = _parts_of(end)
        columns, row = list(details), list(details.values())
        size += len(json.dumps(row))
        if size > _MOST_BYTES:
            break
        rows.append(row)
    return {
        **page,
        "outcomes": {outcome.value: count for outcome, count in run.tally.counts.most_common()},
        "accepted": sorted(run.tally.accepted_counts),
        "stopped": run.stopped[:_LONGEST_REASON] if run.stopped else None,
        "orders_that_deviate": len(deviating),
        "columns": columns,
        "reasons": list(reasons),
        "rows": rows,
    }


def _that_deviate(
    ends: Mapping[Any, OrderEnd], not_cancelable_states: Collection[str]
) -> list[OrderEnd]:
    found: Iterable[OrderEnd] = (
        end
        for end in ends.values()
        if not end.result.outcome.is_success
        or is_probably_refused(end.result, not_cancelable_states)
    )
    return sorted(found, key=lambda end: WORST_FIRST.index(end.result.outcome))


def _parts_of(end: OrderEnd) -> list[PartRow] | None:
    if end.parts is None:
        return None
    # Their reasons are in that of the order.
    return [part.as_row() for part in end.parts]


def _own_remark(result: CancellationResult) -> str | None:
    """Return what to do where the outcome alone does not tell it."""
    if result.outcome is Outcome.WOULD_CANCEL:
        return _PROBABLY_REFUSED
    return None if result.remark == result.outcome.remark else _sentence(result.remark)


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."
