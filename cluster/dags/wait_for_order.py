"""A wait for an order, in the triggerer: the work in flight when that is restarted."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_oms.sensors.oms import OmsOrderStateSensor

with DAG(dag_id="wait_for_order", schedule=None, catchup=False, params={"order_id": 1}) as dag:
    OmsOrderStateSensor(
        task_id="wait",
        order_id="{{ params.order_id }}",
        # As the translated and the native API call it.
        target_states=["SHIPPED", "Completed"],
        failure_states=["CANCELED", "Cancelled"],
        poke_interval=5,
        timeout=timedelta(minutes=30),
        deferrable=True,
        # It takes a worker for a moment only, and is not to wait for one behind the chunks.
        priority_weight=100,
    )
