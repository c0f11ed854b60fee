"""The translated calls about order items and shipments: showing, finding and canceling them.

A request has been read and checked before it comes here; how a refusal looks is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from airflow_provider_oms.emulator.errors import ApiError, OmsCode
from airflow_provider_oms.emulator.parts import views
from airflow_provider_oms.emulator.parts.book import Held, PartBook
from airflow_provider_oms.emulator.parts.model import CANCELED, Change, Line, Shipment
from airflow_provider_oms.emulator.parts.records import Cancel
from airflow_provider_oms.emulator.parts.translated_rules import PartCancel, PartSearch
from airflow_provider_oms.emulator.settings import Settings
from airflow_provider_oms.emulator.wire import MAX_ID

_UNCHANGED = 200


class TranslatedParts:
    """The order items and shipments as the translated API has them.

    :param book: the parts of the tenant's orders.
    :param settings: returns the tenant's present switches.
    """

    def __init__(self, book: PartBook, settings: Callable[[], Settings]) -> None:
        self._book = book
        self._settings = settings

    def item(self, item_id: int) -> dict[str, Any]:
        """Return an order item as it shows now.

        :param item_id: which item.
        """
        held, line = self._with_item(item_id, lag=0)
        return views.translated_item(held.order, line, held.parts)

    def shipment(self, number: int) -> dict[str, Any]:
        """Return a shipment as it shows now.

        :param number: which shipment.
        """
        held, shipment = self._with_shipment(number, lag=0)
        return views.translated_shipment(held.order, shipment, held.parts)

    def find_items(self, search: PartSearch) -> Any:
        """Return one page of order items.

        :param search: what to find.
        """
        items = [
            views.translated_item(held.order, line, held.parts)
            for held in self._orders(search)
            for line in held.parts.lines
            if line.item is not None
        ]
        return self._page(items, "itemState", search)

    def find_shipments(self, search: PartSearch) -> Any:
        """Return one page of shipments.

        :param search: what to find.
        """
        shipments = [
            views.translated_shipment(held.order, shipment, held.parts)
            for held in self._orders(search)
            for shipment in held.parts.shipments
        ]
        return self._page(shipments, "shipmentStatus", search)

    def cancel_item(self, cancel: PartCancel, *, call: str, late: float) -> dict[str, Any]:
        """Cancel a whole order item at most once and return it as it shows now.

        :param cancel: the checked request.
        :param call: its correlation id.
        :param late: seconds after which the cancellation shows.
        """
        with self._book.transaction():
            held, line = self._with_item(cancel.part_id, lag=None)
            what = f"Order item {cancel.part_id}"
            if self._is_to_be_canceled(
                held,
                what,
                is_open=held.parts.open_of(line.number) > 0,
                is_fulfilled=held.parts.fulfilled_of(line.number) > 0,
            ):
                lines = [line]
                if cancel.with_children:
                    lines += [one for one in held.parts.lines if one.parent == line.number]
                places = [(one, at) for one in lines for at in held.parts.places(one.number)]
                self._cancel(held, places, cancel, call=call, late=late)
            return self.item(cancel.part_id)

    def cancel_shipment(self, cancel: PartCancel, *, call: str, late: float) -> dict[str, Any]:
        """Cancel a whole shipment at most once and return it as it shows now.

        :param cancel: the checked request.
        :param call: its correlation id.
        :param late: seconds after which the cancellation shows.
        """
        with self._book.transaction():
            held, shipment = self._with_shipment(cancel.part_id, lag=None)
            is_open = held.parts.is_open(shipment)
            is_canceled = held.parts.status(shipment) == CANCELED
            if self._is_to_be_canceled(
                held,
                f"Shipment {cancel.part_id}",
                is_open=is_open,
                is_fulfilled=not (is_open or is_canceled),
            ):
                lines = [one for one in held.parts.lines if one.number in shipment.items]
                places = [(one, shipment) for one in lines]
                self._cancel(held, places, cancel, call=call, late=late, whole=True)
            return self.shipment(cancel.part_id)

    def _cancel(
        self,
        held: Held,
        places: Iterable[tuple[Line, Shipment | None]],
        cancel: PartCancel,
        *,
        call: str,
        late: float,
        whole: bool = False,
    ) -> None:
        changes = [
            Change(
                at.number if at else None,
                line.number,
                quantity,
                cancel.reason,
                cancel.explanation,
                whole=whole,
            )
            for line, at in places
            if (quantity := held.parts.open(at, line.number))
        ]
        self._book.cancel(held.order_id, Cancel(tuple(changes), call, late))

    def _is_to_be_canceled(
        self, held: Held, what: str, *, is_open: bool, is_fulfilled: bool
    ) -> bool:
        """Return whether a cancel changes a part; a canceled one may stay as it is."""
        settings = self._settings()
        states = (held.order["orderState"], held.order["orderStatus"])
        refused = any(state in settings.refused_states for state in states)
        if is_fulfilled or (refused and is_open):
            raise _conflict(settings.refused_state_status, f"{what} is shipped")
        if is_open:
            return True
        if settings.canceled_order_status == _UNCHANGED:
            return False
        raise _conflict(settings.canceled_order_status, f"{what} is CANCELED")

    def _with_item(self, item_id: int, *, lag: float | None) -> tuple[Held, Line]:
        held = self._book.with_item(item_id, lag=lag) if item_id <= MAX_ID else None
        line = held and held.parts.item(item_id)
        if not (held and line):
            raise self._unknown("order item", item_id)
        return held, line

    def _with_shipment(self, number: int, *, lag: float | None) -> tuple[Held, Shipment]:
        held = self._book.with_shipment(number, lag=lag) if number <= MAX_ID else None
        shipment = held and held.parts.shipment(number)
        if not (held and shipment):
            raise self._unknown("shipment", number)
        return held, shipment

    def _unknown(self, what: str, number: int) -> ApiError:
        status = self._settings().unknown_order_status
        code = OmsCode.GENERIC_NOT_FOUND if status == 404 else OmsCode.INVALID_ID  # noqa: PLR2004 - HTTP's own number
        message = f"There is no {what} {str(number)[:40]}."
        return ApiError(status, code, message, error_code="ITEM_NOT_FOUND")

    def _orders(self, search: PartSearch) -> Iterable[Held]:
        lag = self._settings().search_lag
        for order_id in sorted({one for one in search.order_ids if one <= MAX_ID}):
            held = self._book.held(order_id, lag=lag)
            if held is not None:
                yield held

    def _page(self, found: list[dict[str, Any]], state: str, search: PartSearch) -> Any:
        if search.states is not None:
            found = [one for one in found if one[state] in search.states]
        start = (search.page - 1) * search.per_page
        page = found[start : start + search.per_page]
        shape = self._settings().search_shape
        return page if shape == "list" else {"totalCount": len(found), shape: page}


def _conflict(status: int, why: str) -> ApiError:
    message = f"{why} and can not be canceled."
    return ApiError(status, OmsCode.GENERIC_BAD_REQUEST, message)
