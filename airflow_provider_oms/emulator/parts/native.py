"""The native calls about shipments and order items: showing, finding, canceling and editing them.

A request has been read and checked before it comes here; how a refusal looks is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from airflow_provider_oms.emulator.calls import OrderIds
from airflow_provider_oms.emulator.errors import native_error
from airflow_provider_oms.emulator.native.cancel_rules import conflict
from airflow_provider_oms.emulator.parts.book import Held, PartBook
from airflow_provider_oms.emulator.parts.model import CANCELED, Change, Shipment
from airflow_provider_oms.emulator.parts.native_rules import INVALID, ShipmentCancel, unfit
from airflow_provider_oms.emulator.parts.native_view import native_shipment
from airflow_provider_oms.emulator.parts.records import Cancel
from airflow_provider_oms.emulator.parts.shipment_search import ShipmentSearch
from airflow_provider_oms.emulator.settings import Settings
from airflow_provider_oms.emulator.wire import MAX_ID, digits_to_int

_UNCHANGED = 200
_NOT_EDITABLE = ("completed", "cancelled", "abandoned")


@dataclass(frozen=True)
class Sent:
    """A cancel without its body.

    :param call: its correlation id.
    :param late: seconds after which it shows.
    :param site: the only site whose orders there are; None for all.
    :param if_match: its If-Match.
    """

    call: str
    late: float
    site: int | None
    if_match: str | None = None


@dataclass(frozen=True)
class Shown:
    """A shipment as it is shown.

    :param shipment: its representation.
    :param etag: its ETag.
    """

    shipment: dict[str, Any]
    etag: str


class NativeParts:
    """The shipments, and the items of orders without any, as the native API has them.

    :param book: the parts of the tenant's orders.
    :param settings: returns the tenant's present switches.
    """

    def __init__(self, book: PartBook, settings: Callable[[], Settings]) -> None:
        self._book = book
        self._settings = settings

    def show(self, number: int, site: int | None, *, lag: float | None = 0) -> Shown:
        """Return a shipment as it shows now.

        :param number: which shipment.
        :param site: the only site whose orders there are; None for all.
        :param lag: as `PartBook.held` takes it.
        """
        return self._shown(*self._find(number, site, lag=lag))

    def find(self, search: ShipmentSearch, site: int | None) -> tuple[int, list[Any]]:
        """Return how many shipments there are, and those of a page.

        :param search: what to find.
        :param site: the only site whose orders there are; None for all.
        """
        lag = self._settings().search_lag if search.lags else 0
        shipments = [
            self._shown(held, one).shipment
            for held in self._candidates(search, lag)
            if site is None or held.native["siteId"] == site
            for one in held.parts.shipments
        ]
        return len(search.fitting(shipments)), search.page_of(shipments)

    def cancel(self, number: int, cancel: ShipmentCancel, sent: Sent) -> Shown:
        """Cancel a shipment, or lines in it, and return it as it shows now.

        :param number: which shipment.
        :param cancel: the checked request.
        :param sent: what else is known of it.
        """
        settings = self._settings()
        with self._book.transaction():
            held, shipment = self._find(number, sent.site, lag=None)
            tags = [one.strip() for one in (sent.if_match or "*").split(",")]
            present = self._shown(held, shipment).etag
            if settings.native_if_match != "ignore" and not {"*", present} & set(tags):
                message = "The shipment has changed since it was read."
                raise native_error(settings.native_if_match, "PRECONDITION_FAILED", message)
            self._check_order(held)
            if self._is_to_be_canceled(held, shipment, cancel):
                changes = tuple(self._changes(held, shipment, cancel))
                self._book.cancel(held.order_id, Cancel(changes, sent.call, sent.late))
            return self.show(number, sent.site)

    def cancel_all(self, order_id: str, cancel: ShipmentCancel, sent: Sent) -> list[dict[str, Any]]:
        """Cancel every open shipment of an order, and return all as they show now.

        :param order_id: the order's native id.
        :param cancel: the checked request.
        :param sent: what else is known of it.
        """
        with self._book.transaction():
            held = self._order(order_id, sent.site, lag=None)
            self._check_order(held)
            changes = [
                change
                for shipment in held.parts.shipments
                if held.parts.is_open(shipment)
                for change in self._changes(held, shipment, cancel)
            ]
            if changes:
                self._book.cancel(held.order_id, Cancel(tuple(changes), sent.call, sent.late))
            held = self._order(order_id, sent.site, lag=0)
            return [self._shown(held, one).shipment for one in held.parts.shipments]

    def keep(
        self, order_id: str, item_id: str, quantity: int | None, version: str | None, sent: Sent
    ) -> None:
        """Lower the quantity of an item of an order that has no shipments.

        :param order_id: the order's native id.
        :param item_id: the item's id.
        :param quantity: how many to keep; None to remove the item.
        :param version: the order's version that the call is about; None for any.
        :param sent: what else is known of the call.
        """
        with self._book.transaction():
            held = self._order(order_id, sent.site, lag=None)
            self._check_editable(held, version)
            line = held.parts.item(item_id)
            left = line and held.parts.open(None, line.number)
            if line is None or not left:
                raise native_error(404, "ITEM_NOT_FOUND", f"There is no item {item_id}.")
            if quantity is not None and not 1 <= quantity <= left:
                raise conflict(f"The quantity must be from 1 to {left}.")
            kept = quantity or 0
            if kept < left:
                change = Change(None, line.number, left - kept)
                self._book.cancel(held.order_id, Cancel((change,), sent.call, sent.late))

    def _check_editable(self, held: Held, version: str | None) -> None:
        self._check_order(held)
        if held.parts.shipments:
            raise conflict("The order has shipments, and its items can not be edited any more.")
        if str(held.native["status"]).lower() in _NOT_EDITABLE:
            raise conflict(f"The order is {held.native['status'][:40]}, and can not be edited.")
        if version is not None and version != held.native.get("version"):
            raise conflict("The order has changed: the version is not the present one.")

    def _check_order(self, held: Held) -> None:
        binds = self._settings().native_restriction_binds
        if binds and held.native.get("restrictEdit") is True:
            raise conflict("The order is restricted from being edited.")

    def _is_to_be_canceled(self, held: Held, shipment: Shipment, cancel: ShipmentCancel) -> bool:
        """Return whether a cancel changes a shipment; a canceled one may stay as it is."""
        settings = self._settings()
        status = held.parts.status(shipment)
        if held.parts.is_open(shipment):
            return True
        unchanged = settings.native_canceled_shipment_status == _UNCHANGED
        if status == CANCELED and cancel.lines is None and unchanged:
            return False
        raise conflict(f"The shipment is {status}, and can not be canceled.")

    def _changes(self, held: Held, shipment: Shipment, cancel: ShipmentCancel) -> Iterator[Change]:
        open_in = {line: held.parts.open(shipment, line) for line in shipment.items}
        if cancel.lines is None:
            reason = cancel.reason
            for line, quantity in open_in.items():
                if quantity:
                    yield Change(
                        shipment.number,
                        line,
                        quantity,
                        reason.code,
                        reason.more_info,
                        cancel.blocks,
                        whole=True,
                    )
            return
        for one in cancel.lines:
            quantity = self._most(one.quantity, open_in.get(one.line), one.line)
            if quantity:
                yield Change(
                    shipment.number,
                    one.line,
                    quantity,
                    one.reason.code,
                    one.reason.more_info,
                    cancel.blocks,
                )

    def _most(self, wanted: int, is_open: int | None, line: int) -> int:
        if is_open is None:
            raise unfit(f"there is no line {line} in the shipment")
        excess = self._settings().native_excess_quantity
        if wanted <= is_open or excess == "cap":
            return min(wanted, is_open)
        message = f"Only {is_open} of line {line} can be canceled."
        raise conflict(message) if excess == 409 else native_error(excess, INVALID, message)  # noqa: PLR2004 - HTTP's own number

    def _candidates(self, search: ShipmentSearch, lag: float) -> Iterable[Held]:
        """Yield the orders whose shipments the filter may fit."""
        number = digits_to_int(search.only("shipmentNumber") or "")
        order_id = search.only("orderId")
        if number is not None:
            found = self._book.with_shipment(number, lag=lag) if number <= MAX_ID else None
            return [] if found is None else [found]
        if order_id is not None:
            held = self._book.of_order(OrderIds(native=order_id), lag=lag)
            return [] if held is None else [held]
        return self._book.all(lag=lag)

    def _find(self, number: int, site: int | None, *, lag: float | None) -> tuple[Held, Shipment]:
        held = self._book.with_shipment(number, lag=lag) if number <= MAX_ID else None
        shipment = held and held.parts.shipment(number)
        if not (held and shipment) or (site is not None and held.native["siteId"] != site):
            raise native_error(404, "ITEM_NOT_FOUND", f"There is no shipment {str(number)[:40]}.")
        return held, shipment

    def _order(self, order_id: str, site: int | None, *, lag: float | None) -> Held:
        held = self._book.of_order(OrderIds(native=order_id), lag=lag)
        if held is None or (site is not None and held.native["siteId"] != site):
            raise native_error(404, "ITEM_NOT_FOUND", f"There is no order {order_id}.")
        return held

    def _shown(self, held: Held, shipment: Shipment) -> Shown:
        shown = native_shipment(held.native, shipment, held.parts, self._settings())
        return Shown(shown, f'"{held.parts.version(shipment)}"')
