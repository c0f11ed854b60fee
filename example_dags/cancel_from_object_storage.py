"""Cancel the orders that a file of fraud verdicts in object storage rejects.

Trigger this DAG with **verdicts_path**, a JSON Lines file such as
`s3://fraud/verdicts/2026-11-24.jsonl`, one verdict in each line:

```json
{"order_id": 1010101, "verdict": "rejected", "case_id": "F-17"}
```

Only orders whose **last** line says `rejected` are canceled. A line that is no such record fails
the run, and nothing is sent; so does a verdict that is none of `VERDICTS`, such as `Rejected`, and
so do more than 1,000 orders, unless you raise `max_orders`.

It needs the connection `oms_default` (type `oms`), and whatever the path's storage needs: for
`s3://` the Amazon provider with `s3fs`, and its connection in front of the bucket, as in
`s3://aws_default@fraud/verdicts/…`.

The run is green only when every rejected order is canceled; `return_value` of `cancel` has the
counts, and `results` the result of each order.

**When it fails:** fix the cause that the log of the failed task names, and *clear* that task. Do
not trigger a new run for the same file: a cleared task knows which orders it has sent a cancel for
and reads them first, a new run does not.
"""

from __future__ import annotations

# [START cancel_from_object_storage]
import json
from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, ObjectStoragePath, Param, task

from airflow_provider_oms.api.validation import validate_order_id
from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

VERDICTS = ("accepted", "rejected", "review")

with DAG(
    dag_id="cancel_from_object_storage",
    schedule=None,
    catchup=False,
    tags=["oms", "example"],
    doc_md=__doc__,
    params={
        "verdicts_path": Param(
            "",
            type="string",
            pattern=r"\.jsonl$",
            examples=["s3://fraud/verdicts/2026-11-24.jsonl"],
            description="A JSON Lines file of verdicts",
        ),
    },
) as dag:

    @task
    def rejected_orders(verdicts_path: str) -> list[dict[str, Any]]:
        """Return the orders that are rejected, without the keys that the operator refuses."""
        latest: dict[int, dict[str, Any]] = {}
        path = ObjectStoragePath(verdicts_path)
        # Bytes, because the lines of a text end at characters that JSON allows within a string.
        for number, line in enumerate(path.fs.cat_file(path.path).splitlines(), start=1):
            if line.strip():
                verdict = json.loads(line)
                if verdict["verdict"] not in VERDICTS:
                    raise ValueError(f"line {number}: verdict is none of {', '.join(VERDICTS)}")
                latest[validate_order_id(verdict["order_id"])] = verdict
        return [
            {
                "order_id": order_id,
                "disposition_other_reason": f"Rejected by fraud screening, {verdict['case_id']}",
            }
            for order_id, verdict in latest.items()
            if verdict["verdict"] == "rejected"
        ]

    OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders=rejected_orders("{{ params.verdicts_path }}"),
        disposition_reason="other",
        retries=2,
        retry_delay=timedelta(minutes=5),
    )
# [END cancel_from_object_storage]
