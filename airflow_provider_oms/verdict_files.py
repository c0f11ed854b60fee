"""The folder in which files of verdicts arrive, in any storage."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_oms.cancellation.bulk.headers import found_delimiter
from airflow_provider_oms.cancellation.bulk.json_text import read_json
from airflow_provider_oms.places import LOCAL, OmsFileError, failures_of, place_of
from airflow_provider_oms.verdicts.files import FileRow, VerdictFile, read_whole
from airflow_provider_oms.version_compat import forget_file_system

__all__ = ["ENDINGS", "VerdictFolder"]

_MOST_BYTES = 2**24
_MOST_ROWS = 10_000
_LONGEST_ROW = 2**16
# Bytes; a file system allows 255, of which the time and the digest take 37.
_LONGEST_NAME = 218
# Endings of the names of files that are still being written.
_UNFINISHED = frozenset({".part", ".tmp", ".filepart", ".crdownload"})
# How the storages of fsspec name the time at which a file was written.
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "created")

# A row that was read; or the rule that it breaks, its kind, and its intact fields.
_Read = dict[str, Any] | tuple[str, str, dict[str, str]]


class _UnreadableFileError(Exception):
    """Report a file of which no row can be read.

    :param rule: the rule that it breaks.
    :param kind: its kind.
    """


class VerdictFolder:
    """Read the files of a folder, and move them aside.

    :param path: the folder, as ``ObjectStoragePath`` takes it.
    :param done: the name of the folder in it for files that were read.
    :param failed: the name of that for files with a row that could not be read.
    :raises ValueError: when one of them is none, or the path holds a password.
    """

    def __init__(self, path: Any, done: Any, failed: Any) -> None:
        if not isinstance(path, str) or not path.strip():
            raise ValueError("path must be a folder")
        if ":" in urlsplit(path).netloc.rpartition("@")[0]:
            raise ValueError("path must name an Airflow connection, and hold no password")
        for name in (done, failed):
            if not isinstance(name, str) or not name.strip(". ") or "/" in name:
                raise ValueError("done and failed must each be the name of a folder in path")
        if done == failed:
            raise ValueError("done and failed must not be the same folder")
        self.path = path
        #: The names of the other files that the last listing has found.
        self.others: frozenset[str] = frozenset()
        self._done = done
        self._failed = failed

    def files(self) -> list[VerdictFile]:
        """Return the files that may hold verdicts.

        :raises OmsFileError: when the folder cannot be listed.
        """
        try:
            with failures_of(f"{self.path} cannot be listed"):
                return list(self._listed())
        except OmsFileError:
            # A server that has closed the connection, or credentials that were replaced. The path
            # itself leads nowhere while its connection is missing.
            with suppress(Exception):
                if (place := place_of(self.path)).protocol not in LOCAL:
                    forget_file_system(place)
            raise

    def _listed(self) -> Iterator[VerdictFile]:
        others = set()
        place = place_of(self.path)
        place.fs.invalidate_cache()
        try:
            listed = place.fs.ls(place.path, detail=True)
        except FileNotFoundError:
            if place.protocol in (*LOCAL, "sftp", "ssh"):
                raise
            # In an object store, a folder without a file is not there.
            return
        for info in listed:
            name = PurePosixPath(info["name"]).name
            is_there = info["type"] != "directory" and not name.startswith(".")
            ending = PurePosixPath(name).suffix.lower()
            if is_there and ending in _READERS:
                is_regular = info["type"] == "file"
                yield VerdictFile(name, int(info["size"]), _modified(info), is_regular)
            elif is_there and ending not in _UNFINISHED:
                others.add(name)
        self.others = frozenset(others)

    def rows(self, file: VerdictFile) -> list[FileRow] | None:
        """Return the rows of a file; ``None`` if it has changed since it was listed.

        :param file: the file.
        :raises OmsFileError: when it cannot be read.
        """
        if not file.is_regular or not file.has_usable_name:
            return [_unusable(file)]
        if (data := self._data(file)) is None:
            return None
        digest = _digest(data)
        try:
            read = _read(file.name, data)
            rows = [_row(file, number, len(read), each) for number, each in enumerate(read, 1)]
        except _UnreadableFileError as error:
            rule, kind = error.args
        except Exception as error:  # noqa: BLE001 - no file may stop the watch over the others
            rule, kind = "a file of verdicts", type(error).__name__
        else:
            return [replace(row, digest=digest) for row in rows]
        problem = (f"file {file.shown}", rule, kind)
        return [FileRow(file, 1, 1, problem=problem, digest=digest)]

    def _data(self, file: VerdictFile) -> bytes | None:
        """Return the content of a file, or the beginning of one that is too large."""
        with failures_of(f"{file.shown} in {self.path} cannot be read"):
            place = place_of(self.path)
            with place.fs.open(f"{place.path.rstrip('/')}/{file.name}", "rb") as source:
                data: bytes = source.read(_MOST_BYTES + 1)
        # Written to since, or while it was read.
        is_same = len(data) == min(file.size, _MOST_BYTES + 1) and file in self.files()
        return data if is_same else None

    def move_read(self, rows: Iterable[FileRow]) -> list[OmsFileError]:
        """Move the files aside whose rows were all read, and return what kept any from it.

        :param rows: the rows that were read.
        """
        whole = read_whole(rows)
        if not whole:
            return []
        try:
            files = self.files()
        except OmsFileError as error:
            return [error]
        problems = []
        for file in files:
            if any(file == each for each, _ in whole):
                try:
                    # Another content may have come under the same name, size and time.
                    digest = "" if (data := self._data(file)) is None else _digest(data)
                    if (is_read := whole.get((file, digest))) is not None:
                        self._move(file, digest, self._done if is_read else self._failed)
                except OmsFileError as error:
                    problems.append(error)
        return problems

    def _move(self, file: VerdictFile, digest: str, aside: str) -> None:
        with failures_of(f"{file.shown} in {self.path} cannot be moved to {aside}"):
            place = place_of(self.path)
            folder = place.path.rstrip("/")
            source = f"{folder}/{file.name}"
            # Another file of that name may come, and a move that was cut off goes on here.
            time = f"{file.modified:%Y%m%dT%H%M%S.%fZ}"
            # The end of a name that would become too long for a file system.
            name = file.name.encode()[-_LONGEST_NAME:].decode(errors="ignore")
            target = f"{folder}/{aside}/{time}-{digest}-{name}"
            place.fs.makedirs(f"{folder}/{aside}", exist_ok=True)
            if place.protocol in LOCAL:
                place.fs.mv(source, target)
                return
            # The mv of other storages takes a bracket in a name for a pattern, or needs a shell.
            with place.fs.open(source, "rb") as old, place.fs.open(target, "wb") as new:
                shutil.copyfileobj(old, new)
            place.fs.rm_file(source)


def _modified(info: Mapping[str, Any]) -> datetime:
    time = next((info[name] for name in _TIMES if info.get(name) is not None), None)
    if isinstance(time, str):
        time = datetime.fromisoformat(time)
    if isinstance(time, datetime):
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    if time is None:
        raise ValueError("its storage does not tell when a file was written")
    return datetime.fromtimestamp(time, UTC)


def _unusable(file: VerdictFile) -> FileRow:
    rule, kind = "a regular file", "a link or a device"
    if file.is_regular:
        rule, kind = "a file whose name is in UTF-8", "another"
    # By this name, nothing moves it.
    shown = replace(file, name=file.shown)
    return FileRow(shown, 1, 1, problem=(f"file {file.shown}", rule, kind))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


def _row(file: VerdictFile, number: int, of: int, read: _Read) -> FileRow:
    if isinstance(read, dict):
        text = json.dumps(read)
        if len(text) <= _LONGEST_ROW:
            return FileRow(file, number, of, text)
        read = (f"at most {_LONGEST_ROW // 2**10} KiB", "more", {})
    rule, kind, fields = read
    text = json.dumps(fields) if fields else ""
    verdict = text if 0 < len(text) <= _LONGEST_ROW else None
    return FileRow(file, number, of, verdict, (f"row {number} of {file.shown}", rule, kind))


def _read(name: str, data: bytes) -> list[_Read]:
    if len(data) > _MOST_BYTES:
        raise _UnreadableFileError(f"at most {_MOST_BYTES // 2**20} MiB; split it", "more")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _UnreadableFileError("text in UTF-8", "other bytes") from None
    read = list(_READERS[PurePosixPath(name).suffix.lower()](text))
    if not read:
        raise _UnreadableFileError("at least one verdict", "none")
    if len(read) > _MOST_ROWS:
        raise _UnreadableFileError(f"at most {_MOST_ROWS} verdicts; split it", "more")
    return read


def _rows_of_json(text: str) -> Iterator[_Read]:
    try:
        value = read_json(text)
    except ValueError:
        raise _UnreadableFileError("one JSON text, with no key twice", "something else") from None
    for each in value if isinstance(value, list) else [value]:
        yield _as_row(each)


def _rows_of_json_lines(text: str) -> Iterator[_Read]:
    for line in text.split("\n"):
        if line.strip():
            try:
                value = read_json(line)
            except ValueError:
                yield "a JSON object, with no key twice", "something else", {}
            else:
                yield _as_row(value)


def _as_row(value: object) -> _Read:
    return value if isinstance(value, dict) else ("a JSON object", "another value", {})


def _rows_of_csv(text: str) -> Iterator[_Read]:
    lines = list(io.StringIO(text, newline=""))
    try:
        header, source = _header_and_rows(lines)
        end = source.line_num
        for fields in source:
            begin, end = end, source.line_num
            if not fields:
                continue
            # Those up to a line break, which a stray quotation mark may have put into a field.
            whole = dict(zip(header, takewhile(_is_one_line, fields), strict=False))
            if end == len(lines) and not text.endswith(("\n", "\r", '"')):
                # No delimiter ends the last field.
                whole = dict(zip(header, fields[:-1], strict=False))
                yield "a row with a line break at its end", "one that may be cut off", whole
            elif end - begin > 1:
                # A stray quotation mark may have swallowed the next rows.
                yield "one line", f"{end - begin} lines", whole
            elif len(fields) != len(header):
                yield f"{len(header)} fields, as the header has", str(len(fields)), whole
            else:
                yield whole
    except csv.Error as error:
        rule, kind = "a CSV file", "one with a stray quotation mark"
        if "larger" in str(error):
            rule = f"a CSV file with fields of at most {csv.field_size_limit() // 2**10} KiB"
            kind = "a longer one, or a stray quotation mark"
        raise _UnreadableFileError(rule, kind) from None


def _header_and_rows(lines: list[str]) -> tuple[list[str], Any]:
    """Return the names of a CSV file's columns, and the reader of its rows."""
    if lines and lines[0].lower().startswith("sep="):
        raise _UnreadableFileError("a CSV file that begins with its header", "a line with sep=")
    delimiter = found_delimiter(lines[0] if lines else "", (), ",")
    if delimiter is None:
        raise _UnreadableFileError("a CSV file with one delimiter in its header", "several")
    source = csv.reader(lines, strict=True, delimiter=delimiter)
    header = [column.strip() for column in next(source, [])]
    if any(column.isdigit() for column in header):
        raise _UnreadableFileError("a CSV file that begins with its header", "a row of data")
    rule = "a CSV file whose columns have a name each"
    if header and not header[-1]:
        raise _UnreadableFileError(rule, "a delimiter at the end of its header")
    if not all(header) or len(set(header)) < len(header):
        raise _UnreadableFileError(rule, "another one")
    return header, source


def _is_one_line(field: str) -> bool:
    return "\n" not in field and "\r" not in field


_READERS = {
    ".json": _rows_of_json,
    ".jsonl": _rows_of_json_lines,
    ".ndjson": _rows_of_json_lines,
    ".csv": _rows_of_csv,
}
ENDINGS = ", ".join(_READERS)
