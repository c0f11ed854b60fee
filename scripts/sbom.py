"""Write sbom.cdx.json, the software bill of materials that each wheel has in its metadata.

The wheel holds this package and nothing else, so the file names the package and the requirements
that it declares. It has no time and no random number, so the wheel stays reproducible.
"""

from __future__ import annotations

import tomllib
import uuid
from pathlib import Path

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseAcknowledgement
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import airflow_provider_oms

REPOSITORY = Path(__file__).resolve().parent.parent
SBOM = REPOSITORY / "sbom.cdx.json"


def sbom() -> str:
    """Return the bill of materials as CycloneDX 1.6 in JSON."""
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    bom = Bom()
    bom.metadata.timestamp = None  # type: ignore[assignment]  # the time of the build is no fact
    package = component(project["name"], project["description"], airflow_provider_oms.__version__)
    declared = LicenseAcknowledgement.DECLARED
    package.licenses = [DisjunctiveLicense(id=project["license"], acknowledgement=declared)]
    bom.metadata.component = package
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, str(package.purl))
    extras = project["optional-dependencies"].values()
    scopes = {line: ComponentScope.OPTIONAL for extra in extras for line in extra}
    scopes |= dict.fromkeys(project["dependencies"], ComponentScope.REQUIRED)
    for line, scope in scopes.items():
        # In whichever version an installer chooses.
        name = canonicalize_name(Requirement(line).name)
        required = component(name, f"not in the wheel; the requirement is {line}")
        required.scope = scope
        bom.components.add(required)
    bom.register_dependency(package, bom.components)
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def component(name: str, description: str, version: str | None = None) -> Component:
    purl = PackageURL("pypi", name=name, version=version)
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        description=description,
        purl=purl,
        bom_ref=str(purl),
    )


if __name__ == "__main__":
    SBOM.write_text(sbom(), encoding="utf-8")
