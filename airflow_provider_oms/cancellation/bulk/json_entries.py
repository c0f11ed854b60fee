"""The entries of a JSON Lines file: one complete id or object in each line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airflow_provider_oms.cancellation.bulk.entries import entry_of
from airflow_provider_oms.cancellation.bulk.headers import misnamed
from airflow_provider_oms.cancellation.bulk.json_text import TwiceError, read_json
from airflow_provider_oms.cancellation.bulk.line_ends import CUT_OFF, is_terminated
from airflow_provider_oms.cancellation.bulk.refusals import Unusable
from airflow_provider_oms.cancellation.bulk.rows import Rows

__all__ = ["entries_of_json_lines"]

_NO_JSON = "the line is no JSON by itself; write one complete id or object in each line"


def entries_of_json_lines(
    lines: Iterable[str], rows: Rows | None = None
) -> Iterator[tuple[str, Any]]:
    """Return the entries of a JSON Lines file; blank lines are none.

    :param lines: the file's lines, each with its line break; one without is the end of the file.
    :param rows: judges the objects.
    :return: position and entry, one at a time; :class:`Unusable` for a line that is none.
    """
    rows = rows or Rows()
    for number, line in enumerate(lines, 1):
        if line.strip():
            entry = _judged(_entry_in(line), rows)
            if entry is not None:
                yield f"line {number}", entry


def _judged(entry: Any, rows: Rows) -> Any:
    columns = rows.columns
    if isinstance(entry, Unusable) or not (columns.where or columns.ignores_others):
        return entry
    if not isinstance(entry, Mapping):
        return Unusable("the line is no object, and order_id_column and where are about its keys")
    missing = next((name for name in columns.needed if name not in entry), None)
    if missing is not None:
        return Unusable(f"the object has no key {missing!r}; name it as the file has it")
    if (mistaken := columns.mistaken_for(map(str, entry))) is not None:
        return Unusable(f"the object has a key that is not one of an entry: {misnamed(*mistaken)}")
    return rows.entry_of(entry)


def _entry_in(line: str) -> Any:
    try:
        value = read_json(line)
    except TwiceError:
        return Unusable("an object has a key twice; keep the one that is meant")
    except ValueError:
        is_item = line.rstrip().endswith(",")
        hint = "; it ends in a comma, as in a JSON array" if is_item else ""
        return Unusable(f"{_NO_JSON}{hint}")
    if value is None:
        return Unusable("the line is null; delete it, or write the order id")
    if isinstance(value, list) and len(value) != 1:
        return Unusable(
            f"the line is a JSON array of {len(value)}; write each order on its own line"
        )
    # Of a number, nothing shows that it was written to its end, as a bracket or a quote does.
    if isinstance(value, int) and not is_terminated(line):
        return Unusable(CUT_OFF)
    return entry_of(value)
