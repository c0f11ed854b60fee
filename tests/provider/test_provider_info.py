"""What Airflow is told about this provider, held against Airflow's own schemas."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from importlib.metadata import distribution, metadata
from pathlib import Path
from typing import Any

import airflow
import jsonschema
import pytest
from airflow.providers.common.compat.sdk import redact

import airflow_provider_oms
from airflow_provider_oms.api.config import EXTRA_FIELDS, TenantSettings
from airflow_provider_oms.get_provider_info import get_provider_info

INFO = get_provider_info()
CONNECTION_TYPE = INFO["connection-types"][0]
AIRFLOW_PACKAGE = Path(next(iter(airflow.__path__)))


def schema(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((AIRFLOW_PACKAGE / name).read_text())
    return loaded


def test_it_satisfies_the_schema_that_airflow_checks_when_it_loads_providers() -> None:
    jsonschema.validate(INFO, schema("provider_info.schema.json"))


@pytest.mark.needs("connection form from the provider info")
def test_the_connection_type_satisfies_the_stricter_schema_of_official_providers() -> None:
    rules = schema("provider.yaml.schema.json")
    jsonschema.validate(INFO["connection-types"], rules["properties"]["connection-types"])
    jsonschema.validate(INFO["integrations"], rules["properties"]["integrations"])


def test_its_package_name_is_the_distributions_name() -> None:
    assert INFO["package-name"] == metadata("airflow-provider-oms")["Name"]
    assert INFO["name"]
    assert INFO["description"]


def test_the_entry_point_leads_to_it() -> None:
    points = distribution("airflow-provider-oms").entry_points
    (point,) = [p for p in points if p.group == "apache_airflow_provider"]
    assert point.load()() == INFO


def test_the_version_is_the_distributions_version() -> None:
    assert distribution("airflow-provider-oms").version == airflow_provider_oms.__version__


def test_importing_it_imports_neither_airflow_nor_the_hook() -> None:
    code = (
        "import sys; from airflow_provider_oms.get_provider_info import get_provider_info; "
        "get_provider_info(); print([m for m in sys.modules if m.split('.')[0] in "
        "('airflow', 'requests', 'pydantic') or m.startswith('airflow_provider_oms.')])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert loaded.strip() == "['airflow_provider_oms.get_provider_info']"


def imported(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def test_it_names_every_module_that_a_dag_may_import() -> None:
    package = Path(airflow_provider_oms.__file__).parent
    for kind in ("operators", "sensors"):
        (entry,) = INFO[kind]
        modules = {f"airflow_provider_oms.{kind}.{p.stem}" for p in (package / kind).glob("[!_]*")}
        assert set(entry["python-modules"]) == {m for m in modules if "__" not in m}


def test_every_link_of_an_operator_is_registered() -> None:
    # Airflow 2 drops all links of an operator that has one it was not told of.
    for path in (
        "operators.bulk.OmsBulkCancelOrdersOperator",
        "operators.oms.OmsCancelOrderOperator",
        "sensors.oms.OmsOrderStateSensor",
    ):
        for link in imported(f"airflow_provider_oms.{path}").operator_extra_links:
            assert f"{type(link).__module__}.{type(link).__qualname__}" in INFO["extra-links"]


def test_every_module_and_class_it_names_can_be_imported() -> None:
    for kind in ("hooks", "operators", "sensors", "triggers"):
        for entry in INFO[kind]:
            for module in entry["python-modules"]:
                assert importlib.import_module(module).__all__
    for path in INFO["extra-links"]:
        assert imported(path).operators == []
    for decorator in INFO["task-decorators"]:
        assert callable(imported(decorator["class-name"]))
    hook = imported(CONNECTION_TYPE["hook-class-name"])
    assert hook.conn_type == CONNECTION_TYPE["connection-type"]
    assert hook.hook_name == CONNECTION_TYPE["hook-name"]


def test_the_form_has_exactly_the_fields_that_the_settings_read() -> None:
    assert list(CONNECTION_TYPE["conn-fields"]) == list(EXTRA_FIELDS)


def test_the_forms_defaults_are_the_settings_defaults() -> None:
    for name, field in CONNECTION_TYPE["conn-fields"].items():
        if "default" in field["schema"]:
            assert field["schema"]["default"] == TenantSettings.model_fields[name].default


def test_no_field_that_airflow_masks_has_a_default() -> None:
    """The form of Airflow 3 shows such a default as asterisks, and saves those."""
    fields = CONNECTION_TYPE["conn-fields"]
    masked = [name for name in fields if redact({name: "shown"}) != {name: "shown"}]
    assert "secret_headers" in masked
    assert [name for name in masked if fields[name]["schema"].get("default") is not None] == []
