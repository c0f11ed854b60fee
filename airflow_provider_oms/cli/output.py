"""Rows as a table, as JSON or as CSV, on standard output."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from typing import Any

from airflow.cli.simple_table import AirflowConsole

__all__ = ["show"]

_WORDS = {None: "", True: "yes", False: "no"}


def show(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], form: str, *, none: str = ""
) -> None:
    """Print rows.

    :param columns: the names of the columns.
    :param rows: the rows, each with a value for every column.
    :param form: ``table``, ``json`` or ``csv``.
    :param none: the sentence that stands for a table without rows.
    """
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    if form == "json":
        sys.stdout.write(json.dumps(named, indent=2) + "\n")
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([columns, *rows])
    elif none and not rows:
        sys.stdout.write(f"{none}\n")
    else:
        # A value is never taken for markup of the console's.
        console = AirflowConsole(markup=False, emoji=False, highlight=False)
        console.print_as_table([{name: _shown(row[name]) for name in columns} for row in named])


def _shown(value: Any) -> str:
    return _WORDS[value] if value is None or isinstance(value, bool) else str(value)
