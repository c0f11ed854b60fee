"""Parts of an order in the translated API: whole items and whole shipments.

Paths and fields are those of Kibo's pages "Cancel Order Item", "Get Order Item", "Cancel Shipment"
and "Get Shipment".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_oms.api.dialect import ApiCall
from airflow_provider_oms.api.errors import (
    OmsConflictError,
    OmsInputError,
    OmsNotFoundError,
    OmsRefusedError,
    OmsSearchError,
    OmsUnexpectedResponseError,
)
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.part_calls import Ask
from airflow_provider_oms.api.parts import (
    Flags,
    Line,
    LineName,
    OrderParts,
    PartCancel,
    PartKind,
    Reason,
    Shipment,
)
from airflow_provider_oms.api.responses import (
    correlation_id_of,
    describe_body,
    error_of,
    is_foreign,
)
from airflow_provider_oms.api.translated_items import line_of, shipment_of
from airflow_provider_oms.api.translated_rules import (
    KNOWN_DISPOSITION_REASONS,
    OTHER_REASON,
    validate_disposition_other_reason,
    validate_disposition_reason,
)
from airflow_provider_oms.api.transport import Response
from airflow_provider_oms.api.values import (
    MAX_WHOLE_NUMBER,
    OrderId,
    kind_of,
    kind_of_id,
    whole_number,
)

if TYPE_CHECKING:
    from airflow_provider_oms.api.client import Reader

__all__ = ["ITEM_REASONS", "TranslatedParts"]

#: The reasons that Kibo's "Cancel Order Item" page names.
ITEM_REASONS = (
    "can_not_find_item",
    "not_enough_quantity",
    "not_web_sellable",
    "on_mannequin_or_display",
    "item_on_reserve",
    "no_inventory",
    OTHER_REASON,
)
_ITEM = "/api/v2/orderItem/{}"
# Kibo's page prints the slash at its end.
_CANCEL_ITEM = "/api/v2/orderItem/action/cancel/"
_SHIPMENT = "/api/v2/shipment/{}"
_CANCEL_SHIPMENT = "/api/v2/shipment/action/cancel"
_ITEMS = "/api/v2/orderItem/?orderID={order_id}&perPage={most}&page={page}"
_SHIPMENTS = "/api/v2/shipment/?orderID={order_id}&perPage={most}&page={page}"
# The most that one page of each search holds, and the most pages that are read.
_MOST_ITEMS, _MOST_SHIPMENTS, _MOST_PAGES = 20, 100, 50
_NO_SEARCH = (OmsConflictError, OmsNotFoundError, OmsRefusedError, OmsSearchError)

_Part = TypeVar("_Part", Line, Shipment)


class TranslatedParts:
    """Speak the part of the translated API that is about items and shipments.

    :param read_order: the call that reads an order.
    :param order_in: returns the order that an answer to a read holds, or raises the error that it
        means.
    :param hint: what to do when no OMS answers at this address.
    :param extra_reasons: reasons that the tenant admits in addition to the documented ones.
    """

    whole_lines_only = True
    shipment_cancels_tell_shopper = False

    def __init__(
        self,
        read_order: Callable[[OrderId], ApiCall],
        order_in: Callable[..., Order],
        hint: str,
        extra_reasons: Iterable[str] = (),
    ) -> None:
        self._read_order = read_order
        self._order_in = order_in
        self._hint = hint
        self._extra_reasons = tuple(extra_reasons)

    def line_name(self, value: Any) -> LineName:
        """Return an ``orderItemID`` as an integer, or refuse it.

        :param value: an integer, or a string of digits.
        :raises OmsInputError: for anything else.
        """
        return _number("line", value)

    def shipment_number(self, value: Any) -> int:
        """Return a ``shipmentID`` as an integer, or refuse it.

        :param value: an integer, or a string of digits.
        :raises OmsInputError: for anything else.
        """
        return _number("shipment_id", value)

    def reason(self, kind: PartKind, reason: Any, explanation: Any) -> Reason:
        """Return why a part is canceled, checked; items and shipments have separate reasons.

        :param kind: ``LINE`` or ``SHIPMENT``.
        :param reason: one of the documented reasons, or one that the connection admits.
        :param explanation: goes with the reason ``other``.
        :raises OmsInputError: for the first value that breaks its rule.
        """
        known = ITEM_REASONS if kind is PartKind.LINE else KNOWN_DISPOSITION_REASONS
        code = validate_disposition_reason(reason, self._extra_reasons, known)
        return Reason(code, validate_disposition_other_reason(explanation, code))

    def check_flags(self, kind: PartKind, flags: Flags) -> None:
        """Refuse flags that the call cannot carry.

        :param kind: ``LINE`` or ``SHIPMENT``.
        :param flags: the caller's flags.
        :raises OmsInputError: for the first of them.
        """
        if kind is PartKind.SHIPMENT and flags.send_notifications is not None:
            rule = "left out for a shipment of a translated tenant, whose API cannot be told"
            raise OmsInputError("send_notifications", rule, kind_of(flags.send_notifications))
        if kind is PartKind.LINE and flags.send_notifications is None:
            raise OmsInputError("send_notifications", "true or false", "None")
        if flags.block_assignment:
            raise OmsInputError("block_assignment", "false on a translated tenant", "true")

    def read(
        self,
        ask: Ask,
        order_id: OrderId,
        lines: Collection[LineName],
        shipments: Collection[int],
        *,
        is_whole: bool,
    ) -> OrderParts:
        """Read an order, and the items and shipments that are meant, one by one.

        The others are searched for. Where the tenant has no such search, the answer shows less.

        :param ask: sends a call.
        :param order_id: the order.
        :param lines: the items that are meant.
        :param shipments: the shipments that are meant.
        :param is_whole: whether the others are wanted, too.
        """
        order = ask(
            self._read_order(order_id),
            lambda answer, secrets: self._order_in(answer, order_id, secrets=secrets),
        )
        named = [self._line(ask, order_id, name) for name in lines]
        read_lines = [line for line in named if line is not None]
        read_shipments = [
            ask(
                ApiCall("GET", _SHIPMENT.format(number)),
                self._shipment_reader(order_id, number),
            )
            for number in shipments
        ]
        shows_all = False
        if is_whole and shipments:
            others = self._all(ask, _SHIPMENTS, _MOST_SHIPMENTS, order_id, shipment_of)
            shows_all = others is not None
            read_shipments += self._up_to_an_open_one(
                [one for one in others or () if one.number not in shipments],
                lambda one: one.is_open,
                lambda one: ask(
                    ApiCall("GET", _SHIPMENT.format(one.number)),
                    self._shipment_reader(order_id, one.number),
                ),
            )
        elif is_whole:
            found = self._all(ask, _ITEMS, _MOST_ITEMS, order_id, line_of)
            shows_all = found is not None
            read_lines += self._up_to_an_open_one(
                [line for line in found or () if line.name not in lines],
                lambda line: line.open > 0,
                lambda line: self._line(ask, order_id, line.name),
            )
        return OrderParts(order, tuple(read_lines), tuple(read_shipments), shows_all=shows_all)

    def _line(self, ask: Ask, order_id: OrderId, name: LineName) -> Line | None:
        """Read one item; ``None`` where the order has no such item."""
        try:
            return ask(ApiCall("GET", _ITEM.format(name)), self._item_reader(order_id, name))
        except OmsNotFoundError:
            # That of one line says nothing of the others.
            return None

    @staticmethod
    def _up_to_an_open_one(
        found: Iterable[_Part],
        is_open: Callable[[_Part], bool],
        read: Callable[[_Part], _Part | None],
    ) -> list[_Part]:
        """Return the parts that a search has found, each read again until one is open indeed.

        A search may lag, and show a part as open that was canceled a moment ago.
        """
        shown: list[_Part] = []
        is_proved = False
        for part in found:
            fresh = read(part) if is_open(part) and not is_proved else part
            if fresh is not None:
                is_proved = is_proved or is_open(fresh)
                shown.append(fresh)
        return shown

    def cancel_call(self, cancel: PartCancel) -> ApiCall:
        """Return the call that cancels an item or a shipment.

        :param cancel: the cancel.
        """
        flags = cancel.flags
        if cancel.kind is PartKind.SHIPMENT:
            body: dict[str, Any] = {"shipmentID": cancel.shipment, **_reason_in(cancel.reason)}
            return ApiCall("POST", _CANCEL_SHIPMENT, body)
        (share,) = cancel.shares
        body = {
            "orderItemID": share.line,
            **_reason_in(share.reason),
            "rectifyOrder": flags.rectify_order,
            "sendCancellationEmails": flags.send_notifications,
            "cancelChildItems": flags.cancel_child_items,
        }
        return ApiCall("POST", _CANCEL_ITEM, body)

    def shown_in(self, cancel: PartCancel, before: OrderParts) -> Reader[OrderParts]:
        """Return what reads the answer to a cancel: the item, or the shipment.

        :param cancel: the cancel.
        :param before: the read before it.
        """
        order_id = cancel.order_id
        if cancel.kind is PartKind.SHIPMENT:
            of_shipment = self._shipment_reader(order_id, cancel.shipment or 0)
            return lambda answer, secrets: replace(
                before, shipments=(of_shipment(answer, secrets),)
            )
        of_item = self._item_reader(order_id, cancel.shares[0].line)
        return lambda answer, secrets: replace(before, lines=(of_item(answer, secrets),))

    def _item_reader(self, order_id: OrderId, name: LineName) -> Reader[Line]:
        return lambda answer, secrets: self._part_in(
            answer, line_of, order_id, f"line {name}", lambda line: line.name == name, secrets
        )

    def _shipment_reader(self, order_id: OrderId, number: int) -> Reader[Shipment]:
        return lambda answer, secrets: self._part_in(
            answer,
            shipment_of,
            order_id,
            f"shipment {number}",
            lambda shipment: shipment.number == number,
            secrets,
        )

    def _part_in(
        self,
        answer: Response,
        read: Callable[[Mapping[str, Any]], _Part | None],
        order_id: OrderId,
        what: str,
        is_meant: Callable[[_Part], bool],
        secrets: Iterable[str],
    ) -> _Part:
        """Return the part that an answer holds, or raise the error that the answer means."""
        secrets = tuple(secrets)
        facts: dict[str, Any] = {
            "http_status": answer.status,
            "correlation_id": correlation_id_of(answer, secrets),
        }
        if not answer.is_success:
            error = error_of(answer, secrets=secrets, hint=self._hint)
            if type(error) is OmsNotFoundError:
                raise error.restated(OmsNotFoundError, f"The OMS knows no {what}")
            raise error
        document = answer.json() if answer.complete else None
        fields = document if isinstance(document, dict) else {}
        part = read(fields)
        if part is None or not is_meant(part) or whole_number(fields.get("orderID")) is None:
            found = describe_body(answer) if part is None else "another one"
            message = f"The OMS answered with success, but with {found} instead of {what}"
            if answer.complete and is_foreign(answer):
                message += f". {self._hint}"
            raise OmsUnexpectedResponseError(message, **facts)
        if whole_number(fields.get("orderID")) != order_id:
            raise OmsNotFoundError(f"The order has no {what}, which is another order's", **facts)
        return part

    def _all(
        self,
        ask: Ask,
        path: str,
        most: int,
        order_id: OrderId,
        read: Callable[[Mapping[str, Any]], _Part | None],
    ) -> list[_Part] | None:
        """Return all items or shipments of an order, or ``None`` where they cannot be searched."""

        def page_in(answer: Response, secrets: tuple[str, ...]) -> tuple[list[_Part], int]:
            if not answer.is_success:
                raise error_of(answer, secrets=secrets, hint=self._hint)
            return _page_in(answer, order_id, read)

        found: list[_Part] = []
        for page in range(1, _MOST_PAGES + 1):
            address = path.format(order_id=order_id, most=most, page=page)
            try:
                parts, total = ask(ApiCall("GET", address), page_in, "SEARCH")
            except _NO_SEARCH:
                return None
            found += parts
            if len(found) >= total:
                return found
            if not parts:
                return None
        return None


def _page_in(
    answer: Response, order_id: OrderId, read: Callable[[Mapping[str, Any]], _Part | None]
) -> tuple[list[_Part], int]:
    document = answer.json() if answer.complete else None
    fields = document if isinstance(document, dict) else {}
    entries, total = fields.get("collection"), fields.get("totalCount")
    parts = []
    if isinstance(entries, list) and isinstance(total, int) and not isinstance(total, bool):
        parts = [read(entry) for entry in entries if _is_of(entry, order_id)]
    known = [part for part in parts if part is not None]
    if not isinstance(entries, list) or len(known) != len(entries) or not isinstance(total, int):
        # Nothing in a list that was not asked for is trusted.
        raise OmsSearchError(
            "The search for the parts of an order answered with something else",
            http_status=answer.status,
        )
    return known, total


def _is_of(entry: object, order_id: OrderId) -> bool:
    return isinstance(entry, dict) and whole_number(entry.get("orderID")) == order_id


def _number(field: str, value: Any) -> int:
    number = whole_number(value)
    if number is None:
        rule = f"an integer from 1 to {MAX_WHOLE_NUMBER}, or a string of ASCII digits"
        raise OmsInputError(field, rule, kind_of_id(value))
    return number


def _reason_in(reason: Reason | None) -> dict[str, str]:
    if reason is None:
        return {}
    body = {"dispositionReason": reason.code}
    if reason.explanation is not None:
        body["dispositionOtherReason"] = reason.explanation
    return body
