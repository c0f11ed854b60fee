"""Verdicts that arrive as files: which are whole, the content of their events, which were read.

A trigger announces each row of a file as an event, and never touches the file. The task that takes
verdicts moves a file aside when it has read the events of all its rows. So a file that is still
there may be announced again, after any restart, and three rules make that harmless:

- A verdict without its own time has the time of its file and its place in it, not that of its
  event. So an older file that is announced again does not replace a newer one.
- A file is moved only in the form that was announced, with the same content. One that was written
  again since is another.
- Of the events of one row, the inbox is given the first. A copy would be a later event: it would
  replace a verdict of the same time, and make an order due again that is settled.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from operator import index
from typing import Any

from airflow_provider_oms.verdicts.inbox import Event
from airflow_provider_oms.verdicts.verdict import Adapter, Decision, OmsVerdictError, Verdict

__all__ = ["FileRow", "StillFiles", "VerdictFile", "from_files", "read_whole", "without_copies"]

# A file that nothing has moved aside is announced again: its events may be gone, or out of reach.
_AGAIN_AFTER = 3600.0


@dataclass(frozen=True, slots=True)
class VerdictFile:
    """Hold one form of a file; one that was written to has another.

    :param name: its name in the folder.
    :param size: its bytes.
    :param modified: when it was written last, by the storage's clock, with a time zone.
    :param is_regular: whether it is a file, and not a link or a device; only such a one is read.
    """

    name: str
    size: int
    modified: datetime
    is_regular: bool = True

    @property
    def shown(self) -> str:
        """Return its name as a message has it, without a character that cannot be seen."""
        return "".join(
            each if each.isprintable() else each.encode("unicode_escape").decode()
            for each in self.name
        )

    @property
    def has_usable_name(self) -> bool:
        """Return whether its name is text, so that an event can hold it."""
        try:
            self.name.encode()
        except UnicodeEncodeError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class FileRow:
    """Hold one row of a file, as an event has it.

    :param file: the file.
    :param number: which row, from 1.
    :param of: how many rows the file has.
    :param verdict: the row as JSON text, so that each database keeps it as it is; of a row that
        cannot be read, the fields that are whole, if there are any.
    :param problem: where the row cannot be read, the arguments of an ``OmsVerdictError``.
    :param digest: what names the content of the file: a form does not tell two apart that have one
        name, size and time.
    """

    file: VerdictFile
    number: int
    of: int
    verdict: str | None = None
    problem: tuple[str, str, str] | None = None
    digest: str = ""

    @property
    def at(self) -> datetime:
        """Return the time of a verdict without its own time."""
        return self.file.modified + timedelta(microseconds=self.number)

    def to_json(self) -> dict[str, Any]:
        """Return the row as the payload of an event."""
        return {
            "file": self.file.name,
            "size": self.file.size,
            "modified": self.file.modified.astimezone(UTC).isoformat(),
            "digest": self.digest,
            "row": [self.number, self.of],
            "verdict": self.verdict,
            "problem": self.problem and list(self.problem),
        }

    @classmethod
    def from_extra(cls, extra: Any) -> FileRow | None:
        """Return the row that an event holds; ``None`` for an event of another origin.

        :param extra: the event's extra.
        """
        # Airflow marks the events of triggers so.
        if not isinstance(extra, Mapping) or extra.get("from_trigger") is not True:
            return None
        try:
            payload = extra["payload"]
            modified = datetime.fromisoformat(payload["modified"]).astimezone(UTC)
            size, number, of = map(index, (payload["size"], *payload["row"]))
            verdict, problem = payload["verdict"], payload["problem"]
            if problem is not None:
                field, rule, kind = map(_text, problem)
                problem = field, rule, kind
            file = VerdictFile(str(payload["file"]), size, modified)
            digest = _text(payload["digest"])
            return cls(file, number, of, verdict and _text(verdict), problem, digest)
        except (LookupError, TypeError, ValueError, OverflowError):
            return None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


class StillFiles:
    """Find the files that stand still, and remember which were announced.

    :param still_for: seconds for which size and time of a file must not have changed.
    """

    def __init__(self, still_for: float) -> None:
        self._still_for = still_for
        self._since: dict[VerdictFile, float] = {}
        self._announced: dict[VerdictFile, float] = {}

    def look(self, files: Iterable[VerdictFile], now: float) -> list[VerdictFile]:
        """Return the files to announce, the oldest first.

        :param files: all that are there.
        :param now: a clock's seconds, which never go back. It need not agree with the storage's.
        """
        self._since = {file: self._since.get(file, now) for file in files}
        self._announced = {file: at for file, at in self._announced.items() if file in self._since}
        found = [file for file, since in self._since.items() if now - since >= self._still_for]
        found = [
            file
            for file in found
            if file not in self._announced or now - self._announced[file] >= _AGAIN_AFTER
        ]
        return sorted(found, key=lambda file: (file.modified, file.name))

    def note(self, file: VerdictFile, now: float) -> None:
        """Note that all rows of a file are announced.

        :param file: the file.
        :param now: as for :meth:`look`.
        """
        self._announced[file] = now


def from_files(adapter: Adapter) -> Adapter:
    """Return an adapter that also reads the rows of files.

    :param adapter: reads a payload, be it a row of a file or an event of another origin.
    """

    def read(extra: Mapping[str, Any]) -> Verdict:
        row = FileRow.from_extra(extra)
        if row is None:
            return adapter(extra)
        if row.problem is not None:
            raise OmsVerdictError(*row.problem, _order_in(row, adapter), row.at)
        try:
            payload = json.loads(row.verdict or "")
        except ValueError:
            raise OmsVerdictError("verdict", "JSON", "something else") from None
        try:
            verdict = adapter(payload)
        except OmsVerdictError as error:
            field = f"{error.field} in row {row.number} of {row.file.shown}"
            raise OmsVerdictError(field, error.rule, error.kind, error.order, row.at) from None
        # A verdict that is not final and has no time replaces nothing, in a file as elsewhere.
        if verdict.decided_at is None and verdict.decision is not Decision.PENDING:
            verdict = replace(verdict, decided_at=row.at)
        return verdict

    return read


def _order_in(row: FileRow, adapter: Adapter) -> str | int | None:
    """Return the order of a row that cannot be read, if that much of it can."""
    try:
        return adapter(json.loads(row.verdict or "")).order
    except OmsVerdictError as error:
        return error.order
    except Exception:  # noqa: BLE001 - an adapter need not expect a part of a row
        return None


def read_whole(rows: Iterable[FileRow]) -> dict[tuple[VerdictFile, str], bool]:
    """Return the files of which no row is missing, and whether each row could be read.

    :param rows: the rows that were read, in any order; some may be there twice.
    :return: by file and digest, for one form may have had several contents.
    """
    found: dict[tuple[VerdictFile, str], dict[int, FileRow]] = {}
    for row in rows:
        found.setdefault((row.file, row.digest), {})[row.number] = row
    return {
        file: all(row.problem is None for row in of_file.values())
        for file, of_file in found.items()
        if len(of_file) >= max(row.of for row in of_file.values())
    }


def without_copies(events: Iterable[Event], read: Container[int]) -> list[Event]:
    """Return the events, and of those that hold one row of a file only the first.

    A file is announced again until it is moved aside, and whenever it comes back unchanged.

    :param events: the events, in any order.
    :param read: the numbers of those that an earlier run has read. They count before one that was
        recorded earlier and became visible later, because its order may have been handed out.
    """
    found: dict[FileRow | int, Event] = {}
    for event in sorted(events, key=lambda one: (one.number not in read, one.at, one.number)):
        found.setdefault(FileRow.from_extra(event.payload) or event.number, event)
    return list(found.values())
