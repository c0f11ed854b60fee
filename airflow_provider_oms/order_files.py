"""Files of orders, in any storage: one or several, of any kind there is a reader for.

Their lines are parsed by ``cancellation/bulk/csv_entries.py``,
``cancellation/bulk/json_entries.py`` and ``cancellation/bulk/xlsx_entries.py``.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Any, Final, TextIO, TypeAlias

from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_oms.cancellation.bulk.columns import Columns, validate_delimiter
from airflow_provider_oms.cancellation.bulk.csv_entries import entries_of_csv
from airflow_provider_oms.cancellation.bulk.json_entries import entries_of_json_lines
from airflow_provider_oms.cancellation.bulk.refusals import OmsOrderSetError, usable
from airflow_provider_oms.cancellation.bulk.rows import Rows
from airflow_provider_oms.cancellation.bulk.xlsx_entries import entries_of_workbook
from airflow_provider_oms.places import failures_of, places_of

__all__ = ["read_entries", "read_orders"]

_Reader: TypeAlias = Callable[..., Iterator[tuple[str, Any]]]

_READERS: Final[dict[str, _Reader]] = {
    ".jsonl": entries_of_json_lines,
    ".ndjson": entries_of_json_lines,
    ".csv": entries_of_csv,
    ".tsv": partial(entries_of_csv, usual="\t"),
}
_WORKBOOK = ".xlsx"
_PACKED = ".gz"
_PACKED_BEGINS = b"\x1f\x8b"
# A few kilobytes can unpack to any size, and no set of orders is as large as this.
_MOST_BYTES = 2**30
_LONGEST_LINE = 2**20


class _Bounded(io.RawIOBase):
    """Read from a file, up to a number of bytes.

    :param file: the file.
    :param most: how many.
    """

    def __init__(self, file: IO[bytes] | gzip.GzipFile, most: int) -> None:
        self._file = file
        self._most = self._left = most

    def readable(self) -> bool:
        """Return that it can be read from."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read some bytes.

        :param buffer: takes them.
        :return: how many there were.
        :raises OmsOrderSetError: when there are more than may be read.
        """
        data = self._file.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise OmsOrderSetError(
                f"The file at orders_path has more than the {self._most // 2**20} MiB that are "
                f"read; check what wrote so much"
            )
        buffer[: len(data)] = data
        return len(data)


def read_entries(path: str, rows: Rows | None = None) -> Iterator[tuple[str, Any]]:
    """Return the entries of a file of orders, or of several, each with its position.

    :param path: JSON Lines (``.jsonl``, ``.ndjson``), CSV (``.csv``, ``.tsv``), each also packed
        by gzip (``.gz``), or a workbook (``.xlsx``); a pattern with ``*`` for several files as one
        set; any URI that Airflow's ``ObjectStoragePath`` takes.
    :param rows: judges the rows; without it each is an entry, and unknown columns are refused.
    :return: position and entry, one at a time.
    :raises OmsOrderSetError: when a file is of another kind, or is none.
    :raises OmsFileError: when one cannot be read.
    """
    rows = rows or Rows()
    with failures_of(f"{path} cannot be read"):
        places = places_of(path)
        for _, name in places:
            _kind_of(name)
        for place, name in places:
            rows.begin_file()
            known = len(rows.facts)
            before = f"{PurePosixPath(name).name}, " if len(places) > 1 else ""
            try:
                for position, entry in _entries_in(place, name, rows):
                    yield f"{before}{position}", entry
            except OmsOrderSetError as error:
                if not before:
                    raise
                summary = f"Of {PurePosixPath(name).name}: {error.summary}"
                raise OmsOrderSetError(summary, error.problems) from None
            rows.facts[known:] = [f"{before}{fact}" for fact in rows.facts[known:]]


def _kind_of(name: str) -> str:
    path = PurePosixPath(name)
    suffix = path.suffix.lower()
    if suffix == _PACKED:
        suffix = path.with_suffix("").suffix.lower()
    is_workbook = path.suffix.lower() == suffix == _WORKBOOK
    if suffix not in _READERS and not is_workbook:
        raise OmsOrderSetError(
            f"orders_path must end in {', '.join(_READERS)}, each with or without {_PACKED}, or in "
            f"{_WORKBOOK}; {path.name} does not"
        )
    return suffix


def _entries_in(place: ObjectStoragePath, name: str, rows: Rows) -> Iterator[tuple[str, Any]]:
    kind = _kind_of(name)
    # The path's own open() wraps the file in what Airflow 2 cannot iterate over.
    with place.fs.open(name, "rb") as file:
        if kind == _WORKBOOK:
            yield from entries_of_workbook(file, rows)
            return
        try:
            yield from _READERS[kind](_lines(_text(file)), rows)
        except UnicodeError:
            raise OmsOrderSetError(
                "The file at orders_path is not text in UTF-8; save it as UTF-8 (CSV UTF-8 in a "
                "spreadsheet)"
            ) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise OmsOrderSetError(
                f"The file at orders_path is damaged and cannot be unpacked ({error}); pack it "
                "again"
            ) from None


def _text(file: IO[bytes]) -> TextIO:
    source = io.BufferedReader(_Bounded(file, _MOST_BYTES))
    # By its content, because some storages unpack a file but keep its name.
    if source.peek(2)[:2] == _PACKED_BEGINS:
        unpacked = gzip.GzipFile(fileobj=source)
        source = io.BufferedReader(_Bounded(unpacked, _MOST_BYTES))
    mark = source.peek(2)[:2]
    # The encoding of "Unicode text" from spreadsheets, and the mark that they put in front of
    # UTF-8.
    is_utf_16 = mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return io.TextIOWrapper(source, "utf-16" if is_utf_16 else "utf-8-sig", newline="")


def _lines(text: TextIO) -> Iterator[str]:
    number = 0
    while line := text.readline(_LONGEST_LINE + 1):
        number += 1
        if len(line) > _LONGEST_LINE:
            raise OmsOrderSetError(
                f"The file at orders_path has more than {_LONGEST_LINE} characters in line "
                f"{number}; check that each order is on its own line"
            )
        if "\0" in line:
            raise OmsOrderSetError(
                f"The file at orders_path holds a NUL character in line {number}, like UTF-16 "
                f"without a byte order mark; save it as UTF-8"
            )
        yield line


def read_orders(
    path: str, *, order_id_column: Any = None, where: Any = None, delimiter: Any = None
) -> list[Any]:
    """Return the entries of a file of orders, or of several, for a task that passes them on.

    :param path: as ``orders_path`` of the bulk operator.
    :param order_id_column: the column of the ids; it makes other columns say nothing.
    :param where: by column, the values that mean cancel and those to ignore.
    :param delimiter: what separates the fields of a CSV file; left out, it is found out.
    :return: ids or dicts, as the file has them; their fields are not checked yet.
    :raises OmsInputError: when an argument is not valid.
    :raises OmsOrderSetError: when a file is of another kind, is none, or has lines that are no
        entries.
    :raises OmsFileError: when one cannot be read.
    """
    rows = Rows(Columns.checked(order_id_column, where), validate_delimiter(delimiter))
    return usable(read_entries(path, rows))
