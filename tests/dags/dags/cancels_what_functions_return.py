"""Cancel the orders that a function returns, once for each of its arguments."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG, task

FIRST = 6300001

with DAG("cancels_what_functions_return", schedule=None) as dag:

    @task
    def chunks() -> list[int]:
        """Return where each chunk begins."""
        return [FIRST, FIRST + 10]

    @task.oms_cancel(disposition_reason="created_by_mistake", max_orders=2)
    def cancel(first: int, many: int) -> list[dict[str, int]]:
        """Return some orders from a number on."""
        return [{"order_id": first + number} for number in range(many)]

    cancel.partial(many=2).expand(first=chunks())
