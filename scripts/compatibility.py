"""Turn the results of the cells of `make matrix` into the tables of docs/compatibility.md.

They are written only when every cell is there, all tested the same wheel, and none failed.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from packaging.version import Version

REPOSITORY = Path(__file__).resolve().parent.parent
REPORTS = REPOSITORY / ".nox" / "cells"
PAGE = REPOSITORY / "docs" / "compatibility.md"
ASPECTS = ("journal", "approval", "retry policy", "form", "a task whose process is killed")
_NOT_TRIED = "not tried"

Cell = dict[str, Any]
sys.path.append(str(REPOSITORY))


def short(version: str) -> str:
    """Return the first two parts of a version.

    :param version: the version.
    """
    return ".".join(version.split(".")[:2])


def cells() -> list[Cell]:
    """Return the cells that have results, the oldest first."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in REPORTS.glob("*.json")]
    return sorted(found, key=lambda cell: (Version(cell["airflow"]), Version(cell["python"])))


def wanted() -> set[tuple[str, str]]:
    """Return Airflow and Python of each cell that there is to be."""
    noxfile = importlib.import_module("noxfile")
    return {(airflow, python) for python, airflow in noxfile.CELLS}


def what_is_wrong(found: list[Cell]) -> list[str]:
    """Return why the tables must not be written.

    :param found: the cells.
    """
    there = {(short(cell["airflow"]), short(cell["python"])) for cell in found}
    wrong = [f"no result of Airflow {a}, Python {p}" for a, p in sorted(wanted() - there)]
    wrong += [f"{name(cell)} failed" for cell in found if cell["exit_status"] != 0]
    wrong += [f"{name(cell)} ran some tests only" for cell in found if not cell.get("all_areas")]
    if len({cell.get("wheel") for cell in found}) > 1:
        wrong.append("not all cells have tested the same wheel")
    return wrong


def name(cell: Cell) -> str:
    """Return the name of a cell.

    :param cell: the cell.
    """
    return f"Airflow {cell['airflow']}, Python {cell['python']}"


def table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown.

    :param heading: its first row.
    :param rows: its other rows.
    """
    heading = list(heading)
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def counts(cell: Cell, outcome: str) -> int:
    """Return how many tests of a cell ended in some way.

    :param cell: the cell.
    :param outcome: as pytest calls it.
    """
    return sum(area.get(outcome, 0) for area in cell["tests"].values())


def by_cell(found: list[Cell]) -> str:
    """Return the table with a row for each cell.

    :param found: the cells.
    """
    rows = [
        [
            cell["airflow"],
            cell["python"],
            str(counts(cell, "passed")),
            ", ".join(f"{feature} ({n})" for feature, n in cell["lacking"].items()) or "none",
        ]
        for cell in found
    ]
    return table(["Airflow", "Python", "tests passed", "left out, for want of (tests)"], rows)


def lines_of(found: list[Cell]) -> dict[str, list[Cell]]:
    """Return the cells by the line of Airflow they are of.

    :param found: the cells.
    """
    lines: dict[str, list[Cell]] = {}
    for cell in found:
        lines.setdefault(short(cell["airflow"]), []).append(cell)
    return lines


def by_area(found: list[Cell]) -> str:
    """Return the table of which tests run where.

    :param found: the cells.
    """
    lines = lines_of(found)
    areas = sorted({area for cell in found for area in cell["tests"]})

    def entry(area: str, line: list[Cell]) -> str:
        passed = {cell["tests"].get(area, {}).get("passed", 0) for cell in line}
        return " / ".join(str(number) for number in sorted(passed, reverse=True))

    # Those that concern the whole package lie in no folder.
    named = {area: "`tests/*.py`" if area == "package" else f"`tests/{area}`" for area in areas}
    rows = [[named[area], *(entry(area, line) for line in lines.values())] for area in areas]
    return table(["passed in", *lines], rows)


def by_aspect(found: list[Cell]) -> str:
    """Return the table of what degrades how.

    :param found: the cells.
    """
    lines = lines_of(found)
    rows = [
        [
            aspect,
            *(
                " / ".join(dict.fromkeys(c["degrades"].get(aspect, _NOT_TRIED) for c in line))
                for line in lines.values()
            ),
        ]
        for aspect in ASPECTS
    ]
    return table(["", *lines], rows)


def written(page: str, found: list[Cell]) -> str:
    """Return the page with the tables of a run.

    :param page: the page as it is.
    :param found: the cells.
    """
    for title, made in (("cells", by_cell), ("areas", by_area), ("aspects", by_aspect)):
        begin, end = f"<!-- {title}: make matrix WRITE_DOCS=1 -->\n", f"\n<!-- end of {title} -->"
        before, rest = page.split(begin)
        after = rest.split(end)[1]
        page = f"{before}{begin}{made(found)}{end}{after}"
    return page


def main() -> int:
    """Print the tables, and write them when asked to."""
    found = cells()
    print(by_cell(found), by_area(found), by_aspect(found), sep="\n\n")
    if os.environ.get("WRITE_DOCS") != "1":
        return 0
    if wrong := what_is_wrong(found):
        print("\nnot written:", *wrong, sep="\n  ")
        return 1
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
