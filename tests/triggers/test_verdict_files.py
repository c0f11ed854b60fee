"""The trigger on a real folder and on a storage in memory, and the task that moves files aside."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowNotFoundException
from fsspec.implementations.memory import (  # type: ignore[import-untyped]  # it has no types
    MemoryFileSystem,
)

from airflow_provider_oms import places, verdict_files
from airflow_provider_oms.places import OmsFileError
from airflow_provider_oms.triggers.verdict_files import OmsVerdictFilesTrigger, move_read
from airflow_provider_oms.verdict_files import VerdictFolder
from airflow_provider_oms.verdicts.files import FileRow, VerdictFile

pytestmark = pytest.mark.needs("asset watchers")


async def _events(trigger: OmsVerdictFilesTrigger, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    stream = trigger.run()
    async for event in stream:
        found.append(event.payload)
        if len(found) == number:
            break
    await stream.aclose()  # type: ignore[attr-defined]  # Airflow has it as an iterator
    return found


def events(trigger: OmsVerdictFilesTrigger, number: int) -> list[dict[str, Any]]:
    """Return the payloads of a trigger's first events, as Airflow stores them."""
    found = asyncio.run(asyncio.wait_for(_events(trigger, number), 10))
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]  # it is what went in


def rows(payloads: list[dict[str, Any]]) -> list[FileRow]:
    """Return the rows in the events that Airflow makes of payloads."""
    found = [FileRow.from_extra({"from_trigger": True, "payload": each}) for each in payloads]
    assert None not in found
    return found  # type: ignore[return-value]  # there is no None in it


def watch(path: Path | str, **settings: Any) -> OmsVerdictFilesTrigger:
    return OmsVerdictFilesTrigger(**{"path": str(path), "still_for": 0, **settings})


def verdicts(payloads: list[dict[str, Any]]) -> list[Any]:
    return [row.problem or json.loads(row.verdict or "") for row in rows(payloads)]


def written(folder: Path, name: str, text: str | bytes, at: float) -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    os.utime(path, (at, at))
    return path


def below(folder: Path) -> list[str]:
    """Return the files in a folder and below it, without the digest in their names."""
    found = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    return sorted(re.sub("Z-[0-9a-f]{12}-", "Z-", each) for each in found)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryFileSystem]:
    store = import_module("airflow.sdk.io.store")
    monkeypatch.setattr(store, "_STORE_CACHE", {})
    file_system = MemoryFileSystem()
    store.attach("s3", "aws_default", fs=file_system)
    yield file_system
    MemoryFileSystem.store.clear()


def test_each_row_of_each_kind_of_file_is_an_event_the_oldest_file_first(tmp_path: Path) -> None:
    written(tmp_path, "d.json", '{"order_id": 5}', 400)
    written(tmp_path, "a.jsonl", '{"order_id": 1}\n\n{"order_id": 2}', 300)
    written(tmp_path, "b.csv", "\ufefforder_id;verdict\r\n3;rejected\r\n", 200)
    written(tmp_path, "c.json", '[{"order_id": "4"}]', 100)
    written(tmp_path, "e.jsonl.part", '{"order_id": 6}', 50)
    written(tmp_path, ".f.jsonl", '{"order_id": 7}', 50)
    assert verdicts(events(watch(tmp_path), 5)) == [
        {"order_id": "4"},
        {"order_id": "3", "verdict": "rejected"},
        {"order_id": 1},
        {"order_id": 2},
        {"order_id": 5},
    ]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("x.json", "{", ["file x.json", "one JSON text, with no key twice", "something else"]),
        ("x.json", "[]", ["file x.json", "at least one verdict", "none"]),
        ("x.csv", "a,b\n", ["file x.csv", "at least one verdict", "none"]),
        ("x.csv", b"\xff\xfe1", ["file x.csv", "text in UTF-8", "other bytes"]),
        ("x.csv", "a,a\n1,2\n", ["file x.csv", "a CSV file whose columns have a name each", ""]),
        ("x.csv", "a,b;c\n1,2\n", ["file x.csv", "a CSV file with one delimiter", "several"]),
        ("x.csv", 'a,b\n1,"2\n', ["file x.csv", "a CSV file", "a stray quotation mark"]),
        ("x.csv", 'a,b\n1,"2\n3"\n', ["row 1 of x.csv", "one line", "2 lines"]),
        ("x.csv", "a" * 200_000, ["file x.csv", "at most 128 KiB", "a longer one"]),
        ("x.csv", "sep=;\na;b\n1;2\n", ["file x.csv", "begins with its header", "sep="]),
        ("x.csv", "7,rejected\n", ["file x.csv", "begins with its header", "a row of data"]),
        ("x.csv", "a,b,\n1,2,\n", ["file x.csv", "have a name each", "a delimiter at the end"]),
        ("x.csv", "a,b\n1\n", ["row 1 of x.csv", "2 fields, as the header has", "1"]),
        ("x.csv", "a,b\n1,2", ["row 1 of x.csv", "a row with a line break", "may be cut off"]),
        ("x.jsonl", "{", ["row 1 of x.jsonl", "a JSON object, with no key", "something else"]),
        ("x.jsonl", '{"a": 1, "a": 2}', ["row 1 of x.jsonl", "no key twice", "something else"]),
        ("x.jsonl", "7", ["row 1 of x.jsonl", "a JSON object", "another value"]),
        ("x.jsonl", '{"a": "%s"}' % ("x" * 70_000), ["row 1 of x.jsonl", "64 KiB", "more"]),
        ("x.jsonl", "{}\n" * 10_001, ["file x.jsonl", "at most 10000 verdicts", "more"]),
        ("x.jsonl", " " * (2**24 + 1), ["file x.jsonl", "at most 16 MiB", "more"]),
    ],
)
def test_what_cannot_be_read_is_an_event_that_says_why(
    tmp_path: Path, name: str, content: str | bytes, problem: list[str]
) -> None:
    written(tmp_path, name, content, 100)
    ((*found,),) = verdicts(events(watch(tmp_path), 1))
    assert all(words in said for words, said in zip(problem, found, strict=True)), found


