"""The Airflow operators: task parameters turned into cancellations.

They hold no logic: the hook validates, cancels and judges.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSkipException, BaseOperator

from airflow_provider_oms.arguments import NOT_GIVEN, NotGiven, outcomes_argument
from airflow_provider_oms.cancellation.outcomes import validate_accepted
from airflow_provider_oms.exceptions import OmsCancellationError, invalid_input_is_final
from airflow_provider_oms.hooks.oms import OmsHook
from airflow_provider_oms.links.oms import OmsOrderLink
from airflow_provider_oms.metrics import MeasuredRun, emit
from airflow_provider_oms.one_order import CancelsOneOrder
from airflow_provider_oms.operators.bulk import OmsBulkCancelOrdersOperator
from airflow_provider_oms.operators.parts import (
    OmsCancelOrderItemsOperator,
    OmsCancelShipmentOperator,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_oms.arguments import Templated
    from airflow_provider_oms.cancellation.outcomes import CancellationResult, ResultDict

__all__ = [
    "OmsBulkCancelOrdersOperator",
    "OmsCancelOrderItemsOperator",
    "OmsCancelOrderOperator",
    "OmsCancelShipmentOperator",
]


class OmsCancelOrderOperator(CancelsOneOrder, BaseOperator):
    """Cancel one whole order on Kibo's OMS; this cannot be undone.

    The task succeeds only when the OMS itself says that the order is canceled. Its result is in
    XCom as ``return_value``, also when the task fails or is skipped: ``order_id``,
    ``looked_up_id``, ``outcome``, ``confirmed_by``, ``order_state``, ``order_status`` and
    ``correlation_id``. Everything is validated when the task runs, and nothing invalid is sent.

    :param order_id: the order: an integer from 1, or a string of digits; on a native tenant 32
        hexadecimal digits, or what ``order_key`` says (templated).
    :param disposition_reason: why: ``customer_changed_mind``, ``created_by_mistake``, ``other``,
        or a reason that the connection's ``disposition_reasons`` admits; on a native tenant one of
        its reason codes (templated).
    :param disposition_other_reason: explanation of 1 to 255 characters, required with the reason
        ``other`` and refused with any other; ``None`` or empty for none. A native tenant takes one
        with any reason (templated).
    :param order_key: what ``order_id`` is on a native tenant: ``id``, the order's ``number``, or
        the ``external_id`` that it has in the shop's own system; ``None`` for the id (templated).
    :param note: left on the order once it is canceled, at most 250 characters, on a native tenant
        only; that it cannot be left fails nothing (templated).
    :param only_if_states: read first and cancel only when ``orderState`` and ``orderStatus`` are
        all among these states, otherwise end ``not_cancelable``; a list, a JSON array or a
        comma-separated string (templated). Left out, any state will do; a value that is given but
        renders to nothing is refused.
    :param skip_on_outcomes: ``not_cancelable``, ``not_found``, or a list of them: a task that ends
        so is skipped instead of failed, as with ``skip_on_exit_code`` of Airflow's
        ``BashOperator`` (templated). ``None`` or empty for none.
    :param in_doubt: ``True`` if an earlier run may have sent a cancel for this order: read it, with
        time to settle, before anything is sent, as on the task's own later attempts. ``False`` if
        none can have: an unknown attempt (``airflow tasks test``) then counts as the first.
    :param oms_conn_id: id of the Airflow connection of type ``oms`` (templated).
    """

    template_fields: Sequence[str] = (
        "order_id",
        "disposition_reason",
        "disposition_other_reason",
        "order_key",
        "note",
        "only_if_states",
        "skip_on_outcomes",
        "oms_conn_id",
    )
    template_fields_renderers = {  # noqa: RUF012 - as Airflow declares it
        "only_if_states": "json",
        "skip_on_outcomes": "json",
    }
    operator_extra_links = (OmsOrderLink(),)
    ui_color = "#f6d5d5"

    def __init__(
        self,
        *,
        order_id: int | str | Templated,
        disposition_reason: str | Templated,
        disposition_other_reason: str | Templated | None = None,
        order_key: str | Templated | None = None,
        note: str | Templated | None = None,
        only_if_states: Sequence[str] | str | Templated | NotGiven = NOT_GIVEN,
        skip_on_outcomes: Sequence[str] | str | Templated | None = None,
        in_doubt: bool | None = None,
        oms_conn_id: str = OmsHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        # They are rendered when the task runs, and checked then.
        self.order_id: Any = order_id
        self.disposition_reason: Any = disposition_reason
        self.disposition_other_reason: Any = disposition_other_reason
        self.order_key: Any = order_key
        self.note: Any = note
        self._is_guarded = only_if_states is not NOT_GIVEN
        self.only_if_states: Any = only_if_states if self._is_guarded else None
        self.skip_on_outcomes: Any = outcomes_argument("skip_on_outcomes", skip_on_outcomes)
        self.in_doubt = in_doubt
        self.oms_conn_id = oms_conn_id

    def execute(self, context: Context) -> ResultDict:
        """Cancel the order.

        :param context: the task's context.
        :return: the result as a small dict.
        :raises OmsInvalidInputError: when an argument or the connection is not valid.
        :raises OmsCancellationError: when the order did not end canceled.
        :raises AirflowSkipException: when it ended as ``skip_on_outcomes`` says.
        """
        with invalid_input_is_final():
            skipped = validate_accepted("skip_on_outcomes", self.skip_on_outcomes)
        hook = OmsHook(self.oms_conn_id)
        self._begin(context, hook)
        ti: Any = context["ti"]
        started_at = time.monotonic()

        def measure(result: CancellationResult) -> None:
            run = MeasuredRun.of_order(
                result,
                tenant=hook.settings.tenant_id,
                attempt=ti.try_number,
                duration=time.monotonic() - started_at,
                accepted=skipped,
            )
            emit(self.log, context, run)

        def keep(result: CancellationResult) -> None:
            self._push(context, result)
            measure(result)

        try:
            result = hook.cancel_order(
                self.order_id,
                self.disposition_reason,
                self.disposition_other_reason,
                order_key=self.order_key,
                note=self.note,
                only_if_states=self.only_if_states,
                in_doubt=self.in_doubt,
                attempt=ti.try_number,
                on_interrupt=keep,
                is_stopping=lambda: self._is_killed,
            )
        except OmsCancellationError as error:
            keep(error.result)
            if error.result.outcome not in skipped:
                raise
            self.log.info("%s", error.result.describe())
            raise AirflowSkipException(
                f"Order {error.result.order_id} ended {error.result.outcome}, which "
                f"skip_on_outcomes names"
            ) from None
        measure(result)
        return result.as_dict()
