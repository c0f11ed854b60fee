"""The pictures in the docs: those that `make e2e` takes, small, and each of them shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"
PICTURES = sorted((DOCS / "images").glob("*.png"))
_MOST_BYTES = 80_000


def test_they_are_those_that_the_browser_test_takes() -> None:
    tests = (REPOSITORY / "tests" / "e2e").glob("test_*.py")
    code = "".join(test.read_text(encoding="utf-8") for test in tests)
    assert {path.stem for path in PICTURES} == set(re.findall(r'ui\.shoot\("([a-z-]+)"', code))


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.stem)
def test_each_is_shown_and_small(picture: Path) -> None:
    pages = [page.read_text(encoding="utf-8") for page in DOCS.glob("*.md")]
    assert any(f"](images/{picture.name})" in page for page in pages)
    assert picture.stat().st_size < _MOST_BYTES


def test_no_page_shows_one_that_is_not_there() -> None:
    names = {path.name for path in (DOCS / "images").iterdir()}
    for page in DOCS.glob("*.md"):
        shown = set(re.findall(r"\]\(images/([^)]+)\)", page.read_text(encoding="utf-8")))
        assert shown <= names, page
