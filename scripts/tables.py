"""Make tables in Markdown, and put them into a page."""

from __future__ import annotations

from collections.abc import Iterable


def table(heading: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heading, tuple("---" for _ in heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def put(text: str, page: str, begin: str, end: str) -> str:
    """Return a page with a text between two markers.

    :raises ValueError: when the page has not both lines.
    """
    before, rest = page.split(f"{begin}\n")
    _, after = rest.split(f"\n{end}")
    return f"{before}{begin}\n{text}\n{end}{after}"