def test_a_row_that_cannot_be_read_keeps_no_other_from_being_read(tmp_path: Path) -> None:
    written(tmp_path, "a.jsonl", '{"order_id": 1}\nodd\n{"order_id": 2}\n', 100)
    found = events(watch(tmp_path), 3)
    assert [row.problem is None for row in rows(found)] == [True, False, True]
    (folder,) = [VerdictFolder(str(tmp_path), "done", "failed")]
    folder.move_read(rows(found))
    assert below(tmp_path) == ["failed/19700101T000140.000000Z-a.jsonl"]


def test_a_file_is_moved_only_when_all_of_it_was_read(tmp_path: Path) -> None:
    written(tmp_path, "a.jsonl", '{"order_id": 1}\n{"order_id": 2}\n', 100)
    folder = watch(tmp_path).folder
    found = rows(events(watch(tmp_path), 2))
    folder.move_read(found[:1] * 2)
    assert below(tmp_path) == ["a.jsonl"]
    folder.move_read(reversed(found))
    assert below(tmp_path) == ["done/19700101T000140.000000Z-a.jsonl"]
    folder.move_read(found)
    assert below(tmp_path) == ["done/19700101T000140.000000Z-a.jsonl"]


def test_a_file_that_cannot_be_moved_keeps_no_other_from_being_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, name in enumerate(["a.jsonl", "b.jsonl", "c.jsonl"]):
        written(tmp_path, name, '{"order_id": 1}\n', 100 + number)
    folder = watch(tmp_path).folder
    found = rows(events(watch(tmp_path), 3))
    move = VerdictFolder._move

    def locked(self: VerdictFolder, file: VerdictFile, digest: str, aside: str) -> None:
        if file.name == "b.jsonl":
            raise OmsFileError("b.jsonl is locked")
        move(self, file, digest, aside)

    monkeypatch.setattr(VerdictFolder, "_move", locked)
    assert [problem.message for problem in folder.move_read(found)] == ["b.jsonl is locked"]
    assert [path for path in below(tmp_path) if "/" not in path] == ["b.jsonl"]


def test_a_fault_while_a_file_is_read_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "a.jsonl", '{"order_id": 1}\n', 100)
    monkeypatch.setattr(verdict_files, "_read", lambda *_: 1 / 0)
    (problem,) = verdicts(events(watch(tmp_path), 1))
    assert problem == ("file a.jsonl", "a file of verdicts", "ZeroDivisionError")


def test_a_file_that_was_written_again_is_not_moved_for_its_earlier_form(tmp_path: Path) -> None:
    written(tmp_path, "a.jsonl", '{"order_id": 1}\n', 100)
    found = rows(events(watch(tmp_path), 1))
    written(tmp_path, "a.jsonl", '{"order_id": 2}\n', 101)
    watch(tmp_path).folder.move_read(found)
    assert below(tmp_path) == ["a.jsonl"]


def test_a_file_that_changes_while_it_is_read_is_left_alone(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", '{"order_id": 1}\n', 100)
    folder = watch(tmp_path).folder
    (file,) = folder.files()
    with path.open("a") as growing:
        growing.write('{"order_id": 2}\n')
    assert folder.rows(file) is None


def test_a_file_is_announced_once_by_one_trigger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "a.jsonl", '{"order_id": 1}\n', 100)
    looks = iter(range(5))

    async def sleep(_seconds: float) -> None:
        # The second file comes after four more looks at the first one.
        if next(looks) == 4:
            written(tmp_path, "b.jsonl", '{"order_id": 2}\n', 100)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    assert verdicts(events(watch(tmp_path), 2)) == [{"order_id": 1}, {"order_id": 2}]


def test_an_object_store_is_watched_and_its_files_are_moved(memory: MemoryFileSystem) -> None:
    trigger = watch("s3://aws_default@bucket/verdicts", done="read")
    assert trigger.folder.files() == []
    memory.pipe_file("/bucket/verdicts/a[1].jsonl", b'{"order_id": 1}\n')
    found = events(trigger, 1)
    assert verdicts(found) == [{"order_id": 1}]
    assert trigger.folder.move_read(rows(found)) == []
    (name,) = memory.find("/bucket/verdicts")
    assert name.startswith("/bucket/verdicts/read/")
    assert name.endswith("-a[1].jsonl")
    assert trigger.folder.files() == []


