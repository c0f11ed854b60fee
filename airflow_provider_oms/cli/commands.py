"""The commands of ``airflow oms``; they read, and change nothing anywhere.

Each ends with 0 where all is well, with 1 where something needs attention, with 2 for arguments
that cannot be used, and with 3 where the OMS or Airflow could not be asked.
"""

from __future__ import annotations

import os
import re
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar

from airflow.providers.common.compat.sdk import AirflowNotFoundException, conf

from airflow_provider_oms.api.errors import OmsError, OmsNotFoundError
from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.cli import output, periods
from airflow_provider_oms.cli.airflow_api import AirflowApi, AirflowApiError, TaskInstance
from airflow_provider_oms.cli.standings import (
    TaskRecord,
    counts_of,
    record_of_one,
    record_of_set,
)
from airflow_provider_oms.exceptions import OmsInvalidInputError
from airflow_provider_oms.hooks.oms import OmsHook

__all__ = ["check", "journal", "order", "run"]

_T = TypeVar("_T")

NEEDS_ATTENTION, BAD_ARGUMENTS, NOT_ASKED = 1, 2, 3
_OF_ONE = ("OmsCancelOrderOperator",)
_OF_SETS = ("OmsBulkCancelOrdersOperator", "OmsCancelDecoratedOperator")
_LOCAL = "http://localhost:8080"
_OF_TASK = ("dag_id", "run_id", "task_id", "map_index", "task_state")
_OF_ORDER = ("of_parts", *_OF_TASK)
# How the command line spells an argument of the hook's.
_SPELLINGS = {"order_id": "ORDER", "order_key": "--order-key"}
_NOTHING_SENT = " Nothing was sent."
_STATES = ("order_state", "order_status")


def check(args: Namespace) -> None:
    """Return whether the connection works.

    :param args: the command's arguments.
    """
    works, message = _asked(lambda: _hook(args.conn_id).test_connection())
    output.show(("conn_id", "works", "message"), [(args.conn_id, works, message)], args.output)
    if not works:
        raise SystemExit(NEEDS_ATTENTION)


def order(args: Namespace) -> None:
    """Show the present state of an order, and the tasks that dealt with it.

    :param args: the command's arguments.
    """
    begun = _since(args)
    hook = _hook(args.conn_id)
    asked_for = _order_in(args, hook)
    names, code = {str(asked_for)}, 0
    columns = ("seen_by", "at", "order_state", "order_status", "outcome", "in_doubt", *_OF_ORDER)
    rows: list[tuple[Any, ...]] = []
    try:
        with _logging_to_stderr():
            found = hook.get_order(asked_for)
        names.add(str(found.order_id))
        states = (found.order_state, found.order_status)
        rows.append(("OMS", _now(), *states, *[None] * (len(columns) - 4)))
    except OmsNotFoundError as error:
        code = NEEDS_ATTENTION
        _say(error.explain())
    except OmsError as error:
        code = NOT_ASKED
        _say(error.explain())
    try:
        api = _api(args)
        for instance, record in _records(api, api.task_instances(dag_id=args.dag_id, since=begun)):
            rows.extend(
                (
                    "Airflow",
                    instance.started_at,
                    one.order_state,
                    one.order_status,
                    one.outcome.value,
                    one.is_in_doubt,
                    one.is_of_parts,
                    *_of(instance),
                )
                for one in record.standings
                if one.is_about(names)
            )
    except AirflowApiError as error:
        code = NOT_ASKED
        _say(str(error))
    none = "Neither the OMS nor a task that Airflow shows has the order."
    output.show(columns, rows, args.output, none=none)
    if code:
        raise SystemExit(code)


def run(args: Namespace) -> None:
    """List the orders of a DAG run.

    :param args: the command's arguments.
    """
    columns = ("order_id", "outcome", "in_doubt", *_STATES, "of_parts", *_OF_TASK[2:])
    rows: list[tuple[Any, ...]] = []
    records: list[TaskRecord] = []
    needs_attention = False
    with _end_where_airflow_is_silent():
        api = _api(args)
        instances = api.task_instances(dag_id=args.dag_id, run_id=args.run_id)
        chosen = (one for one in instances if args.task_id in (None, one.task_id))
        for instance, record in _records(api, chosen):
            records.append(record)
            for one in record.urgent_first():
                needs_attention |= record.needs_attention(one)
                if args.deviating and one.outcome.is_success:
                    continue
                task = (one.is_of_parts, *_of(instance)[2:])
                states = (one.order_state, one.order_status)
                rows.append((one.order_id, one.outcome.value, one.is_in_doubt, *states, *task))
    if not records:
        _end(f"The run {args.run_id} of {args.dag_id} has no task of this provider.", NOT_ASKED)
    if args.output == "table":
        counts = counts_of(records).most_common()
        output.show(("outcome", "in_doubt", "orders"), [(*k, n) for k, n in counts], "table")
    none = "No order that is listed here ended otherwise than canceled."
    output.show(columns, rows, args.output, none=none if args.deviating else "No order is listed.")
    if needs_attention:
        raise SystemExit(NEEDS_ATTENTION)


