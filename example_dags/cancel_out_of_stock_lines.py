"""Cancel the lines of orders that a warehouse reports as out of stock, and leave the rest of each.

Trigger this DAG with **feed_path**, a JSON Lines file that every worker can read. A row is a line:

* **order_id**: the order. On a native tenant its id of 32 hexadecimal digits.
* **line**: its `orderItemID`, on a native tenant its `lineId`.
* **keep_quantity**: on a native tenant, how many of the line can still be shipped; left out for
  none. A translated tenant cancels whole lines only.

A row without **line** is refused, so that it never cancels a whole order.

Connection: `oms_default` (type `oms`), of either API. One task goes through all orders of the feed.
It succeeds when the OMS says that all lines are canceled as far as the feed says, and a feed that
comes again cancels no more. The result of each order and its lines is in the task's XCom `results`.

**When it fails:** the log names each order, its lines and why. A line that has been shipped, and
the last open line of an order, are refused before anything is sent for that order; the other orders
go on. A task that may be retried reads an order before it sends anything.
"""

from __future__ import annotations

# [START cancel_out_of_stock_lines]
from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

with DAG(
    dag_id="cancel_out_of_stock_lines",
    schedule=None,
    catchup=False,
    tags=["oms", "example"],
    doc_md=__doc__,
    params={"feed_path": Param("", type="string", minLength=1, title="Feed of lines")},
) as dag:
    OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders_path="{{ params.feed_path }}",
        disposition_reason="no_inventory",
        part_options={"send_notifications": True},
        retries=2,
        retry_delay=timedelta(minutes=2),
    )
# [END cancel_out_of_stock_lines]
