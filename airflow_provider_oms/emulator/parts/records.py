"""The parts of orders in the database: as they were loaded, and the cancels since.

Which cancels are carried out is decided in `book`; here they are written, and read back as they
show at a moment.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Any, Final

from airflow_provider_oms.emulator.parts.model import Change, Line, Parts, Shipment
from airflow_provider_oms.emulator.store import Store
from airflow_provider_oms.emulator.wire import dump_json, load_json

#: Whether something of an order has been canceled by a call about a part of it.
HAS_CHANGES: Final = "EXISTS (SELECT 1 FROM part_cancels WHERE order_id = orders.order_id)"
_SHOWN: Final = "(late = 0 AND :lag = 0 OR time + late + :lag <= :now)"


@dataclass(frozen=True)
class Cancel:
    """The parts of one order that one call cancels.

    :param changes: the quantities.
    :param call: the correlation id of the call.
    :param late: seconds after which it shows.
    """

    changes: tuple[Change, ...]
    call: str
    late: float = 0


def begin(store: Store, order_id: int, parts: Parts) -> None:
    """Make the parts of an order that is loaded known by their ids, with nothing of them canceled.

    :param store: the tenant's database.
    :param order_id: the order.
    :param parts: its parts.
    """
    store.execute("DELETE FROM part_cancels WHERE order_id = ?", (order_id,))
    know(store, order_id, parts)


def know(store: Store, order_id: int, parts: Parts) -> None:
    """Make the parts of an order known by their ids.

    :param store: the tenant's database.
    :param order_id: the order.
    :param parts: its parts.
    """
    # Rows of an earlier load may remain, so the reader of a row looks into the order itself.
    ids = [("item", one.item, order_id) for one in parts.lines if one.item is not None]
    ids += [("shipment", one.number, order_id) for one in parts.shipments]
    for row in ids:
        store.execute("INSERT OR IGNORE INTO part_ids VALUES (?, ?, ?)", row)


def encode(parts: Parts) -> str:
    """Return the parts of an order, without their canceled quantities, as JSON text.

    :param parts: the parts.
    """
    lines = [
        (one.number, one.quantity, one.item, one.native_id, one.parent, one.canceled)
        for one in parts.lines
    ]
    shipments = [
        (one.number, one.status, {str(k): v for k, v in one.items.items()}, one.kind, one.revision)
        for one in parts.shipments
    ]
    return dump_json([lines, shipments])


def decode(text: str, changes: Iterable[Change], *, canceled: bool) -> Parts:
    """Return the parts of an order.

    :param text: as `encode` returns it.
    :param changes: the cancels of them.
    :param canceled: whether the whole order is canceled.
    """
    lines, shipments = load_json(text)
    return Parts(
        lines=[Line(*one) for one in lines],
        shipments=[
            Shipment(number, status, {int(k): v for k, v in items.items()}, kind, revision)
            for number, status, items, kind, revision in shipments
        ],
        changes=list(changes),
        canceled=canceled,
    )


def read(store: Store, order_id: int, lag: float | None, *, canceled: bool) -> Parts:
    """Return the parts of an order that is there.

    :param store: the tenant's database.
    :param order_id: the order.
    :param lag: as `read_changes` takes it.
    :param canceled: whether the whole order is canceled.
    """
    text = store.value("SELECT parts FROM orders WHERE order_id = ?", (order_id,))
    return decode(text, read_changes(store, order_id, lag), canceled=canceled)


def find(store: Store, kind: str, part_id: int) -> list[int]:
    """Return the orders that have, or had, a part.

    :param store: the tenant's database.
    :param kind: `item` or `shipment`.
    :param part_id: an `orderItemID`, or a shipment's number.
    """
    rows = store.execute(
        "SELECT order_id FROM part_ids WHERE kind = ? AND id = ? ORDER BY order_id", (kind, part_id)
    )
    return [order_id for (order_id,) in rows]


def read_changes(store: Store, order_id: int, lag: float | None) -> list[Change]:
    """Return the changes to an order by calls about its parts.

    :param store: the tenant's database.
    :param order_id: which order.
    :param lag: seconds by which a search shows it later than a read; None includes changes that do
        not show yet.
    """
    everything = lag is None
    rows = store.execute(
        "SELECT shipment, line, quantity, reason, more_info, blocks, whole FROM part_cancels"  # noqa: S608 - a constant
        f" WHERE order_id = :order_id AND (:everything OR {_SHOWN}) ORDER BY number",
        {"order_id": order_id, "everything": everything, "lag": lag or 0, "now": time.time()},
    )
    return [
        Change(shipment, line, quantity, reason, more_info, bool(blocks), bool(whole))
        for shipment, line, quantity, reason, more_info, blocks, whole in rows
    ]


def write_cancel(store: Store, order_id: int, cancel: Cancel) -> None:
    """Record the cancel of a call; the transaction is the caller's.

    :param store: the tenant's database.
    :param order_id: the order.
    :param cancel: the cancel.
    """
    for change in cancel.changes:
        store.execute(
            "INSERT INTO part_cancels (order_id, shipment, line, quantity, reason, more_info,"
            " blocks, whole, call, time, late) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (order_id, *astuple(change), cancel.call, time.time(), cancel.late),
        )


def times_canceled(store: Store, order_id: int) -> list[tuple[int | None, int, str]]:
    """Return which call has canceled something of which line in which shipment.

    :param store: the tenant's database.
    :param order_id: the order.
    """
    return [
        tuple(row)
        for row in store.execute(
            "SELECT DISTINCT shipment, line, call FROM part_cancels WHERE order_id = ?", (order_id,)
        )
    ]


def forget_all(store: Store) -> None:
    """Forget the parts of all orders.

    :param store: the tenant's database.
    """
    store.execute("DELETE FROM part_ids")
    store.execute("DELETE FROM part_cancels")


def named_by_requests(store: Store, order_id: int, calls: tuple[str, ...]) -> list[Any]:
    """Return the parts that the logged requests about an order name, one for each request.

    :param store: the tenant's database.
    :param order_id: the order.
    :param calls: the names of the calls.
    """
    rows = store.execute(
        "SELECT parts FROM requests WHERE order_id = ?1 AND parts IS NOT NULL"
        " AND call IN (SELECT value FROM json_each(?2)) ORDER BY seq",
        (order_id, dump_json(list(calls))),
    )
    return [load_json(text) for (text,) in rows]
