"""The sensor: a task that waits for an order's state, in a worker or in the triggerer.

It only ever reads. ``api/waiting.py`` decides on the meaning of a state or an error.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)
from pydantic import ValidationError

from airflow_provider_oms.api.errors import OmsError, OmsInputError
from airflow_provider_oms.api.waiting import (
    Match,
    Observation,
    StateCriteria,
    is_unsettled,
    observe_patiently,
    validate_state_criteria,
)
from airflow_provider_oms.arguments import NOT_GIVEN, KeepsDefaultArguments, NotGiven
from airflow_provider_oms.exceptions import (
    OmsOrderStateError,
    OmsTriggerEventError,
    invalid_input_is_final,
)
from airflow_provider_oms.hooks.oms import OmsHook
from airflow_provider_oms.links.oms import OmsOrderLink
from airflow_provider_oms.triggers.oms import OmsOrderStateTrigger, WaitingEnded
from airflow_provider_oms.version_compat import first_look_at

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_oms.api.values import OrderId
    from airflow_provider_oms.arguments import Templated

__all__ = ["OmsOrderStateSensor"]

# An event that comes before a busy scheduler has seen the deferred task's process end makes Airflow
# take the one for the other and fail the task; on a slow machine it was seen after five seconds.
_SHORTEST_POLL = 10.0
# The trigger keeps the time; Airflow's own limit is there for a triggerer that is gone.
_GRACE = 120.0
_LOOK_AGAIN = "Nothing was changed; retry or clear the task, and it looks at the order again."


class OmsOrderStateSensor(KeepsDefaultArguments, BaseSensorOperator):
    """Wait until an order on Kibo's OMS is in one of some states; nothing is changed.

    An order is in a state when its ``orderState`` or its ``orderStatus`` has that value, in any
    letter case. While the OMS does not answer, fails or limits the rate of calls, the sensor goes
    on waiting; when it knows no such order, or refuses the credentials, the task fails at once. A
    refused access token is replaced for 15 seconds before that, and a number that the search does
    not find is looked up again until the connection's ``settle_seconds`` have passed.

    In XCom: ``return_value``, a dict with ``order_id``, ``order_state`` and ``order_status``.

    :param order_id: the order: an integer from 1, or a string of digits; on a native tenant 32
        hexadecimal digits, or what ``order_key`` says (templated).
    :param order_key: what ``order_id`` is on a native tenant: ``id``, the order's ``number``, or
        the ``external_id`` that it has in the shop's own system; ``None`` for the id (templated).
    :param target_states: states to wait for; a list, a JSON array or a comma-separated string
        (templated).
    :param failure_states: states at which the task fails, without a retry; they come before
        ``target_states`` if an order is in one of each. Left out, there are none; a value that is
        given but renders to no state is refused (templated).
    :param oms_conn_id: id of the Airflow connection of type ``oms`` (templated).
    :param deferrable: whether to wait in the triggerer, about ``poke_interval`` between two looks,
        or 10 seconds if that is less; ``mode``, ``exponential_backoff`` and ``max_wait`` then mean
        nothing. By default as ``[operators] default_deferrable`` says.
    """

    template_fields: Sequence[str] = (
        "order_id",
        "order_key",
        "target_states",
        "failure_states",
        "oms_conn_id",
    )
    template_fields_renderers = {  # noqa: RUF012 - as Airflow declares it
        "target_states": "json",
        "failure_states": "json",
    }
    operator_extra_links = (OmsOrderLink(),)
    ui_color = "#d5e5f6"
    #: Where a person finds the order, once the task runs; empty when the connection does not say,
    #: and ``None`` before.
    order_url: str | None = None

    def __init__(
        self,
        *,
        order_id: int | str | Templated,
        order_key: str | Templated | None = None,
        target_states: Sequence[str] | str | Templated = ("CANCELED",),
        failure_states: Sequence[str] | str | Templated | NotGiven = NOT_GIVEN,
        oms_conn_id: str = OmsHook.default_conn_name,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        # They are rendered when the task runs, and checked then.
        self.order_id: Any = order_id
        self.order_key: Any = order_key
        self.target_states: Any = target_states
        self._may_fail = failure_states is not NOT_GIVEN
        self.failure_states: Any = failure_states if self._may_fail else None
        self.oms_conn_id = oms_conn_id
        self.deferrable = deferrable
        self._rests_until = 0.0
        self._first_look_at: float | None = None

    @cached_property
    def _hook(self) -> OmsHook:
        return OmsHook(self.oms_conn_id)

    def execute(self, context: Context) -> Any:
        """Wait, or hand the waiting over to the triggerer.

        :param context: the task's context.
        :return: the order's id and states as a small dict.
        :raises OmsInvalidInputError: when an argument or the connection is not valid.
        :raises OmsOrderStateError: when the order will not come to a state waited for.
        """
        self._offer_link(context)
        return super().execute(context)

    def poke(self, context: Context) -> PokeReturnValue:
        """Look at the order once.

        :param context: the task's context.
        :return: whether the waiting is over, and the order's id and states.
        :raises OmsInvalidInputError: when an argument or the connection is not valid.
        :raises OmsOrderStateError: when the order will not come to a state waited for.
        """
        with invalid_input_is_final():
            order_id = self._hook.parse_order_id(self.order_id, self.order_key)
            wish = self._wish()
        client = self._hook.get_conn()
        if time.monotonic() < self._rests_until:
            return PokeReturnValue(is_done=False)
        if self._first_look_at is None:
            self._first_look_at = time.monotonic()
        try:
            look = observe_patiently(client, order_id, wish)
        except OmsError as error:
            if not is_unsettled(error) or self._has_settled(context):
                raise OmsOrderStateError(f"Order {order_id}: {error.explain()}") from None
            look = Observation(Match.OPEN, trouble=error.message)
        self._rests_until = time.monotonic() + (look.retry_after or 0)
        self.log.info("Order %s %s", order_id, look.describe())
        if look.stand is Match.FAILED:
            raise _failed(order_id, look.describe())
        if look.stand is Match.OPEN and self.deferrable:
            self._hand_over(order_id, wish)
        return PokeReturnValue(look.stand is Match.REACHED, _seen(order_id, look))

    def _has_settled(self, context: Context) -> bool:
        """Return whether a search has had time to show the order since the first look."""
        waited = time.monotonic() - (self._first_look_at or 0.0)
        if self.reschedule and (began_at := first_look_at(context)) is not None:
            # Each look is made by a separate process.
            waited = (datetime.now(UTC) - began_at).total_seconds()
        return waited >= self._hook.settings.settle_seconds

    def _wish(self) -> StateCriteria:
        if self._may_fail and self.failure_states is None:
            raise OmsInputError("failure_states", "at least one order state, or left out", "None")
        return validate_state_criteria(self.target_states, self.failure_states)

    def _hand_over(self, order_id: OrderId, wish: StateCriteria) -> None:
        # From within poke(), so that soft_fail and the like hold for the first look too.
        self.defer(
            trigger=OmsOrderStateTrigger(
                order_id=order_id,
                target_states=sorted(wish.target),
                failure_states=sorted(wish.failure),
                oms_conn_id=self.oms_conn_id,
                poll_interval=max(self.poke_interval, _SHORTEST_POLL),
                give_up_at=time.time() + self.timeout,
            ),
            method_name="execute_complete",
            kwargs={"order_id": order_id},
            timeout=timedelta(seconds=self.timeout + _GRACE),
        )

    def execute_complete(
        self,
        context: Context,
        event: dict[str, Any] | None = None,
        order_id: OrderId | None = None,
    ) -> dict[str, Any]:
        """End as the trigger has found it.

        :param context: the task's context.
        :param event: the trigger's event.
        :param order_id: the order that was handed over; ``None`` from a task that was deferred by
            a version of this provider that did not say.
        :return: the order's id and states as a small dict.
        :raises OmsOrderStateError: when the order will not come to a state waited for.
        :raises AirflowSensorTimeout: when the time is up.
        :raises OmsTriggerEventError: when the event is none of the trigger's about this order.
        """
        self._offer_link(context)
        if order_id is None:
            order_id = self._hook.parse_order_id(self.order_id, self.order_key)
        try:
            ended = WaitingEnded.model_validate(event)
        except ValidationError:
            raise OmsTriggerEventError(
                f"Order {order_id}: the triggerer came back with something that is no event of "
                f"OmsOrderStateTrigger. {_LOOK_AGAIN}"
            ) from None
        if ended.order_id != order_id:
            raise OmsTriggerEventError(
                f"Order {order_id}: the triggerer came back with an event about another order. "
                f"{_LOOK_AGAIN}"
            )
        self.log.info("Order %s %s", order_id, ended.message)
        if ended.status == "failed":
            raise _failed(order_id, ended.message)
        if ended.status == "given_up":
            raise OmsOrderStateError(f"Order {order_id}: {ended.message}")
        if ended.status == "timed_out":
            raise AirflowSensorTimeout(f"Order {order_id}: {ended.message}")
        return _seen(order_id, ended)

    def _offer_link(self, context: Context) -> None:
        self.order_url = OmsOrderLink().offer(
            context, self._hook, self.order_id, self.order_key, push=self.do_xcom_push
        )


def _failed(order_id: OrderId, seen: str) -> OmsOrderStateError:
    return OmsOrderStateError(f"Order {order_id} {seen}: one of failure_states")


def _seen(order_id: OrderId, seen: Observation | WaitingEnded) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "order_state": seen.order_state,
        "order_status": seen.order_status,
    }
