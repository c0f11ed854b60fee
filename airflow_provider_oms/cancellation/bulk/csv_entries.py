"""The entries of a CSV file with a header line, and the errors of a file that has none."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from airflow_provider_oms.cancellation.bulk.entries import PART_KEYS
from airflow_provider_oms.cancellation.bulk.headers import (
    DELIMITERS,
    found_delimiter,
    problem_of_header,
)
from airflow_provider_oms.cancellation.bulk.line_ends import CUT_OFF, FIELD_CUT_OFF, is_terminated
from airflow_provider_oms.cancellation.bulk.refusals import OmsOrderSetError, Unusable
from airflow_provider_oms.cancellation.bulk.rows import Rows

__all__ = ["entries_of_csv"]

_MARK = "\ufeff"
# The first line by which a spreadsheet tells another one what separates the fields.
_SEPARATOR_LINE = re.compile(r'"?sep=([^\w\s"]|\t)"?\s*', re.IGNORECASE)
# One word with a digit in it.
_LIKE_AN_ID = re.compile(r"(?=\D*[0-9])[\w:.#-]+", re.ASCII)


class _Lines:
    """Pass lines on, and keep those of the row being read as they were in the file."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._waiting: list[str] = []
        self.number = 0
        self.of_row: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._waiting.pop() if self._waiting else next(self._lines)
        self.number += 1
        self.of_row.append(line)
        return line

    @property
    def last(self) -> str:
        """Return the line that was passed on last."""
        return self.of_row[-1] if self.of_row else ""

    def first(self) -> str:
        """Return the first line without consuming it."""
        # Spreadsheets put a byte order mark in front, and some tools a second one.
        line = next(self._lines, "").lstrip(_MARK)
        self._waiting = [line] if line else []
        return line

    def begin_row(self) -> None:
        """Note that the next line is a row's first one."""
        self.of_row = []


def entries_of_csv(
    lines: Iterable[str], rows: Rows | None = None, *, usual: str = ","
) -> Iterator[tuple[str, Any]]:
    """Return the entries of a CSV file with a header line; blank lines are none.

    :param lines: the file's lines, each with its line break; one without is the end of the file.
    :param rows: judges the rows.
    :param usual: what separates the fields where neither the caller nor the header says it.
    :return: position and entry, one at a time; :class:`Unusable` for a row that is none.
    :raises OmsOrderSetError: when the header does not name the columns, or a quotation mark makes
        the rest of the file unreadable.
    """
    rows = rows or Rows()
    source = _Lines(lines)
    begin = 1
    try:
        delimiter = _delimiter(source, rows, usual)
        reader = csv.reader(source, strict=True, delimiter=delimiter)
        header = [name.strip() for name in next(reader, [])]
        if problem := problem_of_header(header, rows.columns):
            raise _header_error(problem)
        _note_facts(rows, header, delimiter, usual)
        begin = source.number + 1
        source.begin_row()
        for row in reader:
            entry = _entry_in(row, header, source.of_row, rows, delimiter) if row else None
            if entry is not None:
                yield f"line {source.number}", entry
            begin = source.number + 1
            source.begin_row()
    except csv.Error as error:
        raise OmsOrderSetError(
            f"The CSV file cannot be read from line {begin} on ({error}); look for a quotation "
            f"mark in it that is not closed, or that is not at the edge of its field"
        ) from None


def _header_error(problem: str) -> OmsOrderSetError:
    return OmsOrderSetError(f"The CSV file's header cannot be used: {problem}")


def _delimiter(source: _Lines, rows: Rows, usual: str) -> str:
    line = source.first()
    given = rows.delimiter
    if separator := _SEPARATOR_LINE.fullmatch(line):
        next(source)
        source.begin_row()
        if given not in (None, separator[1]):
            raise _header_error("its first line, sep=…, names another separator than delimiter")
        return separator[1]
    needed = rows.columns.needed
    found = found_delimiter(line, needed, usual)
    if given is None:
        if found is None:
            raise _header_error("several characters may separate its columns; give delimiter")
        return found
    if found != given and found is not None and given not in line and found in line:
        raise _header_error(
            f"its columns are separated by {DELIMITERS[found]}, and delimiter is another "
            f"character; correct delimiter, or leave it out"
        )
    return given


def _note_facts(rows: Rows, header: Sequence[str], delimiter: str, usual: str) -> None:
    if rows.delimiter is None and delimiter != usual:
        rows.facts.append(f"fields are separated by {DELIMITERS.get(delimiter, repr(delimiter))}")
    if others := sum(not rows.columns.has(name) for name in header):
        rows.facts.append(f"{others} of {len(header)} columns are ignored")


def _entry_in(
    row: Sequence[str], header: Sequence[str], lines: Sequence[str], rows: Rows, delimiter: str
) -> Any:
    if not any(field.strip() for field in row):
        return Unusable("every field of the row is blank; delete the row")
    at = header.index(rows.columns.order_id)
    if len(row) != len(header):
        return Unusable(_problem_of_width(row, header, lines[-1], delimiter))
    if _may_have_swallowed(lines, row, at, delimiter):
        return Unusable(
            "a quoted field goes over several lines, one of which looks like a row; look for a "
            "quotation mark that stands for itself, and double it"
        )
    entry = rows.entry_of(dict(zip(header, row, strict=True)))
    return _cut_off(header[-1], row[-1], lines[-1], rows) or entry


def _problem_of_width(row: Sequence[str], header: Sequence[str], line: str, delimiter: str) -> str:
    separators = DELIMITERS.get(delimiter, "delimiters")
    found = f"the row has {len(row)} of {len(header)} fields"
    if len(row) > len(header):
        found = f"the row has {len(row)} fields, {len(row) - len(header)} more than the header"
    for other, name in DELIMITERS.items():
        if other != delimiter and other in line:
            return f"{found}; there are {name} in it, and {separators} separate fields"
    if len(row) < len(header):
        return f"{found}; add the {separators} that are missing"
    return f"{found}; put a field that has one of the {separators} in it into quotation marks"


def _may_have_swallowed(lines: Sequence[str], row: Sequence[str], at: int, delimiter: str) -> bool:
    """Return whether a field that begins with a stray quotation mark may have swallowed rows."""
    if len(lines) == 1:
        return False
    for line in lines:
        fields = line.split(delimiter)
        named = fields[at].strip().strip('"').strip() if len(fields) >= len(row) else ""
        if named != row[at].strip() and _LIKE_AN_ID.fullmatch(named):
            return True
    return False


def _cut_off(column: str, field: str, line: str, rows: Rows) -> Unusable | None:
    """Return what to say if the file ends in a field of which a missing part would matter."""
    if is_terminated(line) or line.endswith('"'):
        return None
    if column == rows.columns.order_id or (column == "in_doubt" and not field.strip()):
        return Unusable(CUT_OFF)
    matters = column in rows.columns.where or column in PART_KEYS
    return Unusable(FIELD_CUT_OFF) if matters else None
