"""The entries of a workbook (.xlsx): one sheet with a header row, read by openpyxl.

A spreadsheet shows one thing and stores another. Every cause of an id other than the one that a
person saw is refused: a number of which digits are lost, a formula, a custom number format, a row
that a filter hides.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from typing import IO, Any

from airflow_provider_oms.api.values import kind_of
from airflow_provider_oms.cancellation.bulk.entries import PART_KEYS
from airflow_provider_oms.cancellation.bulk.headers import problem_of_header
from airflow_provider_oms.cancellation.bulk.refusals import OmsOrderSetError, Unusable
from airflow_provider_oms.cancellation.bulk.rows import Rows

__all__ = ["entries_of_workbook"]

# Cells take several times as much memory as their text in the file.
_MOST_UNPACKED = 64 * 2**20
# A spreadsheet keeps 15 digits and puts zeros in place of the others, which 2**53 is above.
_LARGEST_NUMBER = 10**15 - 1
# In these a whole number is shown with all of its digits and no others.
_PLAIN_FORMATS = frozenset({"General", "@", "0", "#", "0.00", "#,##0", "#,##0.00"})
_AS_TEXT = "format the column as text and fill in the ids again"


def entries_of_workbook(file: IO[bytes], rows: Rows | None = None) -> Iterator[tuple[str, Any]]:
    """Return the entries of a workbook's only sheet; rows without any value are none.

    :param file: the workbook, open for reading.
    :param rows: judges the rows.
    :return: position and entry, one at a time; :class:`Unusable` for a row that is none.
    :raises OmsOrderSetError: when it is no such workbook, or its header does not name the columns.
    """
    rows = rows or Rows()
    sheet = _only_sheet(_opened(file))
    filled = (cells for cells in sheet.iter_rows() if any(c.value is not None for c in cells))
    header = _header(next(filled, ()))
    if problem := problem_of_header(header, rows.columns):
        raise OmsOrderSetError(f"The workbook's header cannot be used: {problem}")
    if others := sum(not rows.columns.has(name) for name in header):
        rows.facts.append(f"{others} of {len(header)} columns are ignored")
    for cells in filled:
        number = cells[0].row
        dimensions = sheet.row_dimensions.get(number)
        is_hidden = dimensions is not None and dimensions.hidden
        entry = _entry_in(cells, header, rows, is_hidden=is_hidden)
        if entry is not None:
            yield f"row {number}", entry


def _opened(file: IO[bytes]) -> Any:
    try:
        from openpyxl import load_workbook  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise OmsOrderSetError(
            "A workbook (.xlsx) is read by openpyxl, which is not installed; install "
            "airflow-provider-oms[xlsx], or save the sheet as CSV UTF-8"
        ) from None
    _check_size(file)
    try:
        return load_workbook(file, keep_links=False)
    except Exception as error:
        # For a broken workbook it may raise any exception.
        raise OmsOrderSetError(
            f"The workbook cannot be read ({type(error).__name__}); save it again as .xlsx, or the "
            f"sheet as CSV UTF-8"
        ) from error


def _check_size(file: IO[bytes]) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(each.file_size for each in archive.infolist())
    except zipfile.BadZipFile:
        raise OmsOrderSetError(
            "The file at orders_path is no workbook (.xlsx), or one with a password; save it as "
            ".xlsx without one, or the sheet as CSV UTF-8"
        ) from None
    if size > _MOST_UNPACKED:
        raise OmsOrderSetError(
            f"The workbook has more than the {_MOST_UNPACKED // 2**20} MiB that are read; save the "
            f"sheet as CSV UTF-8"
        )


def _only_sheet(workbook: Any) -> Any:
    filled = [
        sheet
        for sheet in workbook.worksheets
        if any(cell is not None for row in sheet.values for cell in row)
    ]
    if len(filled) > 1:
        raise OmsOrderSetError(
            f"The workbook has {len(filled)} sheets with values, hidden ones among them; keep the "
            "one with the orders in a separate workbook"
        )
    return filled[0] if filled else workbook.worksheets[0]


def _header(cells: Sequence[Any]) -> list[str]:
    names = ["" if cell.value is None else str(cell.value).strip() for cell in cells]
    # Columns that only have a format.
    while names and not names[-1]:
        names.pop()
    return names


def _entry_in(cells: Sequence[Any], header: Sequence[str], rows: Rows, *, is_hidden: bool) -> Any:
    if is_hidden:
        return Unusable(
            "the row is hidden, as by a filter; show all rows, or copy the rows to be canceled "
            "into a separate workbook"
        )
    beyond = any(cell.value is not None for cell in cells[len(header) :])
    if beyond and not rows.columns.ignores_others:
        return Unusable("the row has a value in a column without a name")
    fields = {}
    for name, cell in zip(header, cells, strict=False):
        if rows.columns.has(name):
            problem = _problem_of(cell, is_id=name in (rows.columns.order_id, *PART_KEYS))
            if problem is not None:
                return Unusable(f"the field {name} {problem}")
            fields[name] = cell.value
    order_id = fields[rows.columns.order_id]
    if isinstance(order_id, int):
        # As the other kinds of files have it.
        fields[rows.columns.order_id] = str(order_id)
    return rows.entry_of(fields)


def _problem_of(cell: Any, *, is_id: bool) -> str | None:
    if cell.data_type == "f":
        return "is a formula; copy the column, and paste its values"
    if cell.data_type == "e":
        return "is an error of the spreadsheet; correct it"
    value = cell.value
    if not is_id or value is None or isinstance(value, str):
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        return f"is neither text nor a whole number ({kind_of(value)}); {_AS_TEXT}"
    if not -_LARGEST_NUMBER <= value <= _LARGEST_NUMBER:
        return f"is a number of more than 15 digits, of which a spreadsheet loses some; {_AS_TEXT}"
    if cell.number_format not in _PLAIN_FORMATS:
        return f"is a number whose format may show other digits than it has; {_AS_TEXT}"
    return None
