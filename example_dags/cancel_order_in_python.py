"""Cancel an order that still waits for its payment.

Trigger this DAG by hand with the number of the order. An order that no longer waits is left alone,
which the task's return value shows.
"""

from __future__ import annotations

# [START oms_hook]
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.exceptions import OmsCancellationError
from airflow_provider_oms.hooks.oms import OmsHook

with DAG(
    dag_id="cancel_order_in_python",
    schedule=None,
    catchup=False,
    tags=["oms", "example"],
    doc_md=__doc__,
    params={"order_id": Param(type="integer", minimum=1, maximum=2**53 - 1)},
) as dag:

    @task
    def cancel_unpaid(order_id: Any) -> dict[str, Any]:
        """Cancel the order if it is still on hold, and return the result."""
        hook = OmsHook(oms_conn_id="oms_default")
        try:
            result = hook.cancel_order(
                order_id, "other", "Payment not received", only_if_states=["PAYMENT_HOLD"]
            )
        except OmsCancellationError as error:
            result = error.result
            still_waits = "PAYMENT_HOLD" in (result.order_state, result.order_status)
            # It has been paid or shipped since: leaving it alone is right here.
            if result.outcome is not Outcome.NOT_CANCELABLE or still_waits:
                raise
        return {"order_id": result.order_id, "outcome": result.outcome.value}

    cancel_unpaid("{{ params.order_id }}")
# [END oms_hook]
