"""Every text in the package that a person can get to see, found in the source itself.

A text counts wherever it is written, so that no way of putting a message together hides one: each
literal with a blank between two words does, and each literal within a ``raise`` or a log line from
warning upwards. Computed parts become ``…``.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

HOLE = "…"
_WORD = re.compile(r"[A-Za-z_]{2,}")
_SPOKEN = re.compile(r"[\w…)\]'\".,:;] +[\w…(\['\"]")
_OF_PERCENT = re.compile(r"%(?:\.\d)?[sdrf]")
_FEW_WORDS = 3
_LOUD = ("warning", "error", "exception", "critical")
_QUIET = ("info", "debug")
_NO_TEXT = ("re.compile", "getattr")
_BEFORE = "…(:;,.\"'[="
_AFTER = "…):;,.\"']"


@dataclass(frozen=True)
class Text:
    """Hold one literal.

    :param template: its text, with a hole for each part that is computed.
    :param place: file and line.
    :param is_quiet: whether it is a log line below warning.
    """

    template: str
    place: str
    is_quiet: bool = False

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        """Return what finds it in a message, with a group for each of its constant parts."""
        parts = self.template.strip(HOLE).split(HOLE)
        middle = ".+?".join(f"({re.escape(part)})" for part in parts)
        before, after = r"(?<![A-Za-z_])", r"(?![A-Za-z_])"
        if len(_WORD.findall(self.template)) <= _FEW_WORDS:
            # They may be in another sentence by chance: they have to stand for themselves.
            before = rf"(?:^|(?<=[{re.escape(_BEFORE)}])|(?<=[{re.escape(_BEFORE)}] ))"
            after = rf"(?=$|[{re.escape(_AFTER)}]| […(])"
        before = before if self.template[0].isalpha() else ""
        after = after if self.template[-1].isalpha() else ""
        return re.compile(f"{before}{middle}{after}")

    def spans_in(self, message: str) -> Iterator[tuple[int, int]]:
        """Return where the constant parts are in a message, wherever the text is found in it."""
        at = 0
        while found := self.pattern.search(message, at):
            yield from (found.span(group) for group in range(1, self.pattern.groups + 1))
            at = found.start() + 1


def texts_of_the_package(package: Path, *, without: tuple[str, ...]) -> list[Text]:
    """Return the texts of all modules.

    :param package: its directory.
    :param without: modules and directories in it whose messages reach no user.
    """
    return [
        text
        for path in sorted(package.rglob("*.py"))
        if not str(path.relative_to(package)).startswith(without)
        for text in texts_of(
            path.read_text(encoding="utf-8"), str(path.relative_to(package.parent))
        )
    ]


def texts_of(source: str, name: str) -> Iterator[Text]:
    """Return the texts of one module.

    :param source: its source.
    :param name: what to call it.
    """
    return _texts(ast.parse(source), name)


def _texts(
    node: ast.AST, name: str, *, is_said: bool = False, is_quiet: bool = False
) -> Iterator[Text]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    if isinstance(node, ast.FunctionDef) and node.name == "__repr__":
        return
    children: Iterable[ast.AST] = ast.iter_child_nodes(node)
    if isinstance(node, ast.JoinedStr | ast.Constant):
        template = _template(node)
        if _WORD.search(template) and (is_said or _SPOKEN.search(template)):
            yield Text(template, f"{name}:{node.lineno}", is_quiet)
        children = [child for child in children if isinstance(child, ast.FormattedValue)]
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        if called in _NO_TEXT:
            return
        is_said = is_said or called.endswith(_LOUD)
        is_quiet = is_quiet or called.endswith(_QUIET)
    is_said = is_said or isinstance(node, ast.Raise)
    for child in children:
        yield from _texts(child, name, is_said=is_said, is_quiet=is_quiet)


def _template(node: ast.JoinedStr | ast.Constant) -> str:
    if isinstance(node, ast.Constant):
        text = _OF_PERCENT.sub(HOLE, node.value) if isinstance(node.value, str) else ""
    else:
        text = "".join(str(p.value) if isinstance(p, ast.Constant) else HOLE for p in node.values)
    return re.sub(f"{HOLE}+", HOLE, text)
