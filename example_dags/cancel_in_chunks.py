"""Cancel a file of orders with several tasks at a time.

Trigger this DAG with **orders_path**, a JSON Lines or CSV file of orders that every worker can
read, and **results_path**, where each task writes the results of its orders: from
`results.jsonl` come `results-0.jsonl`, `results-1.jsonl` and so on; leave it empty for none.
**chunk_size** is how many orders each task has, 1,000 at most. More than 50,000 orders are refused.
**api** is that of the connection. The UI calls each task by the first and the last of its orders.

One task is fast enough for some ten thousand orders, so chunks are for larger sets. The tenant's
limit holds for all tasks together: `max_active_tis_per_dag` times `max_workers` requests are under
way at a time. A `pool` does the same across DAGs.
"""

from __future__ import annotations

# [START cancel_in_chunks]
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_oms.cancellation.bulk.order_set import split_orders
from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator
from airflow_provider_oms.storage import read_orders

REASON = "created_by_mistake"
# The UI's name for a mapped task; an entry is an order id, or a dict with one.
NAME = "orders {} … {}".format(
    "{{ task.orders[0].order_id | default(task.orders[0]) }}",
    "{{ task.orders[-1].order_id | default(task.orders[-1]) }}",
)

with DAG(
    dag_id="cancel_in_chunks",
    schedule=None,
    catchup=False,
    tags=["oms", "example"],
    doc_md=__doc__,
    params={
        "orders_path": Param("", type="string", minLength=1),
        "results_path": Param(None, type=["null", "string"]),
        "chunk_size": Param(1000, type="integer", minimum=1, maximum=1000),
        "api": Param("translated", enum=["translated", "native"]),
    },
) as dag:

    @task
    def split(orders_path: str, chunk_size: str, api: str) -> list[list[Any]]:
        """Return the orders in chunks, checked as one set: max_orders holds over all of them."""
        return split_orders(
            read_orders(orders_path),
            chunk_size=int(chunk_size),
            max_orders=50_000,
            disposition_reason=REASON,
            api=api,
        )

    chunks = split("{{ params.orders_path }}", "{{ params.chunk_size }}", "{{ params.api }}")
    OmsBulkCancelOrdersOperator.partial(
        task_id="cancel",
        disposition_reason=REASON,
        max_orders=1000,
        max_workers=4,
        max_active_tis_per_dag=2,
        retries=2,
        results_path="{{ params.results_path or '' }}",
        map_index_template=NAME,
    ).expand(orders=chunks)
# [END cancel_in_chunks]
