"""The documentation as the tests read it: pages, their blocks of code, their tables."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"
PAGES = [REPOSITORY / "README.md", *sorted(DOCS.rglob("*.md"))]
_SOURCES = (REPOSITORY / "example_dags", DOCS / "snippets")
_BLOCK = re.compile(r"^```(\S*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_REGION = re.compile(r"^ *# \[START (\w+)\]\n(.*?)^ *# \[END \1\]", re.DOTALL | re.MULTILINE)


def text_of(name: str) -> str:
    """Return a page.

    :param name: its path in the repository.
    """
    return (REPOSITORY / name).read_text(encoding="utf-8")


def blocks(text: str, language: str | None = None) -> list[tuple[str, str]]:
    """Return the language and the content of each fenced block.

    :param text: a page.
    :param language: only blocks in this language.
    """
    found = [(block[1], block[2]) for block in _BLOCK.finditer(text)]
    return [block for block in found if language in (None, block[0])]


def prose(text: str) -> str:
    """Return a page without its fenced blocks.

    :param text: a page.
    """
    return _BLOCK.sub("", text)


def rows(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the table that begins with a heading row.

    :param text: a page.
    :param heading: the whole heading row.
    """
    assert text.count(heading) == 1, heading
    table = text.partition(heading)[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def commands(block: str) -> list[str]:
    """Return the commands of a shell block, each as one text.

    :param block: the block's content.
    """
    found: list[str] = []
    open_quote = False
    for line in block.splitlines():
        goes_on = bool(found) and (open_quote or found[-1].endswith("\\"))
        if goes_on:
            found[-1] += f"\n{line}"
        elif line.strip():
            found.append(line)
        if found:
            open_quote = found[-1].count("'") % 2 == 1
    return [command.replace("\\\n", " ") for command in found]


def marked_regions() -> dict[str, str]:
    """Return every marked region of the example DAGs and snippets, which the tests run."""
    regions = {}
    for folder in _SOURCES:
        for path in folder.glob("*.py"):
            for region in _REGION.finditer(path.read_text(encoding="utf-8")):
                regions[region[1]] = textwrap.dedent(region[2]).strip()
    return regions


def is_part_of(snippet: str, region: str) -> bool:
    """Return whether a snippet is whole lines of a region that follow one another.

    :param snippet: the snippet, in which the indentation of a block may be left off.
    :param region: the region.
    """
    lines = f"\n{region}\n"
    wanted = snippet.rstrip()
    return any(f"\n{textwrap.indent(wanted, ' ' * by)}\n" in lines for by in (0, 4, 8))


def is_part_of_an_example(snippet: str) -> bool:
    """Return whether a snippet is a piece of a marked region, which tests run.

    :param snippet: the snippet.
    """
    return any(is_part_of(snippet, region) for region in marked_regions().values())
