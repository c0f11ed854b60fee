"""Count the phrases of `words.toml`, and print the places of each group over its limit.

Docs are the Markdown files without their code blocks; code is every string and comment of the
Python files.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
# Python 3.11 has an f-string as one STRING, a later one its text as FSTRING_MIDDLE.
TEXT_TOKENS = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", -1)}


def prose_of_page(markdown: str) -> str:
    """Return the text of a page with its code blocks emptied, each line in its place."""
    return re.sub(r"(?s)```.*?```", lambda block: "\n" * block[0].count("\n"), markdown)


def prose_of_module(source: str) -> str:
    """Return the comments and strings of a module, each on its line."""
    lines = [""] * (source.count("\n") + 2)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in TEXT_TOKENS:
            for number, line in enumerate(token.string.split("\n"), token.start[0] - 1):
                lines[number] += " " + line.strip("#\"' ")
    return "\n".join(lines)


def texts(root: Path) -> Iterator[tuple[str, str, str]]:
    """Yield the kind, the path and the prose of each tracked file."""
    command = ["git", "ls-files", "-z", "*.md", "*.py"]
    listed = subprocess.check_output(command, cwd=root, text=True)
    for name in filter(None, listed.split("\0")):
        text = (root / name).read_text("utf-8")
        if name.endswith(".md"):
            yield "docs", name, prose_of_page(text)
        else:
            yield "code", name, prose_of_module(text)


def check(root: Path, groups: dict[str, Any]) -> bool:
    """Print the rate of every group and the places of those over the limit; return if none is."""
    words: Counter[str] = Counter()
    places: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for kind, name, text in texts(root):
        words[kind] += len(re.findall(r"[A-Za-z']+", text))
        for group, rule in groups.items():
            for found in re.finditer(rule["pattern"].replace(" ", r"\s+"), text, re.IGNORECASE):
                line = text.count("\n", 0, found.start()) + 1
                phrase = " ".join(found[0].split())
                places[group, kind].append(f"{name}:{line}: {group}: {phrase}")
    passed = True
    for group, rule in groups.items():
        for kind, total in words.items():
            rate = 10_000 * len(places[group, kind]) / total
            result = "passed"
            if rate > rule["limit"]:
                passed, result = False, "FAILED"
                print("\n".join(places[group, kind]))
            print(f"{result}  {group:<22} {kind}: {rate:5.1f}, limit {rule['limit']}")
    return passed


if __name__ == "__main__":
    GROUPS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    sys.exit(not check(REPOSITORY, GROUPS))
