"""The native calls on the tenant's orders: showing them, finding them, canceling one, notes.

A request has been read and checked before it comes here; how a refusal looks is not decided here.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from airflow_provider_oms.emulator.errors import native_error
from airflow_provider_oms.emulator.native.cancel_rules import (
    Reason,
    check_note,
    is_to_be_canceled,
)
from airflow_provider_oms.emulator.native.filters import Column
from airflow_provider_oms.emulator.native.sample_orders import (
    available_actions,
    is_native_canceled,
    timestamp,
)
from airflow_provider_oms.emulator.native.search_rules import Search
from airflow_provider_oms.emulator.order_book import NATIVE_FOUND, NATIVE_SHOWN, OrderBook
from airflow_provider_oms.emulator.parts import records
from airflow_provider_oms.emulator.parts.records import HAS_CHANGES
from airflow_provider_oms.emulator.parts.views import native_order
from airflow_provider_oms.emulator.settings import Settings
from airflow_provider_oms.emulator.store import Store
from airflow_provider_oms.emulator.wire import MAX_ID, dump_json, load_json


def _in_document(path: str) -> Column:
    return Column(f"json_extract({NATIVE_FOUND}, '$.{path}')")


#: The fields that a filter may name, in lower case. The columns have an index, and no cancel
#: changes them.
COLUMNS: Final[Mapping[str, Column]] = {
    "id": Column("native_id"),
    "ordernumber": Column("order_number", "number"),
    "externalid": Column("external_id"),
    "siteid": Column("site_id", "number"),
    "status": _in_document("status"),
    "paymentstatus": _in_document("paymentStatus"),
    "fulfillmentstatus": _in_document("fulfillmentStatus"),
    "returnstatus": _in_document("returnStatus"),
    "submitteddate": _in_document("submittedDate"),
    "cancelleddate": _in_document("cancelledDate"),
    "createdate": _in_document("auditInfo.createDate"),
    "updatedate": _in_document("auditInfo.updateDate"),
}


class NativeOrders:
    """The tenant's orders as the native API has them.

    :param store: the tenant's database.
    :param book: the same orders in both dialects.
    :param settings: returns the tenant's present switches.
    """

    def __init__(self, store: Store, book: OrderBook, settings: Callable[[], Settings]) -> None:
        self._store = store
        self._book = book
        self._settings = settings

    def show(self, native_id: str, site: int | None) -> dict[str, Any]:
        """Return an order as it shows now.

        :param native_id: which order.
        :param site: the only site whose orders there are; None for all.
        """
        row = self._store.execute(
            f"SELECT order_id, {NATIVE_SHOWN}, {HAS_CHANGES} FROM orders"  # noqa: S608 - constants
            " WHERE native_id = :native_id AND (:site IS NULL OR site_id = :site)",
            {"now": time.time(), "native_id": native_id, "site": site},
        ).fetchone()
        if row is None:
            raise native_error(404, "ITEM_NOT_FOUND", f"There is no order {native_id}.")
        return self._complete(*row)

    def cancel(
        self, native_id: str, reason: Reason, *, site: int | None, late: float
    ) -> dict[str, Any]:
        """Cancel an order at most once and return it as it shows now.

        :param native_id: which order.
        :param reason: why.
        :param site: the only site whose orders there are; None for all.
        :param late: seconds after which the cancellation shows.
        """
        settings = self._settings()
        with self._store.transaction():
            shown = self.show(native_id, site)
            order_id, text = self._store.execute(
                "SELECT order_id, native FROM orders WHERE native_id = ?", (native_id,)
            ).fetchone()
            if not is_to_be_canceled(load_json(text), settings):
                return shown
            if settings.native_cancel_shows == "never":
                return shown
            self._book.set_canceled(
                order_id,
                late=max(late, settings.native_cancel_shows),
                search_lag=settings.search_lag,
                reasons=(reason.code, reason.more_info),
                credit=settings.native_captured == "credit",
            )
            return self.show(native_id, site)

    def find(self, search: Search, site: int | None) -> dict[str, Any]:
        """Return one page of the orders found, in the API's envelope.

        :param search: what to find.
        :param site: the only site whose orders there are; None for all.
        """
        settings = self._settings()
        where = [f"({NATIVE_FOUND}) IS NOT NULL", "(:site IS NULL OR site_id = :site)"]
        if settings.search_leaves_out:
            where.append("order_id % :leaves_out")
        conditions = " AND ".join([*where, search.condition.sql])
        parameters = {
            **search.condition.values,
            "now": time.time(),
            "site": site,
            "leaves_out": min(settings.search_leaves_out, MAX_ID),
            "limit": search.per_page,
            "offset": search.start,
        }
        total = self._store.value(f"SELECT count(*) FROM orders WHERE {conditions}", parameters)  # noqa: S608 - made of constants, for values are parameters
        rows = self._store.execute(
            f"SELECT order_id, {NATIVE_FOUND}, {HAS_CHANGES} FROM orders WHERE {conditions}"  # noqa: S608 - as above
            f" ORDER BY {search.order_by} LIMIT :limit OFFSET :offset",
            parameters,
        )
        lag = settings.search_lag
        return search.page(total, [self._complete(*row, lag=lag) for row in rows])

    def add_note(self, native_id: str, text: str, site: int | None) -> dict[str, Any]:
        """Leave a note on an order and return the note.

        :param native_id: which order.
        :param text: its content.
        :param site: the only site whose orders there are; None for all.
        """
        now = timestamp(datetime.now(UTC))
        note = {
            "id": secrets.token_hex(16),
            "text": text,
            "auditInfo": {"createDate": now, "updateDate": now},
        }
        with self._store.transaction():
            check_note(self.show(native_id, site), self._settings())
            self._store.execute(
                "UPDATE orders SET native = json_insert(native, '$.notes[#]', json(:note)),"
                " native_earlier = json_insert(native_earlier, '$.notes[#]', json(:note))"
                " WHERE native_id = :native_id",
                {"note": dump_json(note), "native_id": native_id},
            )
        return note

    def sites(self) -> list[int]:
        """Return the sites that have orders."""
        rows = self._store.execute("SELECT DISTINCT site_id FROM orders ORDER BY site_id")
        return [site for (site,) in rows]

    def _complete(
        self, order_id: int, text: str, has_changes: int, *, lag: float = 0
    ) -> dict[str, Any]:
        order: dict[str, Any] = load_json(text)
        if has_changes:
            canceled = is_native_canceled(order)
            order = native_order(order, records.read(self._store, order_id, lag, canceled=canceled))
        binds = self._settings().native_restriction_binds
        return {"availableActions": available_actions(order, restriction_binds=binds)} | order
