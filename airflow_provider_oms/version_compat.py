"""What depends on the version of Airflow: every version check of the package lives here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from airflow import __version__ as AIRFLOW_VERSION  # noqa: N812 - a constant of ours

from airflow_provider_oms.cancellation.bulk.journal import Store

__all__ = ["AIRFLOW_VERSION", "NO_TASK_STATE_STORE", "task_state_store"]

NO_TASK_STATE_STORE = (
    f"Airflow {AIRFLOW_VERSION} has no task_state_store (3.3 has), so this task keeps no journal: "
    f"another attempt of it will read every order, with time to settle, before it cancels any"
)


def task_state_store(context: Mapping[str, Any]) -> Store | None:
    """Return what keeps values between the attempts of the running task.

    :param context: the task's context.
    :return: the store; ``None`` on Airflow before 3.3, which has none.
    """
    return cast("Store | None", context.get("task_state_store"))
