"""The calls about parts of an order, each sent exactly once.

The tenant's dialect spells them and interprets their responses: ``translated_parts.py`` and
``native_parts.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from airflow_provider_oms.api.order_ids import OrderNames
from airflow_provider_oms.api.parts import (
    Flags,
    LineName,
    OrderParts,
    PartCancel,
    PartKind,
    Reason,
)
from airflow_provider_oms.api.responses import correlation_id_of
from airflow_provider_oms.api.transport import Response
from airflow_provider_oms.api.values import OrderId

if TYPE_CHECKING:
    from airflow_provider_oms.api.client import OmsClient, Reader
    from airflow_provider_oms.api.dialect import ApiCall

__all__ = ["Ask", "PartDialect", "Parts"]

# Separate kinds of calls: an application may have the permission for only one of them.
_CANCEL = "CANCEL {}"

_Read = TypeVar("_Read")


class Ask(Protocol):
    """Send one call that reads."""

    def __call__(self, call: ApiCall, read: Reader[_Read], kind: str = "GET", /) -> _Read:
        """Return the content of its response.

        :param call: the call.
        :param read: reads the answer.
        :param kind: which permission it needs.
        """


class PartDialect(Protocol):
    """Define how an API names parts of an order, its requests, and its responses."""

    #: Whether a line can be canceled as a whole only.
    whole_lines_only: bool
    #: Whether the cancel of a shipment says whether the OMS may write to the shopper.
    shipment_cancels_tell_shopper: bool

    def line_name(self, value: Any) -> LineName:
        """Return what names a line, in its one form.

        :param value: the caller's value.
        :raises OmsInputError: when it names none.
        """

    def shipment_number(self, value: Any) -> int:
        """Return what names a shipment, in its one form.

        :param value: the caller's value.
        :raises OmsInputError: when it names none.
        """

    def reason(self, kind: PartKind, reason: Any, explanation: Any) -> Reason:
        """Return why a part is canceled, checked.

        :param kind: ``LINE`` or ``SHIPMENT``.
        :param reason: why.
        :param explanation: an additional text.
        :raises OmsInputError: for the first value that breaks its rule.
        """

    def check_flags(self, kind: PartKind, flags: Flags) -> None:
        """Refuse flags that the call cannot carry.

        :param kind: ``LINE`` or ``SHIPMENT``.
        :param flags: the caller's flags.
        :raises OmsInputError: for the first of them.
        """

    def read(
        self,
        ask: Ask,
        order_id: OrderId,
        lines: Collection[LineName],
        shipments: Collection[int],
        *,
        is_whole: bool,
    ) -> OrderParts:
        """Read an order and some of its parts.

        :param ask: sends a call.
        :param order_id: the order's id.
        :param lines: the lines that are meant.
        :param shipments: the shipments that are meant.
        :param is_whole: whether the other lines and shipments of the order are wanted, too.
        :raises OmsHttpError: one of its kinds, for anything but the order and these parts.
        """

    def cancel_call(self, cancel: PartCancel) -> ApiCall:
        """Return the call that cancels a part.

        :param cancel: the cancel.
        """

    def shown_in(self, cancel: PartCancel, before: OrderParts) -> Reader[OrderParts]:
        """Return what reads the answer to a cancel of a part.

        :param cancel: the cancel.
        :param before: the read before it.
        """


class Parts:
    """Read and cancel parts of orders; each call is sent once.

    :param client: the tenant's client.
    :param pace: called before each request; returns when it may leave.
    """

    def __init__(self, client: OmsClient, pace: Callable[[], object] = lambda: None) -> None:
        self._client = client
        self._pace = pace
        self._dialect = client.dialect.parts()
        self._shown_names = OrderNames()

    def may_share_orders(self, order_ids: Iterable[OrderId]) -> bool:
        """Return whether two of some names may be those of one order.

        :param order_ids: the names, as the tenant's dialect has checked them.
        """
        return any(map(self._client.dialect.is_found_by_search, order_ids))

    def claim(self, order_id: OrderId, name: OrderId, *, is_dry_run: bool = False) -> None:
        """Note under which name parts of an order are canceled.

        :param order_id: the order's id.
        :param name: what names it.
        :param is_dry_run: whether they are only shown; a later cancel may use another name.
        :raises OmsNamedTwiceError: when the order, or a part of it, is canceled under another name
            already.
        """
        (self._shown_names if is_dry_run else self._client.names).claim(order_id, name)

    def get_parts(
        self,
        order_id: OrderId,
        *,
        lines: Collection[LineName] = (),
        shipments: Collection[int] = (),
        is_whole: bool = False,
    ) -> OrderParts:
        """Read an order and some of its parts.

        :param order_id: the order, as the tenant's dialect has checked it.
        :param lines: the lines that are meant.
        :param shipments: the shipments that are meant.
        :param is_whole: whether the other lines and shipments of the order are wanted, too.
        :return: the order and its parts as the OMS has them now.
        :raises OmsError: one of its kinds, for anything else.
        """
        found = self._client.id_of(order_id)
        notes = _Notes()

        def ask(call: ApiCall, read: Reader[_Read], kind: str = "GET", /) -> _Read:
            self._pace()
            return self._client.call(
                call, notes.taken_of(read), kind=kind, order_id=order_id, found=found
            )

        return notes.put_on(self._dialect.read(ask, found, lines, shipments, is_whole=is_whole))

    def post_part(
        self,
        cancel: PartCancel,
        before: OrderParts,
        *,
        may_send: Callable[[], bool] | None = None,
    ) -> OrderParts:
        """Send one cancel of a part, unprotected.

        An error can mean that the OMS canceled it. Use
        :meth:`airflow_provider_oms.hooks.oms.OmsHook.cancel_items` to find out.

        :param cancel: the cancel.
        :param before: the read before it.
        :param may_send: as for :meth:`.client.OmsClient.post_cancel`.
        :return: the part as the OMS answered it.
        :raises OmsNotSentError: when nothing left this machine.
        :raises OmsError: one of its kinds, for anything but the part.
        """
        notes = _Notes()
        self._pace()
        shown = self._client.call(
            self._dialect.cancel_call(cancel),
            notes.taken_of(self._dialect.shown_in(cancel, before)),
            kind=_CANCEL.format(cancel.kind),
            order_id=cancel.order_id,
            found=cancel.order_id,
            may_send=may_send,
        )
        return notes.put_on(shown)


class _Notes:
    """Collect the metadata of the responses to several calls."""

    def __init__(self) -> None:
        self._age = 0.0
        self._last: dict[str, Any] = {}

    def taken_of(self, read: Reader[_Read]) -> Reader[_Read]:
        def read_and_note(answer: Response, secrets: tuple[str, ...]) -> _Read:
            # All of them together are as old as the oldest.
            self._age = max(self._age, answer.age)
            correlation_id = correlation_id_of(answer, secrets)
            self._last = {"http_status": answer.status, "correlation_id": correlation_id}
            return read(answer, secrets)

        return read_and_note

    def put_on(self, shown: OrderParts) -> OrderParts:
        return replace(shown, order=replace(shown.order, age=self._age, **self._last))
