"""The values of a connection as forms, URIs, secrets files and Terraform write them.

``config.py`` declares the fields and their meaning.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = [
    "check_credential",
    "read_extra",
    "read_flag",
    "read_list",
    "read_object",
    "read_pairs",
    "show_name",
]

_PLACEHOLDER = re.compile(r"\$\{[^}]*\}|\{\{.*\}\}|\$[A-Z_][A-Z0-9_]*|<[^<>]*>")
_NOTHING = ("none", "null")
_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")
_HOW_IT_GOT_THERE = "which copying or an editor has left; remove it"
_QUOTES = ("'", '"')


def read_extra(extra: str | Mapping[str, Any] | None) -> tuple[dict[str, Any], list[str]]:
    """Return the fields of the extra that are set, and the problems of the extra as a whole.

    :param extra: a JSON object, as text or already read.
    :return: the fields without those that are empty, and the problems.
    """
    document: object = extra
    if extra is None or isinstance(extra, str):
        if not (extra or "").strip():
            return {}, []
        try:
            document = json.loads(extra or "", object_pairs_hook=_unique)
        except _NamedTwiceError as error:
            return {}, [f"extra holds the field {show_name(error.name)} twice"]
        except (ValueError, RecursionError):
            return {}, ["extra is not valid JSON"]
    if not isinstance(document, Mapping):
        return {}, ["extra must be a JSON object"]
    fields = {
        str(key): value.strip() if isinstance(value, str) else value
        for key, value in document.items()
    }
    # Forms and URIs send an empty string for a field that was left alone.
    return {key: value for key, value in fields.items() if value not in (None, "")}, []


def show_name(name: str) -> str:
    """Return a field's name as a message may show it.

    :param name: the name; in a URI whose secret is not encoded, it can be a part of the secret.
    :return: the name in quotation marks; an ellipsis when it does not look like a field's name.
    """
    return repr(name) if _FIELD_NAME.fullmatch(name) else "…"


class _NamedTwiceError(Exception):
    """Report a JSON object that names a field twice, of which the last would silently win.

    :param name: the field.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        names = [name for name, _ in pairs]
        raise _NamedTwiceError(next(name for name in names if names.count(name) > 1))
    return document


def read_list(value: object) -> object:
    """Return a list that may be written as JSON or separated by commas.

    :param value: the list, or its text.
    :return: its items; a value that is no text as it came.
    :raises ValueError: when the text is no list of strings.
    """
    if not isinstance(value, str):
        return value
    if not value.lstrip().startswith("["):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    try:
        items = json.loads(value)
    except (ValueError, RecursionError):
        items = None
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ValueError("must be a list of strings, or one comma-separated string")
    return tuple(items)


def read_object(value: object, problem: str) -> Mapping[Any, Any]:
    """Return an object, which forms and URIs hold as JSON text.

    :param value: the object, or its text.
    :param problem: the message for anything else.
    :return: the object.
    :raises ValueError: when it is none, or its text names a field twice.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value, object_pairs_hook=_unique)
        except (ValueError, RecursionError, _NamedTwiceError):
            raise ValueError(problem) from None
    if not isinstance(value, Mapping):
        raise ValueError(problem)  # noqa: TRY004 - as pydantic wants it
    return value


def read_pairs(value: object) -> tuple[tuple[str, str], ...]:
    """Return pairs of words that may be written as JSON, or as ``a=b, c=d``.

    :param value: the mapping, or its text.
    :return: its pairs.
    :raises ValueError: when it holds anything else, or a word twice.
    """
    problem = "must be a JSON object of strings, or pairs such as other=Other, fraud=Fraud"
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = read_object(value, problem)
    pairs: list[tuple[Any, Any]] = [(value, None)]
    if isinstance(value, str):
        words = (pair.partition("=") for pair in value.split(",") if pair.strip())
        pairs = [(reason, code) for reason, _, code in words]
    elif isinstance(value, Mapping):
        pairs = list(value.items())
    if not all(isinstance(one, str) and one.strip() for pair in pairs for one in pair):
        raise ValueError(problem)
    found = {reason.strip(): code.strip() for reason, code in pairs}
    # Pairs that something else than a comma separates.
    if len(found) < len(pairs) or any("=" in code for code in found.values()):
        raise ValueError(problem)
    return tuple(found.items())


def read_flag(value: object) -> bool:
    """Return a switch, of which forms and URIs write the text.

    :param value: a boolean, or ``true`` or ``false`` in any letter case.
    :return: the switch.
    :raises ValueError: for anything else.
    """
    switch = {"true": True, "false": False}.get(str(value).lower())
    if switch is None:
        raise ValueError("must be true or false")
    return switch


def check_credential(value: object) -> object:
    """Refuse a client id or secret that cannot be what Kibo's Dev Center shows.

    :param value: the credential; it is never quoted.
    :return: the same.
    :raises ValueError: naming the fault.
    """
    if not isinstance(value, str):
        return value
    if value[:1].isspace():
        raise ValueError(f"begins with a {_blank(value[0])}, {_HOW_IT_GOT_THERE}")
    if value[-1:].isspace():
        raise ValueError(f"ends with a {_blank(value[-1])}, {_HOW_IT_GOT_THERE}")
    if not value.isprintable():
        raise ValueError("holds a line break, or another character that cannot be seen; remove it")
    if value and not value.strip("*"):
        raise ValueError(
            "is only asterisks, which Airflow shows instead of a stored value; type the real one"
        )
    if _PLACEHOLDER.fullmatch(value) or value.lower() in _NOTHING:
        raise ValueError("is a placeholder that was not replaced with its value")
    if len(value) > 1 and value[0] == value[-1] and value[0] in _QUOTES:
        raise ValueError("is in quotation marks, which count as a part of it; remove them")
    return value


def _blank(character: str) -> str:
    return {"\n": "line break", "\r": "line break", "\t": "tab"}.get(character, "blank")
