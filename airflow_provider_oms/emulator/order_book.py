"""The tenant's orders: loading them, showing them, finding them, canceling one.

A request has been read and checked before it comes here; how a refusal looks is not decided here.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from airflow_provider_oms.emulator.cancel_rules import Cancel
from airflow_provider_oms.emulator.errors import ApiError, OmsCode
from airflow_provider_oms.emulator.sample_orders import is_canceled, make_order, mark_canceled
from airflow_provider_oms.emulator.search_rules import Search
from airflow_provider_oms.emulator.settings import Settings
from airflow_provider_oms.emulator.store import Store
from airflow_provider_oms.emulator.wire import MAX_ID, dump_json, load_json

# A cancel may have been taken and not show yet.
_SHOWN: Final = "CASE WHEN shows_at > :now THEN earlier ELSE representation END"
# A search may lag behind that. What it shows meanwhile is nothing at all for a new order.
_FOUND: Final = f"CASE WHEN search_lags_until > :now THEN searched ELSE {_SHOWN} END"
_FOUND_STATUS: Final = (
    "CASE WHEN search_lags_until > :now THEN json_extract(searched, '$.orderStatus')"
    " WHEN shows_at > :now THEN json_extract(earlier, '$.orderStatus') ELSE order_status END"
)
_SUMMARY: Final = """
SELECT order_id, representation, times_canceled, disposition_reason, disposition_other_reason,
    (SELECT count(*) FROM requests
     WHERE requests.order_id = orders.order_id AND requests.is_cancel) AS cancel_posts
