"""Reading and writing JSON as an API does it: UTF-8 only, no NaN, no surprises from odd input.

Nothing here knows about orders or HTTP.
"""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn, TypeGuard

#: The largest id that SQLite can hold; a larger one is well formed but belongs to no order.
MAX_ID: Final = 2**63 - 1


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def load_json(raw: bytes | str) -> Any:
    """Parse JSON, raising ValueError for anything else, however it is broken.

    :param raw: the text, or its UTF-8 bytes.
    """
    text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error


def dump_json(value: Any) -> str:
    """Write a value as compact ASCII JSON.

    :param value: anything that `load_json` returns.
    """
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def is_integer(value: object) -> TypeGuard[int]:
    """Return whether a JSON value is an integer, which `true` and `1.0` are not.

    :param value: a value out of `load_json`.
    """
    return isinstance(value, int) and not isinstance(value, bool)


def is_unicode(text: str) -> bool:
    """Return whether a text has no half of a surrogate pair, which JSON can escape.

    :param text: the text.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def digits_to_int(text: str) -> int | None:
    """Read an integer of ASCII digits alone; None for any other text.

    :param text: what to read.
    """
    if not (text.isascii() and text.isdigit()):
        return None
    try:
        return int(text)
    except ValueError:  # Python refuses to convert thousands of digits
        return None
