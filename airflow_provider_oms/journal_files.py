"""Where the journal of a task is kept: in Airflow's ``task_state_store``, or at ``journal_path``.

``cancellation/object_log.py`` decides on the content, and why no older attempt can add to it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import uuid
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.values import validate_path
from airflow_provider_oms.cancellation.object_log import RULE, ObjectLog, Objects
from airflow_provider_oms.cancellation.store import JournalError, Store, store_failures
from airflow_provider_oms.exceptions import invalid_input_is_final
from airflow_provider_oms.places import LOCAL, place_of
from airflow_provider_oms.version_compat import task_state_store

__all__ = ["Bucket", "Folder", "journal_store"]

# They pass "create only" on to the storage, which decides; others look first and write then.
_LIBRARIES = {"s3fs", "gcsfs", "adlfs"}
_NO_HARD_LINKS = {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK}


class Folder:
    """Keep objects as files; the folder must be the same one for all workers.

    :param path: the folder, which is made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(parents=True, exist_ok=True)

    def names(self) -> Collection[str]:
        """Return the names of the files."""
        return [path.name for path in self._path.iterdir()]

    def read(self, name: str) -> bytes | None:
        """Return a file; ``None`` if there is none.

        :param name: its name.
        """
        try:
            return (self._path / name).read_bytes()
        except FileNotFoundError:
            return None

    def create(self, name: str, data: bytes) -> None:
        """Create a file that is there as a whole or not at all, and outlives a lost machine.

        :param name: its name.
        :param data: its content.
        :raises OSError: when there is one of that name, or the system cannot link files.
        """
        part = self._path / f".{uuid.uuid4().hex}.part"
        try:
            with part.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            self._link(part, name)
            self._keep_names()
        finally:
            part.unlink(missing_ok=True)

    def _link(self, part: Path, name: str) -> None:
        try:
            os.link(part, self._path / name)
        except OSError as error:
            if error.errno in _NO_HARD_LINKS:
                raise OSError("the folder's file system has no hard links") from error
            raise

    def _keep_names(self) -> None:
        folder = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class Bucket:
    """Keep objects in a storage that can be told to create an object only.

    :param fs: the storage, as fsspec has it.
    :param path: the folder in it.
    """

    def __init__(self, fs: Any, path: str) -> None:
        self._fs = fs
        self._path = path.rstrip("/")

    def names(self) -> Collection[str]:
        """Return the names of the objects."""
        self._fs.invalidate_cache()
        try:
            found = self._fs.ls(self._path, detail=False)
        except FileNotFoundError:
            return []
        return [path.rpartition("/")[2] for path in found]

    def read(self, name: str) -> bytes | None:
        """Return an object; ``None`` if there is none.

        :param name: its name.
        """
        try:
            data: bytes = self._fs.cat_file(f"{self._path}/{name}")
        except FileNotFoundError:
            return None
        return data

    def create(self, name: str, data: bytes) -> None:
        """Create an object.

        :param name: its name.
        :param data: its content.
        :raises Exception: the storage's own, when there is one of that name.
        """
        self._fs.pipe_file(f"{self._path}/{name}", data, mode="create")


def _log_at(journal_path: Any, ti: Any, log: Any) -> ObjectLog:
    path = validate_path("journal_path", journal_path)
    if "://" not in path and not path.startswith(("/", "~")):
        # It would be another folder for each worker.
        raise OmsInputError("journal_path", RULE, "neither a URL nor an absolute path")
    task = json.dumps([ti.dag_id, ti.run_id, ti.task_id, ti.map_index])
    # Names of folders are bounded in length and letters, and the ids of runs are not.
    folder = hashlib.blake2b(task.encode(), digest_size=16).hexdigest()
    with store_failures():
        place = place_of(path) / folder
        fs = place.fs
    _refuse_unless_it_can_fence(fs, place.protocol)
    log.info("The journal of this task is at %s", place)
    try:
        with store_failures():
            is_local = place.protocol in LOCAL
            objects: Objects = Folder(Path(place.path)) if is_local else Bucket(fs, place.path)
        return ObjectLog(objects, task=task, attempt=ti.try_number, token=uuid.uuid4().hex)
    except JournalError as error:
        raise JournalError(f"{place}: {error}") from error


def _refuse_unless_it_can_fence(fs: Any, protocol: str) -> None:
    libraries = {base.__module__.partition(".")[0] for base in type(fs).__mro__}
    if protocol not in LOCAL and not libraries & _LIBRARIES:
        raise OmsInputError("journal_path", RULE, f"a path in {protocol}://")


def journal_store(context: Mapping[str, Any], journal_path: Any, log: Any) -> Store | None:
    """Return what keeps the journal of the running task.

    :param context: the task's context.
    :param journal_path: as given; empty for Airflow's own store.
    :param log: the task's log.
    :return: the store; ``None`` without a path on Airflow before 3.3, which has no store.
    :raises OmsInvalidInputError: when the path leads to no storage that can fence off an older
        attempt.
    :raises JournalError: when the storage fails.
    """
    if not journal_path:
        return task_state_store(context)
    with invalid_input_is_final():
        return _log_at(journal_path, context["ti"], log)
