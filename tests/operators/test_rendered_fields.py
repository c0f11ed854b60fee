"""What Airflow's web UI shows of an argument once it is rendered."""

from __future__ import annotations

import inspect
import re
from html import unescape
from importlib import import_module
from typing import Any

import pytest

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator, OmsCancelOrderOperator
from airflow_provider_oms.sensors.oms import OmsOrderStateSensor

OPERATORS = [OmsBulkCancelOrdersOperator, OmsCancelOrderOperator, OmsOrderStateSensor]


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_argument_that_may_be_a_list_or_a_dict_is_shown_as_json(operator: type[Any]) -> None:
    nested = {
        name
        for name, parameter in inspect.signature(operator.__init__).parameters.items()
        if "Sequence" in str(parameter.annotation) or "Mapping" in str(parameter.annotation)
    }
    if operator is OmsBulkCancelOrdersOperator:
        nested.add("orders")
    assert nested <= set(operator.template_fields)
    assert operator.template_fields_renderers == dict.fromkeys(nested, "json")


@pytest.mark.needs("renderers of the web UI in Python")
@pytest.mark.parametrize("value", [["READY", "NEW"], '["READY", "NEW"]', "READY,NEW"])
def test_what_is_shown_is_the_argument_however_it_was_given(value: object) -> None:
    utils = import_module("airflow.www.utils")
    html = str(utils.get_attr_renderer()["json"](value))
    text = unescape(re.sub(r"<[^>]+>|\s", "", html))
    # Line numbers come before it.
    assert text.lstrip("1234") in ('["READY","NEW"]', "READY,NEW")
