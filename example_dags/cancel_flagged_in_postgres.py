"""Cancel the orders that a table in Postgres has as rejected.

Every hour: **claim** the orders whose latest verdict is exactly `rejected`, **cancel** them, and
**record** the result of each. Of two verdicts of the same instant, the one that is no rejection
counts. Nothing else is touched.

Connections: `oms_default` (type `oms`), and `fraud_postgres` (type `postgres`) with

```sql
CREATE TABLE fraud_verdicts (
    verdict_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id           bigint NOT NULL,
    verdict            text NOT NULL,
    decided_at         timestamptz NOT NULL,
    cancel_outcome     text,        -- these two are written by this DAG
    cancel_recorded_at timestamptz
);
```

A run is green only when every order that it claimed is canceled. `canceled`, `already_canceled`,
`not_cancelable`, `not_found` and `refused` are final until a newer verdict rejects the order again;
everything else is tried again by the next run.

**When it fails:** look at the outcomes in the table, or in the log of `cancel`, and wait for the
next run, or clear `claim` with all that follows it. Both read the table again, and a claimed order
counts as `unknown` until its outcome is recorded, so that it is read at the OMS before anything is
sent for it again. Do not clear `cancel` alone: it would act on the verdicts of its first time. More
than 1,000 orders at once are refused; check the fraud check before you raise
`max_orders`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, chain, task
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.providers.standard.operators.empty import EmptyOperator

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

FINAL = ["canceled", "already_canceled", "not_cancelable", "not_found", "refused"]

# [START cancel_flagged_in_postgres_sql]
# One statement, so that no order can be read without being marked. Postgres makes the entries as
# the operator takes them.
CLAIM = """
    WITH latest AS (
        SELECT DISTINCT ON (order_id) verdict_id, verdict, cancel_outcome, bool_or(
            cancel_outcome IN ('unknown', 'not_canceled')) OVER (PARTITION BY order_id) AS in_doubt
        FROM fraud_verdicts
        ORDER BY order_id, decided_at DESC, verdict = 'rejected', verdict_id DESC
    )
    UPDATE fraud_verdicts AS claimed SET cancel_outcome = 'unknown'
    FROM latest
    WHERE claimed.verdict_id = latest.verdict_id AND latest.verdict = 'rejected'
        AND (latest.cancel_outcome IS NULL OR latest.cancel_outcome <> ALL (%(final)s))
    RETURNING json_build_object(
        'order_id', claimed.order_id, 'in_doubt', coalesce(latest.in_doubt, false))
"""
RECORD = """
    UPDATE fraud_verdicts AS claimed
    SET cancel_outcome = ended.outcome, cancel_recorded_at = now()
    FROM unnest(%(order_ids)s::bigint[], %(outcomes)s::text[]) AS ended (order_id, outcome)
    WHERE claimed.order_id = ended.order_id AND claimed.cancel_outcome <> ALL (%(final)s)
"""
# [END cancel_flagged_in_postgres_sql]

with DAG(
    dag_id="cancel_flagged_in_postgres",
    schedule="@hourly",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["oms", "example"],
    doc_md=__doc__,
) as dag:
    # [START cancel_flagged_in_postgres]
    claim = SQLExecuteQueryOperator(
        task_id="claim",
        conn_id="fraud_postgres",
        sql=CLAIM,
        parameters={"final": FINAL},
        handler=lambda cursor: [order for (order,) in cursor.fetchall()],
    )
    cancel = OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders=claim.output,
        disposition_reason="other",
        disposition_other_reason="Rejected by fraud screening",
        max_orders=1000,
        retries=2,
        retry_delay=timedelta(minutes=5),
    )

    @task(trigger_rule="all_done")
    def record(ti: Any = None) -> None:
        """Write the result of each order; one without a result stays unknown."""
        results = ti.xcom_pull(task_ids="cancel", key="results") or []
        ended = {
            "order_ids": [one["order_id"] for one in results],
            "outcomes": [one["outcome"] for one in results],
        }
        PostgresHook("fraud_postgres").run(RECORD, parameters={**ended, "final": FINAL})

    recorded = record()
    # The run is green only if both are, because `record` also runs after a failure.
    chain(cancel, recorded, done := EmptyOperator(task_id="done"))
    chain(cancel, done)
    # [END cancel_flagged_in_postgres]
