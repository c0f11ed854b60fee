"""The parts of the tenant's orders: finding them, canceling them, and the result of each.

`translated` and `native` check the calls and build their responses.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_oms.emulator.calls import Call, OrderIds
from airflow_provider_oms.emulator.order_book import (
    FOUND,
    NATIVE_FOUND,
    NATIVE_SHOWN,
    SHOWN,
    OrderBook,
)
from airflow_provider_oms.emulator.parts import records, views
from airflow_provider_oms.emulator.parts.calls import CANCELS
from airflow_provider_oms.emulator.parts.model import (
    FULFILLED,
    Line,
    Parts,
    Shipment,
    ShipmentStatus,
)
from airflow_provider_oms.emulator.settings import Settings
from airflow_provider_oms.emulator.store import Store
from airflow_provider_oms.emulator.wire import load_json


@dataclass(frozen=True)
class Held:
    """An order with its parts, at one moment.

    :param order_id: its id in the translated API.
    :param order: the order as the translated API shows it.
    :param native: the same order as the native API shows it.
    :param parts: its parts.
    """

    order_id: int
    order: dict[str, Any]
    native: dict[str, Any]
    parts: Parts


class PartBook:
    """The lines and shipments of every order of the tenant.

    :param store: the tenant's database.
    :param book: the orders.
    :param settings: returns the tenant's present switches.
    """

    def __init__(self, store: Store, book: OrderBook, settings: Callable[[], Settings]) -> None:
        self._store = store
        self._book = book
        self._settings = settings

    def identify(self, call: Call) -> OrderIds | None:
        """Return the ids of the order that a call is about; None if the tenant does not have it.

        :param call: the call.
        """
        named = call.named
        if named is None or call.order != OrderIds():
            return self._book.identify(call.order)
        if isinstance(named.item, int):
            held = self.with_item(named.item, lag=None)
        elif named.shipment is not None:
            held = self.with_shipment(named.shipment, lag=None)
        else:
            return None
        return OrderIds(held.order_id, held.native["id"]) if held else None

    def transaction(self) -> AbstractContextManager[None]:
        """Hold the orders as they are for a block that reads and then cancels."""
        return self._store.transaction()

    def held(self, order_id: int, *, lag: float | None = 0) -> Held | None:
        """Return an order with its parts; None if the tenant does not have it.

        :param order_id: its id in the translated API.
        :param lag: seconds by which the view is late, which that of a search may be; None for a
            view that includes changes that do not show yet.
        """
        columns = f"{FOUND}, {NATIVE_FOUND}" if lag else f"{SHOWN}, {NATIVE_SHOWN}"
        row = self._store.execute(
            f"SELECT {'representation, native' if lag is None else columns}, parts FROM orders"  # noqa: S608 - constants
            " WHERE order_id = :order_id",
            {"order_id": order_id, "now": time.time()},
        ).fetchone()
        if row is None or row[0] is None:  # a search may not show a new order yet
            return None
        order, native = load_json(row[0]), load_json(row[1])
        changes = records.read_changes(self._store, order_id, lag)
        parts = records.decode(row[2], changes, canceled=views.is_gone(order, native))
        order, native = views.translated_order(order, parts), views.native_order(native, parts)
        return Held(order_id, order, native, parts)

    def of_order(self, order: OrderIds, *, lag: float | None = 0) -> Held | None:
        """Return an order with its parts; None if the tenant does not have it.

        :param order: its id of either dialect.
        :param lag: as `held` takes it.
        """
        known = self._book.identify(order)
        if known is None or known.number is None:
            return None
        return self.held(known.number, lag=lag)

    def with_item(self, item_id: int, *, lag: float | None = 0) -> Held | None:
        """Return the order that a line belongs to; None if there is no such line.

        :param item_id: the line's `orderItemID`.
        :param lag: as `held` takes it.
        """
        for order_id in records.find(self._store, "item", item_id):
            held = self.held(order_id, lag=lag)
            if held is not None and held.parts.item(item_id) is not None:
                return held
        return None

    def with_shipment(self, number: int, *, lag: float | None = 0) -> Held | None:
        """Return the order that a shipment belongs to; None if there is no such shipment.

        :param number: the shipment's number.
        :param lag: as `held` takes it.
        """
        for order_id in records.find(self._store, "shipment", number):
            held = self.held(order_id, lag=lag)
            if held is not None and held.parts.shipment(number) is not None:
                return held
        return None

    def all(self, *, lag: float | None = 0) -> Iterator[Held]:
        """Yield every order with its parts, by ascending id.

        :param lag: as `held` takes it.
        """
        rows = self._store.execute("SELECT order_id FROM orders ORDER BY order_id").fetchall()
        for (order_id,) in rows:
            held = self.held(order_id, lag=lag)
            if held is not None:
                yield held

    def cancel(self, order_id: int, cancel: records.Cancel) -> None:
        """Cancel the parts that a call names, and the order once nothing is left of it.

        The transaction is the caller's, who has made sure that all of it is open.

        :param order_id: which order.
        :param cancel: the quantities to cancel.
        """
        records.write_cancel(self._store, order_id, cancel)
        follows = self._settings().order_follows_parts
        held = self.held(order_id, lag=None)
        if held is None or follows == "never" or held.parts.canceled:
            return
        if held.parts.is_all_canceled:
            self._book.set_canceled(
                order_id,
                late=cancel.late + follows,
                search_lag=self._settings().search_lag,
                reasons=None,
                credit=True,
            )

    def set_status(self, number: int, status: ShipmentStatus) -> int | None:
        """Give a shipment another status without a call, as the OMS itself does.

        The open quantities of a shipment that is reassigned move to a new one.

        :param number: which shipment; None comes back for one that is not there.
        :param status: the status.
        """
        with self._store.transaction():
            held = self.with_shipment(number, lag=None)
            if held is None:
                return None
            parts, new = held.parts, number
            changed = [
                replace(one, status=status, revision=one.revision + 1)
                if one.number == number
                else one
                for one in parts.shipments
            ]
            if status == "REASSIGNED":
                old = next(one for one in parts.shipments if one.number == number)
                left = {line: parts.open(old, line) for line in old.items}
                moved = {line: quantity for line, quantity in left.items() if quantity}
                new = max(one.number for one in parts.shipments) + 1
                changed.append(Shipment(new, "READY", moved, old.kind))
            parts = replace(parts, shipments=changed)
            records.know(self._store, held.order_id, parts)
            self._store.execute(
                "UPDATE orders SET parts = ?,"
                " native = json_set(native, '$.fulfillmentStatus', ?) WHERE order_id = ?",
                (records.encode(parts), parts.fulfillment, held.order_id),
            )
        return new

    def ledger(self, order: OrderIds) -> dict[str, Any] | None:
        """Return the result of each part of an order.

        `cancels` is how many calls that cancel have named the part, and `times_canceled` how many
        have canceled something of it.

        :param order: which order; None comes back for one that is not there.
        """
        held = self.of_order(order, lag=None)
        if held is None:
            return None
        acted = records.times_canceled(self._store, held.order_id)
        named_lines, named_shipments = self._named(held)
        return {
            "orderID": held.order_id,
            "canceled": held.parts.canceled,
            "lines": [
                _line(held.parts, one)
                | {
                    "cancels": named_lines[one.number],
                    "times_canceled": len({call for _, line, call in acted if line == one.number}),
                }
                for one in held.parts.lines
            ],
            "shipments": [
                _shipment(held.parts, one)
                | {
                    "cancels": named_shipments[one.number],
                    "times_canceled": len(
                        {call for number, _, call in acted if number == one.number}
                    ),
                }
                for one in held.parts.shipments
            ],
        }

    def _named(self, held: Held) -> tuple[Counter[int], Counter[int]]:
        lines: Counter[int] = Counter()
        shipments: Counter[int] = Counter()
        for named in records.named_by_requests(self._store, held.order_id, CANCELS):
            line = held.parts.item(named["item"]) if named["item"] is not None else None
            lines.update({line.number} if line else {int(one) for one in named["lines"]})
            if named["shipment"] is not None:
                shipments[named["shipment"]] += 1
        return lines, shipments


def _line(parts: Parts, line: Line) -> dict[str, Any]:
    return {
        "line": line.number,
        "orderItemID": line.item,
        "id": line.native_id,
        "ordered": line.quantity,
        "open": parts.open_of(line.number),
        "canceled": parts.canceled_of(line.number),
        "fulfilled": parts.fulfilled_of(line.number),
    }


def _shipment(parts: Parts, shipment: Shipment) -> dict[str, Any]:
    items = {
        str(line): {
            "ordered": ordered,
            "open": parts.open(shipment, line),
            "canceled": parts.canceled_in(shipment, line),
            "fulfilled": parts.left(shipment, line) if shipment.status == FULFILLED else 0,
        }
        for line, ordered in shipment.items.items()
    }
    counts = ("ordered", "open", "canceled", "fulfilled")
    return {
        "number": shipment.number,
        "status": parts.status(shipment),
        **{name: sum(one[name] for one in items.values()) for name in counts},
        "items": items,
    }
