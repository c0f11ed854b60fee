"""One piece of a line, whose cancel Airflow tries once more, soon."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_oms.operators.oms import OmsCancelOrderItemsOperator

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
