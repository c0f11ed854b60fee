"""An inbox of verdicts that arrive as files in a folder."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, Asset, chain
from airflow.sdk import AssetWatcher

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator
from airflow_provider_oms.operators.verdicts import (
    OmsSettleVerdictsOperator,
    OmsTakeVerdictsOperator,
)
from airflow_provider_oms.triggers.verdict_files import OmsVerdictFilesTrigger
from airflow_provider_oms.verdicts.adapters import Fields
from airflow_provider_oms.version_compat import asset_or_every

FOLDER = Path(os.environ["AIRFLOW_HOME"]) / "verdicts"
FILES = OmsVerdictFilesTrigger(path=str(FOLDER), still_for=1, poll_interval=1)
VERDICTS = Asset("verdict-files", watchers=[AssetWatcher(name="verdict-files", trigger=FILES)])

with DAG(
    dag_id="watch_verdicts",
    schedule=asset_or_every(VERDICTS, timedelta(seconds=10)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
) as dag:
    take = OmsTakeVerdictsOperator(task_id="take", asset=VERDICTS, adapter=Fields())
    cancel = OmsBulkCancelOrdersOperator(
        task_id="cancel", orders=take.output, disposition_reason="other"
    )
    chain(take, cancel, OmsSettleVerdictsOperator(task_id="settle", take=take, cancel=cancel))
