"""Cancel the orders that have waited too long for their payment, found by a rule in Python.

Trigger this DAG with **orders_path**, a CSV file of open orders with the columns `order_id`,
`placed_at` (such as `2026-11-02T08:30:00Z`) and `paid_at` (empty where nothing was paid), and with
**days**, how long an order may wait. The task that finds the orders cancels them as well, each one
only while the OMS still has it on hold. It begins with a dry run.
"""

from __future__ import annotations

# [START cancel_unpaid_orders]
import csv
import io
from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, ObjectStoragePath, Param, task

with DAG(
    dag_id="cancel_unpaid_orders",
    schedule=None,
    catchup=False,
    tags=["oms", "example"],
    doc_md=__doc__,
    params={
        "orders_path": Param("", type="string", minLength=1, title="File of open orders"),
        "days": Param(14, type="integer", minimum=1, title="Days without a payment"),
        "dry_run": Param(True, type="boolean", title="Dry run"),
    },
) as dag:

    @task.oms_cancel(
        disposition_reason="other",
        disposition_other_reason="Not paid in time",
        only_if_states=["PAYMENT_HOLD"],
        dry_run="{{ params.dry_run }}",
        max_orders=1000,
        retries=2,
        retry_delay=timedelta(minutes=5),
    )
    def cancel_unpaid(orders_path: str, days: str) -> list[str]:
        """Return the orders that were placed too long ago, and are not paid."""
        latest = datetime.now(UTC) - timedelta(days=int(days))
        path = ObjectStoragePath(orders_path)
        text = path.fs.cat_file(path.path).decode("utf-8")
        return [
            row["order_id"]
            for row in csv.DictReader(io.StringIO(text, newline=""))
            if not row["paid_at"] and datetime.fromisoformat(row["placed_at"]) < latest
        ]

    cancel_unpaid("{{ params.orders_path }}", "{{ params.days }}")
# [END cancel_unpaid_orders]
