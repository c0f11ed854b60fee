"""Files of results, in any storage; and the names that a DAG needs for files of orders.

Files of orders are read in ``order_files.py``; ``cancellation/bulk/results.py`` has the format of
the lines of results.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.values import CancelRequest, OrderId
from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd
from airflow_provider_oms.cancellation.bulk.results import (
    from_record,
    line_of,
    read_ends,
    with_details,
)
from airflow_provider_oms.exceptions import OmsBulkCancellationError
from airflow_provider_oms.order_files import read_entries, read_orders
from airflow_provider_oms.places import LOCAL, OmsFileError, failures_of, may_be_read, place_of

__all__ = [
    "OmsFileError",
    "ResultsFile",
    "before_anything_is_sent",
    "read_entries",
    "read_orders",
]

_RESULTS_RULE = "the path of a file to write, and not of one that is read"


@contextmanager
def before_anything_is_sent() -> Iterator[None]:
    """Let a file that cannot be used fail the task, which Airflow may retry.

    :raises OmsBulkCancellationError: for an :class:`OmsFileError`.
    """
    try:
        yield
    except OmsFileError as error:
        raise OmsBulkCancellationError(f"{error.message}. Nothing was sent.") from None


def _open(path: ObjectStoragePath, mode: str, encoding: str = "utf-8") -> TextIO:
    # The path's own open() wraps the file in what Airflow 2 cannot iterate over.
    file: TextIO = path.fs.open(path.path, mode, encoding=encoding, newline="")
    return file


def _is_folder(path: ObjectStoragePath) -> bool:
    return bool(path.fs.isdir(path.path))


def _kind_of_place(path: ObjectStoragePath) -> str | None:
    """Return what stands at a path, if a file cannot take its place."""
    if _is_folder(path):
        return "a folder"
    # Moving a file onto a device, a pipe or a link would replace it.
    if path.protocol in LOCAL and os.path.lexists(path.path):
        here = Path(path.path)
        if here.is_symlink():
            return "a symbolic link"
        if not here.is_file():
            return "a device, a pipe or a socket"
    return None


class ResultsFile:
    """Write results under their final name only when they are whole.

    :param path: any URI that ``ObjectStoragePath`` takes; a file, not a folder.
    :param map_index: index of a mapped task, which goes into the name; -1 for any other task.
    :raises OmsInputError: when the path is that of a folder.
    :raises OmsFileError: when nothing that is installed knows the path.
    """

    def __init__(self, path: str, map_index: int = -1) -> None:
        if path.endswith("/"):
            raise OmsInputError("results_path", _RESULTS_RULE, "a folder")
        with failures_of(f"{path} cannot be written"):
            self._given = target = place_of(path)
            if map_index >= 0:
                target = target.with_name(f"{target.stem}-{map_index}{target.suffix}")
            self._target = target
            self._part = target.with_name(f"{target.name}.part")

    def __str__(self) -> str:
        """Return the path, with the map index of a mapped task."""
        return str(self._target)

    def prepare(self, orders_path: str | None = None) -> None:
        """Make sure that the file can be written, before anything depends on it.

        :param orders_path: the file that the orders come from, if they come from one.
        :raises OmsInputError: when there is a folder of that name, or it is the file of orders.
        :raises OmsFileError: when it cannot be written.
        """
        with failures_of(f"{self} cannot be written"):
            if orders_path is not None:
                orders = place_of(orders_path)
                if any(may_be_read(each, orders) for each in (self._given, self._target)):
                    raise OmsInputError("results_path", _RESULTS_RULE, "the file at orders_path")
            for place in (self._given, self._target):
                if kind := _kind_of_place(place):
                    raise OmsInputError("results_path", _RESULTS_RULE, kind)
            if self._target.protocol in LOCAL:
                self._target.parent.mkdir(parents=True, exist_ok=True)
            self._write_part(())
            self._part.fs.rm_file(self._part.path)

    def write(self, lines: Iterable[str]) -> None:
        """Write all lines, in place of an older file.

        :param lines: the lines, each with its line break.
        :raises OmsFileError: when it cannot be written; an older file is then still there.
        """
        with failures_of(f"{self} cannot be written"):
            if _is_folder(self._target):
                # The file would be moved into it.
                raise IsADirectoryError("a folder of that name was made while the task ran")
            self._write_part(lines)
            # Storage that cannot rename copies; the final name shows the whole file in either case.
            self._part.fs.mv(self._part.path, self._target.path)

    def _write_part(self, lines: Iterable[str]) -> None:
        with _open(self._part, "w") as file:
            file.writelines(lines)

    def write_ends(
        self,
        ends: dict[OrderId, OrderEnd],
        requests: Mapping[OrderId, CancelRequest],
        *,
        begun_at: float | None,
    ) -> None:
        """Write how the orders of a set ended, in place of an older file.

        What only the older file knows of an order that ended in an earlier attempt is taken over.

        :param ends: how each order ended; ends that are taken over are added here.
        :param requests: the request for each.
        :param begun_at: when the first attempt began, in seconds since the epoch, if that is known.
        :raises OmsFileError: when it cannot be written; an older file is then still there.
        """
        known = from_record(ends)
        if known and begun_at is not None:
            ends.update(with_details(ends, self.read_earlier(known, since=begun_at)))
        self.write(line_of(end, requests[id_].disposition_reason) for id_, end in ends.items())

    def read_earlier(
        self, order_ids: Container[OrderId], *, since: float
    ) -> dict[OrderId, OrderEnd]:
        """Return the ends of some orders that an earlier attempt of the task wrote.

        :param order_ids: the orders wanted.
        :param since: when the first attempt began, in seconds since the epoch.
        :return: their ends; none when there is no file, or it cannot be read.
        """
        try:
            with failures_of(f"{self} cannot be read"), _open(self._target, "r") as file:
                return read_ends(file, order_ids, since=since)
        except OmsFileError:
            return {}
