"""Where journal_path leads: folders and buckets, and the storages that are refused."""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from fsspec.implementations.memory import (  # type: ignore[import-untyped]  # it has no types
    MemoryFileSystem,
)
from memory_storage import attach_memory

from airflow_provider_oms.cancellation.object_log import Objects
from airflow_provider_oms.cancellation.store import JournalError, Store
from airflow_provider_oms.exceptions import OmsInvalidInputError
from airflow_provider_oms.journal_files import Bucket, Folder, journal_store

LOG = logging.getLogger(__name__)


def context(**changes: Any) -> dict[str, Any]:
    task = {"dag_id": "a", "run_id": "b", "task_id": "c", "map_index": -1, "try_number": 1}
    return {"ti": SimpleNamespace(**{**task, **changes})}


def opened(path: object, **changes: Any) -> Store:
    store = journal_store(context(**changes), str(path), LOG)
    assert store is not None
    return store


class TestWhichJournal:
    def test_the_next_attempt_of_a_task_has_the_same_one(self, tmp_path: Path) -> None:
        opened(tmp_path).set("a", 1)
        assert opened(tmp_path, try_number=2).get("a") == 1
        assert opened(f"file://{tmp_path}/", try_number=3).get("a") == 1

    @pytest.mark.parametrize(
        "other", [{"dag_id": "x"}, {"run_id": "x"}, {"task_id": "x"}, {"map_index": 0}]
    )
    def test_any_other_task_has_another_one(self, tmp_path: Path, other: dict[str, Any]) -> None:
        opened(tmp_path).set("a", 1)
        assert opened(tmp_path, **other).get("a") is None

    def test_ids_that_no_file_could_have_are_taken(self, tmp_path: Path) -> None:
        ids = {"dag_id": "d" * 250, "run_id": f"manual__2026-11-28T23:00:00+00:00/{'r' * 200}"}
        opened(tmp_path, **ids).set("a", 1)
        assert opened(tmp_path, **ids, try_number=2).get("a") == 1

    def test_the_log_says_where_it_is(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        opened(tmp_path / "journals")
        (folder,) = (tmp_path / "journals").iterdir()
        assert "The journal of this task is at " in caplog.text
        assert str(folder) in caplog.text

    def test_without_a_path_it_is_airflows_own(self) -> None:
        store = object()
        for path in (None, ""):
            assert journal_store({**context(), "task_state_store": store}, path, LOG) is store
            assert journal_store(context(), path, LOG) is None


class TestWhatIsRefused:
    @pytest.mark.parametrize("path", ["memory://journals", "memory://journals/y"])
    def test_a_storage_that_is_not_known_to_create_only(
        self, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        attach_memory(monkeypatch)
        with pytest.raises(OmsInvalidInputError, match=r"journal_path must be in S3.*memory://"):
            journal_store(context(), path, LOG)

    @pytest.mark.parametrize("path", ["None", " ", 7, ["a"]])
    def test_what_is_no_path(self, path: Any) -> None:
        with pytest.raises(OmsInvalidInputError, match="journal_path must be a path"):
            journal_store(context(), path, LOG)

    def test_a_scheme_that_nothing_installed_knows(self) -> None:
        with pytest.raises(JournalError, match="nowhere"):
            journal_store(context(), "nowhere://journals", LOG)

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("", encoding="utf-8")
        with pytest.raises(JournalError, match=r"NotADirectoryError|FileExistsError"):
            opened(tmp_path / "file")


@contextmanager
def s3() -> Iterator[Any]:
    """Give a storage like S3, where what is needed for one is installed."""
    s3fs = pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield s3fs.S3FileSystem(key="key", secret="secret", endpoint_url=f"http://{host}:{port}")
    finally:
        server.stop()


@pytest.fixture(params=["folder", "memory", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Objects]:
    if request.param == "folder":
        yield Folder(tmp_path / "new" / "folder")
    elif request.param == "memory":
        yield Bucket(MemoryFileSystem(), f"/journals/{uuid4().hex}/")
    else:
        with s3() as storage:
            bucket = f"journals-{uuid4().hex}"
            storage.mkdir(bucket)
            yield Bucket(storage, f"{bucket}/oms")


class TestObjects:
    def test_what_is_created_is_there_and_listed(self, objects: Objects) -> None:
        assert (list(objects.names()), objects.read("1.json")) == ([], None)
        objects.create("1.json", b"one")
        objects.create("2.json", b"two")
        assert (sorted(objects.names()), objects.read("1.json")) == (["1.json", "2.json"], b"one")

    def test_it_is_created_once(self, objects: Objects) -> None:
        objects.create("1.json", b"one")
        with pytest.raises(OSError):  # noqa: PT011 - each storage has its own message
            objects.create("1.json", b"another")
        assert objects.read("1.json") == b"one"
        assert list(objects.names()) == ["1.json"]


def test_others_of_the_same_umask_may_read_a_file(tmp_path: Path) -> None:
    Folder(tmp_path).create("1.json", b"one")
    (tmp_path / "plain").touch()
    assert mode_of(tmp_path / "1.json") == mode_of(tmp_path / "plain")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("path", ["aws_default@shop/oms-journals", "journals", "./j", "$HOME/j"])
def test_a_path_that_each_worker_would_have_for_itself_is_refused(path: str) -> None:
    with pytest.raises(OmsInvalidInputError, match="got neither a URL nor an absolute path"):
        opened(path)


def test_a_folder_without_hard_links_is_named_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*names: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(JournalError, match=f"{tmp_path}.*has no hard links"):
        opened(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_error_names_the_folder_of_the_task(tmp_path: Path) -> None:
    opened(tmp_path).set("a", 1)
    (folder,) = tmp_path.iterdir()
    (folder / "00000003.json").write_text("[]")
    with pytest.raises(JournalError, match=f"{folder}: .*00000003.json is no record"):
        opened(tmp_path, try_number=2)
