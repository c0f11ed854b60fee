"""Cancel orders as soon as Kibo holds them for a failed fraud check: Airflow 3.0 and later.

The trigger runs in the triggerer and adds an event to the asset for each order that is held for
review. A run of this DAG takes the orders whose fraud check failed. Connection: `oms_default` (type
`oms`, with `"api": "native"`).
"""

from __future__ import annotations

# [START cancel_reviews_as_they_fail]
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, AssetWatcher, chain

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator
from airflow_provider_oms.operators.verdicts import (
    OmsSettleVerdictsOperator,
    OmsTakeVerdictsOperator,
)
from airflow_provider_oms.triggers.review import OmsOrdersInReviewTrigger
from airflow_provider_oms.verdicts.adapters import Kibo
from airflow_provider_oms.verdicts.verdict import Verdict
from airflow_provider_oms.version_compat import asset_or_every

WATCHER = AssetWatcher(name="kibo", trigger=OmsOrdersInReviewTrigger(oms_conn_id="oms_default"))
REVIEWS = Asset("orders-in-review", watchers=[WATCHER])
read_order = Kibo(types=["Fraud"], cancel=["Fail"])


def read(extra: Mapping[str, Any]) -> Verdict:
    """Return the verdict of an event, whose order is in its payload."""
    return read_order(extra.get("payload", {}))


with DAG(
    dag_id="cancel_reviews_as_they_fail",
    schedule=asset_or_every(REVIEWS, timedelta(minutes=5)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
):
    take = OmsTakeVerdictsOperator(
        task_id="take",
        asset=REVIEWS,
        adapter=read,
        disposition_reason="Fraud",
    )
    cancel = OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders=take.output,
        disposition_reason="Fraud",
        only_if_states=["PendingReview"],
    )
    chain(take, cancel, OmsSettleVerdictsOperator(task_id="settle", take=take, cancel=cancel))
# [END cancel_reviews_as_they_fail]
