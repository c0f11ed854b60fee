"""The tenant's orders: loading them, showing them, finding them, canceling one.

A request has been read and checked before it comes here; how a refusal looks is not decided here.
An order is kept as both dialects show it, and `native.order_book` has the native calls.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from airflow_provider_oms.emulator.calls import OrderIds
from airflow_provider_oms.emulator.cancel_rules import Cancel
from airflow_provider_oms.emulator.errors import ApiError, OmsCode
from airflow_provider_oms.emulator.native.sample_orders import mark_native_canceled
from airflow_provider_oms.emulator.parts import records
from airflow_provider_oms.emulator.parts.records import HAS_CHANGES
from airflow_provider_oms.emulator.parts.samples import make_all
from airflow_provider_oms.emulator.parts.views import native_order, translated_order
from airflow_provider_oms.emulator.sample_orders import is_canceled, mark_canceled
from airflow_provider_oms.emulator.search_rules import Search
from airflow_provider_oms.emulator.settings import Settings
from airflow_provider_oms.emulator.store import Store
from airflow_provider_oms.emulator.wire import MAX_ID, dump_json, load_json

# A cancel may have been taken and not show yet.
SHOWN: Final = "CASE WHEN shows_at > :now THEN earlier ELSE representation END"
NATIVE_SHOWN: Final = "CASE WHEN shows_at > :now THEN native_earlier ELSE native END"
# A search may lag behind that. Until then it shows nothing at all of a new order.
FOUND: Final = f"CASE WHEN search_lags_until > :now THEN searched ELSE {SHOWN} END"
NATIVE_FOUND: Final = (
    f"CASE WHEN search_lags_until > :now THEN native_searched ELSE {NATIVE_SHOWN} END"
)
_FOUND_STATUS: Final = (
    "CASE WHEN search_lags_until > :now THEN json_extract(searched, '$.orderStatus')"
    " WHEN shows_at > :now THEN json_extract(earlier, '$.orderStatus') ELSE order_status END"
)
_SUMMARY: Final = """
SELECT order_id, representation, times_canceled, disposition_reason, disposition_other_reason,
    (SELECT count(*) FROM requests
     WHERE requests.order_id = orders.order_id AND requests.call = 'cancel') AS cancels,
    native_id, order_number, external_id, site_id, json_extract(native, '$.status')
