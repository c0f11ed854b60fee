"""The tables of arguments: every argument of an operator, with its default."""

from __future__ import annotations

import inspect
import re
from datetime import timedelta
from typing import Any, Final, get_type_hints

import pytest
from airflow.providers.common.compat.sdk import DAG
from pages import blocks, rows, text_of

from airflow_provider_oms.arguments import NOT_GIVEN
from airflow_provider_oms.cancellation.outcomes import ResultDict
from airflow_provider_oms.cancellation.parts.results import PartResultDict, PartsResultDict
from airflow_provider_oms.operators.oms import (
    OmsBulkCancelOrdersOperator,
    OmsCancelOrderItemsOperator,
    OmsCancelOrderOperator,
    OmsCancelShipmentOperator,
)
from airflow_provider_oms.operators.review import OmsListOrdersInReviewOperator
from airflow_provider_oms.sensors.oms import OmsOrderStateSensor
from airflow_provider_oms.triggers.verdict_files import OmsVerdictFilesTrigger

HEADING = "| argument | default | meaning |"
# Where a page has the arguments of two.
HEADINGS: dict[type, str] = {
    OmsListOrdersInReviewOperator: "| argument of the operator | default | meaning |",
    OmsCancelOrderItemsOperator: "| argument of the items operator | default | meaning |",
    OmsCancelShipmentOperator: "| argument of the shipment operator | default | meaning |",
}
# How the pages write a default that is no literal: no default at all, none, and Airflow's own
# setting.
IN_WORDS: Final[dict[str, tuple[Any, ...]]] = {
    "": (inspect.Parameter.empty, None),
    "none": (None, NOT_GIVEN),
    "any": (NOT_GIVEN,),
    "no limit": (NOT_GIVEN,),
    "as Airflow is set up": (False,),
    "24 hours": (timedelta(hours=24),),
}


def shown(default: object) -> str:
    """Return a default as the pages, which quote as our code does, have it."""
    return repr(default).replace("'", '"')


@pytest.mark.parametrize(
    ("page", "operator"),
    [
        ("docs/operators.md", OmsCancelOrderOperator),
        ("docs/bulk.md", OmsBulkCancelOrdersOperator),
        ("docs/partial-cancellations.md", OmsCancelOrderItemsOperator),
        ("docs/partial-cancellations.md", OmsCancelShipmentOperator),
        ("docs/sensor.md", OmsOrderStateSensor),
        ("docs/verdicts.md", OmsVerdictFilesTrigger),
        ("docs/verdicts.md", OmsListOrdersInReviewOperator),
    ],
)
def test_the_table_has_every_argument_with_its_default(page: str, operator: type) -> None:
    documented = {}
    heading = HEADINGS.get(operator, HEADING)
    for names, default, _ in rows(text_of(page), heading):
        for name in re.findall(r"`(\w+)`", names):
            documented[name] = default.strip("`")
    parameters = inspect.signature(operator).parameters
    own = {name: parameter.default for name, parameter in parameters.items() if name != "kwargs"}
    assert sorted(documented) == sorted(own)
    for name, default in own.items():
        said = documented[name]
        assert default in IN_WORDS.get(said, ()) or said in (str(default), shown(default)), name


def test_the_table_of_the_result_has_its_keys() -> None:
    keys: list[str] = []
    for names, _ in rows(text_of("docs/operators.md"), "| key | value |"):
        keys += re.findall(r"`(\w+)`", names)
    assert keys == list(get_type_hints(ResultDict))


def test_the_result_of_parts_has_its_keys() -> None:
    page = text_of("docs/partial-cancellations.md")
    keys: list[str] = []
    for names, _ in rows(page, "| key of the result | value |"):
        keys += re.findall(r"`(\w+)`", names)
    assert keys == list(get_type_hints(PartsResultDict))
    sentence = page.partition("\nEach part has ")[2].partition(". Nothing")[0]
    assert set(get_type_hints(PartResultDict)) <= set(re.findall(r"`(\w+)`", sentence))


def test_the_sensors_snippets_each_make_one_task() -> None:
    snippets = [content for _, content in blocks(text_of("docs/sensor.md"), "python")]
    assert len(snippets) == 2
    for snippet in snippets:
        with DAG(dag_id="of_the_page", schedule=None, params={"order_id": 1}) as dag:
            names: dict[str, Any] = {}
            exec(compile(snippet, "docs/sensor.md", "exec"), names)  # noqa: S102 - our own page
            if "wait_until_off_hold" in names:
                names["wait_until_off_hold"](7)
        assert len(dag.tasks) == 1
