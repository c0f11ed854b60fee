"""Which columns of a file count, and which of its rows ask for a cancel: as a caller gives it.

How rows are judged by it is the business of ``rows.py``.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.values import kind_of
from airflow_provider_oms.cancellation.bulk.entries import ENTRY_KEYS, PART_KEYS
from airflow_provider_oms.cancellation.bulk.json_text import read_json

__all__ = ["Columns", "folded", "text_of", "validate_delimiter"]

# Values that are counted go into the summary, which is bounded.
_MOST_CHARACTERS = 4096
_CANCEL, _IGNORE = "cancel", "ignore"
_COLUMN_RULE = "the name of a column that is not one of an entry's own fields"
_WHERE_RULE = (
    'the values of each column that decides, as in {"Decision": {"cancel": ["Rejected"], '
    '"ignore": ["Approved"]}}, or its JSON text'
)
_DELIMITER_RULE = "one character, such as a semicolon, or left out"
_NO_DELIMITER = frozenset(' "\r\n\0')
# Forms and variables write a tab like this, because they do not take the character.
_TAB_IN_WORDS = ("\\t", "tab")


@dataclass(frozen=True, slots=True)
class Columns:
    """Say which columns of a file count.

    :param order_id: the column of the order's id.
    :param where: by column and value, whether a row with it asks for a cancel; empty where every
        row does.
    :param ignores_others: whether there may be columns that say nothing.
    :param expects_parts: whether rows may name parts of orders.
    """

    order_id: str = "order_id"
    where: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    ignores_others: bool = False
    expects_parts: bool = False

    @classmethod
    def checked(cls, order_id_column: Any = None, where: Any = None) -> Columns:
        """Return the caller's columns.

        :param order_id_column: the column of the ids; ``None`` or ``""`` for ``order_id``, with no
            unknown column beside it.
        :param where: the values that decide, by column, or their JSON text; ``None`` for none.
        :raises OmsInputError: when one of them is no such thing.
        """
        named = order_id_column not in (None, "")
        order_id = _column("order_id_column", order_id_column) if named else "order_id"
        conditions = {} if where is None else _conditions(where)
        if order_id in conditions:
            raise OmsInputError("where", _WHERE_RULE, "the column of the ids")
        return cls(order_id, conditions, ignores_others=named)

    def has(self, name: str) -> bool:
        """Return whether a column counts.

        :param name: its name.
        """
        return name in (self.order_id, *ENTRY_KEYS[1:]) or name in self.where

    def mistaken_for(self, names: Iterable[str]) -> tuple[str, str] | None:
        """Return a column that says nothing, and the field that it is probably meant as.

        Where lines are expected, a row whose line is overlooked would cancel the whole order.

        :param names: the names of all columns.
        """
        if self.expects_parts:
            for name in names:
                if not self.has(name) and folded(name) in PART_KEYS:
                    return name, folded(name)
        return None

    @property
    def needed(self) -> tuple[str, ...]:
        """Return the columns that have to be there."""
        return (self.order_id, *self.where)


def _column(argument: str, name: Any) -> str:
    if not isinstance(name, str) or name.strip() in ("", "None"):
        raise OmsInputError(argument, _COLUMN_RULE, kind_of(name))
    if name.strip() in ENTRY_KEYS[1:]:
        raise OmsInputError(argument, _COLUMN_RULE, f"{name.strip()}, which is one")
    return name.strip()


def _conditions(where: Any) -> dict[str, dict[str, bool]]:
    if isinstance(where, str):
        try:
            where = read_json(where)
        except ValueError:
            raise OmsInputError("where", _WHERE_RULE, kind_of(where)) from None
    if not isinstance(where, Mapping) or not where:
        empty = isinstance(where, Mapping)
        raise OmsInputError("where", _WHERE_RULE, "an empty dict" if empty else kind_of(where))
    conditions: dict[str, dict[str, bool]] = {}
    for name, lists in where.items():
        column = _column("a column of where", name)
        if column in conditions:
            raise OmsInputError("where", _WHERE_RULE, "a column that is there twice")
        conditions[column] = _values(column, lists)
    if len(json.dumps(conditions)) > _MOST_CHARACTERS:
        rule = f"of {_MOST_CHARACTERS} characters at most, as JSON"
        raise OmsInputError("where", rule, "more")
    return conditions


def _values(column: str, lists: Any) -> dict[str, bool]:
    """Return whether each value of a column asks for a cancel."""
    argument = f"where of {column[:40]!r}"
    if not isinstance(lists, Mapping) or not {_CANCEL} <= set(lists) <= {_CANCEL, _IGNORE}:
        rule = "a dict with cancel and, if wanted, ignore, and nothing else"
        raise OmsInputError(argument, rule, kind_of(lists))
    values: dict[str, bool] = {}
    for word in (_CANCEL, _IGNORE):
        for text in _texts(argument, word, lists.get(word, ())):
            if values.setdefault(text, word == _CANCEL) != (word == _CANCEL):
                rule = "values of which each means one thing"
                raise OmsInputError(argument, rule, "a value that is to cancel and to ignore")
    if True not in values.values():
        rule = "at least one value that means cancel"
        raise OmsInputError(argument, rule, "an empty list")
    return values


def _texts(argument: str, word: str, given: Any) -> list[str]:
    rule = f"a list of texts for {word}"
    is_list = isinstance(given, (Sequence, Set)) and not isinstance(given, (str, bytes))
    if not is_list:
        raise OmsInputError(argument, rule, kind_of(given))
    texts = []
    for value in given:
        text = None if value is None else text_of(value)
        if text is None:
            raise OmsInputError(argument, rule, kind_of(value))
        if not text and word == _CANCEL:
            # A field that is blank by accident would ask for a cancel.
            raise OmsInputError(argument, rule, "a blank value that means cancel")
        texts.append(text)
    return texts


def text_of(value: Any) -> str | None:
    """Return the text of a field that decides, as ``where`` has it.

    :param value: the file's value: a text, a whole number, a boolean or nothing.
    :return: the text, ``""`` for a blank one; ``None`` for a value of another kind.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int):
        return None
    text = str(value)
    return text if text.strip() else ""


def folded(text: str) -> str:
    """Return a text without blanks and letter case, to find the word that was probably meant.

    :param text: a value or the name of a column.
    """
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def validate_delimiter(value: Any) -> str | None:
    r"""Return the delimiter of a CSV file, if a caller gave one.

    :param value: one character; ``\t`` in two characters, or ``tab``, for a tab; ``None`` or ``""``
        where it is to be found out.
    :raises OmsInputError: for anything that cannot be one.
    """
    if value in (None, ""):
        return None
    if value in _TAB_IN_WORDS:
        return "\t"
    if not isinstance(value, str) or len(value) != 1 or value.isalnum() or value in _NO_DELIMITER:
        raise OmsInputError("delimiter", _DELIMITER_RULE, kind_of(value))
    return value
