"""A type checker's errors for a user's code: none where it is right, and each wrong line."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest
from mypy import api

USERS = Path(__file__).parent / "as_a_user_writes_it.py"
OPTIONS = ["--strict", "--config-file=", "--no-error-summary", "--hide-error-context"]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.needs("the types of Airflow that a type checker needs")
def test_every_wrong_line_is_found_and_no_right_one(tmp_path: Path) -> None:
    cache = f"--cache-dir={tmp_path}"
    said, trouble, _ = api.run([*OPTIONS, cache, "--follow-imports=silent", str(USERS)])
    assert trouble == ""
    found: dict[int, str] = defaultdict(str)
    for line, message in re.findall(r"^\S+?:(\d+): error: (.*)$", said, re.MULTILINE):
        found[int(line)] += message
    wanted = {
        number: mark[1]
        for number, line in enumerate(USERS.read_text(encoding="utf-8").splitlines(), start=1)
        if (mark := re.search(r"# E: (\w+)$", line))
    }
    assert len(wanted) > 10
    assert set(found) == set(wanted), said
    for number, word in wanted.items():
        assert word in found[number], said
