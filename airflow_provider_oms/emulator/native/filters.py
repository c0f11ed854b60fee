"""The filter of a search for native orders, read into a condition on the order book's columns.

`status eq PendingReview and orderNumber ge 1000`: comparisons joined by `and`, which binds closer
than `or`. This module does not know the objects that they select.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from airflow_provider_oms.emulator.errors import ApiError, native_error
from airflow_provider_oms.emulator.wire import MAX_ID

_TOKEN: Final = re.compile(r"\s*(?:([()])|'((?:[^']|'')*)'|\"([^\"]*)\"|([^\s()'\"]+))")
_DEEPEST: Final = 20
_LONGEST: Final = 1000
_OPERATORS: Final = {
    "eq": "{} = :{} COLLATE NOCASE",
    "ne": "{} <> :{} COLLATE NOCASE",
    "gt": "{} > :{}",
    "ge": "{} >= :{}",
    "lt": "{} < :{}",
    "le": "{} <= :{}",
    "cont": "instr(lower({}), lower(:{})) > 0",
    "sw": "instr(lower({}), lower(:{})) = 1",
}
_ON_TEXT_ONLY: Final = ("cont", "sw")


@dataclass(frozen=True)
class Column:
    """A field that a filter may name.

    :param sql: the expression that has its value.
    :param kind: the kind of value that it is compared with.
    """

    sql: str
    kind: Literal["text", "number"] = "text"


@dataclass
class Condition:
    """What orders must fulfill, in SQL.

    :param sql: the condition.
    :param values: its parameters by name.
    """

    sql: str = "1"
    values: dict[str, Any] = field(default_factory=dict)


def read_filter(text: str, columns: Mapping[str, Column], *, understands_or: bool) -> Condition:
    """Read a filter.

    :param text: the filter.
    :param columns: the fields that it may name, in lower case.
    :param understands_or: whether it may hold `or` and parentheses.
    """
    if not text.strip():
        return Condition()
    reader = _Reader(text, columns, understands_or=understands_or)
    sql = reader.alternatives(0)
    reader.expect_end()
    return Condition(sql, reader.values)


def unfit_filter(what: str) -> ApiError:
    """Make the refusal of a filter.

    :param what: the error in it.
    """
    return native_error(400, "MISSING_OR_INVALID_PARAMETER", f"The filter can not be read: {what}.")


@dataclass(frozen=True)
class _Token:
    text: str
    quoted: bool = False

    def is_word(self, *words: str) -> bool:
        return not self.quoted and self.text.lower() in words


class _Reader:
    """Reads tokens from left to right; each method returns the SQL of the tokens read."""

    def __init__(self, text: str, columns: Mapping[str, Column], *, understands_or: bool) -> None:
        self.values: dict[str, Any] = {}
        self._columns = columns
        self._understands_or = understands_or
        self._tokens = _tokens(text)

    def alternatives(self, depth: int) -> str:
        parts = [self._conjunction(depth)]
        while self._next_is("or"):
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"

    def expect_end(self) -> None:
        if self._tokens:
            raise unfit_filter(f"{self._tokens[0].text[:40]!r} is not expected")

    def _conjunction(self, depth: int) -> str:
        parts = [self._part(depth)]
        while self._next_is("and"):
            parts.append(self._part(depth))
        return " AND ".join(parts)

    def _part(self, depth: int) -> str:
        if not self._next_is("("):
            return self._comparison()
        if depth > _DEEPEST:
            raise unfit_filter("it is nested too deeply")
        inner = self.alternatives(depth + 1)
        if not self._next_is(")"):
            raise unfit_filter("a parenthesis is not closed")
        return f"({inner})"

    def _comparison(self) -> str:
        name, operator, value = (self._take() for _ in range(3))
        column = self._columns.get(name.text.lower())
        if column is None or name.quoted:
            raise unfit_filter(f"there is no field {name.text[:40]!r}")
        pattern = _OPERATORS.get(operator.text.lower())
        if pattern is None or (column.kind == "number" and operator.is_word(*_ON_TEXT_ONLY)):
            raise unfit_filter(f"{operator.text[:40]!r} is no operator for {name.text}")
        parameter = f"filter_{len(self.values)}"
        self.values[parameter] = _number(value) if column.kind == "number" else value.text
        if column.kind == "number":
            pattern = pattern.removesuffix(" COLLATE NOCASE")
        return pattern.format(column.sql, parameter)

    def _next_is(self, word: str) -> bool:
        if not (self._tokens and self._tokens[0].is_word(word)):
            return False
        if word != "and" and not self._understands_or:
            raise unfit_filter(f"{word!r} is not understood")
        self._tokens.pop(0)
        return True

    def _take(self) -> _Token:
        if not self._tokens:
            raise unfit_filter("it breaks off")
        return self._tokens.pop(0)


def _tokens(text: str) -> list[_Token]:
    text = text.strip()
    tokens: list[_Token] = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None or len(tokens) > _LONGEST:
            raise unfit_filter("a quotation mark is left over, or it is too long")
        parenthesis, single, double, word = found.groups()
        if single is not None:
            tokens.append(_Token(single.replace("''", "'"), quoted=True))
        elif double is not None:
            tokens.append(_Token(double, quoted=True))
        else:
            tokens.append(_Token(parenthesis or word))
        position = found.end()
    return tokens


def _number(value: _Token) -> int:
    digits = value.text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > len(str(MAX_ID)) - 1:
        raise unfit_filter(f"{value.text[:40]!r} is no number")
    return int(value.text)
