"""Make mutants of a module with mutmut's operators: one small change each, as a whole new text.

mutmut's own runner does not fit. It changes only functions without decorators, and here tables and
properties decide as well; it runs the tests in forks of one process, and these tests have threads
and sockets; and its trampolines are not the code that several tests read.
"""

from __future__ import annotations

import ast
import difflib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import libcst as cst
import libcst.matchers as m
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

# Nodes without an effect on the code's behavior, and calls whose results mypy checks.
_SKIPPED = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom)
_SKIPPED_CALLS = ("len", "isinstance", "cast", "TypeVar", "getLogger")
_LOGGERS = ("log", "logger", "warnings")


@dataclass(frozen=True)
class RandomMutant:
    """Hold one mutant.

    :param file: the module, relative to the repository.
    :param first: the first line of the statement that it changes.
    :param last: the last line that it changes.
    :param operator: the name of the operator that made it.
    :param text: the whole module, changed.
    :param diff: the change as a unified diff without context.
    """

    file: str
    first: int
    last: int
    operator: str
    text: str
    diff: str

    @property
    def lines(self) -> tuple[list[str], list[str]]:
        """Return the lines it takes out and those it puts in, without their indentation."""
        changed = self.diff.splitlines()
        removed = [line[1:].strip() for line in changed if line.startswith("-")]
        return removed, [line[1:].strip() for line in changed if line.startswith("+")]


@dataclass(frozen=True)
class Change:
    """Hold an operator's change to one node, and the lines it stands on.

    :param node: the node.
    :param changed: the node in its place.
    :param first: the first line of the innermost statement around it.
    :param last: the last line of the node.
    """

    node: cst.CSTNode
    changed: cst.CSTNode
    first: int
    last: int


class _Visitor(cst.CSTVisitor):
    """Collect every change of every operator, each with the lines it stands on."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, Change]] = []
        self._statements: list[int] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, _SKIPPED) or any(is_so(node) for is_so in _SKIPPED_FORMS):
            return False
        # Libcst does not know the place of every node.
        place = self.get_metadata(PositionProvider, node, None)
        if isinstance(node, cst.SimpleStatementLine | cst.BaseCompoundStatement):
            self._statements.append(place.start.line if place else 1)
        for kind, operator in mutation_operators:
            if not isinstance(node, kind):
                continue
            for changed in operator(node):
                first = self._statements[-1] if self._statements else 1
                last = place.end.line if place else first
                name = operator.__name__.removeprefix("operator_")
                self.found.append((name, Change(node, changed, first, last)))
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, cst.SimpleStatementLine | cst.BaseCompoundStatement):
            self._statements.pop()


def _is_skipped_call(node: cst.CSTNode) -> bool:
    if not isinstance(node, cst.Call):
        return False
    name = node.func
    if isinstance(name, cst.Attribute):
        return isinstance(name.value, cst.Name) and name.value.value in _LOGGERS
    return isinstance(name, cst.Name) and name.value in _SKIPPED_CALLS


def _is_prose(node: cst.CSTNode) -> bool:
    """Return whether a text is for people: tests/docs ties those to the pages, word by word."""
    return isinstance(node, cst.SimpleString) and " " in node.value.strip("\"'")


def _is_list_of_names(node: cst.CSTNode) -> bool:
    """Return whether it is a module's ``__all__``, which mypy checks."""
    return isinstance(node, cst.Assign) and m.matches(node.targets[0].target, m.Name("__all__"))


_SKIPPED_FORMS = (_is_skipped_call, _is_prose, _is_list_of_names)


class Source:
    """Make the mutants of one module.

    :param path: the module.
    :param repository: the directory that its name is relative to.
    """

    def __init__(self, path: Path, repository: Path) -> None:
        self._code = path.read_text(encoding="utf-8")
        self._name = str(path.relative_to(repository))
        self._wrapper = MetadataWrapper(cst.parse_module(self._code))
        self._seen = {"", _shape_of(self._code)}

    def changes(self) -> list[tuple[str, Change]]:
        """Return every change that an operator makes, with that operator's name."""
        visitor = _Visitor()
        self._wrapper.visit(visitor)
        return visitor.found

    def make(self, operator: str, change: Change) -> RandomMutant | None:
        """Return the mutant that a change leads to.

        :return: ``None`` when it does not compile, or is a program that was there before.
        """
        changed = self._wrapper.module.deep_replace(change.node, change.changed)
        text = cst.ensure_type(changed, cst.Module).code
        shape = _shape_of(text)
        if shape in self._seen:
            return None
        self._seen.add(shape)
        lines = difflib.unified_diff(self._code.splitlines(), text.splitlines(), lineterm="", n=0)
        diff = "\n".join(list(lines)[2:])
        return RandomMutant(self._name, change.first, change.last, operator, text, diff)


def draw(paths: list[Path], repository: Path, seed: int) -> Iterator[RandomMutant]:
    """Yield mutants in a random order that the seed decides.

    The kind of change is drawn first and then the place: dropped arguments and assignments of
    ``None`` are three quarters of all mutants and the easiest to notice.

    :param paths: the modules.
    :param repository: the directory that their names are relative to.
    :param seed: the seed.
    """
    chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
    by_operator: dict[str, list[tuple[Source, Change]]] = {}
    for source in [Source(path, repository) for path in paths]:
        for operator, change in source.changes():
            by_operator.setdefault(operator, []).append((source, change))
    for changes in by_operator.values():
        chance.shuffle(changes)
    while by_operator:
        operator = chance.choice(sorted(by_operator))
        source, change = by_operator[operator].pop()
        if not by_operator[operator]:
            del by_operator[operator]
        mutant = source.make(operator, change)
        if mutant is not None:
            yield mutant


def _shape_of(code: str) -> str:
    """Return what tells two programs apart; one text for all that do not compile."""
    try:
        compile(code, "mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return ""
    return ast.dump(ast.parse(code))
