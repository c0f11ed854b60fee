"""A set of orders out of a file, in a task that Airflow tries again, soon and often.

The second DAG is for a native tenant, whose orders are named by the shop's own numbers. In the
third one, each attempt has ten seconds.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

for name, conn_id, reason, order_key, timeout in (
    ("cancel_in_bulk", "oms_bulk", "created_by_mistake", None, None),
    ("cancel_in_bulk_by_number", "oms_native", "NoInventory", "external_id", None),
    ("cancel_in_bulk_in_time", "oms_bulk", "created_by_mistake", None, timedelta(seconds=10)),
):
    with DAG(dag_id=name, schedule=None, params={"orders_path": "", "results_path": ""}):
        OmsBulkCancelOrdersOperator(
            task_id="cancel",
            orders_path="{{ params.orders_path }}",
            results_path="{{ params.results_path }}",
            disposition_reason=reason,
            order_key=order_key,
            oms_conn_id=conn_id,
            max_orders=20_000,
            max_workers=8,
            retries=8,
            retry_delay=timedelta(seconds=1),
            execution_timeout=timeout,
        )
