"""Where a set's entries come from: a list, a template's JSON, or the lines of a file.

What an entry must be is the business of ``order_set.py``.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.validation import kind_of
from airflow_provider_oms.cancellation.bulk.order_set import ENTRY_KEYS, OmsOrderSetError

__all__ = ["entries_of_csv", "entries_of_json_lines", "entries_of_value"]

# A lazy sequence asks Airflow's API for each slice.
_SLICE = 500

_RULE = (
    "a list of orders, or a template that renders to a JSON array "
    "({{ … | tojson }}, or the other task's .output)"
)


def entries_of_value(value: Any) -> Iterator[tuple[str, Any]]:
    """Return the entries of the argument ``orders``, each with its position.

    :param value: a list or another sequence of entries; a JSON array; or a sequence of lists, as
        mapped tasks leave it, whose entries count as one set.
    :return: position and entry, one at a time.
    :raises OmsInputError: when the value is no sequence; ``None`` and ``""`` are none.
    """
    if isinstance(value, str):
        value = _parse(value)
    if isinstance(value, set | frozenset | range):
        value = list(value)
    if not isinstance(value, Sequence) or isinstance(value, str | bytes | bytearray):
        raise OmsInputError("orders", _RULE, kind_of(value))
    return _number(value)


def _parse(text: str) -> Any:
    try:
        return _read_json(text)
    except (ValueError, RecursionError):
        raise OmsInputError("orders", _RULE, kind_of(text)) from None


def _read_json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_once_each)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entry = dict(pairs)
    if len(entry) < len(pairs):
        # The last one would count, whichever was meant.
        raise ValueError("a key is there twice")
    return entry


def _number(values: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    number = 0
    for value in _in_slices(values):
        number += 1
        if not isinstance(value, list | tuple):
            yield f"entry {number}", value
            continue
        for inner, entry in enumerate(value, 1):
            yield f"entry {number}, item {inner}", entry


def _in_slices(values: Sequence[Any]) -> Iterator[Any]:
    if isinstance(values, list | tuple):
        yield from values
        return
    for at in range(0, len(values), _SLICE):
        yield from values[at : at + _SLICE]


def entries_of_json_lines(lines: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Return the entries of a JSON Lines file; blank lines are none.

    :param lines: the file's lines.
    :return: position and entry, one at a time; a line that is no JSON, or a list, is an entry that
        no rule admits.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = _read_json(line)
        except (ValueError, RecursionError):
            entry = None
        # The line itself is refused as an order id, with its position. A list would be taken for
        # what a mapped task has left, if a task reads the file and passes its entries on.
        is_entry = entry is not None and not isinstance(entry, list)
        yield f"line {number}", entry if is_entry else line


def entries_of_csv(lines: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Return the entries of a CSV file with a header line.

    :param lines: the file's lines.
    :return: position and entry, one at a time.
    :raises OmsOrderSetError: when the header does not name the columns.
    """
    reader = csv.reader(lines, strict=True)
    try:
        header = [name.strip().lstrip("\ufeff") for name in next(reader, [])]
        is_unclear = len(set(header)) < len(header) or not set(header) <= set(ENTRY_KEYS)
        if "order_id" not in header or is_unclear:
            raise OmsOrderSetError(
                f"The CSV file's first line must name its columns: order_id and, if wanted, "
                f"{', '.join(ENTRY_KEYS[1:])}, each once and no others"
            )
        for row in reader:
            if row:
                is_whole = len(row) == len(header)
                # What is not whole becomes a text that is refused as an order id, and not a list,
                # for the same reason as above; with one field only it could pass, but for its end.
                broken = ",".join([*row, ""])
                entry = dict(zip(header, row, strict=True)) if is_whole else broken
                yield f"line {reader.line_num}", entry
    except csv.Error as error:
        raise OmsOrderSetError(f"The CSV file breaks off: {error}") from None
