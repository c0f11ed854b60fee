"""`responseFields`: which fields of an answer a client asks for, such as `totalCount,items(id)`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from airflow_provider_oms.emulator.errors import native_error

_PART: Final = re.compile(r"\s*([A-Za-z0-9_.-]+|[(),])\s*")
_DEEPEST: Final = 20
#: Fields by their names in lower case; an empty one stands for all that is below it.
Fields = dict[str, "Fields"]


def read_fields(text: str | None) -> Fields:
    """Return the fields that are asked for; names that no answer has are taken as well.

    :param text: the parameter; without it, all are.
    """
    parts: list[str] = []
    position = 0
    text = (text or "").strip()
    while position < len(text):
        found = _PART.match(text, position)
        if found is None:
            raise _malformed()
        parts.append(found[1])
        position = found.end()
    fields: Fields = {}
    path = [fields]
    name = None
    for part in parts:
        if part == "(" and name is not None and len(path) < _DEEPEST:
            path.append(path[-1][name])
            name = None
        elif part == ")" and len(path) > 1:
            path.pop()
            name = None
        elif part not in "(),":
            name = part.lower()
            path[-1].setdefault(name, {})
        elif part != ",":
            raise _malformed()
    if len(path) > 1:
        raise _malformed()
    return fields


def thin(value: Any, fields: Fields) -> Any:
    """Return the part of an answer that is asked for.

    :param value: the whole answer.
    :param fields: the fields asked for.
    """
    if isinstance(value, list):
        return [thin(one, fields) for one in value]
    if not (fields and isinstance(value, Mapping)):
        return value
    return {
        name: thin(one, fields[name.lower()])
        for name, one in value.items()
        if name.lower() in fields
    }


def _malformed() -> Exception:
    return native_error(400, "MISSING_OR_INVALID_PARAMETER", "responseFields can not be read.")
