"""What a store takes: JSON's own types, since each store has its own way with all others."""

from __future__ import annotations

from typing import Any


def check_plain_json(value: Any) -> None:
    """Fail for a value that is only like JSON, such as a member of an enumeration.

    :param value: the value.
    """
    if type(value) is dict:
        assert all(type(key) is str for key in value), value
        for inner in value.values():
            check_plain_json(inner)
    elif type(value) is list:
        for inner in value:
            check_plain_json(inner)
    else:
        assert value is None or type(value) in {str, int, float, bool}, repr(value)
