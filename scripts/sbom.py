"""Write sbom.cdx.json, the software bill of materials that each wheel has in its metadata.

The wheel holds this package and nothing else, so the file names the package and the requirements
that it declares. It has no time and no random number, so the wheel stays reproducible.
"""

from __future__ import annotations

import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any

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
    version = airflow_provider_oms.__version__
    bom = Bom()
    bom.metadata.timestamp = None  # type: ignore[assignment]  # the time of the build is no fact
    bom.metadata.component = package(project, version)
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, str(bom.metadata.component.purl))
    requirements = {
        line: ComponentScope.OPTIONAL
        for extra in project["optional-dependencies"].values()
        for line in extra
    } | dict.fromkeys(project["dependencies"], ComponentScope.REQUIRED)
    components = [required(line, scope) for line, scope in requirements.items()]
    bom.components.update(components)
    bom.register_dependency(bom.metadata.component, components)
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def package(project: dict[str, Any], version: str) -> Component:
    """Return the package itself.

    :param project: the table ``project`` of ``pyproject.toml``.
    :param version: the version of the package.
    """
    purl = PackageURL("pypi", name=project["name"], version=version)
    declared = LicenseAcknowledgement.DECLARED
    return Component(
        name=project["name"],
        version=version,
        type=ComponentType.LIBRARY,
        description=project["description"],
        licenses=[DisjunctiveLicense(id=project["license"], acknowledgement=declared)],
        purl=purl,
        bom_ref=str(purl),
    )


def required(line: str, scope: ComponentScope) -> Component:
    """Return a package that is required, in whichever version an installer chooses.

    :param line: the requirement.
    :param scope: whether it is required always, or by an extra.
    """
    name = canonicalize_name(Requirement(line).name)
    purl = PackageURL("pypi", name=name)
    return Component(
        name=name,
        type=ComponentType.LIBRARY,
        description=f"not in the wheel; the requirement is {line}",
        scope=scope,
        purl=purl,
        bom_ref=str(purl),
    )


def main() -> int:
    """Write the file."""
    SBOM.write_text(sbom(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
