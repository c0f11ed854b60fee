"""The names of a file's columns: their errors, and the character that separates them."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from airflow_provider_oms.cancellation.bulk.columns import Columns, folded
from airflow_provider_oms.cancellation.bulk.entries import ENTRY_KEYS

__all__ = ["DELIMITERS", "HEADER_RULE", "found_delimiter", "misnamed", "problem_of_header"]

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
HEADER_RULE = (
    f"the first line must name the columns: order_id and, if wanted, {', '.join(ENTRY_KEYS[1:])}"
)
_OR_NAMED = "of an export as it comes, name the column of the ids in order_id_column"
# Characters of a number, a date or an e-mail address that the name of a column lacks.
_DATA = re.compile(r"[0-9]{3}|@")
# Texts that may be repeated in a message: the name of a column, and nothing that could be a
# shopper's.
_NAME = re.compile(r"[A-Za-z][A-Za-z _/().-]{0,39}", re.ASCII)


def problem_of_header(header: Sequence[str], columns: Columns) -> str | None:
    """Return the error in a header, and the remedy.

    :param header: the names, without blanks around them.
    :param columns: which columns count.
    """
    if not any(header):
        return f"there is none; {HEADER_RULE}"
    if not columns.ignores_others:
        if any(name.isdigit() or _DATA.search(name) for name in header if not columns.has(name)):
            return f"the first line looks like a row of data; {HEADER_RULE}"
        for number, name in enumerate(header, 1):
            if not columns.has(name):
                rule = f"{HEADER_RULE}, and nothing else; {_OR_NAMED}"
                return f"column {number} is {_what(name)}; {rule}"
    if (mistaken := columns.mistaken_for(header)) is not None:
        return misnamed(*mistaken)
    for name in filter(columns.has, header):
        if header.count(name) > 1:
            return f"{name} is there twice; {HEADER_RULE}, each once"
    missing = next((name for name in columns.needed if name not in header), None)
    return None if missing is None else _problem_of_missing(missing, header, columns)


def misnamed(name: str, meant: str) -> str:
    """Return the problem of a column that is probably meant as a field of an entry.

    :param name: its name.
    :param meant: the field.
    """
    return f"{_what(name)} says nothing, and {meant} does; letter case and blanks count"


def _problem_of_missing(missing: str, header: Sequence[str], columns: Columns) -> str:
    if not columns.ignores_others and missing == columns.order_id:
        return f"it has no order_id; {HEADER_RULE}"
    like = next((name for name in header if folded(name) == folded(missing)), None)
    if like is not None:
        return f"it has no {missing!r}, but {like!r}; letter case and blanks count"
    return f"it has no {missing!r}; name the column as the file has it"


def _what(name: str) -> str:
    if not name:
        return "without a name"
    return repr(name) if _NAME.fullmatch(name) else "no name of a column"


def found_delimiter(line: str, needed: Sequence[str], usual: str) -> str | None:
    """Return which character separates the names of columns.

    The names that have to be there decide, and nothing else: a character that is frequent in rows
    may be part of a price or an address.

    :param line: the file's first line.
    :param needed: the names that have to be there.
    :param usual: the delimiter where the line does not show it.
    :return: the character; ``None`` where the line can be read in several ways.
    """
    names = {each: _split(line, each) for each in DELIMITERS}
    fits = [each for each, columns in names.items() if set(needed) <= set(columns)]
    separating = [each for each in fits if len(names[each]) > 1]
    if len(separating) > 1:
        return None
    if separating or fits:
        return separating[0] if separating else usual
    # Nothing fits, which is going to be said: of the names as they were probably meant.
    return max(DELIMITERS, key=lambda each: len(names[each]))


def _split(line: str, delimiter: str) -> list[str]:
    row = next(csv.reader([line], delimiter=delimiter), [])
    return [name.strip() for name in row]
