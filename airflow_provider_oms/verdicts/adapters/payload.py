"""Read a fraud check's payload, and refuse a payload that is no verdict by the name of its field.

No value is quoted, because it may be a shopper's. A word that decides is: it names no person.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.values import kind_of, kind_of_id, whole_number
from airflow_provider_oms.verdicts.verdict import Decision, OmsVerdictError

__all__ = [
    "Path",
    "Words",
    "case_id_of",
    "folded",
    "keys_of",
    "meanings_of",
    "named",
    "naming",
    "optional",
    "order_of",
    "required",
    "shown",
    "word_among",
    "words_of",
]

#: Where a field is: its name, with a dot before each nested one (``"decision.score"``). A tuple has
#: the names one by one, for names that have dots themselves.
Path: TypeAlias = str | Sequence[str]
#: Words as a payload has them. ``True`` stands for JSON's ``true``, and 1 for the number.
Words: TypeAlias = Collection[str | int]

_MOST_CHARACTERS = 255
_MOST_SHOWN = 40
_ORDER_RULE = (
    "an order's id or number: a whole number from 1, or a text without blanks around it and "
    "without characters that cannot be seen"
)
# What other programs write where there is no value. None of them is an order.
_PLACEHOLDERS = frozenset({"none", "null", "nan", "undefined"})


def keys_of(argument: str, path: Any) -> tuple[str, ...]:
    """Return the names that lead to a field.

    :param argument: the setting that gives the path, for the error.
    :param path: the path.
    :raises OmsInputError: when it is none.
    """
    keys: tuple[Any, ...] = ()
    if isinstance(path, str):
        keys = tuple(path.split("."))
    elif isinstance(path, Sequence) and not isinstance(path, bytes):
        keys = tuple(path)
    if not keys or not all(isinstance(key, str) and key.strip() for key in keys):
        rule = "the name of a field, with a dot before each nested one"
        raise OmsInputError(argument, rule, kind_of(path))
    return keys


def named(keys: Sequence[str]) -> str:
    """Return a field's name as messages have it.

    :param keys: the names that lead to it.
    """
    return ".".join(keys)


def optional(payload: Any, keys: Sequence[str], within: Sequence[str] = ()) -> Any:
    """Return the value of a field, ``None`` where it is missing or null.

    :param payload: the payload, or an object in it.
    :param keys: the names that lead to the field.
    :param within: the names that lead to that object, for the error.
    :raises OmsVerdictError: when something else than an object is on the way.
    """
    value = payload
    for depth, key in enumerate(keys):
        if value is None and depth:
            return None
        if not isinstance(value, Mapping):
            field = named((*within, *keys[:depth])) or "the payload"
            raise OmsVerdictError(field, "a dict, as a JSON object becomes", kind_of(value))
        value = value.get(key)
    return value


def required(payload: Any, keys: Sequence[str], within: Sequence[str] = ()) -> Any:
    """Return the value of a field.

    :param payload: the payload, or an object in it.
    :param keys: the names that lead to the field.
    :param within: the names that lead to that object, for the error.
    :raises OmsVerdictError: when it is missing or null.
    """
    value = optional(payload, keys, within)
    if value is None:
        rule = "a field of the payload that has a value"
        raise OmsVerdictError(named((*within, *keys)), rule, "a payload without it")
    return value


def order_of(field: str, value: Any) -> str | int:
    """Return the order that a value names; digits in a text stay a text.

    :param field: the field's name, for the error.
    :param value: the value.
    :raises OmsVerdictError: for a boolean, a float, a blank, padding, a placeholder such as
        ``"null"``, and any character that cannot be seen.
    """
    if not isinstance(value, str):
        number = whole_number(value)
        if number is None:
            raise OmsVerdictError(field, _ORDER_RULE, kind_of_id(value))
        return number
    if value.casefold() in _PLACEHOLDERS:
        raise OmsVerdictError(field, _ORDER_RULE, "a placeholder for no value")
    if not _is_plain(value):
        raise OmsVerdictError(field, _ORDER_RULE, kind_of_id(value))
    return value


def naming(error: OmsVerdictError, order: str | int) -> OmsVerdictError:
    """Return the same refusal with the order that the payload names.

    :param error: the refusal.
    :param order: the order.
    """
    return OmsVerdictError(error.field, error.rule, error.kind, order).about(order)


def case_id_of(value: Any) -> str | None:
    """Return the name of a case, ``None`` where there is none that can be shown.

    A label decides nothing: one that cannot be shown must not keep an order from being canceled.

    :param value: the value.
    """
    text = value if isinstance(value, str) else whole_number(value)
    return str(text) if text is not None and text != "" and _is_plain(str(text)) else None


def _is_plain(text: str) -> bool:
    # Not printable are controls, line breaks, marks of zero width, and blanks that look like one.
    return 0 < len(text) <= _MOST_CHARACTERS and text == text.strip() and text.isprintable()


def meanings_of(**settings: tuple[Decision, Any]) -> dict[str, Decision]:
    """Return the meaning of each word.

    :param settings: by the name of a setting, the meaning of its words, and the words. Those of the
        first must not be empty.
    :raises OmsInputError: when a setting holds no such words, or a word is in two settings.
    """
    meanings: dict[str, Decision] = {}
    places: dict[str, str] = {}
    for argument, (decision, words) in settings.items():
        for word in words_of(argument, words):
            if places.setdefault(word, argument) != argument:
                kind = f"{shown(word)}, which is in {places[word]} too"
                raise OmsInputError(argument, "words of which each means one thing", kind)
            meanings[word] = decision
        if not meanings:
            raise OmsInputError(argument, "at least one word", "none")
    return meanings


def words_of(argument: str, words: Any) -> list[str]:
    """Return the words of a setting as texts.

    :param argument: the setting, for the error.
    :param words: a list, a tuple or a set of them.
    :raises OmsInputError: when it is none.
    """
    rule = "a list of words"
    if not isinstance(words, Collection) or isinstance(words, (str, bytes, Mapping)):
        raise OmsInputError(argument, rule, kind_of(words))
    texts = []
    for word in words:
        text = _text_of(word)
        if text is None or not text.strip():
            raise OmsInputError(argument, rule, kind_of(word))
        texts.append(text)
    return texts


def word_among(field: str, value: Any, known: Iterable[str], rule: str) -> str:
    """Return a word of a payload that a setting names.

    :param field: the field's name, for the error.
    :param value: the value.
    :param known: the words that the setting names.
    :param rule: the rule for the word, for the error.
    :raises OmsVerdictError: for any other, however near it is.
    """
    word, known = _text_of(value), list(known)
    if word is None or not word.strip():
        raise OmsVerdictError(field, rule, kind_of(value))
    if word in known:
        return word
    near = next((each for each in known if folded(each) == folded(word)), None)
    if near is not None:
        kind = f"{shown(word)}, which differs from {shown(near)} by letter case or blanks alone"
        raise OmsVerdictError(field, rule, kind)
    raise OmsVerdictError(field, rule, shown(word))


def _text_of(word: Any) -> str | None:
    if isinstance(word, bool):
        return str(word).lower()
    return str(word) if isinstance(word, str | int) else None


def shown(word: str) -> str:
    """Return a word as messages have it: escaped, and cut.

    :param word: the word.
    """
    return repr(word[:_MOST_SHOWN]) + ("…" if len(word) > _MOST_SHOWN else "")


def folded(text: str) -> str:
    """Return a text without blanks and letter case, to find the word that was probably meant.

    Characters that cannot be seen count as blanks.

    :param text: a word.
    """
    seen = unicodedata.normalize("NFKC", text).casefold()
    return "".join(each for each in seen if each.isprintable() and each != " ")
