"""Cancel the orders that Kibo holds for review because their fraud check failed: native tenants.

A validator's verdict is in the order itself. An order whose checks do not all pass stays in
`PendingReview` until a person accepts or cancels it, and a failed fraud check cancels nothing by
itself. This DAG does, every fifteen minutes. Connection: `oms_default` (type `oms`, with `"api":
"native"`).

The task `list_failed` changes nothing. It fails when an order has a result that its adapter does
not know, and names it. So trigger the DAG once with **dry_run** before you unpause it, and let
`Kibo(...)` name your validators.

An order that is accepted after it was listed is not canceled: `only_if_states` reads each order
directly before its cancel. It ends `not_cancelable` and turns the run red, as does an order that
the tenant refuses to cancel, for example because its money is captured. Such an order stays in
review, so a person has to look at it; until then each run lists it again.

`only_if_states` compares the state alone. An order is canceled too if its validator says `Pass`
after it was listed and it is still in `PendingReview`. So the retries are few and their delays
short. Clear `list_failed` together with `cancel`, never `cancel` alone.
"""

from __future__ import annotations

# [START cancel_failed_reviews]
from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator
from airflow_provider_oms.operators.review import OmsListOrdersInReviewOperator
from airflow_provider_oms.verdicts.adapters import Kibo

with DAG(
    dag_id="cancel_failed_reviews",
    schedule=timedelta(minutes=15),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["oms", "example"],
    doc_md=__doc__,
    params={
        "reason": Param(
            "Fraud", type="string", minLength=1, title="Reason, as the tenant calls it"
        ),
        "dry_run": Param(False, type="boolean", title="Dry run"),
    },
) as dag:
    failed = OmsListOrdersInReviewOperator(
        task_id="list_failed",
        adapter=Kibo(types=["Fraud"], cancel=["Fail"]),
        retries=2,
        retry_delay=timedelta(minutes=1),
    )
    OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders=failed.output,
        disposition_reason="{{ params.reason }}",
        only_if_states=["PendingReview"],
        dry_run="{{ params.dry_run }}",
        max_orders=1000,
        retries=2,
        # Each attempt cancels the orders listed before the first one.
        retry_delay=timedelta(minutes=1),
    )
# [END cancel_failed_reviews]
