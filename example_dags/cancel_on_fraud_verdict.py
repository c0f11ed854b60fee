"""Cancel orders as soon as the fraud check rejects them: each event of an asset is a verdict.

The fraud check adds an event to the asset `fraud-verdicts` for each verdict, with this in `extra`:

```json
{"order_id": 1010101, "verdict": "rejected", "case_id": "F-17"}
```

It does so over Airflow's REST API (`POST /api/v2/assets/events`), or as a task that has the asset
among its outlets, as in the DAG `publish_fraud_verdict` of the same file, which is there to try it.

Each run takes all events that have gathered since the last one. Of several verdicts on an order the
newest event counts, and only exactly `rejected` cancels it. Connection: `oms_default` (type `oms`).

The run is green only when every rejected order is canceled. An event that is no such verdict fails
the run before anything is sent, so that the others in it are not forgotten silently.

**When it fails:** mend the cause, and *clear* the failed task only if no verdict on its orders can
have come since: a run keeps its events, and acts on them however old they are. If the fraud check
may have changed its mind, let it publish its newest verdicts again: they get a run of their own.

Events that come while the DAG is paused wait for the first one after that. More than 1,000 rejected
orders at once are refused; raise `max_orders` if that is right. Do not trigger this DAG by hand:
such a run has no verdicts, and cancels nothing.
"""

from __future__ import annotations

# [START cancel_on_fraud_verdict]
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Asset, Param, task

from airflow_provider_oms.api.validation import validate_order_id
from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

VERDICTS = Asset("fraud-verdicts")

with DAG(
    dag_id="cancel_on_fraud_verdict",
    schedule=[VERDICTS],
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["oms", "example"],
    doc_md=__doc__,
) as dag:

    @task
    def rejected_orders(
        triggering_asset_events: Any = None,
        triggering_dataset_events: Any = None,  # its name in Airflow 2
    ) -> list[dict[str, Any]]:
        """Return the orders that are rejected, each once, whatever number of events it has."""
        by_asset = triggering_asset_events or triggering_dataset_events or {}
        events = sorted(chain(*by_asset.values()), key=lambda event: event.timestamp)
        latest = {validate_order_id(event.extra["order_id"]): event.extra for event in events}
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
        orders=rejected_orders(),
        disposition_reason="other",
        retries=2,
        retry_delay=timedelta(minutes=5),
    )
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
