"""The operator that lists the orders a native tenant holds for review and whose fraud check failed.

An adapter decides on the meaning of an order's results; see ``verdicts/adapters/kibo.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_oms.api.errors import OmsError, OmsNotFoundError
from airflow_provider_oms.api.patience import LASTING, patiently
from airflow_provider_oms.api.review import OrderInReview, Reviews
from airflow_provider_oms.api.values import validate_flag, validate_number
from airflow_provider_oms.arguments import KeepsDefaultArguments
from airflow_provider_oms.exceptions import OmsInvalidInputError, invalid_input_is_final
from airflow_provider_oms.hooks.oms import OmsHook
from airflow_provider_oms.verdict_arguments import check_adapter
from airflow_provider_oms.verdicts.adapters import Kibo
from airflow_provider_oms.verdicts.verdict import (
    Adapter,
    AdapterFault,
    Decision,
    OmsVerdictError,
    verdict_of,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_oms.arguments import Templated

__all__ = ["OmsListOrdersInReviewOperator"]

_NAMED = 3
# So many orders in a row that cannot be read speak of the tenant, and not of these orders.
_MOST_UNREAD = 3


class OmsListOrdersInReviewOperator(KeepsDefaultArguments, BaseOperator):
    """List the orders in ``PendingReview`` whose fraud check failed, on a native tenant.

    Its output is the argument ``orders`` of ``OmsBulkCancelOrdersOperator``, which needs
    ``only_if_states=["PendingReview"]``: an order that is accepted in between is then not canceled.
    A search finds the orders, and a read of each confirms its results. Nothing is changed.

    :param adapter: what makes a verdict of an order; ``Kibo()`` unless given, whose arguments say
        which validators and which of their results count.
    :param in_doubt: whether an earlier run may have sent a cancel for a listed order that does not
        show yet. Each is then read with time to settle before another cancel leaves. ``False``
        where a run begins only after the one before it and the time to settle (templated).
    :param fail_on_refused: whether nothing is listed when the results of an order cannot be read;
        otherwise the log names that order and the others are listed (templated). A tenant that
        shows none of its orders fails the task in any case.
    :param max_orders: how many orders may be in review; more are refused as a whole (templated).
    :param oms_conn_id: id of the Airflow connection of type ``oms`` (templated).
    :raises ValueError: when the adapter cannot be called.
    """

    template_fields: Sequence[str] = ("in_doubt", "fail_on_refused", "max_orders", "oms_conn_id")
    ui_color = "#e8d5f6"

    def __init__(
        self,
        *,
        adapter: Adapter | None = None,
        in_doubt: bool | str | Templated = True,
        fail_on_refused: bool | str | Templated = True,
        max_orders: int | str | Templated = 1000,
        oms_conn_id: str = OmsHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.adapter = Kibo() if adapter is None else adapter
        check_adapter(self.adapter)
        self.in_doubt = in_doubt
        self.fail_on_refused = fail_on_refused
        self.max_orders = max_orders
        self.oms_conn_id = oms_conn_id

    def execute(self, context: Context) -> list[dict[str, Any]]:  # noqa: ARG002 - Airflow gives it
        """List the orders.

        :param context: the task's context.
        :return: an entry for each order, as ``OmsBulkCancelOrdersOperator`` takes them.
        :raises OmsInvalidInputError: when the tenant is not a native one, an argument or the
            connection is not valid, or the results of an order cannot be read, also because the
            adapter raised an error. Also when there are more orders than ``max_orders``, and when
            the tenant refuses.
        :raises OmsError: one of its kinds, when the tenant does not show its orders now.
        """
        try:
            return self._list()
        except OmsError as error:
            if error.evidence in LASTING:
                raise OmsInvalidInputError(error.explain("Nothing was listed.")) from None
            raise

    def _list(self) -> list[dict[str, Any]]:
        with invalid_input_is_final(), OmsHook(self.oms_conn_id).get_conn() as client:
            at_most = validate_number("max_orders", self.max_orders, least=1)
            in_doubt = validate_flag("in_doubt", self.in_doubt)
            is_strict = validate_flag("fail_on_refused", self.fail_on_refused)
            reviews = Reviews(client)
            held = patiently(partial(reviews.orders, at_most=at_most))
            refused: list[str] = []
            listed = []
            has_read, unread = False, list[OmsError]()
            for order in held:
                if not self._is_to_cancel(order, refused):
                    continue
                try:
                    # A search may lag behind a read.
                    is_confirmed = self._is_confirmed(order, reviews, refused)
                except OmsError as error:
                    unread.append(error)
                    if is_strict or len(unread) == _MOST_UNREAD:
                        raise
                    refused.append(f"order {_name(order)} cannot be read: {error}")
                    continue
                has_read = True
                unread.clear()
                if is_confirmed:
                    self.log.info("Order %s is in review and its fraud check failed", _name(order))
                    listed.append({"order_id": order.order_id, "in_doubt": in_doubt})
            if unread and not has_read:
                raise unread[-1]
        for problem in refused:
            self.log.error("%s", problem)
        if refused and is_strict:
            raise OmsInvalidInputError(_in_short(refused))
        self.log.info(
            "Of %d orders in review, %d are listed, and %d cannot be read",
            len(held),
            len(listed),
            len(refused),
        )
        return listed

    def _is_confirmed(self, order: OrderInReview, reviews: Reviews, refused: list[str]) -> bool:
        try:
            current = patiently(partial(reviews.order, order.order_id))
        except OmsNotFoundError as error:
            self.log.warning("The search shows an order that cannot be read: %s", error)
            return False
        return current.is_in_review and self._is_to_cancel(current, refused)

    def _is_to_cancel(self, order: OrderInReview, refused: list[str]) -> bool:
        try:
            verdict = verdict_of(order.payload, self.adapter)
        except OmsVerdictError as error:
            refused.append(
                f"order {_name(order)}: {error.field} must be {error.rule}; got {error.kind}"
            )
            return False
        except AdapterFault as fault:
            refused.append(f"order {_name(order)}: {fault}")
            return False
        return verdict.decision is Decision.CANCEL


def _name(order: OrderInReview) -> str:
    number = order.payload.get("orderNumber")
    return f"{order.order_id} (number {number})" if isinstance(number, int) else order.order_id


def _in_short(problems: Sequence[str]) -> str:
    text = "; ".join(problems[:_NAMED])
    further = len(problems) - _NAMED
    more = f"; and {further} more, which the log names" if further > 0 else ""
    return f"Orders in review have results that cannot be read: {text}{more}. Nothing was listed."
