"""Cancel flagged orders once a person has approved it; no answer means no.

The fraud check triggers this DAG with **flagged**, the orders that it wants canceled: `order_id`,
`case_id` and `score` of each, and nothing about the shopper. They are listed under *Required
Actions* in the web UI.

* **Approve**: exactly the orders that were listed are canceled. They come from the run's own
  configuration, which nothing can change once the run exists.
* **Reject**, or no answer within four hours: nothing is sent, and the task `cancel` is skipped.

Who answered, and when, stays with the run under *Required Actions*. When `cancel` fails, its log
names each order that is not canceled; clearing it is safe, and asks no person again.

Needs Airflow 3.1 or later, with version 1.12.3 or later of its standard provider. With older ones
the run fails at `approve`, and nothing is sent.
"""

from __future__ import annotations

# [START cancel_after_approval]
from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import (
    DAG,
    AirflowFailException,
    AirflowOptionalProviderFeatureException,
    Param,
    task,
)
from packaging.version import Version

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

try:
    from airflow.providers.standard import __version__ as standard
    from airflow.providers.standard.operators.hitl import ApprovalOperator
except (ImportError, AirflowOptionalProviderFeatureException):
    CAN_ASK = False
else:
    # Before, the operator wanted a value of each param of the DAG when the file was read.
    CAN_ASK = Version(standard) >= Version("1.12.3")

FLAGGED = {
    "type": "object",
    "properties": {
        "order_id": {"type": "integer", "minimum": 1, "maximum": 2**53 - 1},
        # It is shown as Markdown to the person who decides: no character may mean anything there.
        "case_id": {"type": "string", "pattern": "^[A-Za-z0-9-]{1,64}$"},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "required": ["order_id", "case_id", "score"],
    "additionalProperties": False,
}

with DAG(
    dag_id="cancel_after_approval",
    schedule=None,
    catchup=False,
    tags=["oms", "example"],
    doc_md=__doc__,
    params={
        "flagged": Param(
            [], type="array", items=FLAGGED, minItems=1, maxItems=100, title="Flagged orders"
        )
    },
) as dag:
    if CAN_ASK:
        approve: Any = ApprovalOperator(
            task_id="approve",
            subject="Cancel {{ params.flagged | length }} orders that the fraud check flagged?",
            body=(
                "| Order | Case | Score |\n|---|---|---|\n"
                "{% for one in params.flagged %}"
                "| {{ one.order_id }} | {{ one.case_id }} | {{ one.score }} |\n"
                "{% endfor %}\n"
                "A canceled order cannot be brought back."
            ),
            defaults="Reject",
            response_timeout=timedelta(hours=4),
        )
    else:

        @task(task_id="approve", retries=0)
        def refuse() -> None:
            """Let nothing be canceled that no person could approve."""
            raise AirflowFailException(
                "To ask a person for approval needs Airflow 3.1 or later, with version 1.12.3 or "
                "later of its standard provider. Nothing was canceled."
            )

        approve = refuse()

    @task
    def approved_orders(params: Any = None) -> list[dict[str, Any]]:
        """Return the orders as the operator takes them."""
        return [
            {
                "order_id": one["order_id"],
                "disposition_other_reason": f"Rejected by fraud screening, case {one['case_id']}",
            }
            for one in params["flagged"]
        ]

    orders = approved_orders()
    approve >> orders
    OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders=orders,
        disposition_reason="other",
        retries=2,
        retry_delay=timedelta(minutes=5),
    )
# [END cancel_after_approval]
