"""The operators that cancel parts of one order: lines, quantities of them, or a shipment.

They hold no logic: the hook validates, plans, cancels and judges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_oms.arguments import NOT_GIVEN, NotGiven
from airflow_provider_oms.exceptions import OmsPartsCancellationError
from airflow_provider_oms.hooks.oms import OmsHook
from airflow_provider_oms.links.oms import OmsOrderLink
from airflow_provider_oms.one_order import CancelsOneOrder
from airflow_provider_oms.version_compat import task_state_store

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_oms.arguments import Templated
    from airflow_provider_oms.cancellation.parts.results import PartsResult, PartsResultDict

__all__ = ["OmsCancelOrderItemsOperator", "OmsCancelShipmentOperator"]


class _CancelsParts(CancelsOneOrder):
    """The base of both operators: keep the journal, and push the results of the parts."""

    def _execute(
        self, context: Context, cancel: Callable[..., PartsResult], hook: OmsHook
    ) -> PartsResultDict:
        self._begin(context, hook)
        try:
            result = cancel(
                order_key=self.order_key,
                only_if_states=self.only_if_states,
                attempt=context["ti"].try_number,
                journal=task_state_store(context),
                on_interrupt=lambda so_far: self._push(context, so_far),
                is_stopping=lambda: self._is_killed,
            )
        except OmsPartsCancellationError as error:
            self._push(context, error.result)
            raise
        return result.as_dict()


class OmsCancelOrderItemsOperator(_CancelsParts, BaseOperator):
    """Cancel lines of an order on Kibo's OMS, or quantities of them; this cannot be undone.

    The task succeeds only when the OMS itself says that each of them is canceled. Its result is in
    XCom as ``return_value``, also when the task fails: ``order_id``, ``looked_up_id``, ``outcome``,
    ``order_state``, ``order_status`` and ``parts``. Everything is validated when the task runs, and
    nothing invalid is sent.

    :param order_id: the order, as for ``OmsCancelOrderOperator`` (templated).
    :param items: a list, or the text of a JSON array, of 1 to 200 lines: each a line's name, or a
        dict with ``line`` and, if wanted, ``quantity`` or ``keep_quantity``, ``reason`` and
        ``other_reason`` (templated). On a translated tenant a line is an ``orderItemID``, and only
        whole lines can be canceled; on a native one a ``lineId``, or the id of the order's item.
    :param disposition_reason: why, for each line that gives no reason (templated).
    :param disposition_other_reason: the explanation that goes with it (templated).
    :param send_notifications: whether the OMS may write to the shopper; it must be said
        (templated).
    :param rectify_order: translated: whether the OMS corrects the totals of the order (templated).
    :param cancel_child_items: translated: whether items below a canceled one are canceled
        (templated).
    :param block_assignment: native: sent as ``blockAssignment`` (templated).
    :param allow_whole_order: whether nothing else of the order need be open (templated).
    :param allow_order_edit: native: whether the order itself may be edited where it has no
        shipments yet; no reason can be given then, and the effect on the payment is unknown
        (templated).
    :param order_key: as for ``OmsCancelOrderOperator`` (templated).
    :param only_if_states: as for ``OmsCancelOrderOperator``; looked at before each cancel
        (templated).
    :param dry_run: whether the order is read and nothing is sent (templated).
    :param in_doubt: ``True`` if an earlier run may have sent a cancel for these lines; ``False`` if
        none can have.
    :param oms_conn_id: id of the Airflow connection of type ``oms`` (templated).
    """

    template_fields: Sequence[str] = (
        "order_id",
        "items",
        "disposition_reason",
        "disposition_other_reason",
        "send_notifications",
        "rectify_order",
        "cancel_child_items",
        "block_assignment",
        "allow_whole_order",
        "allow_order_edit",
        "order_key",
        "only_if_states",
        "is_dry_run",
        "oms_conn_id",
    )
    template_fields_renderers = {  # noqa: RUF012 - as Airflow declares it
        "items": "json",
        "only_if_states": "json",
    }
    operator_extra_links = (OmsOrderLink(),)
    ui_color = "#f6e3d5"

    def __init__(  # noqa: PLR0913 - each is a separate setting
        self,
        *,
        order_id: int | str | Templated,
        items: Sequence[Any] | str | Templated,
        disposition_reason: str | Templated,
        disposition_other_reason: str | Templated | None = None,
        send_notifications: bool | str | Templated,
        rectify_order: bool | str | Templated = True,
        cancel_child_items: bool | str | Templated = False,
        block_assignment: bool | str | Templated = False,
        allow_whole_order: bool | str | Templated = False,
        allow_order_edit: bool | str | Templated = False,
        order_key: str | Templated | None = None,
        only_if_states: Sequence[str] | str | Templated | NotGiven = NOT_GIVEN,
        dry_run: bool | str | Templated = False,
        in_doubt: bool | None = None,
        oms_conn_id: str = OmsHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        # They are rendered when the task runs, and checked then.
        self.order_id: Any = order_id
        self.items: Any = items
        self.disposition_reason: Any = disposition_reason
        self.disposition_other_reason: Any = disposition_other_reason
        self.send_notifications: Any = send_notifications
        self.rectify_order: Any = rectify_order
        self.cancel_child_items: Any = cancel_child_items
        self.block_assignment: Any = block_assignment
        self.allow_whole_order: Any = allow_whole_order
        self.allow_order_edit: Any = allow_order_edit
        self.order_key: Any = order_key
        self._is_guarded = only_if_states is not NOT_GIVEN
        self.only_if_states: Any = only_if_states if self._is_guarded else None
        # BaseOperator has a method of that name.
        self.is_dry_run: Any = dry_run
        self.in_doubt = in_doubt
        self.oms_conn_id = oms_conn_id

    def execute(self, context: Context) -> PartsResultDict:
        """Cancel the lines.

        :param context: the task's context.
        :return: the result as a small dict.
        :raises OmsInvalidInputError: when an argument or the connection is not valid.
        :raises OmsPartsCancellationError: when a line did not end canceled.
        """
        hook = OmsHook(self.oms_conn_id)

        def cancel(**common: Any) -> PartsResult:
            return hook.cancel_items(
                self.order_id,
                self.items,
                self.disposition_reason,
                self.disposition_other_reason,
                send_notifications=self.send_notifications,
                rectify_order=self.rectify_order,
                cancel_child_items=self.cancel_child_items,
                block_assignment=self.block_assignment,
                allow_whole_order=self.allow_whole_order,
                allow_order_edit=self.allow_order_edit,
                dry_run=self.is_dry_run,
                in_doubt=self.in_doubt,
                **common,
            )

        return self._execute(context, cancel, hook)


class OmsCancelShipmentOperator(_CancelsParts, BaseOperator):
    """Cancel one whole shipment of an order on Kibo's OMS; this cannot be undone.

    The task succeeds only when the OMS itself says that the shipment is canceled. Its result is in
    XCom as that of ``OmsCancelOrderItemsOperator``.

    :param order_id: the order that the shipment must belong to (templated).
    :param shipment_id: ``shipmentID`` on a translated tenant, ``shipmentNumber`` on a native one
        (templated).
    :param disposition_reason: why (templated).
    :param disposition_other_reason: the explanation (templated).
    :param send_notifications: native: whether the OMS may write to the shopper. It must be said
        there, and left out on a translated tenant, whose API cannot be told (templated).
    :param block_assignment: native: sent as ``blockAssignment`` (templated).
    :param allow_whole_order: whether no other shipment of the order need be open (templated).
    :param order_key: as for ``OmsCancelOrderOperator`` (templated).
    :param only_if_states: as for ``OmsCancelOrderOperator`` (templated).
    :param dry_run: whether the order is read and nothing is sent (templated).
    :param in_doubt: ``True`` if an earlier run may have sent a cancel for this shipment; ``False``
        if none can have.
    :param oms_conn_id: id of the Airflow connection of type ``oms`` (templated).
    """

    template_fields: Sequence[str] = (
        "order_id",
        "shipment_id",
        "disposition_reason",
        "disposition_other_reason",
        "send_notifications",
        "block_assignment",
        "allow_whole_order",
        "order_key",
        "only_if_states",
        "is_dry_run",
        "oms_conn_id",
    )
    template_fields_renderers = {"only_if_states": "json"}  # noqa: RUF012 - as Airflow declares it
    operator_extra_links = (OmsOrderLink(),)
    ui_color = "#f6e3d5"

    def __init__(  # noqa: PLR0913 - each is a separate setting
        self,
        *,
        order_id: int | str | Templated,
        shipment_id: int | str | Templated,
        disposition_reason: str | Templated,
        disposition_other_reason: str | Templated | None = None,
        send_notifications: bool | str | Templated | None = None,
        block_assignment: bool | str | Templated = False,
        allow_whole_order: bool | str | Templated = False,
        order_key: str | Templated | None = None,
        only_if_states: Sequence[str] | str | Templated | NotGiven = NOT_GIVEN,
        dry_run: bool | str | Templated = False,
        in_doubt: bool | None = None,
        oms_conn_id: str = OmsHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.order_id: Any = order_id
        self.shipment_id: Any = shipment_id
        self.disposition_reason: Any = disposition_reason
        self.disposition_other_reason: Any = disposition_other_reason
        self.send_notifications: Any = send_notifications
        self.block_assignment: Any = block_assignment
        self.allow_whole_order: Any = allow_whole_order
        self.order_key: Any = order_key
        self._is_guarded = only_if_states is not NOT_GIVEN
        self.only_if_states: Any = only_if_states if self._is_guarded else None
        self.is_dry_run: Any = dry_run
        self.in_doubt = in_doubt
        self.oms_conn_id = oms_conn_id

    def execute(self, context: Context) -> PartsResultDict:
        """Cancel the shipment.

        :param context: the task's context.
        :return: the result as a small dict.
        :raises OmsInvalidInputError: when an argument or the connection is not valid.
        :raises OmsPartsCancellationError: when the shipment did not end canceled.
        """
        hook = OmsHook(self.oms_conn_id)

        def cancel(**common: Any) -> PartsResult:
            return hook.cancel_shipment(
                self.order_id,
                self.shipment_id,
                self.disposition_reason,
                self.disposition_other_reason,
                send_notifications=self.send_notifications,
                block_assignment=self.block_assignment,
                allow_whole_order=self.allow_whole_order,
                dry_run=self.is_dry_run,
                in_doubt=self.in_doubt,
                **common,
            )

        return self._execute(context, cancel, hook)
