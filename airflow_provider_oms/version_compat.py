"""What depends on the version of Airflow: every version check of the package lives here."""

from __future__ import annotations

import functools
import importlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import Any, NamedTuple, Protocol, cast
from urllib.parse import quote, urlencode, urlsplit

from airflow import __version__ as AIRFLOW_VERSION  # noqa: N812 - our constant
from airflow.providers.common.compat.sdk import (
    AirflowOptionalProviderFeatureException,
    TaskDeferred,
    Variable,
    conf,
)
from airflow.triggers.base import BaseTrigger

from airflow_provider_oms.cancellation.store import Store

try:
    from airflow.triggers.base import BaseEventTrigger
except ImportError:
    # Airflow 2 has no asset watchers; a trigger made for them is refused when it is used.
    from airflow.triggers.base import BaseTrigger as BaseEventTrigger  # type: ignore[assignment]  # stands in

__all__ = [
    "AIRFLOW_VERSION",
    "DECORATOR_LOOKS_UP_XCOM_PUSH",
    "NO_TASK_STATE_STORE",
    "BaseEventTrigger",
    "OutputKinds",
    "StateStore",
    "address_of_task",
    "ask_a_person",
    "asset_events",
    "asset_or_every",
    "asset_store",
    "base_path",
    "first_look_at",
    "forget_file_system",
    "nobody_can_answer",
    "nobody_can_be_asked",
    "orders_page_place",
    "output_kinds",
    "pause_for_answer",
    "refuse_without_asset_watchers",
    "task_state_store",
]

# The operators of Airflow 3.0 do not have this method any more, but its DecoratedOperator still
# hands it on, to code that does not call it.
DECORATOR_LOOKS_UP_XCOM_PUSH = AIRFLOW_VERSION.startswith("3.0.")

# A worker waits five seconds for a response of Airflow's API, which looks up each event by itself.
_EVENTS_AT_A_TIME = 100

NO_TASK_STATE_STORE = (
    f"Airflow {AIRFLOW_VERSION} has no task_state_store (3.3 has), so this task keeps no journal: "
    f"another attempt of it will read every order, with time to settle, before it cancels any; "
    f"journal_path says where to keep one"
)


def task_state_store(context: Mapping[str, Any]) -> Store | None:
    """Return what keeps values between the attempts of the running task.

    :param context: the task's context.
    :return: the store; ``None`` on Airflow before 3.3, which has none.
    """
    return cast("Store | None", context.get("task_state_store"))


def first_look_at(context: Mapping[str, Any]) -> datetime | None:
    """Return when a sensor with ``mode="reschedule"`` looked first; ``None`` if this is that look.

    :param context: the task's context.
    """
    task_instance = context["ti"]
    if AIRFLOW_VERSION.startswith("2."):
        # Airflow 2 gives each of a sensor's looks the start of the first one.
        return cast("datetime | None", task_instance.start_date)
    return cast("datetime | None", task_instance.get_first_reschedule_date(context))


