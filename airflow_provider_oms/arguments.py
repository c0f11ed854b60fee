"""The arguments of operators and sensors, and a check that Airflow does not drop any of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Mapping
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_oms.cancellation.outcomes import validate_accepted
from airflow_provider_oms.exceptions import OmsInvalidInputError, invalid_input_is_final
from airflow_provider_oms.version_compat import nobody_can_be_asked

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import XComArg

__all__ = [
    "NOT_GIVEN",
    "KeepsDefaultArguments",
    "NotGiven",
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
