"""Write the tables of docs/emulator.md: options, switches, faults, and the fields of a rule.

They are made from the code; a test fails when they differ from it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from airflow_provider_oms.emulator.__main__ import command_line
from airflow_provider_oms.emulator.faults import Fault, Rule
from airflow_provider_oms.emulator.native.settings import NativeSettings
from airflow_provider_oms.emulator.parts.settings import PartSettings
from airflow_provider_oms.emulator.settings import Settings
from scripts.tables import put, table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "emulator.md"
_KINDS = {
    "array": "a list",
    "boolean": "`true`, `false`",
    "integer": "a whole number",
    "null": "`null`",
    "number": "a number",
    "string": "a text",
}


def options() -> str:
    rows = []
    for action in command_line()._actions:  # noqa: SLF001 - argparse has no other way to list them
        if "--help" in action.option_strings:
            continue
        given = f" {action.metavar or action.dest.upper()}" if action.nargs != 0 else ""
        text, _, said = (action.help or "").partition("(default: ")
        default = said.rstrip(")").replace("%(default)s", str(action.default))
        name = f"`{action.option_strings[0]}{given}`"
        rows.append((name, f"`{default}`" if default else "", text.strip()))
    return table(("option", "default", "meaning"), rows)


def values(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(values(one) for one in schema["anyOf"])
    allowed = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    listed = ", ".join(f"`{json.dumps(one)}`" for one in allowed)
    return listed or _KINDS.get(schema.get("type", "object"), "an object")


def fields(model: type[BaseModel], leave_out: frozenset[str]) -> list[tuple[str, ...]]:
    """Return a row for each field of a model: name, values, default and description."""
    schema = model.model_json_schema()["properties"]
    return [
        (
            f"`{name}`",
            values(schema[name]),
            "required" if field.is_required() else f"`{json.dumps(field.default)}`",
            field.description or "",
        )
        for name, field in model.model_fields.items()
        if name not in leave_out
    ]


def of_model(model: type[BaseModel], first: str = "switch", *leave_out: str) -> str:
    heading = (first, "values", "default", "meaning")
    return table(heading, fields(model, frozenset(leave_out)))


def faults() -> str:
    rows = []
    for model in get_args(get_args(Fault)[0]):
        (kind,) = get_args(model.model_fields["kind"].annotation)
        parameters = [
            f"{name}: {allowed} ({default})"
            for name, allowed, default, _ in fields(model, frozenset({"kind"}))
        ]
        rows.append((f"`{kind}`", model.__doc__ or "", "; ".join(parameters)))
    return table(("kind", "what happens", "parameters (default)"), rows)


def page(text: str) -> str:
    in_separate_tables = (*NativeSettings.model_fields, *PartSettings.model_fields)
    tables = {
        "options": options(),
        "switches": of_model(Settings, "switch", *in_separate_tables),
        "native switches": of_model(NativeSettings),
        "part switches": of_model(PartSettings),
        "faults": faults(),
        "rules": of_model(Rule, "field", "fault"),
    }
    for name, made in tables.items():
        begin, end = (f"<!-- made by make docs-parts: {name} {at} -->" for at in ("begin", "end"))
        text = put(made, text, begin, end)
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
