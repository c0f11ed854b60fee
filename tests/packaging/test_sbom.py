"""The SBOM in the wheel: it is valid CycloneDX, and says what pyproject.toml says."""

from __future__ import annotations

import json
import tomllib

import pytest

import airflow_provider_oms
from scripts.mutants import REPOSITORY

TEXT = (REPOSITORY / "sbom.cdx.json").read_text(encoding="utf-8")


@pytest.mark.needs("the environment that the docs are built in")
def test_it_is_the_one_that_make_sbom_writes() -> None:
    from scripts.sbom import sbom  # noqa: PLC0415 - not every environment has CycloneDX's library

    assert sbom() == TEXT, "run `make sbom`"


@pytest.mark.needs("the environment that the docs are built in")
def test_it_is_valid() -> None:
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415 - as above
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415 - as above

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(TEXT) is None
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str('{"bomFormat": "x"}') is not None


def test_it_names_the_package_and_every_requirement_and_no_time() -> None:
    document = json.loads(TEXT)
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    about = document["metadata"]["component"]
    version = airflow_provider_oms.__version__
    assert (about["name"], about["version"]) == (project["name"], version)
    assert about["licenses"] == [
        {"license": {"id": project["license"], "acknowledgement": "declared"}}
    ]
    optional = [line for extra in project["optional-dependencies"].values() for line in extra]
    wanted = dict.fromkeys(project["dependencies"], "required")
    wanted |= dict.fromkeys(optional, "optional")
    found = {
        one["description"].partition("the requirement is ")[2]: one["scope"]
        for one in document["components"]
    }
    assert found == wanted
    assert "timestamp" not in document["metadata"]
