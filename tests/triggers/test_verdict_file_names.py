"""Which names of files the trigger reads, and how it reports those that it cannot."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from airflow_provider_oms.triggers.verdict_files import OmsVerdictFilesTrigger
from airflow_provider_oms.verdict_files import VerdictFolder
from airflow_provider_oms.verdicts.files import FileRow

ROW = '{"order_id": 7}\n'


def announced(path: Path) -> tuple[VerdictFolder, list[FileRow]]:
    """Return a folder, and the rows of its files as events bring them."""
    folder = VerdictFolder(str(path), "done", "failed")
    found = [row.to_json() for file in folder.files() for row in folder.rows(file) or ()]
    extras = [{"from_trigger": True, "payload": each} for each in json.loads(json.dumps(found))]
    return folder, [row for each in extras if (row := FileRow.from_extra(each)) is not None]


@pytest.mark.parametrize(
    "name",
    [
        "9:41\u202fAM.jsonl",
        "Kopie\xa0von.jsonl",
        "tab\t.jsonl",
        "new\nline.jsonl",
        "rtl\u200f.jsonl",
    ],
)
def test_a_file_with_an_odd_character_in_its_name_is_read_and_moved(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text(ROW, "utf-8")
    folder, rows = announced(tmp_path)
    assert [row.verdict for row in rows] == ['{"order_id": 7}']
    assert folder.move_read(rows) == []
    (moved,) = (tmp_path / "done").iterdir()
    assert moved.name.endswith(f"-{name}")


def test_a_name_that_would_become_too_long_is_cut_in_front(tmp_path: Path) -> None:
    (tmp_path / ("ü" * 124 + ".jsonl")).write_text(ROW, "utf-8")
    folder, rows = announced(tmp_path)
    assert folder.move_read(rows) == []
    (moved,) = (tmp_path / "done").iterdir()
    assert moved.name.endswith("-" + "ü" * 106 + ".jsonl")


def test_a_message_shows_an_odd_character_in_a_name_as_an_escape(tmp_path: Path) -> None:
    (tmp_path / "a\u202eb.jsonl").write_text("odd\n[]", "utf-8")
    _, (first, _second) = announced(tmp_path)
    assert first.problem is not None
    assert first.problem[0] == "row 1 of a\\u202eb.jsonl"


def test_a_name_that_is_not_utf_8_is_reported(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"Pr\xfcfung.jsonl")
    path.write_text(ROW, "utf-8")
    folder, (row,) = announced(tmp_path)
    assert row.problem == ("file Pr\\udcfcfung.jsonl", "a file whose name is in UTF-8", "another")
    assert folder.move_read([row]) == []
    assert path.exists()


def test_a_link_is_reported_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "real.jsonl").write_text(ROW, "utf-8")
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "outside" / "real.jsonl")
    (tmp_path / "broken.jsonl").symlink_to(tmp_path / "nothing.jsonl")
    folder, rows = announced(tmp_path)
    assert {row.problem for row in rows} == {
        ("file link.jsonl", "a regular file", "a link or a device"),
        ("file broken.jsonl", "a regular file", "a link or a device"),
    }
    assert folder.move_read(rows) == []
    assert (tmp_path / "link.jsonl").is_symlink()


@pytest.mark.needs("asset watchers")
def test_a_file_with_another_ending_is_named_in_the_log_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.tsv", "b.csv.gz", "c.jsonl.part", ".hidden.txt"):
        (tmp_path / name).write_text(ROW, "utf-8")
    (tmp_path / "folder.d").mkdir()
    looks = iter(range(3))

    async def sleep(_seconds: float) -> None:
        if next(looks) == 2:
            (tmp_path / "z.jsonl").write_text(ROW, "utf-8")

    monkeypatch.setattr(asyncio, "sleep", sleep)
    trigger = OmsVerdictFilesTrigger(path=str(tmp_path), still_for=0)
    said: list[str] = []
    monkeypatch.setattr(
        type(trigger), "log", SimpleNamespace(warning=lambda text, *more: said.append(text % more))
    )
    asyncio.run(anext(trigger.run()))  # type: ignore[arg-type]  # it is one
    assert said == [
        f"{name} is not read: its name must end in .json, .jsonl, .ndjson, .csv"
        for name in ("a.tsv", "b.csv.gz")
    ]
