"""Orders that are bound to be too late: a single task, mapped ones, and the tasks after them."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_oms.operators.oms import OmsCancelOrderOperator

FIRST = 6350001


def tell(context: Any) -> None:
    """Log that Airflow has called this."""
    logging.getLogger("airflow.task").warning("Airflow told of %s", context["ti"].task_id)


with DAG(dag_id="skips_what_is_too_late", schedule=None):
    one = OmsCancelOrderOperator(
        task_id="one",
        order_id=FIRST,
        disposition_reason="created_by_mistake",
        skip_on_outcomes="not_cancelable",
        retries=3,
        retry_delay=timedelta(0),
        on_skipped_callback=tell,
    )
    each = OmsCancelOrderOperator.partial(
        task_id="each",
        disposition_reason="created_by_mistake",
        skip_on_outcomes="{{ ['not_cancelable', 'not_found'] | tojson }}",
    ).expand(order_id=[FIRST + 1, FIRST + 2, 7])

    @task
    def by_default() -> None:
        """Run only if all orders are canceled."""

    @task(trigger_rule="none_failed")
    def read(ti: Any = None) -> list[str]:
        """Return how the orders ended, those of skipped tasks too."""
        first = ti.xcom_pull(task_ids="one")
        return [first["outcome"], *(each["outcome"] for each in ti.xcom_pull(task_ids="each"))]

    [one, each] >> by_default()
    [one, each] >> read()