class OutputKinds(NamedTuple):
    """Hold the classes of the stand-ins that an operator gets for another task's output.

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


class StateStore(Protocol):
    """Keep values beyond a run."""

    def get(self, key: str) -> Any:
        """Return a value, or ``None`` if there is none.

        :param key: its name.
        """

    def set(self, key: str, value: Any) -> None:
        """Keep a value; it replaces the one before.

        :param key: its name.
        :param value: a JSON value.
        """


class _Variables:
    """Keep values as Airflow Variables, where an asset cannot have any."""

    def get(self, key: str) -> Any:
        missing = {"default_var" if AIRFLOW_VERSION.startswith("2.") else "default": None}
        return Variable.get(key, deserialize_json=True, **missing)

    def set(self, key: str, value: Any) -> None:
        Variable.set(key, value, serialize_json=True)


def asset_or_every(asset: Any, every: timedelta) -> Any:
    """Return the schedule of a DAG that events of an asset start, and time as well.

    Events that come while a run is active start one further run together. Airflow 3.4 and later
    would start one for each, although the first of them has read all events.

    :param asset: the asset, or several joined by ``|``.
    :param every: the time between two runs that no event starts.
    """
    if AIRFLOW_VERSION.startswith("2."):
        schedules = importlib.import_module("airflow.timetables.datasets")
        schedule, assets = schedules.DatasetOrTimeSchedule, "datasets"
        times = importlib.import_module("airflow.timetables.trigger")
    else:
        times = importlib.import_module("airflow.sdk")
        schedule, assets = getattr(times, "AssetOrTimeSchedule", None), "assets"
        if schedule is None:
            # Before Airflow 3.2.
            schedule = importlib.import_module("airflow.timetables.assets").AssetOrTimeSchedule
            times = importlib.import_module("airflow.timetables.trigger")
    batched = {"batch_asset_events": True} if _release() >= (3, 4) else {}
    return schedule(timetable=times.DeltaTriggerTimetable(every), **{assets: [asset]}, **batched)


def refuse_without_asset_watchers(trigger: str, instead: str) -> None:
    """Refuse a trigger of an asset on Airflow 2, which has none.

    :param trigger: the trigger's name.
    :param instead: what to do there.
    :raises AirflowOptionalProviderFeatureException: on such an Airflow.
    """
    if BaseEventTrigger is BaseTrigger:
        raise AirflowOptionalProviderFeatureException(
            f"Airflow {AIRFLOW_VERSION} has no asset watchers (3.0 has), so {trigger} cannot be "
            f"used; {instead}"
        )


def asset_store(context: Mapping[str, Any], asset: Any) -> StateStore:
    """Return what keeps values for an asset beyond a run.

    :param context: the task's context; the asset is among its inlets.
    :param asset: the asset.
    :return: the asset's own store; on Airflow before 3.3, which has none, Airflow Variables.
    """
    stores = context.get("asset_state_store")
    return _Variables() if stores is None else cast("StateStore", stores[asset])


def asset_events(
    context: Mapping[str, Any], asset: Any, since: datetime
) -> Iterator[tuple[int, datetime, Any]]:
    """Return the id, the time and the extra of each event of an asset.

    :param context: the task's context; the asset is among its inlets.
    :param asset: the asset.
    :param since: the time from which on; before Airflow 3.2, which cannot be asked for that, all
        events are read and the earlier ones are left out.
    """
    events = context["inlet_events"][asset]
    pages = _pages_of_events(events, since) if hasattr(events, "limit") else [events]
    seen: set[int] = set()
    for event in itertools.chain.from_iterable(pages):
        if event.timestamp >= since and event.id not in seen:
            seen.add(event.id)
            yield event.id, event.timestamp, event.extra


def _pages_of_events(events: Any, since: datetime) -> Iterator[list[Any]]:
    """Yield the events from a time on in pages; a page begins with events of the last one."""
    at_a_time = _EVENTS_AT_A_TIME
    while True:
        page = list(events.after(since.isoformat()).ascending().limit(at_a_time))
        yield page
        if len(page) < at_a_time:
            return
        last = page[-1].timestamp
        # Where as many events have one time, only a larger page leads past them.
        at_a_time = _EVENTS_AT_A_TIME if last > since else 2 * at_a_time
        since = last


def forget_file_system(path: Any) -> None:
    """Let the next path in a storage connect to it again.

    Airflow keeps one connection to a storage for as long as the process lives, also a dead one.

    :param path: an ``ObjectStoragePath`` in the storage.
    """
    # Before Airflow 3.2 the connection is an option of the storage.
    conn_id = getattr(path, "conn_id", None) or path.storage_options.get("conn_id")
    store = importlib.import_module("airflow.sdk.io").attach(path.protocol, conn_id)
    if (dead := vars(store).pop("fs", None)) is not None:
        dead.clear_instance_cache()


def nobody_can_be_asked() -> str:
    """Return why this Airflow cannot ask a person, in a sentence; empty if it can."""
    if _release() < (3, 1):
        return f"Airflow {AIRFLOW_VERSION} cannot ask a person; Airflow 3.1 and later can"
    if _release() < (3, 3) and find_spec("airflow.providers.standard.triggers.hitl") is None:
        return (
            f"Airflow {AIRFLOW_VERSION} cannot ask a person without its standard provider; install "
            f"apache-airflow-providers-standard"
        )
    return ""


def nobody_can_answer() -> str:
    """Return why no person can answer the running task, in a sentence; empty if one can."""
    if why := nobody_can_be_asked():
        return why
    supervisor = importlib.import_module("airflow.sdk.execution_time.supervisor")
    comms = getattr(_task_runner(), "SUPERVISOR_COMMS", None)
    if comms is None or isinstance(comms, supervisor.InProcessSupervisorComms):
        return (
            "This task runs without a scheduler, as in dags test and tasks test, so no one can "
            "answer; trigger a run of the DAG instead"
        )
    return ""


def ask_a_person(
    context: Mapping[str, Any], *, subject: str, body: str, options: Sequence[str]
) -> tuple[str, str]:
    """Put a question to a person, as Airflow's own operators do.

    Before Airflow 3.4, it keeps showing the first question of a task, also to a later attempt.

    :param context: the task's context.
    :param subject: the headline.
    :param body: Markdown.
    :param options: the answers to choose from.
    :return: subject and body as Airflow shows them.
    """
    payload = importlib.import_module("airflow.sdk.execution_time.comms").CreateHITLDetailPayload
    # What upsert_hitl_detail sends; that function keeps the response for itself.
    asked = _task_runner().SUPERVISOR_COMMS.send(
        msg=payload(
            ti_id=context["ti"].id,
            options=list(options),
            subject=subject,
            body=body,
            defaults=None,
            params={},
            multiple=False,
            assigned_users=[],
        )
    )
    return asked.subject, asked.body


def pause_for_answer(
    context: Mapping[str, Any],
    *,
    options: Sequence[str],
    timeout: timedelta,
    method_name: str,
    kwargs: dict[str, Any],
) -> BaseException:
    """Return the exception that suspends a task until a person has answered, or time is over.

    :param context: the task's context.
    :param options: the answers to choose from.
    :param timeout: how long to wait.
    :param method_name: the operator's method that goes on.
    :param kwargs: its arguments in addition to the answer.
    """
    if _release() >= (3, 3):
        pause = importlib.import_module("airflow.sdk.exceptions").TaskAwaitingInput
        return cast("BaseException", pause(method_name=method_name, kwargs=kwargs, timeout=timeout))
    trigger = importlib.import_module("airflow.providers.standard.triggers.hitl").HITLTrigger(
        ti_id=context["ti"].id,
        options=list(options),
        params={},
        defaults=None,
        multiple=False,
        timeout_datetime=datetime.now(UTC) + timeout,
    )
    return TaskDeferred(trigger=trigger, method_name=method_name, kwargs=kwargs)


def orders_page_place() -> str:
    """Return where this Airflow shows the *Orders* page.

    :return: ``"tab"``: on the task; ``"page"``: in the menu *Browse*; ``""``: nowhere.
    """
    if _release() >= (3, 4):
        return "tab"
    return "page" if _release() >= (3, 1) else ""


def address_of_task(key: Any, *, part: str) -> str:
    """Return the address of a task's page in the web UI.

    In Airflow 3 it is relative to the UI's base, so that it holds under any base path.

    :param key: which task of which run.
    :param part: which of its tabs.
    """
    dag, run, task = (quote(str(each), safe="") for each in (key.dag_id, key.run_id, key.task_id))
    if AIRFLOW_VERSION.startswith("2."):
        base = conf.get("webserver", "base_url").rstrip("/")
        query = urlencode({"dag_run_id": key.run_id, "task_id": key.task_id, "tab": part})
        return f"{base}/dags/{dag}/grid?{query}"
    mapped = f"/mapped/{key.map_index}" if key.map_index >= 0 else ""
    return f"dags/{dag}/runs/{run}/tasks/{task}{mapped}/{part}"


def base_path() -> str:
    """Return the path under which this Airflow's web UI is, without a slash at its end."""
    return urlsplit(str(conf.get("api", "base_url", fallback=""))).path.rstrip("/")


def _task_runner() -> Any:
    return importlib.import_module("airflow.sdk.execution_time.task_runner")


def _release() -> tuple[int, int]:
    major, minor, *_ = AIRFLOW_VERSION.split(".")
    return int(major), int(minor)