def test_a_folder_that_cannot_be_read_is_reported_in_one_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter(range(9))

    async def sleep(_seconds: float) -> None:
        if next(looks) == 8:
            tmp_path.joinpath("there").mkdir()
            written(tmp_path / "there", "a.jsonl", '{"order_id": 1}\n', 100)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    outage, verdict = verdicts(events(watch(tmp_path / "there"), 2))
    assert outage == (
        "the folder of verdicts",
        "readable, with each file in it",
        "FileNotFoundError",
    )
    assert verdict == {"order_id": 1}


def test_a_connection_that_is_not_there_yet_does_not_end_the_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "a.jsonl", '{"order_id": 1}\n', 100)
    looks = iter(range(9))

    def lost(_path: str) -> Any:
        raise AirflowNotFoundException("there is no such connection")

    async def sleep(_seconds: float) -> None:
        if next(looks) == 3:
            monkeypatch.setattr(verdict_files, "place_of", places.place_of)

    monkeypatch.setattr(verdict_files, "place_of", lost)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    outage, verdict = verdicts(events(watch(tmp_path), 2))
    assert outage[2] == "AirflowNotFoundException"
    assert verdict == {"order_id": 1}


def test_a_file_that_the_storage_does_not_hand_out_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "a.jsonl", '{"order_id": 1}\n', 100)
    written(tmp_path, "b.jsonl", '{"order_id": 2}\n', 200)
    read = VerdictFolder._data

    def data(self: VerdictFolder, file: VerdictFile) -> bytes | None:
        if file.name == "a.jsonl":
            raise OmsFileError("locked") from PermissionError()
        return read(self, file)

    async def sleep(_seconds: float) -> None:
        return None

    monkeypatch.setattr(VerdictFolder, "_data", data)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    verdict, outage = verdicts(events(watch(tmp_path), 2))
    assert verdict == {"order_id": 2}
    assert outage == ("the folder of verdicts", "readable, with each file in it", "PermissionError")


def test_a_storage_that_failed_is_connected_to_again(
    memory: MemoryFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryFileSystem, "ls", lambda *_, **__: 1 / 0)
    trigger = watch("s3://aws_default@bucket/verdicts")
    with pytest.raises(OmsFileError, match="cannot be listed"):
        trigger.folder.files()
    store = import_module("airflow.sdk.io").attach("s3", "aws_default")
    assert "fs" not in vars(store)


def test_nothing_but_its_arguments_is_stored_and_no_verdict_is_logged(tmp_path: Path) -> None:
    trigger = watch("s3://aws_default@bucket/verdicts", still_for=60)
    path, arguments = trigger.serialize()
    assert path == "airflow_provider_oms.triggers.verdict_files.OmsVerdictFilesTrigger"
    assert arguments == {
        "path": "s3://aws_default@bucket/verdicts",
        "still_for": 60,
        "poll_interval": 10,
        "done": "done",
        "failed": "failed",
    }
    assert OmsVerdictFilesTrigger(**arguments).serialize() == (path, arguments)
    written(tmp_path, "a.jsonl", '{"email": "eve@example.com"}\n', 100)

    event: Any = asyncio.run(anext(watch(tmp_path).run()))  # type: ignore[arg-type]  # it is one
    assert "eve@example.com" in event.model_dump_json()
    assert "eve" not in f"{event} {event!r}"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"path": ""}, "path must be a folder"),
        ({"path": "sftp://joe:secret@host/in"}, "hold no password"),
        ({"done": "../done"}, "the name of a folder"),
        ({"failed": ".."}, "the name of a folder"),
        ({"failed": "done"}, "must not be the same folder"),
        ({"still_for": True}, "still_for must be a number of seconds from 0"),
        ({"still_for": -1}, "still_for must be a number of seconds from 0 to 86400"),
        ({"poll_interval": 0.5}, "poll_interval must be a number of seconds from 1 to"),
    ],
)
def test_arguments_that_are_not_valid_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words) as refusal:
        OmsVerdictFilesTrigger(**{"path": "folder", **settings})
    assert "secret" not in str(refusal.value)


def test_only_the_folders_that_an_asset_watches_are_touched(tmp_path: Path) -> None:
    written(tmp_path, "a.jsonl", '{"order_id": 1}\n', 100)
    found = rows(events(watch(tmp_path), 1))
    others = [SimpleNamespace(), SimpleNamespace(watchers=[SimpleNamespace(trigger=object())])]
    assert move_read(others, found) == []
    assert below(tmp_path) == ["a.jsonl"]
    watched = SimpleNamespace(watchers=[SimpleNamespace(trigger=watch(tmp_path))])
    assert move_read([*others, watched], found) == []
    assert below(tmp_path) == ["done/19700101T000140.000000Z-a.jsonl"]
