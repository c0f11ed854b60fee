"""The trigger that watches a folder for files of verdicts, and makes each row an event.

It only ever reads. ``OmsTakeVerdictsOperator`` moves a file aside when it has read the events of
all its rows: only then is it certain on every Airflow that they were stored. Until then a
restarted trigger announces the file again, and ``verdicts/files.py`` has why that is harmless.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow.triggers.base import TriggerEvent
from asgiref.sync import sync_to_async

from airflow_provider_oms.places import OmsFileError
from airflow_provider_oms.verdict_files import ENDINGS, VerdictFolder
from airflow_provider_oms.verdicts.files import FileRow, StillFiles, VerdictFile
from airflow_provider_oms.version_compat import BaseEventTrigger, refuse_without_asset_watchers

__all__ = ["OmsVerdictFilesTrigger", "move_read"]

# The triggerer stores events one by one, and shows no sign of life until then.
_ROWS_AT_ONCE = 100
_PAUSE = 1.0
_FAILURES_TO_REPORT = 3
_LONGEST = 86_400


class _RowEvent(TriggerEvent):
    """Carry one row of a file; the triggerer's log, which shows every event, gets no verdict."""

    def __init__(self, row: FileRow) -> None:
        super().__init__(row.to_json())  # type: ignore[no-untyped-call]  # Airflow leaves it untyped

    def __repr__(self) -> str:
        return f"{type(self).__name__}<row {self.payload['row']} of {self.payload['file']!r}>"

    __str__ = __repr__


class OmsVerdictFilesTrigger(BaseEventTrigger):
    """Make an event of each verdict in the files of a folder, for an ``AssetWatcher``.

    Files that end in ``.json``, ``.jsonl``, ``.ndjson`` or ``.csv`` are read, those in folders
    below are not. A verdict is announced at least once. Its file is moved aside by an
    ``OmsTakeVerdictsOperator`` on the asset, once that has read all of it.

    :param path: the folder: any URI that ``ObjectStoragePath`` takes, with the Airflow connection
        in it, such as ``s3://aws_default@bucket/verdicts``.
    :param still_for: seconds for which a file must not have changed before it is read.
    :param poll_interval: seconds between two looks at the folder.
    :param done: the name of the folder in ``path`` for files that were read.
    :param failed: the name of the folder in ``path`` for files with a row that could not be read.
    :raises AirflowOptionalProviderFeatureException: on Airflow 2, which has no asset watchers.
    :raises ValueError: when an argument is not valid, or the path holds a password.
    """

    def __init__(
        self,
        *,
        path: str,
        still_for: float = 30,
        poll_interval: float = 10,
        done: str = "done",
        failed: str = "failed",
    ) -> None:
        refuse_without_asset_watchers(type(self).__name__, "read the files in a task instead")
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow leaves it untyped
        self.folder = VerdictFolder(path, done, failed)
        _check_seconds("still_for", still_for, least=0)
        _check_seconds("poll_interval", poll_interval, least=1)
        self.path = path
        self.still_for = still_for
        self.poll_interval = poll_interval
        self.done = done
        self.failed = failed

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what makes this trigger again, such as after a restart of the triggerer.

        :return: the class's path, and its arguments; the connection is named and not held.
        """
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "path": self.path,
                "still_for": self.still_for,
                "poll_interval": self.poll_interval,
                "done": self.done,
                "failed": self.failed,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Watch the folder until Airflow ends the trigger.

        :return: an event for each row of each file, with a ``FileRow`` as its payload.
        """
        still = StillFiles(self.still_for)
        failures = 0
        named: frozenset[str] = frozenset()
        while True:
            failure: OmsFileError | None = None
            due: list[VerdictFile] = []
            try:
                due = still.look(await _in_thread(self.folder.files), time.monotonic())
            except OmsFileError as error:
                failure = error
            named = self._name_others(named)
            for file in due:
                try:
                    rows = await _in_thread(self.folder.rows, file)
                except OmsFileError as error:
                    # The next file may be readable.
                    failure = error
                    continue
                for row in rows or ():
                    yield _RowEvent(row)
                    if row.number % _ROWS_AT_ONCE == 0:
                        await asyncio.sleep(_PAUSE)
                if rows is not None:
                    still.note(file, time.monotonic())
                    self.log.info("Announced %d rows of %s", len(rows), file.shown)
            failures = failures + 1 if failure else 0
            if failure:
                self.log.warning("%s", failure)
            if failure and failures == _FAILURES_TO_REPORT:
                # A person has to know that verdicts do not arrive.
                yield _RowEvent(_outage(type(failure.__cause__).__name__))
            await asyncio.sleep(self.poll_interval)

    def _name_others(self, named: frozenset[str]) -> frozenset[str]:
        """Name the files in the log that are not read, and return which are named."""
        others = self.folder.others
        for name in sorted(others - named):
            shown = VerdictFile(name, 0, datetime.now(UTC)).shown
            self.log.warning("%s is not read: its name must end in %s", shown, ENDINGS)
        return others


def move_read(assets: Iterable[Any], rows: Sequence[FileRow]) -> list[str]:
    """Move the files aside whose rows were all read, and return what kept any from being moved.

    :param assets: the assets whose watchers announced them; those of Airflow 2 have no watchers.
    :param rows: the rows that were read.
    """
    watchers = [watcher for asset in assets for watcher in getattr(asset, "watchers", ())]
    triggers = [watcher.trigger for watcher in watchers]
    return [
        problem.message
        for trigger in triggers
        if isinstance(trigger, OmsVerdictFilesTrigger)
        for problem in trigger.folder.move_read(rows)
    ]


def _check_seconds(name: str, seconds: Any, *, least: int) -> None:
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not least <= seconds <= _LONGEST:
        raise ValueError(f"{name} must be a number of seconds from {least} to {_LONGEST}")


def _outage(kind: str) -> FileRow:
    file = VerdictFile("", 0, datetime.now(UTC))
    return FileRow(
        file, 1, 1, problem=("the folder of verdicts", "readable, with each file in it", kind)
    )


async def _in_thread(function: Any, *arguments: Any) -> Any:
    # Not asyncio.to_thread: a connection could not be looked up from there before Airflow 3.2.
    return await sync_to_async(function, thread_sensitive=False)(*arguments)
