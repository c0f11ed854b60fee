"""A set of orders that a person must approve, as soon as there are two."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator
from airflow_provider_oms.version_compat import nobody_can_be_asked

if not nobody_can_be_asked():
    with DAG(dag_id="asks_a_person", schedule=None, params={"orders": []}):
        OmsBulkCancelOrdersOperator(
            task_id="cancel",
            orders="{{ params.orders | tojson }}",
            approve_above=1,
            disposition_reason="created_by_mistake",
            retries=3,
        )
