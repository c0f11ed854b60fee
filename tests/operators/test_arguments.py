"""Each argument reaches the task, or is refused."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowException, TaskGroup

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator, OmsCancelOrderOperator
from airflow_provider_oms.sensors.oms import OmsOrderStateSensor

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


@pytest.mark.parametrize(
    ("operator", "required", "misspelled"),
    [
        (OmsCancelOrderOperator, {"order_id": 1, "disposition_reason": "other"}, "only_if_state"),
        (OmsBulkCancelOrdersOperator, {"orders": 1, "disposition_reason": "other"}, "max_order"),
        (OmsOrderStateSensor, {"order_id": 1}, "target_state"),
    ],
)
def test_a_misspelled_argument_is_refused_when_the_file_is_read(
    operator: Any, required: dict[str, Any], misspelled: str
) -> None:
    with pytest.raises((TypeError, AirflowException), match=misspelled):
        operator(task_id="misspelled", **required, **{misspelled: "READY"})


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
