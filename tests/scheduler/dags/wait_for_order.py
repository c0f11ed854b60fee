"""A wait for an order, in the triggerer."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_oms.sensors.oms import OmsOrderStateSensor

with DAG(dag_id="wait_for_order", schedule=None, params={"order_id": 1}) as dag:
    OmsOrderStateSensor(
        task_id="wait",
        order_id="{{ params.order_id }}",
        target_states=["SHIPPED"],
        failure_states=["CANCELED"],
        poke_interval=5,
        timeout=300,
        deferrable=True,
    )
