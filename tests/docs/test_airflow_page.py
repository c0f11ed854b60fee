"""The page about Airflow's UI and the sensor: its code runs, its tables say what the code says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_oms.get_provider_info import get_provider_info
from airflow_provider_oms.links.oms import OmsOrderLink

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "airflow.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_every_snippet_is_code_for_a_dag_file(snippet: str) -> None:
    with DAG(dag_id="of_the_page", schedule=None, params={"order_id": 1}) as dag:
        names: dict[str, Any] = {}
        exec(compile(snippet, "docs/airflow.md", "exec"), names)  # noqa: S102 - our own page
        if "wait_until_off_hold" in names:
            names["wait_until_off_hold"](7)
    assert len(dag.tasks) == 1


def test_the_table_of_the_form_is_the_form() -> None:
    (connection_type,) = get_provider_info()["connection-types"]
    rows = re.findall(r"^\| ([A-Z][^|]+) \| extra `(\w+)`", PAGE, re.MULTILINE)
    labels = {name: field["label"] for name, field in connection_type["conn-fields"].items()}
    assert {name: label for label, name in rows} == labels
    relabeling = connection_type["ui-field-behaviour"]["relabeling"]
    for label in relabeling.values():
        assert label in PAGE


def test_the_link_is_called_what_the_page_calls_it() -> None:
    assert f"**{OmsOrderLink.name}**" in PAGE
    assert f"(`{OmsOrderLink().xcom_key}`)" in PAGE
