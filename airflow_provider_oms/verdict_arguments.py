"""The arguments of the operators around an inbox of verdicts, checked when a DAG file is read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from string import Formatter
from typing import Any

from airflow.providers.common.compat.sdk import Asset, BaseOperator

from airflow_provider_oms.verdicts.inbox import Policy

__all__ = [
    "assets_of",
    "check_adapter",
    "check_placeholders",
    "policy_of",
    "refuse_what_stops_runs",
]


def assets_of(asset: Asset | Sequence[Asset]) -> list[Asset]:
    """Return the assets of an inbox.

    :param asset: as given.
    :raises ValueError: when it is no asset, nor a list of some.
    """
    given: Any = asset
    assets = list(given) if isinstance(given, list | tuple) else [given]
    if not assets or not all(isinstance(one, Asset) for one in assets):
        raise ValueError("asset must be an Asset, or a list of at least one")
    return assets


def check_adapter(adapter: Any) -> None:
    """Refuse an adapter that cannot be called with a payload.

    :param adapter: as given.
    :raises ValueError: for it.
    """
    if isinstance(adapter, type) or not callable(adapter):
        message = "adapter must be called with a payload: give Fields(), not Fields"
        raise ValueError(message)  # noqa: TRY004 - as Airflow does for any argument


def policy_of(look_back: Any, overlap: Any, at_most: Any) -> Policy:
    """Return how an inbox reads events.

    :param look_back: as given.
    :param overlap: as given.
    :param at_most: as given.
    :raises ValueError: when one of them is not valid.
    """
    for name, time in (("look_back", look_back), ("overlap", overlap)):
        if not isinstance(time, timedelta) or time <= timedelta(0):
            raise ValueError(f"{name} must be a timedelta above zero")
    if isinstance(at_most, bool) or not isinstance(at_most, int) or at_most < 1:
        raise ValueError("at_most must be a whole number from 1")
    return Policy(look_back, overlap, at_most)


def check_placeholders(explanation: str) -> None:
    """Refuse an explanation with another placeholder than it may have.

    :param explanation: as given.
    :raises ValueError: for it.
    """
    try:
        names = {name for _, name, _, _ in Formatter().parse(explanation) if name is not None}
        names -= {"order", "case_id"}
        explanation.format(order="", case_id="")
    except (LookupError, ValueError):
        names = {explanation}
    if names:
        raise ValueError(
            "explanation may have the placeholders {order} and {case_id}, and no other brace"
        )


def refuse_what_stops_runs(task: BaseOperator) -> None:
    """Refuse arguments of Airflow's own with which the inbox would stand still.

    :param task: the task.
    :raises ValueError: for the first one.
    """
    # A red run would keep every later one waiting, though it is the later one that goes on.
    for name in ("depends_on_past", "wait_for_downstream"):
        if getattr(task, name):
            raise ValueError(f"{name} would stop the inbox of verdicts after one run that fails")
    if not task.do_xcom_push:
        raise ValueError("do_xcom_push must be left on: the next tasks need this task's result")