FROM orders
"""


class OrderBook:
    """Every order of the tenant.

    :param store: the tenant's database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def load(
        self, given: Iterable[Mapping[str, Any]], *, replace: bool, search_lag: float = 0
    ) -> int:
        """Put orders into the book, all of them or none; return how many were written.

        :param given: at least `orderID` of each.
        :param replace: whether an order that is there already starts anew or stays as it is.
        :param search_lag: seconds after which a search shows them.
        """
        conflict = "REPLACE" if replace else "IGNORE"
        written = 0
        with self._store.transaction():
            for one in given:
                order = make_order(one)
                status = order["orderStatus"]
                written += self._store.execute(
                    f"INSERT OR {conflict} INTO orders (order_id, order_status, representation,"  # noqa: S608 - one of two constants
                    " searched, search_lags_until) VALUES (?, ?, ?, ?, ?)",
                    (
                        order["orderID"],
                        status if isinstance(status, str) else None,
                        dump_json(order),
                        *self._lagging(order["orderID"], search_lag),
                    ),
                ).rowcount
        return written

    def text(self, order_id: int, settings: Settings) -> str:
        """Return an order as JSON text.

        :param order_id: which order.
        :param settings: how the tenant answers for an order it does not have.
        """
        text = (
            self._store.value(
                f"SELECT {_SHOWN} FROM orders WHERE order_id = :order_id",  # noqa: S608 - a constant
                {"now": time.time(), "order_id": order_id},
            )
            if order_id <= MAX_ID
            else None
        )
        if text is None:
            status = settings.unknown_order_status
            code = OmsCode.GENERIC_NOT_FOUND if status == 404 else OmsCode.INVALID_ID  # noqa: PLR2004 - HTTP's own number
            message = f"There is no order {str(order_id)[:40]}."
            raise ApiError(status, code, message, error_code="ITEM_NOT_FOUND")
        return str(text)

    def cancel(self, cancel: Cancel, settings: Settings, *, late: float = 0) -> str:
        """Cancel an order at most once and return it, as it shows now, as JSON text.

        :param cancel: the checked request.
        :param settings: which states refuse, and what a second cancel gets.
        :param late: seconds after which the cancellation shows.
        """
        with self._store.transaction():
            text = self.text(cancel.order_id, settings)
            order = load_json(
                self._store.value(
                    "SELECT representation FROM orders WHERE order_id = ?", (cancel.order_id,)
                )
            )
            if is_canceled(order):
                if settings.canceled_order_status == 200:  # noqa: PLR2004 - HTTP's own number
                    return text
                raise _conflict(settings.canceled_order_status, order)
            states = (order["orderState"], order["orderStatus"])
            if any(state in settings.refused_states for state in states):
                raise _conflict(settings.refused_state_status, order)
            mark_canceled(order)
            lag = settings.search_lag and settings.search_lag + late
            self._store.execute(
                "UPDATE orders SET order_status = ?, representation = ?, earlier = ?, shows_at = ?,"
                " searched = ?, search_lags_until = ?, times_canceled = times_canceled + 1,"
                " disposition_reason = ?, disposition_other_reason = ? WHERE order_id = ?",
                (
                    "CANCELED",
                    dump_json(order),
                    text,
                    # No time at all where it shows at once: the clock may be set back.
                    time.time() + late if late else None,
                    *self._lagging(cancel.order_id, lag),
                    cancel.reason,
                    cancel.explanation,
                    cancel.order_id,
                ),
            )
            return self.text(cancel.order_id, settings)

    def _lagging(self, order_id: int, lag: float) -> tuple[str | None, float | None]:
        """Return what a search goes on to show of an order that is about to change, and until when.

        :param order_id: which order.
        :param lag: for how many seconds.
        """
        if not lag:
            return None, None
        now = time.time()
        found = self._store.value(
            f"SELECT {_FOUND} FROM orders WHERE order_id = :order_id",  # noqa: S608 - a constant
            {"now": now, "order_id": order_id},
        )
        return found, now + lag

    def search(self, search: Search, settings: Settings) -> str:
        """Return one page of the orders found, as the JSON text of the API's envelope.

        :param search: what to find.
        :param settings: in what a search differs from the documented one.
        """
        where = [f"({_FOUND}) IS NOT NULL"]
        if search.order_ids is not None and not settings.search_ignores_ids:
            where.append("order_id IN (SELECT value FROM json_each(:order_ids))")
        if search.statuses is not None:
            where.append(f"{_FOUND_STATUS} IN (SELECT value FROM json_each(:statuses))")  # noqa: S608 - a constant
        if settings.search_leaves_out:
            where.append("order_id % :leaves_out")
        parameters = {
            "now": time.time(),
            "order_ids": dump_json([one for one in search.order_ids or () if one <= MAX_ID]),
            "statuses": dump_json(list(search.statuses or ())),
            "leaves_out": min(settings.search_leaves_out, MAX_ID),
            "limit": search.per_page,
            "offset": min((search.page - 1) * search.per_page, MAX_ID),
        }
        conditions = " AND ".join(where)
        total = self._store.value(f"SELECT count(*) FROM orders WHERE {conditions}", parameters)  # noqa: S608 - made of the constants above
        rows = self._store.execute(
            f"SELECT {_FOUND} FROM orders WHERE {conditions}"  # noqa: S608 - as above
            " ORDER BY order_id LIMIT :limit OFFSET :offset",
            parameters,
        )
        orders = ",".join(text for (text,) in rows)
        if settings.search_shape == "list":
            return f"[{orders}]"
        return f'{{"totalCount":{total},"{settings.search_shape}":[{orders}]}}'

    def summaries(self) -> list[dict[str, Any]]:
        """Return what became of each order, by ascending id, without anything of its shopper."""
        return [_summary(row) for row in self._store.execute(f"{_SUMMARY} ORDER BY order_id")]

    def summary(self, order_id: int) -> dict[str, Any] | None:
        """Return what became of one order, with its whole representation as `order`.

        :param order_id: which order; None comes back for one that is not there.
        """
        if not 1 <= order_id <= MAX_ID:
            return None
        row = self._store.execute(f"{_SUMMARY} WHERE order_id = ?", (order_id,)).fetchone()
        return None if row is None else _summary(row) | {"order": load_json(row[1])}


def _summary(row: Sequence[Any]) -> dict[str, Any]:
    order_id, representation, times_canceled, reason, explanation, cancel_posts = row
    order = load_json(representation)
    return {
        "orderID": order_id,
        "orderState": order["orderState"],
        "orderStatus": order["orderStatus"],
        "cancel_posts": cancel_posts,
        "times_canceled": times_canceled,
        "dispositionReason": reason,
        "dispositionOtherReason": explanation,
    }


def _conflict(status: int, order: Mapping[str, Any]) -> ApiError:
    state = str(order["orderStatus"])[:40]
    message = f"Order {order['orderID']} is {state} and can not be canceled."
    return ApiError(status, OmsCode.GENERIC_BAD_REQUEST, message)
