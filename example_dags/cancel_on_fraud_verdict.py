"""Cancel orders soon after the fraud check rejects them: each event of an asset is a verdict.

The fraud check adds an event to the asset `fraud-verdicts` for each verdict, with this in `extra`:

```json
{"order_id": 1010101, "verdict": "rejected", "case_id": "F-17"}
```

It does so over Airflow's REST API (`POST /api/v2/assets/events`), or as a task that has the asset
among its outlets, as in the DAG `publish_fraud_verdict` of the same file, which is there to try it.

An event only wakes this DAG up. The task `take` reads every event since the last one that was read,
because Airflow may start one run for several events, or none. A run every five minutes finds
verdicts that no event has announced. Of several verdicts on an order the newest counts, and only
exactly `rejected` cancels it. Connection: `oms_default` (type `oms`).

The run is green only when every rejected order is canceled. An event that is no such verdict turns
one run red, and keeps no other order from being canceled. An order that a run has not settled is
taken again by the next one, which asks the OMS about it before it sends another cancel. So there is
nothing to clear after a failure: correct the cause, and the next run does the rest.

One run takes 1,000 orders at most and leaves the others for the next run. Events that come while
the DAG is paused are read by the first run after that. The very first run reads those of the last
day.
"""

from __future__ import annotations

# [START cancel_on_fraud_verdict]
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Asset, Param, chain, task

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator
from airflow_provider_oms.operators.verdicts import (
    OmsSettleVerdictsOperator,
    OmsTakeVerdictsOperator,
)
from airflow_provider_oms.verdicts.adapters import Fields
from airflow_provider_oms.version_compat import asset_or_every

VERDICTS = Asset("fraud-verdicts")

with DAG(
    dag_id="cancel_on_fraud_verdict",
    schedule=asset_or_every(VERDICTS, timedelta(minutes=5)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["oms", "example"],
    doc_md=__doc__,
) as dag:
    take = OmsTakeVerdictsOperator(
        task_id="take",
        asset=VERDICTS,
        adapter=Fields(cancel=["rejected"], keep=["accepted"]),
        explanation="Rejected by fraud screening, {case_id}",
    )
    cancel = OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders=take.output,
        disposition_reason="other",
        retries=2,
        retry_delay=timedelta(minutes=5),
    )
    chain(take, cancel, OmsSettleVerdictsOperator(task_id="settle", take=take, cancel=cancel))
# [END cancel_on_fraud_verdict]

# [START publish_fraud_verdict]
with DAG(
    dag_id="publish_fraud_verdict",
    schedule=None,
    catchup=False,
    tags=["oms", "example"],
    doc_md="Publish one verdict, for `cancel_on_fraud_verdict` to act on.",
    params={
        "order_id": Param(type="integer", minimum=1, maximum=2**53 - 1),
        "verdict": Param("accepted", enum=["accepted", "rejected"]),
        "case_id": Param("", type="string", minLength=1),
    },
) as publish:

    @task(outlets=[VERDICTS])
    def publish_verdict(params: Any = None, outlet_events: Any = None) -> None:
        """Add one event to the asset."""
        fields = ("order_id", "verdict", "case_id")
        outlet_events[VERDICTS].extra = {field: params[field] for field in fields}

    publish_verdict()
# [END publish_fraud_verdict]
