"""Cancel the lines of orders that a warehouse reports as out of stock, and leave the rest of each.

Trigger this DAG with **feed_path**, a JSON Lines file that every worker can read. A row is a line:

* **order_id**: the order. On a native tenant its id of 32 hexadecimal digits.
* **line**: its `orderItemID`, on a native tenant its `lineId`.
* **left**: on a native tenant, how many of the line can still be shipped; left out for none. A
  translated tenant cancels whole lines only.

Connection: `oms_default` (type `oms`), of either API. There is one task for each order. It succeeds
when the OMS says that all of its lines are canceled as far as the feed says, and a feed that comes
again cancels no more. The result of each line is in the task's XCom `return_value`.

**When it fails:** the log names each line and why. A line that has been shipped, and the last open
line of an order, are refused before anything is sent for that order. A task that may be retried
reads the order before it sends anything.
"""

from __future__ import annotations

# [START cancel_out_of_stock_lines]
import json
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_oms.operators.oms import OmsCancelOrderItemsOperator

with DAG(
    dag_id="cancel_out_of_stock_lines",
    schedule=None,
    catchup=False,
    tags=["oms", "example"],
    doc_md=__doc__,
    params={"feed_path": Param("", type="string", minLength=1)},
) as dag:

    @task
    def orders_of(feed_path: str) -> list[dict[str, Any]]:
        """Return the lines of each order in the feed."""
        orders: dict[str, list[dict[str, Any]]] = {}
        for text in Path(feed_path).read_text(encoding="utf-8").splitlines():
            row = json.loads(text)
            item = {"line": row["line"]}
            if "left" in row:
                # How many are to be left, not how many to cancel: the feed may come again.
                item["keep_quantity"] = row["left"]
            orders.setdefault(str(row["order_id"]), []).append(item)
        return [{"order_id": order_id, "items": items} for order_id, items in orders.items()]

    OmsCancelOrderItemsOperator.partial(
        task_id="cancel",
        disposition_reason="no_inventory",
        send_notifications=True,
        max_active_tis_per_dag=4,
    ).expand_kwargs(orders_of("{{ params.feed_path }}"))
# [END cancel_out_of_stock_lines]
