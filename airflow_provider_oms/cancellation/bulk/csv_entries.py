"""The entries of a CSV file with a header line, and what is wrong with a file that has none."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from airflow_provider_oms.cancellation.bulk.entries import ENTRY_KEYS
from airflow_provider_oms.cancellation.bulk.line_ends import CUT_OFF, is_terminated
from airflow_provider_oms.cancellation.bulk.refusals import OmsOrderSetError, Unusable

__all__ = ["entries_of_csv"]

_MARK = "\ufeff"
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_HEADER_RULE = (
    f"the first line must name the columns: order_id and, if wanted, {', '.join(ENTRY_KEYS[1:])}"
)
# What a number, a date or an e-mail address has, and the name of a column has not.
_DATA = re.compile(r"[0-9]{3}|@")
# What may be repeated in a message: the name of a column, and nothing that could be a shopper's.
_NAME = re.compile(r"[A-Za-z][A-Za-z _/().-]{0,39}", re.ASCII)


class _Lines:
    """Pass lines on, and keep the last one as it was in the file."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.last = ""

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self._lines, 1):
            # Spreadsheets put a byte order mark in front, and some tools a second one.
            self.last = line.lstrip(_MARK) if number == 1 else line
            yield self.last


def entries_of_csv(lines: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Return the entries of a CSV file with a header line; blank lines are none.

    :param lines: the file's lines, each with its line break; one without is the end of the file.
    :return: position and entry, one at a time; :class:`Unusable` for a row that is none.
    :raises OmsOrderSetError: when the header does not name the columns, or a quotation mark makes
        the rest of the file unreadable.
    """
    source = _Lines(lines)
    reader = csv.reader(source, strict=True)
    header: list[str] = []
    begin = 1
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header, source.last)
        begin = reader.line_num + 1
        for row in reader:
            if row:
                yield f"line {reader.line_num}", _entry_in(row, header, source.last)
            begin = reader.line_num + 1
    except csv.Error as error:
        if not header and (separator := _separator_in(source.last)):
            # It is the separator that makes the quotation marks stand within a field.
            raise _header_error(_other_separator(separator)) from None
        raise OmsOrderSetError(
            f"The CSV file cannot be read from line {begin} on ({error}); look for a quotation "
            f"mark in it that is not closed, or that is not at the edge of its field"
        ) from None


def _check_header(header: list[str], line: str) -> None:
    problem = _problem_of_header(header, line)
    if problem is not None:
        raise _header_error(problem)


def _header_error(problem: str) -> OmsOrderSetError:
    return OmsOrderSetError(f"The CSV file's header cannot be used: {problem}")


def _problem_of_header(header: list[str], line: str) -> str | None:
    if not any(header):
        return f"there is none; {_HEADER_RULE}"
    if line.lower().startswith("sep="):
        return "the first line is a spreadsheet's sep=…, which names a separator; delete the line"
    if separator := _separator_in(line):
        return _other_separator(separator)
    if any(name.isdigit() or _DATA.search(name) for name in header):
        return f"the first line looks like a row of data; {_HEADER_RULE}"
    for number, name in enumerate(header, 1):
        if name not in ENTRY_KEYS:
            return f"column {number} is {_what(name)}; {_HEADER_RULE}, and nothing else"
        if header.count(name) > 1:
            return f"{name} is there twice; {_HEADER_RULE}, each once"
    return None if "order_id" in header else f"it has no order_id; {_HEADER_RULE}"


def _separator_in(line: str) -> str | None:
    for separator, name in _SEPARATORS.items():
        columns = [column.strip().strip('"') for column in line.split(separator)]
        if len(columns) > 1 and "order_id" in columns:
            return name
    return None


def _other_separator(name: str) -> str:
    return f"its columns are separated by {name}; separate them by commas"


def _what(name: str) -> str:
    if not name:
        return "without a name"
    return repr(name) if _NAME.fullmatch(name) else "no name of a column"


def _entry_in(row: Sequence[str], header: Sequence[str], line: str) -> Any:
    if not any(field.strip() for field in row):
        return Unusable("every field of the row is blank; delete the row")
    if len(row) != len(header):
        return Unusable(_problem_of_width(row, header, line))
    entry = dict(zip(header, row, strict=True))
    if not entry["order_id"].strip():
        return Unusable("the field order_id is blank; fill it in, or delete the row")
    return Unusable(CUT_OFF) if _may_be_cut_off(header[-1], row[-1], line) else entry


def _problem_of_width(row: Sequence[str], header: Sequence[str], line: str) -> str:
    found = f"the row has {len(row)} of {len(header)} fields"
    if len(row) > len(header):
        found = f"the row has {len(row)} fields, {len(row) - len(header)} more than the header"
    for separator, name in _SEPARATORS.items():
        if separator in line:
            return f"{found}; there are {name} in it, and commas separate fields"
    if len(row) < len(header):
        return f"{found}; add the commas that are missing"
    return f"{found}; put a field that has a comma in it into quotation marks"


def _may_be_cut_off(column: str, field: str, line: str) -> bool:
    """Tell whether the file ends in a field of which a part may be missing, and would matter."""
    if is_terminated(line) or line.endswith('"'):
        return False
    return column == "order_id" or (column == "in_doubt" and not field.strip())
