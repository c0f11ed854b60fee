"""The hook's methods for parts of an order; ``cancellation/parts/`` makes them safe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_oms.api.errors import OmsNotSentError
from airflow_provider_oms.api.parts import PartKind
from airflow_provider_oms.api.values import (
    CancelRequest,
    validate_flag,
    validate_number,
    validate_only_if_states,
)
from airflow_provider_oms.cancellation.parts.results import PartsResult
from airflow_provider_oms.cancellation.policy import policy_for
from airflow_provider_oms.cancellation.runner import Runtime
from airflow_provider_oms.cancellation.store import JournalError, Store
from airflow_provider_oms.cancellation.termination import listen_for_termination
from airflow_provider_oms.exceptions import invalid_input_is_final, parts_cancellation_error
from airflow_provider_oms.hooks.attempts import running_attempt, warn_of_unknown_attempt

if TYPE_CHECKING:
    from airflow_provider_oms.api.client import OmsClient
    from airflow_provider_oms.api.config import TenantSettings
    from airflow_provider_oms.cancellation.parts.run import PartsTask

__all__ = ["CancelsParts"]


class CancelsParts:
    """Cancel lines and shipments of one order: a part of the hook."""

    if TYPE_CHECKING:  # attributes of the hook itself
        log: Any

        @property
        def settings(self) -> TenantSettings:
            """Return the tenant's checked settings."""

        def get_conn(self) -> OmsClient:
            """Return the client of this tenant."""

        def check_reasons(self, requests: Iterable[CancelRequest]) -> None:
            """Compare reasons with those that the tenant lists."""

    def cancel_items(  # noqa: PLR0913 - each is a separate setting
        self,
        order_id: int | str,
        items: Sequence[Any] | str,
        disposition_reason: str,
        disposition_other_reason: str | None = None,
        *,
        send_notifications: bool,
        rectify_order: bool = True,
        cancel_child_items: bool = False,
        block_assignment: bool = False,
        allow_whole_order: bool = False,
        allow_order_edit: bool = False,
        order_key: str | None = None,
        only_if_states: Any = None,
        dry_run: bool = False,
        in_doubt: bool | None = None,
        attempt: int | str | None = None,
        journal: Store | None = None,
        on_interrupt: Callable[[PartsResult], object] | None = None,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> PartsResult:
        """Cancel lines of an order, or quantities of them; this cannot be undone.

        Nothing is sent twice blindly: a read fixes the quantities before the first cancel leaves,
        and after an ambiguous cancel the difference to that read decides.

        :param order_id: the order, as for :meth:`.oms.OmsHook.cancel_order`.
        :param items: a list, or the text of a JSON array, of 1 to 200 lines: each a line's name, or
            a dict with ``line`` and, if wanted, ``quantity`` (cancel so many more),
            ``keep_quantity`` (leave so many), ``reason`` and ``other_reason``. With neither
            quantity, all that is open of the line is canceled. A line is named by its
            ``orderItemID`` on a translated tenant, where only whole lines can be canceled; by its
            ``lineId`` or the id of the order's item on a native one.
        :param disposition_reason: why, for each line that gives no reason.
        :param disposition_other_reason: the explanation that goes with it.
        :param send_notifications: whether the OMS may write to the shopper.
        :param rectify_order: translated: whether the OMS corrects the totals of the order.
        :param cancel_child_items: translated: whether items below a canceled one are canceled.
        :param block_assignment: native: sent as ``blockAssignment``.
        :param allow_whole_order: whether nothing else of the order need be open.
        :param allow_order_edit: native: whether the order itself may be edited where it has no
            shipments yet. No reason can be given then, and the effect on the payment is unknown.
        :param order_key: as for :meth:`.oms.OmsHook.cancel_order`.
        :param only_if_states: read first and send a cancel only when ``orderState`` and
            ``orderStatus`` are all among these states; ``None`` for any state.
        :param dry_run: read and plan, and send nothing.
        :param in_doubt: ``True`` if an earlier run may have sent a cancel for these lines.
            ``False`` if none can have: an unknown attempt then counts as the first.
        :param attempt: number of the task's attempt, from 1; by default that of the running task.
        :param journal: keeps small values between the attempts of this task, such as Airflow's
            ``task_state_store``. Without it, a later attempt cannot know whether a ``quantity`` was
            canceled, and ends ``unknown``.
        :param on_interrupt: told how the lines stand when something breaks in, before that goes on.
        :param is_stopping: returns whether nothing more may be sent.
        :return: the result; its outcome is ``canceled`` or ``already_canceled``, or
            ``would_cancel`` in a dry run.
        :raises OmsInvalidInputError: when an argument or the connection is not valid.
        :raises OmsPartsCancellationError: for every other outcome; its ``result`` says which. It is
            an ``OmsPartsCancellationRefusedError`` when no retry can help.
        """
        from airflow_provider_oms.cancellation.parts.tasks import PartOptions  # noqa: PLC0415 - most tasks need none of it
        from airflow_provider_oms.cancellation.parts.wanted import wanted_items  # noqa: PLC0415 - most tasks need none of it

        with invalid_input_is_final():
            dialect = self.get_conn().dialect.parts()
            options = PartOptions.checked(
                send_notifications=send_notifications,
                rectify_order=rectify_order,
                cancel_child_items=cancel_child_items,
                block_assignment=block_assignment,
                allow_whole_order=allow_whole_order,
                allow_order_edit=allow_order_edit,
            )
            options.check(dialect, PartKind.LINE)
            wanted = wanted_items(items, dialect, disposition_reason, disposition_other_reason)
            task = options.task(
                dialect, self.get_conn().dialect.order_id(order_id, order_key), wanted
            )
        return self._cancel_parts(
            task, only_if_states, dry_run, in_doubt, attempt, journal, on_interrupt, is_stopping
        )

    def cancel_shipment(  # noqa: PLR0913 - each is a separate setting
        self,
        order_id: int | str,
        shipment_id: int | str,
        disposition_reason: str,
        disposition_other_reason: str | None = None,
        *,
        send_notifications: bool | None = None,
        block_assignment: bool = False,
        allow_whole_order: bool = False,
        order_key: str | None = None,
        only_if_states: Any = None,
        dry_run: bool = False,
        in_doubt: bool | None = None,
        attempt: int | str | None = None,
        journal: Store | None = None,
        on_interrupt: Callable[[PartsResult], object] | None = None,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> PartsResult:
        """Cancel one whole shipment of an order; this cannot be undone.

        :param order_id: the order that the shipment must belong to.
        :param shipment_id: ``shipmentID`` on a translated tenant, ``shipmentNumber`` on a native
            one.
        :param disposition_reason: why.
        :param disposition_other_reason: the explanation.
        :param send_notifications: native: whether the OMS may write to the shopper. It must be
            said there, and left out on a translated tenant, whose API cannot be told.
        :param block_assignment: native: sent as ``blockAssignment``.
        :param allow_whole_order: whether no other shipment of the order need be open.
        :param order_key: as for :meth:`.oms.OmsHook.cancel_order`.
        :param only_if_states: as for :meth:`cancel_items`.
        :param dry_run: read and plan, and send nothing.
        :param in_doubt: as for :meth:`cancel_items`.
        :param attempt: as for :meth:`cancel_items`.
        :param journal: as for :meth:`cancel_items`.
        :param on_interrupt: as for :meth:`cancel_items`.
        :param is_stopping: as for :meth:`cancel_items`.
        :return: the result, as of :meth:`cancel_items`.
        :raises OmsInvalidInputError: when an argument or the connection is not valid.
        :raises OmsPartsCancellationError: for every other outcome.
        """
        from airflow_provider_oms.cancellation.parts.tasks import PartOptions  # noqa: PLC0415 - most tasks need none of it
        from airflow_provider_oms.cancellation.parts.wanted import wanted_shipment  # noqa: PLC0415 - most tasks need none of it

        with invalid_input_is_final():
            dialect = self.get_conn().dialect.parts()
            options = PartOptions.checked(
                send_notifications=send_notifications,
                block_assignment=block_assignment,
                allow_whole_order=allow_whole_order,
            )
            options.check(dialect, PartKind.SHIPMENT)
            wanted = wanted_shipment(
                shipment_id, dialect, disposition_reason, disposition_other_reason
            )
            task = options.task(
                dialect,
                self.get_conn().dialect.order_id(order_id, order_key),
                (wanted,),
                is_shipment=True,
            )
        return self._cancel_parts(
            task, only_if_states, dry_run, in_doubt, attempt, journal, on_interrupt, is_stopping
        )

    def _cancel_parts(
        self,
        task: PartsTask,
        only_if_states: Any,
        dry_run: Any,
        in_doubt: Any,
        attempt: Any,
        journal: Store | None,
        on_interrupt: Callable[[PartsResult], object] | None,
        is_stopping: Callable[[], bool],
    ) -> PartsResult:
        from airflow_provider_oms.api.part_calls import Parts  # noqa: PLC0415 - most tasks need none of it
        from airflow_provider_oms.cancellation.parts.record import begin  # noqa: PLC0415 - most tasks need none of it
        from airflow_provider_oms.cancellation.parts.run import cancel_parts  # noqa: PLC0415 - most tasks need none of it

        termination = listen_for_termination()

        def is_over() -> bool:
            return termination.is_requested or is_stopping()

        with invalid_input_is_final():
            states = validate_only_if_states(only_if_states)
            is_dry_run = validate_flag("dry_run", dry_run)
            number = running_attempt() if attempt is None else validate_number("attempt", attempt)
            is_in_doubt = in_doubt is not None and validate_flag("in_doubt", in_doubt)
            is_first = not is_in_doubt and (number == 1 or (number == 0 and in_doubt is not None))
            store = None if is_dry_run else journal
            tenant = self.settings.describe()
            if not number and in_doubt is None and not is_dry_run:
                warn_of_unknown_attempt(self.log, task.order_id)
            try:
                record, begun = begin(store, tenant, task.order_id, task.wanted, is_first=is_first)
            except JournalError as error:
                message = f"This attempt could not be recorded, so nothing was sent: {error}"
                raise OmsNotSentError(message) from None
        self.check_reasons(
            CancelRequest(task.order_id, one.reason.code, one.reason.explanation)
            for one in task.wanted
        )
        what = "shipment" if task.is_shipment else f"{len(task.wanted)} lines"
        how = "a dry run, nothing is canceled" if is_dry_run else "for real"
        self.log.info("Canceling %s of order %s at %s: %s", what, task.order_id, tenant, how)
        result = cancel_parts(
            Parts(self.get_conn()),
            task,
            replace(policy_for(self.settings, only_if_states=states), dry_run=is_dry_run),
            begun=begun,
            record=record,
            attempt=number,
            log=self.log,
            on_interrupt=on_interrupt,
            surroundings=Runtime.until(is_over),
        )
        if not result.outcome.is_success:
            raise parts_cancellation_error(result)
        self.log.info("%s", result.describe())
        return result
