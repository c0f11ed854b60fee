"""One cancellation that Airflow tries once more, soon."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_oms.operators.oms import OmsCancelOrderOperator

with DAG(dag_id="cancel_with_one_retry", schedule=None, params={"order_id": 1}) as dag:
    OmsCancelOrderOperator(
        task_id="cancel",
        order_id="{{ params.order_id }}",
        disposition_reason="customer_changed_mind",
        retries=1,
        retry_delay=timedelta(seconds=2),
    )
