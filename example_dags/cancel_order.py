"""Cancel one order by hand: trigger this DAG and fill in the form.

* **order_id**: the number of the order in the OMS.
* **disposition_reason**: why it is canceled; `other` needs an explanation.
* **disposition_other_reason**: the explanation; leave it empty with any other reason.

The task succeeds only when the OMS itself says that the order is canceled. The order's result is
in the task's XCom `return_value`, also when the task failed.
"""

from __future__ import annotations

# [START cancel_order]
from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_oms.operators.oms import OmsCancelOrderOperator

with DAG(
    dag_id="cancel_order",
    schedule=None,
    catchup=False,
    tags=["oms", "example"],
    doc_md=__doc__,
    params={
        # No default: a trigger without input must not cancel anything. Browsers round integers
        # beyond 2**53 - 1, and a rounded id is another order's.
        "order_id": Param(
            type="integer", minimum=1, maximum=2**53 - 1, title="Order", description="Its number."
        ),
        "disposition_reason": Param(
            type="string",
            enum=["customer_changed_mind", "created_by_mistake", "other"],
            title="Reason",
            description="Why it is canceled; 'other' needs an explanation.",
        ),
        "disposition_other_reason": Param(
            None,
            type=["null", "string"],
            maxLength=255,
            title="Explanation",
            description="Required for the reason 'other', which the task refuses without it; "
            "leave it empty for any other reason.",
        ),
    },
) as dag:
    OmsCancelOrderOperator(
        task_id="cancel",
        order_id="{{ params.order_id }}",
        disposition_reason="{{ params.disposition_reason }}",
        # Without "or ''" an empty field would arrive as the text "None".
        disposition_other_reason="{{ params.disposition_other_reason or '' }}",
        # Airflow's list of task instances shows it, and can be searched for it.
        map_index_template="order {{ params.order_id }}",
    )
# [END cancel_order]
