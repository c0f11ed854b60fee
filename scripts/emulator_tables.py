"""Write the tables of docs/emulator.md: options, switches, faults, and the fields of a rule.

They are made from the code; a test fails when they differ from it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from airflow_provider_oms.emulator.__main__ import command_line
from airflow_provider_oms.emulator.faults import Fault, Rule
from airflow_provider_oms.emulator.native.settings import NativeSettings
from airflow_provider_oms.emulator.parts.settings import PartSettings
from airflow_provider_oms.emulator.settings import Settings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "emulator.md"


def table(heading: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table in Markdown.

    :param heading: its first row.
    :param rows: the others.
    """
    lines = [heading, tuple("---" for _ in heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(value: object) -> str:
    """Return a value as JSON has it, in the type of code.

    :param value: the value.
    """
    listed = list(value) if isinstance(value, tuple) else value
    return f"`{json.dumps(listed)}`"


def options() -> str:
    """Return the table of the command line's options."""
    parser = command_line()
    rows = []
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to list them
        if "--help" in action.option_strings:
            continue
        given = f" {action.metavar or action.dest.upper()}" if action.nargs != 0 else ""
        text, _, said = (action.help or "").partition("(default: ")
        default = said.rstrip(")").replace("%(default)s", str(action.default))
        name = f"`{action.option_strings[0]}{given}`"
        rows.append((name, f"`{default}`" if default else "", text.strip()))
    return table(("option", "default", "meaning"), rows)


def values(schema: dict[str, Any]) -> str:
    """Return the possible values of a field, in a few words.

    :param schema: the field's JSON schema.
    """
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(one)}`" for one in schema["enum"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "anyOf" in schema:
        return " or ".join(values(one) for one in schema["anyOf"])
    kind = str(schema.get("type", "object"))
    words = {"array": "a list", "boolean": "`true`, `false`", "integer": "a whole number"}
    words |= {"null": "`null`", "number": "a number", "string": "a text", "object": "an object"}
    return words.get(kind, kind)


def fields(model: type[BaseModel], *, leave_out: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return a row for each field of a model: name, values, default and description.

    :param model: the model.
    :param leave_out: fields that are told of elsewhere.
    """
    schema = model.model_json_schema()["properties"]
    return [
        (
            f"`{name}`",
            values(schema[name]),
            "required" if field.is_required() else code(field.default),
            field.description or "",
        )
        for name, field in model.model_fields.items()
        if name not in leave_out
    ]


def switches() -> str:
    """Return the table of the behavior switches, except for those that have separate tables."""
    others = (*NativeSettings.model_fields, *PartSettings.model_fields)
    return table(("switch", "values", "default", "meaning"), fields(Settings, leave_out=others))


def native_switches() -> str:
    """Return the table of the native API's behavior switches."""
    return table(("switch", "values", "default", "meaning"), fields(NativeSettings))


def part_switches() -> str:
    """Return the table of the behavior switches about parts of orders."""
    return table(("switch", "values", "default", "meaning"), fields(PartSettings))


def faults() -> str:
    """Return the table of the faults."""
    rows = []
    for model in get_args(get_args(Fault)[0]):
        (kind,) = get_args(model.model_fields["kind"].annotation)
        parameters = [
            f"{name}: {allowed} ({default})"
            for name, allowed, default, _ in fields(model, leave_out=("kind",))
        ]
        rows.append((f"`{kind}`", model.__doc__ or "", "; ".join(parameters)))
    return table(("kind", "what happens", "parameters (default)"), rows)


def rules() -> str:
    """Return the table of a rule's fields other than its fault."""
    return table(("field", "values", "default", "meaning"), fields(Rule, leave_out=("fault",)))


def page(text: str) -> str:
    """Return the page's text with its tables regenerated.

    :param text: the page's text.
    """
    for name, make in (
        ("options", options),
        ("switches", switches),
        ("native switches", native_switches),
        ("part switches", part_switches),
        ("faults", faults),
        ("rules", rules),
    ):
        begin, end = (
            f"<!-- made by make docs-parts: {name} {edge} -->" for edge in ("begin", "end")
        )
        before, found, rest = text.partition(begin)
        _, ended, after = rest.partition(end)
        if not (found and ended):
            raise SystemExit(f"{PAGE.name} has no place for the table of {name}")
        text = f"{before}{begin}\n{make()}\n{end}{after}"
    return text


def main() -> None:
    """Regenerate the page's tables."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
