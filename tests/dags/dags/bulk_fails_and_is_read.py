"""A bulk task that fails, and one after it that reads its XComs nevertheless."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

FIRST = 6300001

with DAG(dag_id="bulk_fails_and_is_read", schedule=None):
    cancel = OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders=[FIRST, FIRST + 1],
        disposition_reason="created_by_mistake",
    )

    @task(trigger_rule="all_done")
    def read(ti: Any = None) -> dict[str, Any]:
        summary = ti.xcom_pull(task_ids="cancel")
        return {**summary["outcomes"], "results": ti.xcom_pull(task_ids="cancel", key="results")}

    cancel >> read()
