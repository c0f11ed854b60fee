"""A set of orders, canceled one at a time, whose journal is in a folder."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

with DAG(
    dag_id="keeps_its_journal_in_a_folder",
    schedule=None,
    is_paused_upon_creation=False,
    params={"orders": [], "journal_path": ""},
    render_template_as_native_obj=True,
):
    OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders="{{ params.orders }}",
        journal_path="{{ params.journal_path }}",
        disposition_reason="created_by_mistake",
        max_workers=1,
        retries=1,
        retry_delay=timedelta(seconds=1),
    )
