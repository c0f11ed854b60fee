"""Cancel what still can be canceled: some of the orders may be too far gone, but not many.

Trigger this DAG with **orders_path**, a JSON Lines or CSV file of up to 1,000 orders that every
worker can read, and **tolerated_failures**, how many of them may end otherwise than canceled.

Connection: `oms_default` (type `oms`). The run is green when no more than **tolerated_failures**
orders are not canceled, and `left_over` then has these with their outcomes in XCom, for the people
who handle them. One failure more stops it: no further cancel is begun, and the run is red.

**When it fails:** the log of `cancel` names the orders and causes. If they are as expected after
all, trigger a new run with a higher number; if not, fix the cause and *clear* the task, which goes
on with the orders that had no turn.
"""

from __future__ import annotations

# [START cancel_what_still_can_be]
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, chain, task

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

with DAG(
    dag_id="cancel_what_still_can_be",
    schedule=None,
    catchup=False,
    tags=["oms", "example"],
    doc_md=__doc__,
    params={
        "orders_path": Param("", type="string", minLength=1),
        "tolerated_failures": Param(0, type="integer", minimum=0, maximum=1000),
    },
) as dag:
    cancel = OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders_path="{{ params.orders_path }}",
        disposition_reason="created_by_mistake",
        tolerated_failures="{{ params.tolerated_failures }}",
        stop_after_failures="{{ params.tolerated_failures + 1 }}",
        # A retry would go on with the orders that had no turn: that is for a person to decide.
        retries=0,
    )

    @task
    def left_over(ti: Any = None) -> list[dict[str, Any]]:
        """Return the orders that are not canceled, each with its outcome."""
        results = ti.xcom_pull(task_ids="cancel", key="results")
        return [one for one in results if one["outcome"] not in ("canceled", "already_canceled")]

    chain(cancel, left_over())
# [END cancel_what_still_can_be]
