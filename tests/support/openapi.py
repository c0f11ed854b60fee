"""Kibo's published OpenAPI files, where they are available: do a request and a response match them?

They are not part of this repository, because they come without a license. They are looked for in
the folder that KIBO_OPENAPI_DIR names, and else beside the repository.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema
import pytest

VARIABLE = "KIBO_OPENAPI_DIR"
BESIDE = Path(__file__).resolve().parents[3] / "shared" / "contract" / "openapi"
MISSING = (
    f"Kibo's OpenAPI files are not here: {VARIABLE} names no folder with openapi_commerce.json, "
    "and there is none at ../shared/contract/openapi"
)
#: Which file has the calls whose address begins like this.
FILES = {
    "/api/commerce/": "openapi_commerce.json",
    "/api/commerce/shipments": "openapi_fulfillment.json",
    "/api/platform/tenants": "openapi_tenant.json",
    "/api/platform/applications/": "openapi_appdevelopement.json",
    "/api/event/": "openapi_event.json",
}
_INT32 = {"minimum": -(2**31), "maximum": 2**31 - 1}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_FORMATS = jsonschema.FormatChecker(formats=())


@_FORMATS.checks("date-time")
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or _TIME.fullmatch(value) is not None


def folder() -> Path | None:
    """Return the folder with the files; None where there is none."""
    named = os.environ.get(VARIABLE)
    found = Path(named) if named else BESIDE
    return found if (found / "openapi_commerce.json").is_file() else None


def published() -> dict[str, Published]:
    """Return the files, each by how the addresses of its calls begin; skip where there are none."""
    found = folder()
    if found is None:
        pytest.skip(MISSING)
    return {start: Published(found / name) for start, name in FILES.items()}


def file_of(published: Mapping[str, Published], path: str) -> Published:
    """Return the file that a call is in.

    :param published: the files.
    :param path: the call's path.
    """
    starts = [start for start in published if f"{path}/".startswith(start)]
    return published[max(starts, key=len)]


class Published:
    """One of the files.

    :param path: where it is.
    """

    def __init__(self, path: Path) -> None:
        self._content = json.loads(path.read_text(encoding="utf-8"))

    def problems(
        self, method: str, url: str, *, sent: object = None, status: int = 200, got: object = None
    ) -> list[str]:
        """Return the mismatches of a call; the answer counts only if it is a success.

        :param method: its method.
        :param url: its address, with its query.
        :param sent: its body.
        :param status: the status of its answer.
        :param got: the body of its answer.
        """
        parts = urlsplit(url)
        operation = self._operation(method, parts.path.removeprefix("/api"))
        if operation is None:
            return [f"there is no {method} {parts.path}"]
        known = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
        query = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
        found = [f"there is no parameter {name}" for name in sorted(query - known)]
        if sent is not None:
            found += self._misfits("sent", operation.get("requestBody"), sent)
        if status in range(200, 300):
            found += self._misfits("got", operation["responses"]["200"], got)
        return found

    def _operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        for template, operations in self._content["paths"].items():
            pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template))
            # A fixed address comes before one with an id in that place.
            if re.fullmatch(pattern, path) and (template == path or path not in self._plain):
                operation: Mapping[str, Any] | None = operations.get(method.lower())
                if operation is not None:
                    return operation
        return None

    @cached_property
    def _plain(self) -> set[str]:
        return {path for path in self._content["paths"] if "{" not in path}

    def _misfits(self, what: str, part: Mapping[str, Any] | None, value: object) -> list[str]:
        content = (part or {}).get("content", {}).get("application/json")
        if content is None:
            return [f"nothing is to be {what}"]
        schema = {**self._strict(content["schema"]), "$defs": self._definitions}
        checker = jsonschema.Draft202012Validator(schema, format_checker=_FORMATS)
        return [
            f"{what} {error.json_path}: {error.message}" for error in checker.iter_errors(value)
        ]

    @cached_property
    def _definitions(self) -> dict[str, Any]:
        schemas: Mapping[str, Any] = self._content["components"]["schemas"]
        return {name: self._strict(schema) for name, schema in schemas.items()}

    def _strict(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Return an OpenAPI 3.0 schema as a JSON schema that takes no names but those it knows."""
        if "$ref" in schema:
            return {"$ref": schema["$ref"].replace("#/components/schemas/", "#/$defs/")}
        strict = {name: schema[name] for name in ("type", "format", "enum") if name in schema} | (
            _INT32 if schema.get("format") == "int32" else {}
        )
        if "items" in schema:
            strict["items"] = self._strict(schema["items"])
        properties = {
            name: self._strict(one) for part in self._whole(schema) for name, one in part.items()
        }
        if properties:
            strict |= {"properties": properties, "additionalProperties": False}
        elif isinstance(schema.get("additionalProperties"), Mapping):
            strict["additionalProperties"] = self._strict(schema["additionalProperties"])
        if schema.get("nullable") and "type" in strict:
            strict["type"] = [strict["type"], "null"]
        return strict

    def _whole(self, schema: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
        """Yield the properties of a schema, and of all that it is made of."""
        if "$ref" in schema:
            schema = self._content["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        for base in schema.get("allOf", ()):
            yield from self._whole(base)
        yield schema.get("properties", {})