def journal(args: Namespace) -> None:
    """List the orders in doubt.

    :param args: the command's arguments.
    """
    begun = _since(args)
    columns = ("order_id", "outcome", "posted_by", *_OF_ORDER)
    rows: list[tuple[Any, ...]] = []
    with _end_where_airflow_is_silent():
        api = _api(args)
        for instance in api.task_instances(dag_id=args.dag_id, since=begun):
            if instance.operator not in _OF_SETS:
                continue
            values = api.state_store(instance)
            if values is None:
                raise AirflowApiError(
                    "This Airflow keeps no journal of tasks (3.3 and later do); use the commands "
                    "order and run."
                )
            record = record_of_set(None, None, values)
            _say_what_lacks(instance, record)
            rows.extend(
                (
                    one.order_id,
                    one.outcome.value,
                    _moment(one.posted_by),
                    one.is_of_parts,
                    *_of(instance),
                )
                for one in record.standings
                if one.is_in_doubt
            )
    output.show(columns, rows, args.output, none="No order is in doubt.")
    if rows:
        raise SystemExit(NEEDS_ATTENTION)


def _order_in(args: Namespace, hook: OmsHook) -> OrderId:
    """Return what names the order; a refusal speaks of the command's own arguments."""
    _asked(hook.get_conn)
    try:
        return hook.parse_order_id(args.order_id, args.order_key)
    except OmsInvalidInputError as error:
        # The commands send no cancel at all, so they leave that sentence out.
        text = str(error).removesuffix(_NOTHING_SENT)
        for name, spelling in _SPELLINGS.items():
            text = re.sub(rf"\b{name}\b", spelling, text)
        _end(text, NOT_ASKED)


def _hook(conn_id: str) -> OmsHook:
    # As Airflow's own `connections test` has it: connections of the metadata database are seen too.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    return OmsHook(conn_id)


def _api(args: Namespace) -> AirflowApi:
    token = args.api_token or os.environ.get("AIRFLOW_CLI_TOKEN")
    if not token:
        raise AirflowApiError(
            "Airflow's REST API wants a token; put one into AIRFLOW_CLI_TOKEN, or give --api-token."
        )
    address = args.api_url or conf.get("api", "base_url", fallback="") or _LOCAL
    return AirflowApi(address, token)


def _asked(ask: Callable[[], _T]) -> _T:
    try:
        with _logging_to_stderr():
            return ask()
    except (AirflowNotFoundException, OmsInvalidInputError) as error:
        _end(str(error), NOT_ASKED)


def _logging_to_stderr() -> AbstractContextManager[Any]:
    """Keep log lines out of the output: outside a task, Airflow 3 logs to standard output."""
    return redirect_stdout(sys.stderr)


@contextmanager
def _end_where_airflow_is_silent() -> Iterator[None]:
    try:
        yield
    except AirflowApiError as error:
        _end(str(error), NOT_ASKED)


def _records(
    api: AirflowApi, instances: Iterable[TaskInstance]
) -> Iterator[tuple[TaskInstance, TaskRecord]]:
    """Return each task that cancels orders, with its record."""
    for instance in instances:
        if instance.operator in _OF_ONE:
            record = record_of_one(api.xcom(instance, "return_value"))
        elif instance.operator in _OF_SETS:
            summary, results = (api.xcom(instance, key) for key in ("return_value", "results"))
            record = record_of_set(summary, results, api.state_store(instance))
        else:
            continue
        _say_what_lacks(instance, record)
        yield instance, record


def _say_what_lacks(instance: TaskInstance, record: TaskRecord) -> None:
    if record.lacking:
        where = f"{instance.dag_id}, {instance.run_id}, {instance.task_id}"
        index = "" if instance.map_index < 0 else f" [{instance.map_index}]"
        _say(f"{where}{index}: {record.lacking}.")


def _since(args: Namespace) -> datetime:
    try:
        return periods.since(args.since, datetime.now(UTC))
    except (OverflowError, ValueError):
        _end("--since must be a time such as 2026-11-01, or 12h or 30d ago.", BAD_ARGUMENTS)


def _of(instance: TaskInstance) -> tuple[Any, ...]:
    index = None if instance.map_index < 0 else instance.map_index
    return instance.dag_id, instance.run_id, instance.task_id, index, instance.state


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _moment(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")


def _end(message: str, code: int) -> NoReturn:
    _say(message)
    raise SystemExit(code)
