"""What a type checker lets through is what Airflow takes."""

from __future__ import annotations

import inspect

import pytest
from airflow.providers.common.compat.sdk import BaseOperator, BaseSensorOperator

from airflow_provider_oms.arguments import SensorArguments, TaskArguments

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
    # What a newer Airflow has brought; an older one refuses it when it reads the DAG file.
    new = {"retry_policy", "render_template_as_native_obj"}
    known = named_by(BaseOperator, kwargs=set()) | named_by(BaseSensorOperator, kwargs=set())
    assert set(SensorArguments.__annotations__) | set(TaskArguments.__annotations__) <= known | new
