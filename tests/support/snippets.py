"""The code in the docs, and the marked regions of the files that it comes from."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
_SOURCES = (REPOSITORY / "example_dags", REPOSITORY / "docs" / "snippets")
_REGION = re.compile(r"^ *# \[START (\w+)\]\n(.*?)^ *# \[END \1\]", re.DOTALL | re.MULTILINE)


def marked_regions() -> dict[str, str]:
    """Return every marked region of the example DAGs and snippets, which the tests run."""
    regions = {}
    for folder in _SOURCES:
        for path in folder.glob("*.py"):
            for region in _REGION.finditer(path.read_text(encoding="utf-8")):
                regions[region[1]] = textwrap.dedent(region[2]).strip()
    return regions


def blocks(page: str, language: str) -> list[str]:
    """Return the blocks of code of a page.

    :param page: the page's text.
    :param language: what the blocks are marked with.
    """
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def is_part_of(snippet: str, region: str) -> bool:
    """Tell whether a snippet is whole lines of a region that follow one another.

    :param snippet: the snippet, in which the indentation of a block may be left off.
    :param region: the region.
    """
    lines = f"\n{region}\n"
    return any(f"\n{textwrap.indent(snippet, ' ' * by)}\n" in lines for by in (0, 4, 8))
