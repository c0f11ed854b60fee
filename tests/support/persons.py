"""A person who is asked by a task, without Airflow's database: the question, and an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred
from bulk_attempts import Attempt

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

JO = {"id": "7", "name": "Jo"}


def answer(option: str) -> dict[str, Any]:
    """Return what Airflow hands over when a person has chosen an option."""
    return {"chosen_options": [option], "responded_by_user": JO, "responded_at": "today"}


class Person:
    """Stand for Airflow's supervisor, which takes questions; it keeps the first one if told to.

    :param keeps_first: whether a later question is not shown, as before Airflow 3.4.
    """

    def __init__(self, *, keeps_first: bool = False) -> None:
        self.keeps_first = keeps_first
        self.asked: list[Any] = []

    def send(self, msg: Any) -> Any:
        if type(msg).__name__ != "CreateHITLDetailPayload":
            return None  # such as what to mask in the log
        self.asked.append(msg)
        return self.asked[0] if self.keeps_first else msg

    @property
    def body(self) -> str:
        return str(self.asked[-1].body)


@dataclass
class Pause:
    """Hold how a task came to rest.

    :param method_name: what goes on.
    :param kwargs: with what.
    :param timeout: seconds until it does in any case.
    """

    method_name: str
    kwargs: dict[str, Any]
    timeout: float | None


def pauses() -> tuple[type[BaseException], ...]:
    """Return the exceptions by which a task suspends itself."""
    try:
        from airflow.sdk.exceptions import TaskAwaitingInput  # noqa: PLC0415 - from Airflow 3.3 on
    except ImportError:
        return (TaskDeferred,)
    return (TaskDeferred, TaskAwaitingInput)


def ask(attempt: Attempt, orders: Any, **arguments: Any) -> Pause:
    """Let the operator run until it asks."""
    with pytest.raises(pauses()) as pause:
        attempt.run(orders, **arguments)
    value: Any = pause.value
    timeout = value.timeout
    return Pause(value.method_name, value.kwargs, timeout and timeout.total_seconds())


def go_on(attempt: Attempt, pause: Pause, event: Any, orders: Any, **arguments: Any) -> Any:
    """Let the operator go on as Airflow does: created again, with its arguments rendered again."""
    given = {"disposition_reason": "created_by_mistake", "orders": orders, **arguments}
    task = OmsBulkCancelOrdersOperator(task_id="cancel", **given)
    context: Any = {"ti": attempt.ti, "outlet_events": attempt.events}
    if attempt.store is not None:
        context["task_state_store"] = attempt.store
    return getattr(task, pause.method_name)(context, event=event, **pause.kwargs)
