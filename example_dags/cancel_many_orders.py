"""Cancel every order of a file: look first, then do it.

* **orders_path**: a JSON Lines or CSV file of orders, anywhere that every worker can read: a path,
  `s3://…`, `gs://…`.
* **dry_run**: while it is on, each order is only read. The log and the summary in XCom count by
  state the orders that would be canceled, and warn of states from which the tenant refuses.
  Trigger the DAG once with it, look at the counts, and trigger it again without.
* **results_path**: where to write the result of each order; leave it empty for none.
"""

from __future__ import annotations

# [START cancel_many_orders]
from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

with DAG(
    dag_id="cancel_many_orders",
    schedule=None,
    catchup=False,
    tags=["oms", "example"],
    doc_md=__doc__,
    params={
        "orders_path": Param("", type="string", minLength=1, title="File of orders"),
        "dry_run": Param(True, type="boolean", title="Dry run"),
        "results_path": Param(None, type=["null", "string"], title="File for the results"),
    },
) as dag:
    OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders_path="{{ params.orders_path }}",
        disposition_reason="customer_changed_mind",
        dry_run="{{ params.dry_run }}",
        results_path="{{ params.results_path or '' }}",
        max_orders=10_000,
        max_workers=8,
        retries=3,
        retry_delay=timedelta(minutes=2),
    )
# [END cancel_many_orders]
