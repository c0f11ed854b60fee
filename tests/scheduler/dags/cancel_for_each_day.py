"""The orders of each day, for a backfill over three days that nothing else starts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

with DAG(
    dag_id="cancel_for_each_day",
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    end_date=datetime(2026, 1, 3, tzinfo=UTC),
    catchup=False,
    params={"directory": ""},
) as dag:
    OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders_path="{{ params.directory }}/{{ ds }}.jsonl",
        results_path="{{ params.directory }}/{{ ds }}-results.jsonl",
        disposition_reason="created_by_mistake",
        oms_conn_id="oms_bulk",
        max_workers=4,
        retries=1,
        retry_delay=timedelta(seconds=1),
    )
