"""A set of orders out of a file, in a task that Airflow tries again, soon and often."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

with DAG(
    dag_id="cancel_in_bulk", schedule=None, params={"orders_path": "", "results_path": ""}
) as dag:
    OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders_path="{{ params.orders_path }}",
        results_path="{{ params.results_path }}",
        disposition_reason="created_by_mistake",
        oms_conn_id="oms_bulk",
        max_orders=20_000,
        max_workers=8,
        retries=8,
        retry_delay=timedelta(seconds=1),
    )
