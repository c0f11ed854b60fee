"""Code of a user's, right and wrong, for the type checker of `make lint`; it is never run.

A wrong line names its error. Where there is none any more, mypy calls the comment unused.
"""

from datetime import timedelta
from typing import assert_type

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome
from airflow_provider_oms.exceptions import OmsCancellationError
from airflow_provider_oms.hooks.oms import OmsHook
from airflow_provider_oms.operators.oms import (
    OmsBulkCancelOrdersOperator,
    OmsCancelOrderItemsOperator,
    OmsCancelOrderOperator,
)
from airflow_provider_oms.sensors.oms import OmsOrderStateSensor


@task
def find_order() -> int:
    """Return an order."""
    return 1


with DAG(dag_id="right", schedule=None):
    OmsCancelOrderOperator(task_id="a", order_id=1, disposition_reason="other")
    OmsCancelOrderOperator(
        task_id="b",
        order_id="{{ params.order_id }}",
        disposition_reason="other",
        disposition_other_reason="x",
        only_if_states=["READY"],
        retries=3,
        retry_delay=timedelta(minutes=1),
    )
    OmsCancelOrderOperator(
        task_id="c",
        order_id=OmsOrderStateSensor(task_id="w", order_id=1).output,
        disposition_reason="other",
    )
    OmsBulkCancelOrdersOperator(task_id="d", orders=find_order(), disposition_reason="other")
    OmsOrderStateSensor(task_id="e", order_id=1, target_states="SHIPPED", poke_interval=60)

with DAG(dag_id="wrong", schedule=None):
    OmsCancelOrderOperator(task_id="a", order_id=1)  # type: ignore[call-arg]  # no disposition_reason
    OmsCancelOrderOperator(task_id="a", order_id=1, disposition_reason=7)  # type: ignore[arg-type]  # no text
    OmsCancelOrderOperator(task_id="a", order_id=1.5, disposition_reason="x")  # type: ignore[arg-type]  # no order_id
    OmsCancelOrderOperator("a", order_id=1, disposition_reason="x")  # type: ignore[misc]  # a name is needed
    OmsBulkCancelOrdersOperator(task_id="d", orders=[1], max_orders=[5])  # type: ignore[arg-type]  # no number
    OmsBulkCancelOrdersOperator(task_id="d", orders=[1], dry_run=None)  # type: ignore[arg-type]  # None is no bool
    OmsCancelOrderItemsOperator(  # type: ignore[call-arg]  # no items
        task_id="p", order_id=1, disposition_reason="x", send_notifications=False
    )
    OmsOrderStateSensor(task_id="e", order_id=1, target_states=7)  # type: ignore[arg-type]  # no text
    OmsOrderStateSensor(task_id="e", order_id=1, deferrable="yes")  # type: ignore[arg-type]  # no bool

hook = OmsHook(oms_conn_id="oms_default")
OmsHook(conn_id="oms_default")  # type: ignore[call-arg]  # oms_conn_id
OmsHook(oms_conn_id=7)  # type: ignore[arg-type]  # no text
hook.cancel_order(1)  # type: ignore[call-arg]  # no reason
hook.cancel_order(1, "other", reason="x")  # type: ignore[call-arg]  # unknown
hook.cancel_order(None, "other")  # type: ignore[arg-type]  # no order_id
hook.cancel_items(1, [2], "other")  # type: ignore[call-arg]  # no send_notifications
try:
    result = hook.cancel_order("1", "other", "x", only_if_states=["READY"])
except OmsCancellationError as error:
    result = error.result
assert_type(result, CancellationResult)
assert_type(result.outcome, Outcome)
assert_type(result.order_id, int | str)
print(result.outcom)  # type: ignore[attr-defined]  # outcome
