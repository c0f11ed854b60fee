"""What depends on the version of Airflow: every version check of the package lives here."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from airflow import __version__ as AIRFLOW_VERSION  # noqa: N812 - a constant of ours

from airflow_provider_oms.cancellation.bulk.journal import Store

__all__ = [
    "AIRFLOW_VERSION",
    "NO_TASK_STATE_STORE",
    "OutputKinds",
    "output_kinds",
    "task_state_store",
]

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


class OutputKinds(NamedTuple):
    """Hold the classes of what an operator gets in place of another task's output.

    :param of_mapped_task: the output of a mapped task.
    :param of_map: what ``.map()`` makes of an output.
    :param of_concat: what ``.concat()`` makes of several.
    :param of_zip: what ``.zip()`` makes of several.
    """

    of_mapped_task: Any
    of_map: Any
    of_concat: Any
    of_zip: Any


@functools.cache
def output_kinds() -> OutputKinds:
    """Return the classes of this Airflow, which are imported only when a task runs.

    They are Airflow's internals. One that this Airflow does not have matches nothing.
    """
    if AIRFLOW_VERSION.startswith("2."):
        lazy = ("airflow.models.xcom", "LazyXComSelectSequence")
        results = "airflow.models.xcom_arg"
    else:
        lazy = ("airflow.sdk.execution_time.lazy_sequence", "LazyXComSequence")
        results = "airflow.sdk.definitions.xcom_arg"
    names = ("_MapResult", "_ConcatResult", "_ZipResult")
    return OutputKinds(_attribute(*lazy), *(_attribute(results, name) for name in names))


def _attribute(module: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module(module), name, ())
    except ImportError:
        return ()