FROM orders
"""


class OrderBook:
    """Every order of the tenant.

    :param store: the tenant's database.
    :param tenant_id: the tenant, which the native ids end in.
    """

    def __init__(self, store: Store, tenant_id: int) -> None:
        self._store = store
        self._tenant_id = tenant_id

    def load(
        self,
        given: Iterable[Mapping[str, Any]],
        *,
        replace: bool,
        search_lag: float = 0,
        numbers: Literal["tenant", "site"] = "tenant",
    ) -> int:
        """Put orders into the book, all of them or none; return how many were written.

        :param given: at least `orderID` of each; under `native`, the fields of the native order.
        :param replace: whether an order that is there already is reset or kept.
        :param search_lag: seconds after which a search shows them.
        :param numbers: where a native order's number is unique.
        """
        conflict = "REPLACE" if replace else "IGNORE"
        written = 0
        with self._store.transaction():
            for one in given:
                order, native, parts = make_all(one, self._tenant_id)
                status = order["orderStatus"]
                is_new = self._store.execute(
                    f"INSERT OR {conflict} INTO orders (order_id, order_status, representation,"  # noqa: S608 - one of two constants
                    " native_id, order_number, external_id, site_id, native, parts,"
                    " searched, native_searched, search_lags_until)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        order["orderID"],
                        status if isinstance(status, str) else None,
                        dump_json(order),
                        native["id"],
                        native["orderNumber"],
                        native["externalId"],
                        native["siteId"],
                        dump_json(native),
                        records.encode(parts),
                        *self._lagging(order["orderID"], search_lag),
                    ),
                ).rowcount
                if is_new:
                    records.begin(self._store, order["orderID"], parts)
                    self._refuse_twin(order["orderID"], native, numbers)
                written += is_new
        return written

    def _refuse_twin(
        self, order_id: int, native: Mapping[str, Any], numbers: Literal["tenant", "site"]
    ) -> None:
        # One query for each index: SQLite takes neither for both at once here.
        for sql, what in (
            ("native_id = :id", f"native.id {native['id']}"),
            (
                "order_number = :orderNumber AND (:anywhere OR site_id = :siteId)",
                f"native.orderNumber {native['orderNumber']}",
            ),
        ):
            twin = self._store.value(
                f"SELECT order_id FROM orders WHERE {sql} AND order_id <> :order_id",  # noqa: S608 - one of two constants
                {**native, "order_id": order_id, "anywhere": numbers == "tenant"},
            )
            if twin is not None:
                raise ValueError(f"orders {twin} and {order_id} can not both have {what}")

    def clear(self) -> int:
        """Remove every order; return how many there were."""
        records.forget_all(self._store)
        return self._store.execute("DELETE FROM orders").rowcount

    def identify(self, order: OrderIds) -> OrderIds | None:
        """Return an order's ids in both dialects; None if the tenant does not have it.

        :param order: one of them.
        """
        row = self._store.execute(
            "SELECT order_id, native_id FROM orders WHERE order_id = ?1 OR native_id = ?2",
            (order.number, order.native),
        ).fetchone()
        return row and OrderIds(*row)

    def text(self, order_id: int, settings: Settings) -> str:
        """Return an order as JSON text.

        :param order_id: which order.
        :param settings: how the tenant answers for an order it does not have.
        """
        row = (
            self._store.execute(
                f"SELECT {SHOWN}, {HAS_CHANGES} FROM orders WHERE order_id = :order_id",  # noqa: S608 - constants
                {"now": time.time(), "order_id": order_id},
            ).fetchone()
            if order_id <= MAX_ID
            else None
        )
        if row is None:
            status = settings.unknown_order_status
            code = OmsCode.GENERIC_NOT_FOUND if status == 404 else OmsCode.INVALID_ID  # noqa: PLR2004 - HTTP's own number
            message = f"There is no order {str(order_id)[:40]}."
            raise ApiError(status, code, message, error_code="ITEM_NOT_FOUND")
        return self._with_changes(order_id, *row)

    def _with_changes(self, order_id: int, text: str, has_changes: int, *, lag: float = 0) -> str:
        """Return the text of an order, with the states of the parts that calls have canceled."""
        if not has_changes:
            return text
        order = load_json(text)
        parts = records.read(self._store, order_id, lag, canceled=is_canceled(order))
        return dump_json(translated_order(order, parts))

    def cancel(self, cancel: Cancel, settings: Settings, *, late: float = 0) -> str:
        """Cancel an order at most once and return it, as it shows now, as JSON text.

        :param cancel: the checked request.
        :param settings: which states refuse, and the response to a second cancel.
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
            self.set_canceled(
                cancel.order_id,
                late=late,
                search_lag=settings.search_lag,
                reasons=(cancel.reason, cancel.explanation),
            )
            return self.text(cancel.order_id, settings)

    def set_canceled(
        self,
        order_id: int,
        *,
        late: float,
        search_lag: float,
        reasons: tuple[str | None, str | None] | None,
        credit: bool = False,
    ) -> None:
        """Make an open order canceled in both dialects; the transaction is the caller's.

        :param order_id: which order.
        :param late: seconds after which it shows.
        :param search_lag: seconds by which a search shows it later than that.
        :param reasons: the two reasons that a call gives; None if no call has asked for it.
        :param credit: whether money that is captured is credited.
        """
        text, native_text = self._store.execute(
            "SELECT representation, native FROM orders WHERE order_id = ?", (order_id,)
        ).fetchone()
        order, native = load_json(text), load_json(native_text)
        mark_canceled(order)
        mark_native_canceled(native, datetime.now(UTC) + timedelta(seconds=late), credit=credit)
        self._store.execute(
            "UPDATE orders SET order_status = ?, representation = ?, native = ?, earlier = ?,"
            " native_earlier = ?, shows_at = ?, searched = ?, native_searched = ?,"
            " search_lags_until = ?, times_canceled = times_canceled + ?,"
            " disposition_reason = ?, disposition_other_reason = ? WHERE order_id = ?",
            (
                "CANCELED",
                dump_json(order),
                dump_json(native),
                text,
                native_text,
                # No time at all where it shows at once: the clock may be set back.
                time.time() + late if late else None,
                *self._lagging(order_id, search_lag and search_lag + late),
                reasons is not None,
                *(reasons or (None, None)),
                order_id,
            ),
        )

    def cancel_by_system(self, order_id: int, *, late: float, search_lag: float) -> bool:
        """Cancel an order without a call, as the OMS does by itself; return whether it was open.

        :param order_id: which order.
        :param late: seconds after which it shows.
        :param search_lag: seconds by which a search shows it later than that.
        """
        with self._store.transaction():
            text = self._store.value(
                "SELECT representation FROM orders WHERE order_id = ?", (order_id,)
            )
            if text is None or is_canceled(load_json(text)):
                return False
            self.set_canceled(order_id, late=late, search_lag=search_lag, reasons=None)
        return True

    def _lagging(self, order_id: int, lag: float) -> tuple[str | None, str | None, float | None]:
        """Return the view that a search keeps of an order that is about to change, and until when.

        :param order_id: which order.
        :param lag: for how many seconds.
        """
        if not lag:
            return None, None, None
        now = time.time()
        found = self._store.execute(
            f"SELECT {FOUND}, {NATIVE_FOUND} FROM orders WHERE order_id = :order_id",  # noqa: S608 - constants
            {"now": now, "order_id": order_id},
        ).fetchone()
        return *(found or (None, None)), now + lag

    def search(self, search: Search, settings: Settings) -> str:
        """Return one page of the orders found, as the JSON text of the API's envelope.

        :param search: the criteria.
        :param settings: the differences from the documented search.
        """
        where = [f"({FOUND}) IS NOT NULL"]
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
            f"SELECT order_id, {FOUND}, {HAS_CHANGES} FROM orders WHERE {conditions}"  # noqa: S608 - as above
            " ORDER BY order_id LIMIT :limit OFFSET :offset",
            parameters,
        )
        orders = ",".join(self._with_changes(*row, lag=settings.search_lag) for row in rows)
        if settings.search_shape == "list":
            return f"[{orders}]"
        return f'{{"totalCount":{total},"{settings.search_shape}":[{orders}]}}'

    def summaries(self) -> list[dict[str, Any]]:
        """Return the result of each order, by ascending id, without anything of its shopper."""
        return [_summary(row) for row in self._store.execute(f"{_SUMMARY} ORDER BY order_id")]

    def summary(self, order: OrderIds) -> dict[str, Any] | None:
        """Return the result of one order, with its whole representations.

        :param order: which order; None comes back for one that is not there.
        """
        known = self.identify(order)
        if known is None:
            return None
        row = self._store.execute(f"{_SUMMARY} WHERE order_id = ?", (known.number,)).fetchone()
        native = self._store.value("SELECT native FROM orders WHERE order_id = ?", (known.number,))
        canceled = is_canceled(load_json(row[1]))
        parts = records.read(self._store, row[0], None, canceled=canceled)
        return _summary(row) | {
            "order": translated_order(load_json(row[1]), parts),
            "native": native_order(load_json(native), parts),
        }


def _summary(row: Sequence[Any]) -> dict[str, Any]:
    order_id, representation, times_canceled, reason, explanation, cancels, *native = row
    order = load_json(representation)
    names = ("id", "orderNumber", "externalId", "siteId", "status")
    return {
        "orderID": order_id,
        "orderState": order["orderState"],
        "orderStatus": order["orderStatus"],
        "cancels": cancels,
        "times_canceled": times_canceled,
        "dispositionReason": reason,
        "dispositionOtherReason": explanation,
        "native": dict(zip(names, native, strict=True)),
    }


def _conflict(status: int, order: Mapping[str, Any]) -> ApiError:
    state = str(order["orderStatus"])[:40]
    message = f"Order {order['orderID']} is {state} and can not be canceled."
    return ApiError(status, OmsCode.GENERIC_BAD_REQUEST, message)
