"""A type checker accepts the same arguments as Airflow, and each reaches the task."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import (
    DAG,
    BaseOperator,
    BaseSensorOperator,
    TaskGroup,
)

from airflow_provider_oms.arguments import SensorArguments, TaskArguments
from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator, OmsCancelOrderOperator
from airflow_provider_oms.sensors.oms import OmsOrderStateSensor

# Gone in Airflow 3, and long replaced in Airflow 2.
GONE = {"task_concurrency"}


def named_by(base: type, *, kwargs: set[str]) -> set[str]:
    parameters = inspect.signature(base.__init__).parameters  # type: ignore[misc]  # a subclass's would be another
    return set(parameters) - kwargs - GONE


@pytest.mark.parametrize(
    ("base", "ours"),
    [(BaseOperator, TaskArguments), (BaseSensorOperator, SensorArguments)],
)
def test_every_argument_of_this_airflow_is_known(base: type, ours: type) -> None:
    missing = named_by(base, kwargs={"self", "kwargs"}) - set(ours.__annotations__)
    assert missing - set(TaskArguments.__annotations__) == set()


def test_none_is_made_up() -> None:
    # Arguments of a newer Airflow; an older one refuses it when it reads the DAG file.
    new = {"retry_policy", "render_template_as_native_obj"}
    known = named_by(BaseOperator, kwargs=set()) | named_by(BaseSensorOperator, kwargs=set())
    assert set(SensorArguments.__annotations__) | set(TaskArguments.__annotations__) <= known | new


GUARD = ["PAYMENT_HOLD"]


class OfAUser(OmsCancelOrderOperator):
    """A user's operator, derived from ours."""

    def __init__(self, *, tenant: str = "one", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tenant = tenant


@pytest.mark.parametrize(
    ("operator", "defaults"),
    [
        (OmsCancelOrderOperator, {"only_if_states": GUARD}),
        (OmsCancelOrderOperator, {"oms_conn_id": "oms_sandbox"}),
        (OmsCancelOrderOperator, {"in_doubt": True, "retries": 3}),
        (OmsBulkCancelOrdersOperator, {"dry_run": True}),
        (OmsBulkCancelOrdersOperator, {"only_if_states": GUARD}),
        (OmsBulkCancelOrdersOperator, {"max_orders": 5}),
        (OmsOrderStateSensor, {"failure_states": ["SHIPPED"]}),
        (OmsOrderStateSensor, {"timeout": 5}),
        (OfAUser, {"only_if_states": GUARD}),
        (OfAUser, {"tenant": "two"}),
    ],
)
def test_a_mapped_tasks_own_default_that_airflow_would_drop_is_refused(
    operator: Any, defaults: dict[str, Any]
) -> None:
    name = next(iter(defaults))
    with pytest.raises(
        TypeError, match=rf"{operator.__name__}\.partial\(\): Airflow ignores {name} in"
    ):
        operator.partial(task_id="mapped", default_args=defaults)


def unmapped(task: Any) -> Any:
    return task.unmap({"order_id": 1})


def test_defaults_that_airflow_keeps_are_taken() -> None:
    common = {"retries": 7, "owner": "me", "an_argument_of_another_operator": 1}
    with DAG("kept", schedule=None):
        task = OmsCancelOrderOperator.partial(
            task_id="mapped",
            disposition_reason="other",
            only_if_states=GUARD,
            default_args={**common, "only_if_states": ["READY"]},
        ).expand(order_id=[1, 2])
    assert (unmapped(task).retries, unmapped(task).only_if_states) == (7, GUARD)


@pytest.mark.parametrize("of_the", ["DAG", "group"])
def test_defaults_of_a_dag_and_of_a_group_get_to_a_mapped_task(of_the: str) -> None:
    defaults = {"only_if_states": GUARD, "oms_conn_id": "oms_sandbox"}
    group: Any = TaskGroup  # Airflow types the values of default_args as one type
    of_dag, of_group = (defaults, {}) if of_the == "DAG" else ({}, defaults)
    with (
        DAG("defaults", schedule=None, default_args=of_dag),
        group("group", default_args=of_group),
    ):
        task = OmsCancelOrderOperator.partial(task_id="mapped", disposition_reason="other").expand(
            order_id=[1, 2]
        )
    assert unmapped(task).only_if_states == GUARD
    assert unmapped(task).oms_conn_id == "oms_sandbox"


def test_defaults_get_to_a_task_that_is_not_mapped() -> None:
    task = OmsCancelOrderOperator(
        task_id="plain",
        order_id=1,
        disposition_reason="other",
        default_args={"only_if_states": GUARD},
    )
    assert task.only_if_states == GUARD


def test_a_task_itself_cannot_be_mapped_as_with_every_operator() -> None:
    task = OmsCancelOrderOperator(task_id="plain", order_id=1, disposition_reason="other")
    with pytest.raises(TypeError, match="not Tasks themselves"):
        task.partial(task_id="mapped")
