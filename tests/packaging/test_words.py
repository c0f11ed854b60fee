"""The check of our words: its counts, and that it fails above a limit."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from scripts.words import check


def a_group(limit: float) -> dict[str, Any]:
    return {"odd": {"pattern": r"\bodd word\b", "limit": limit}}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "page.md").write_text("One\nodd word.\n\n```\nodd word\n```\nAn odd\nword.\n")
    (tmp_path / "module.py").write_text(
        'odd = word = 1  # odd\n# word\nTEXT = (\n    "no"\n    "odd word"\n)\n'
    )
    for command in (["git", "init", "--quiet"], ["git", "add", "."]):
        subprocess.run(command, cwd=tmp_path, check=True)
    return tmp_path


def test_each_place_of_a_group_above_its_limit_is_printed(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not check(repository, a_group(limit=1))

    printed = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in printed if "page.md" in line] == [
        "page.md:2",
        "page.md:7",
    ]
    assert [line.split(": ")[0] for line in printed if "module.py" in line] == [
        "module.py:1",
        "module.py:5",
    ]


def test_a_group_at_its_limit_passes_and_prints_its_rate_only(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(repository, a_group(limit=10_000))
    assert len(capsys.readouterr().out.splitlines()) == 2
