"""The DAGs that the benchmark runs under a real scheduler.

They are for the benchmark alone; what to copy is in `example_dags`.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from airflow.providers.common.compat.sdk import DAG, get_current_context, task
from airflow.providers.http.operators.http import HttpOperator

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

REASON = "created_by_mistake"
FIRST_ORDER = int(os.environ["BENCH_FIRST_ORDER"])
MAPPED_ORDERS = int(os.environ["BENCH_MAPPED_ORDERS"])
BULK_ORDERS = int(os.environ["BENCH_BULK_ORDERS"])
BULK_WORKERS = int(os.environ["BENCH_BULK_WORKERS"])
# Half of the journal's largest page.
PAGE = {"?": "x" * 16_384}
WRITES = 50

with DAG(dag_id="bench_mapped", schedule=None, catchup=False):
    HttpOperator.partial(
        task_id="cancel",
        http_conn_id="oms_http",
        method="POST",
        endpoint="/api/v2/order/action/cancel",
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Bearer {os.environ['BENCH_TOKEN']}",
            "x-vol-tenant": "10001",
        },
    ).expand(
        data=[
            json.dumps({"orderID": order_id, "dispositionReason": REASON})
            for order_id in range(FIRST_ORDER, FIRST_ORDER + MAPPED_ORDERS)
        ]
    )

with DAG(dag_id="bench_bulk", schedule=None, catchup=False):
    OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders=list(range(FIRST_ORDER, FIRST_ORDER + BULK_ORDERS)),
        disposition_reason=REASON,
        max_orders=BULK_ORDERS,
        max_workers=BULK_WORKERS,
    )

with DAG(dag_id="bench_store", schedule=None, catchup=False):

    @task
    def measure_store() -> list[float]:
        store: Any = get_current_context()["task_state_store"]
        taken = []
        for _ in range(WRITES):
            began_at = time.monotonic()
            store.set("bench_page", PAGE)
            taken.append(time.monotonic() - began_at)
        return taken

    measure_store()
