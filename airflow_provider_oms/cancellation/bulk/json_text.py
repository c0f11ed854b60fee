"""JSON that people write: an object with a key twice, and nesting without end, are errors."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["TwiceError", "read_json"]


class TwiceError(ValueError):
    """Report an object that has a key twice: the last one would count, whichever was meant."""


def read_json(text: str) -> Any:
    """Return the value of a JSON text.

    :param text: JSON.
    :return: the value.
    :raises TwiceError: when a key is there twice.
    :raises ValueError: when it is no JSON, or nested without end.
    """
    try:
        return json.loads(text, object_pairs_hook=_once_each)
    except RecursionError:
        raise ValueError from None


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entry = dict(pairs)
    if len(entry) < len(pairs):
        raise TwiceError("a key is there twice")
    return entry
