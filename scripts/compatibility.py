"""Turn the results of the cells of `make matrix` into the tables of docs/compatibility.md.

They are written only when every cell is there, all tested the same wheel, and none failed.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from packaging.version import Version

from scripts.tables import put, table

REPOSITORY = Path(__file__).resolve().parent.parent
REPORTS = REPOSITORY / ".nox" / "cells"
PAGE = REPOSITORY / "docs" / "compatibility.md"
ASPECTS = ("journal", "approval", "retry policy", "form", "a task whose process is killed")

Cell = dict[str, Any]


def short(version: str) -> str:
    return ".".join(version.split(".")[:2])


def cells() -> list[Cell]:
    found = [json.loads(path.read_text(encoding="utf-8")) for path in REPORTS.glob("*.json")]
    return sorted(found, key=lambda cell: (Version(cell["airflow"]), Version(cell["python"])))


def wanted() -> set[tuple[str, str]]:
    from noxfile import CELLS  # noqa: PLC0415 - not every environment has nox

    return {(airflow, python) for python, airflow in CELLS}


def what_is_wrong(found: list[Cell]) -> list[str]:
    there = {(short(cell["airflow"]), short(cell["python"])) for cell in found}
    wrong = [f"no result of Airflow {a}, Python {p}" for a, p in sorted(wanted() - there)]
    for cell in found:
        name = f"Airflow {cell['airflow']}, Python {cell['python']}"
        if cell["exit_status"] != 0:
            wrong.append(f"{name} failed")
        if not cell.get("all_areas"):
            wrong.append(f"{name} ran some tests only")
    if len({cell.get("wheel") for cell in found}) > 1:
        wrong.append("not all cells have tested the same wheel")
    return wrong


def by_cell(found: list[Cell]) -> str:
    rows = []
    for cell in found:
        passed = sum(area.get("passed", 0) for area in cell["tests"].values())
        lacking = ", ".join(f"{feature} ({n})" for feature, n in cell["lacking"].items())
        rows.append((cell["airflow"], cell["python"], str(passed), lacking or "none"))
    return table(("Airflow", "Python", "tests passed", "left out, for want of (tests)"), rows)


def by_aspect(found: list[Cell]) -> str:
    lines: dict[str, list[Cell]] = {}
    for cell in found:
        lines.setdefault(short(cell["airflow"]), []).append(cell)

    def entry(aspect: str, line: list[Cell]) -> str:
        said = [c["degrades"][aspect] for c in line if aspect in c["degrades"]]
        return " / ".join(dict.fromkeys(said)) or "not tried"

    rows = [(aspect, *(entry(aspect, line) for line in lines.values())) for aspect in ASPECTS]
    return table(("", *lines), rows)


def main() -> int:
    found = cells()
    tables = {"cells": by_cell(found), "aspects": by_aspect(found)}
    print(*tables.values(), sep="\n\n")
    if os.environ.get("WRITE_DOCS") != "1":
        return 0
    if wrong := what_is_wrong(found):
        print("\nnot written:", *wrong, sep="\n  ")
        return 1
    page = PAGE.read_text(encoding="utf-8")
    for title, made in tables.items():
        begin, end = f"<!-- {title}: make matrix WRITE_DOCS=1 -->", f"<!-- end of {title} -->"
        page = put(made, page, begin, end)
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
