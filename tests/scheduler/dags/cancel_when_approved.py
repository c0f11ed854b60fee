"""A set of orders out of a file that a person approves, in a task that Airflow tries once more."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator
from airflow_provider_oms.version_compat import nobody_can_be_asked

if not nobody_can_be_asked():
    with DAG(
        dag_id="cancel_when_approved",
        schedule=None,
        params={"orders_path": "", "results_path": "", "seconds": 3600},
    ):
        OmsBulkCancelOrdersOperator(
            task_id="cancel",
            orders_path="{{ params.orders_path }}",
            results_path="{{ params.results_path }}",
            approve_above=1,
            approval_timeout="{{ params.seconds }}",
            disposition_reason="created_by_mistake",
            oms_conn_id="oms_bulk",
            max_workers=4,
            retries=1,
            retry_delay=timedelta(seconds=1),
        )
