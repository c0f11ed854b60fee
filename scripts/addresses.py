"""Put the repository's address into the metadata of the package: its links, and the README's.

Hatchling runs this at every build. The address has one source, the environment variable
``PROVIDER_REPOSITORY_URL``, which the release workflow sets to the repository that it runs in.
Without it the package has no links, and the README keeps its relative ones. A wheel that is built
from an sdist has the links of the sdist.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

VARIABLE = "PROVIDER_REPOSITORY_URL"
_ADDRESS = re.compile(r"https://[a-z0-9.-]+(/[\w.-]+){2,}")
RELATIVE_LINK = re.compile(r"\]\((?![a-z]+:|#)([^)\s]+)\)")


def with_absolute_links(text: str, address: str, version: str) -> str:
    return RELATIVE_LINK.sub(rf"]({address}/blob/v{version}/\1)", text)


def address_of_repository() -> str | None:
    """Return the repository's address, or ``None`` when the environment names none."""
    address = os.environ.get(VARIABLE, "").rstrip("/").removesuffix(".git")
    if address and not _ADDRESS.fullmatch(address):
        raise ValueError(f"{VARIABLE} must look like https://HOST/OWNER/NAME, not {address!r}")
    return address or None


class Addresses(MetadataHookInterface):
    """Set the fields that have an address in them."""

    def update(self, metadata: dict[str, Any]) -> None:
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        if address := address_of_repository():
            version = metadata["version"]
            # PyPI and Airflow know these labels.
            metadata["urls"] = {
                "Documentation": f"{address}/blob/v{version}/docs/index.md",
                "Changelog": f"{address}/blob/v{version}/CHANGELOG.md",
                "Source": address,
                "Issues": f"{address}/issues",
            }
            text = with_absolute_links(text, address, version)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
