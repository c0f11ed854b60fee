"""Make mutants of a module with mutmut's operators: one small change each, as a whole new text.

mutmut's own runner does not fit. It changes only functions without decorators, and here tables and
properties decide as well; it runs the tests in forks of one process, and these tests have threads
and sockets; and its trampolines are not the code that several tests read.
"""

from __future__ import annotations

import ast
import difflib
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import libcst as cst
import libcst.matchers as m
from mutmut.mutation.mutators import mutation_operators

# Nodes without an effect on the code's behavior, and calls whose results mypy checks.
_SKIPPED = m.Annotation() | m.Decorator() | m.Import() | m.ImportFrom()
_CHECKED_CALL = m.Call(
    func=m.OneOf(*map(m.Name, ("len", "isinstance", "cast", "TypeVar", "getLogger")))
)
_LOGGING = m.Call(func=m.Attribute(value=m.OneOf(*map(m.Name, ("log", "logger", "warnings")))))
# A module's `__all__`, which mypy checks too.
_LIST_OF_NAMES = m.Assign(targets=[m.AssignTarget(target=m.Name("__all__"))])
# A text for people: tests/docs ties those to the pages, word by word.
_PROSE = m.SimpleString(value=m.MatchIfTrue(lambda value: " " in value))
_LEFT_ALONE = _SKIPPED | _CHECKED_CALL | _LOGGING | _LIST_OF_NAMES | _PROSE


@dataclass(frozen=True)
class RandomMutant:
    """Hold one mutant.

    :param diff: the change as a unified diff without context.
    :param lines: the lines from the beginning of the changed statement to the change.
    """

    file: str
    operator: str
    text: str
    diff: str
    lines: range


class _Visitor(cst.CSTVisitor):
    """Collect the nodes that an operator changes: its name, the node, and one in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, cst.CSTNode, cst.CSTNode]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if m.matches(node, _LEFT_ALONE):
            return False
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                name = operator.__name__.removeprefix("operator_")
                self.found += [(name, node, changed) for changed in operator(node)]
        return True


def draw(
    paths: list[Path], repository: Path, seed: int, *, by_kind: bool = False
) -> Iterator[RandomMutant]:
    """Yield mutants in a random order that the seed decides, each another program.

    Dropped arguments and assignments of ``None`` are three quarters of all, and the easiest to
    notice. With `by_kind`, each kind of change is as frequent as any other.
    """
    changes = []
    seen = set()
    for path in paths:
        module = cst.parse_module(path.read_text(encoding="utf-8"))
        seen.add(ast.dump(ast.parse(module.code)))
        visitor = _Visitor()
        module.visit(visitor)
        changes += [(path, module, *found) for found in visitor.found]
    random.Random(seed).shuffle(changes)  # noqa: S311 - a sample, not a secret
    if by_kind:
        turns = defaultdict[str, Iterator[int]](count)
        changes.sort(key=lambda change: next(turns[change[2]]))
    for path, module, operator, node, changed in changes:
        text = cst.ensure_type(module.deep_replace(node, changed), cst.Module).code
        try:
            compile(text, "mutant", "exec", dont_inherit=True)
        except SyntaxError:
            continue
        program = ast.dump(ast.parse(text))
        if program not in seen:
            seen.add(program)
            yield mutant_of(str(path.relative_to(repository)), operator, module.code, text)


def mutant_of(file: str, operator: str, code: str, text: str) -> RandomMutant:
    lines = difflib.unified_diff(code.splitlines(), text.splitlines(), lineterm="", n=0)
    diff = "\n".join(list(lines)[2:])
    places = re.findall(r"^@@ -(\d+)(?:,(\d+))?", diff, re.MULTILINE)
    first, (last, length) = int(places[0][0]), places[-1]
    begins = [
        node.lineno
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.stmt) and node.lineno <= first <= (node.end_lineno or first)
    ]
    span = range(max(begins, default=first), int(last) + max(1, int(length or 1)))
    return RandomMutant(file, operator, text, diff, span)
