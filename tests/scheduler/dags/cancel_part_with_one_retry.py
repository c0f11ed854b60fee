"""One piece of a line, or a set with such pieces, which Airflow tries once more, soon."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_oms.operators.oms import (
    OmsBulkCancelOrdersOperator,
    OmsCancelOrderItemsOperator,
)

with DAG(dag_id="cancel_part_with_one_retry", schedule=None, params={"order_id": ""}) as dag:
    OmsCancelOrderItemsOperator(
        task_id="cancel",
        order_id="{{ params.order_id }}",
        items=[{"line": 1, "quantity": 1}],
        disposition_reason="NoInventory",
        send_notifications=False,
        oms_conn_id="oms_native",
        retries=1,
        retry_delay=timedelta(seconds=2),
    )

with DAG(dag_id="cancel_parts_with_one_retry", schedule=None, params={"orders": []}):
    OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders="{{ params.orders | tojson }}",
        disposition_reason="NoInventory",
        part_options={"send_notifications": False},
        oms_conn_id="oms_native",
        retries=1,
        retry_delay=timedelta(seconds=2),
    )
