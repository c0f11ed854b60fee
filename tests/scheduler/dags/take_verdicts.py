"""An inbox of verdicts that is swept often, with tasks that a test can hold before they begin."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Asset, Variable, chain

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator
from airflow_provider_oms.operators.verdicts import (
    OmsSettleVerdictsOperator,
    OmsTakeVerdictsOperator,
)
from airflow_provider_oms.verdicts.adapters import Fields
from airflow_provider_oms.version_compat import asset_or_every

VERDICTS = Asset("scheduler-verdicts")


def hold(context: Any) -> None:
    """Wait while a test holds the task."""
    task_id = context["ti"].task_id
    if Variable.get("held_task", "") == task_id:
        logging.getLogger(__name__).info("A test holds this task")
    while Variable.get("held_task", "") == task_id:
        time.sleep(0.2)


def inbox(dag_id: str) -> DAG:
    """Make a DAG that cancels the orders that are rejected in the asset's events."""
    with DAG(
        dag_id=dag_id,
        schedule=asset_or_every(VERDICTS, timedelta(seconds=10)),
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=True,
    ) as dag:
        take = OmsTakeVerdictsOperator(
            task_id="take", asset=VERDICTS, adapter=Fields(), pre_execute=hold
        )
        cancel = OmsBulkCancelOrdersOperator(
            task_id="cancel", orders=take.output, disposition_reason="other", pre_execute=hold
        )
        settle = OmsSettleVerdictsOperator(
            task_id="settle", take=take, cancel=cancel, pre_execute=hold
        )
        chain(take, cancel, settle)
    return dag


dag = inbox("take_verdicts")
# Another one on the same asset, whose inbox is its own.
other = inbox("take_verdicts_too")
