"""Which attempt of its task a hook is part of."""

from __future__ import annotations

import os
import re
from typing import Any

from airflow.providers.common.compat.sdk import get_current_context

__all__ = ["running_attempt", "warn_of_unknown_attempt"]


def running_attempt() -> int:
    """Return the attempt number of the running task, from 1; 0 if it is unknown."""
    try:
        context = get_current_context()
    except Exception:  # noqa: BLE001 - without one, Airflow 2 and 3 raise different errors
        # A thread of the task's, and the interpreter of a @task.virtualenv or
        # @task.external_python, have no context, but the environment of the task.
        number = os.environ.get("AIRFLOW_CTX_TRY_NUMBER", "")
        return int(number) if re.fullmatch("[0-9]{1,9}", number) else 0
    # 0 under `airflow tasks test`, which does not count attempts.
    return int(context["ti"].try_number or 0)


def warn_of_unknown_attempt(log: Any, order_id: object) -> None:
    """Say what follows from an attempt number that is not known.

    :param log: the log.
    :param order_id: the order.
    """
    log.warning(
        "The attempt number of this task is unknown, so order %s is read, with time to settle, "
        "before a cancel is sent. Pass attempt, or in_doubt=False if no earlier attempt can have "
        "sent a cancel for it.",
        order_id,
    )
