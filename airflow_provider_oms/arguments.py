"""The arguments of operators and sensors: Airflow's own, typed, and a check that none gets lost.

Airflow's own arguments are passed on as ``**kwargs``. Without types, an editor would not notice a
misspelled one; only reading the DAG file would.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Mapping, MutableMapping, Sequence
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_oms.cancellation.outcomes import validate_accepted
from airflow_provider_oms.exceptions import OmsInvalidInputError, invalid_input_is_final
from airflow_provider_oms.version_compat import nobody_can_be_asked

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import DAG, TaskGroup, XComArg

__all__ = [
    "NOT_GIVEN",
    "KeepsDefaultArguments",
    "NotGiven",
    "SensorArguments",
    "TaskArguments",
    "Templated",
    "outcomes_argument",
    "refuse_dropped_defaults",
    "refuse_unless_one_can_ask",
]

_OUTCOMES = frozenset({"skip_on_outcomes", "accepted_outcomes"})
_TEMPLATE_MARKS = ("{{", "{%", "{#")


class NotGiven(Enum):
    """Stand for an argument that was left out.

    ``None`` cannot: a condition that was given, and came out as ``None`` of a template, another
    task's output or a mapped task's arguments, must not vanish.
    """

    NOT_GIVEN = auto()

    def __repr__(self) -> str:
        """Return how it is written."""
        return self.name


NOT_GIVEN = NotGiven.NOT_GIVEN

#: Another task's return value, which exists only when the task runs.
Templated: TypeAlias = "XComArg"


class TaskArguments(TypedDict, total=False):
    """Hold what ``BaseOperator`` takes on any Airflow from 2.11 on."""

    task_id: str
    owner: str
    email: str | Sequence[str] | None
    email_on_retry: bool
    email_on_failure: bool
    retries: int | None
    retry_delay: timedelta | float
    retry_exponential_backoff: float
    max_retry_delay: timedelta | float | None
    retry_policy: Any
    start_date: datetime | None
    end_date: datetime | None
    depends_on_past: bool
    ignore_first_depends_on_past: bool
    wait_for_past_depends_before_skipping: bool
    wait_for_downstream: bool
    dag: DAG | None
    params: MutableMapping[str, Any] | None
    default_args: dict[str, Any] | None
    priority_weight: int
    weight_rule: Any
    queue: str
    pool: str | None
    pool_slots: int
    sla: timedelta | None
    execution_timeout: timedelta | None
    on_execute_callback: Any
    on_failure_callback: Any
    on_success_callback: Any
    on_retry_callback: Any
    on_skipped_callback: Any
    pre_execute: Any
    post_execute: Any
    trigger_rule: str
    resources: dict[str, Any] | None
    run_as_user: str | None
    map_index_template: str | None
    max_active_tis_per_dag: int | None
    max_active_tis_per_dagrun: int | None
    executor: str | None
    executor_config: dict[str, Any] | None
    do_xcom_push: bool
    multiple_outputs: bool
    inlets: Any
    outlets: Any
    task_group: TaskGroup | None
    doc: str | None
    doc_md: str | None
    doc_json: str | None
    doc_yaml: str | None
    doc_rst: str | None
    task_display_name: str | None
    logger_name: str | None
    allow_nested_operators: bool
    render_template_as_native_obj: bool | None


class SensorArguments(TaskArguments, total=False):
    """Hold the other arguments of ``BaseSensorOperator``."""

    poke_interval: timedelta | float
    timeout: timedelta | float | None
    soft_fail: bool
    mode: str
    exponential_backoff: bool
    max_wait: timedelta | float | None
    silent_fail: bool
    never_fail: bool


def outcomes_argument(name: str, value: Any) -> Any:
    """Return an argument that names accepted outcomes, and refuse it if it is wrong already now.

    The value of a template or of another task's output is checked when the task runs.

    :param name: the argument's name.
    :param value: as given.
    :return: the value itself.
    :raises OmsInvalidInputError: for a literal that names no outcome that can be accepted.
    """
    if _is_literal(value):
        with invalid_input_is_final():
            validate_accepted(name, value)
    return value


def refuse_unless_one_can_ask(given: Container[str]) -> None:
    """Refuse ``approve_above`` on an Airflow that cannot ask, when the DAG file is read.

    :param given: the arguments that were not left out.
    :raises OmsInvalidInputError: on such an Airflow.
    """
    if "approve_above" in given and (why := nobody_can_be_asked()):
        raise OmsInvalidInputError(f"approve_above cannot be used: {why}")


def _is_literal(value: Any) -> bool:
    if isinstance(value, str):
        return not any(mark in value for mark in _TEMPLATE_MARKS)
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_literal, value))
    # Another task's output, a param of the DAG, and the like.
    return not hasattr(value, "resolve")


def _own_arguments(operator: type) -> set[str]:
    """Return the arguments that an operator's classes below ``BaseOperator`` have added."""
    classes = operator.__mro__[: operator.__mro__.index(BaseOperator)]
    names: set[str] = set()
    for each in classes:
        if "__init__" in vars(each):
            names |= set(inspect.signature(vars(each)["__init__"]).parameters)
    return names - set(inspect.signature(vars(BaseOperator)["__init__"]).parameters)


def refuse_dropped_defaults(call: str, operator: type, kwargs: Mapping[str, Any]) -> None:
    """Refuse an operator's own arguments in ``default_args``, where Airflow would drop them.

    :param call: the call, for the message.
    :param operator: the operator.
    :param kwargs: its arguments.
    :raises TypeError: naming the arguments.
    """
    defaults = kwargs.get("default_args")
    if not isinstance(defaults, Mapping):
        return
    dropped = sorted((defaults.keys() & _own_arguments(operator)) - kwargs.keys())
    if dropped:
        raise TypeError(
            f"{call}: Airflow ignores {', '.join(dropped)} in the default_args of a mapped task. "
            f"Pass them as arguments, or set them in the default_args of the DAG or the task group."
        )


class _CheckedPartial:
    """Call Airflow's ``partial``, unless it would drop an argument silently, or take a wrong one.

    A mapped task's operator is made only when the task runs.
    """

    def __get__(self, task: object | None, operator: type) -> Callable[..., Any]:
        native = vars(BaseOperator)["partial"].__get__(task, operator)

        def partial(**kwargs: Any) -> Any:
            refuse_dropped_defaults(f"{operator.__name__}.partial()", operator, kwargs)
            for name in sorted(_OUTCOMES & kwargs.keys()):
                outcomes_argument(name, kwargs[name])
            refuse_unless_one_can_ask(kwargs)
            return native(**kwargs)

        return partial


class KeepsDefaultArguments:
    """Refuse an operator's own arguments in the ``default_args`` of ``partial``.

    There, Airflow keeps only the arguments of ``BaseOperator`` and silently drops all others: a
    guard, a dry run or a connection would be missing when the task runs. The ``default_args`` of a
    DAG, a task group or an unmapped task lose nothing.
    """

    if not TYPE_CHECKING:  # type checkers see the declaration of BaseOperator
        partial = _CheckedPartial()
