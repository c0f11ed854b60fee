"""Sets of orders as other tasks leave them, and an asset that tells of them."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG, Asset, task

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

FIRST = 6200001

with DAG(dag_id="bulk_takes_what_tasks_leave", schedule=None):

    @task
    def one_list() -> list[dict[str, int]]:
        return [{"order_id": FIRST}, {"order_id": FIRST + 1}]

    @task
    def part(number: int) -> list[int]:
        return [FIRST + 10 * number, FIRST + 10 * number + 1]

    @task
    def one(number: int) -> str:
        return str(FIRST + number)

    shared: dict[str, Any] = {"disposition_reason": "created_by_mistake", "max_orders": 10}
    OmsBulkCancelOrdersOperator(
        task_id="a_list", orders=one_list(), outlets=[Asset("oms-canceled-orders")], **shared
    )
    OmsBulkCancelOrdersOperator(
        task_id="lists_of_mapped_tasks", orders=part.expand(number=[1, 2, 3]), **shared
    )
    OmsBulkCancelOrdersOperator(
        task_id="ids_of_mapped_tasks", orders=one.expand(number=[40, 41, 42]), **shared
    )
    OmsBulkCancelOrdersOperator(
        task_id="a_template",
        orders="{{ [params.first + 50, params.first + 51] | tojson }}",
        params={"first": FIRST},
        **shared,
    )
