"""The one door to a set of orders: which values are a set, and what counts as an entry of it.

The argument ``orders``, files (``csv_entries.py``, ``json_entries.py``) and ``split_orders`` all
come through here. ``order_set.py`` has the rules for the fields of an entry.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from numbers import Integral
from typing import Any

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.values import kind_of
from airflow_provider_oms.cancellation.bulk.json_text import read_json
from airflow_provider_oms.cancellation.bulk.refusals import Unusable

__all__ = [
    "ENTRY_KEYS",
    "PART_KEYS",
    "PART_NAMES",
    "Joined",
    "MappedOutputs",
    "entries_of_value",
    "entry_of",
    "is_blank",
]

#: The fields by which an entry names parts of its order.
PART_NAMES = ("items", "shipment", "line")
PART_KEYS = (*PART_NAMES, "quantity", "keep_quantity")
ENTRY_KEYS = (
    "order_id",
    "disposition_reason",
    "disposition_other_reason",
    "order_key",
    "in_doubt",
    *PART_KEYS,
)

_RULE = (
    "a list of orders, a single order id, or a template that renders to a JSON array "
    "({{ … | tojson }}, or the other task's .output)"
)
# One word with a digit in it; whether it is an id is not judged here.
_ONE_ID = re.compile(r"(?=\D*[0-9])[\w:.#-]+", re.ASCII)
_NO_TEXT = (str, bytes, bytearray, memoryview)


@dataclass(frozen=True, slots=True)
class MappedOutputs:
    """Hold the return value of each instance of a mapped task: a list of entries, or one entry.

    Only Airflow's own lazy sequence may become one. Nothing in the shape of a value tells the
    outputs of mapped tasks from rows, whose other columns must never be taken for orders.

    :param outputs: the return value of each instance, in their order.
    """

    outputs: Iterable[Any]


@dataclass(frozen=True, slots=True)
class Joined:
    """Hold several sets that count as one.

    :param parts: values that are a set each.
    """

    parts: Sequence[Any]


def entries_of_value(value: Any) -> Iterator[tuple[str, Any]]:
    """Return the entries of a set, each with its position.

    :param value: a list or another sequence or iterator of entries; one id; the text of a JSON
        array; or :class:`MappedOutputs` or :class:`Joined`.
    :return: position and entry, one at a time; :class:`Unusable` where it is no entry.
    :raises OmsInputError: when the value is no set; ``None`` and ``""`` are none.
    """
    if isinstance(value, MappedOutputs):
        return _of_mapped_tasks(value)
    if isinstance(value, Joined):
        # Each part is judged before the first entry of any is returned.
        parts = [entries_of_value(part) for part in value.parts]
        return (
            (f"part {number}, {position}", entry)
            for number, part in enumerate(parts, 1)
            for position, entry in part
        )
    if isinstance(value, str):
        value = _parse(value)
    is_flag = isinstance(value, bool)
    if isinstance(value, Integral | Decimal) and not is_flag:
        value = [value]
    if not _is_list(value):
        raise OmsInputError("orders", _RULE, _kind_of_set(value))
    return ((f"entry {number}", entry_of(entry)) for number, entry in enumerate(value, 1))


def _is_list(value: Any) -> bool:
    if isinstance(value, tuple) and len(value) > 1:
        # A row that a query returns through fetch_one_handler: the other columns are no orders.
        return False
    is_text = isinstance(value, (*_NO_TEXT, io.IOBase))
    return isinstance(value, Sequence | Iterator) and not is_text


def _parse(text: str) -> Any:
    if _ONE_ID.fullmatch(text):
        return [text]
    try:
        parsed = read_json(text)
    except ValueError:
        raise OmsInputError("orders", _RULE, kind_of(text)) from None
    if not isinstance(parsed, list):
        raise OmsInputError("orders", _RULE, f"the JSON text of {kind_of(parsed)}")
    return parsed


def _kind_of_set(value: Any) -> str:
    kind = kind_of(value)
    if isinstance(value, Mapping):
        return f"{kind}; pass a list of its order ids, or of objects with order_id"
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}, which may be one row of a query; pass a list of order ids"
    if isinstance(value, Set):
        return f"{kind}; pass a list, such as sorted(…)"
    if hasattr(value, "tolist"):
        return f"{kind}; pass a list of whole numbers (int), such as ….tolist()"
    return kind


def is_blank(value: Any) -> bool:
    """Return whether a field says nothing.

    :param value: its content.
    """
    return value is None or (isinstance(value, str) and not value.strip())


def entry_of(value: Any) -> Any:
    """Return a value as one entry of a set: an id or an object.

    :param value: the entry; or a list or tuple of exactly one, which a query of one column
        returns as its row.
    :return: the entry; :class:`Unusable` for any other list or tuple.
    """
    if not isinstance(value, list | tuple):
        return value
    if len(value) == 1 and not isinstance(value[0], list | tuple):
        return value[0]
    if len(value) == 1:
        return Unusable("a list within a list within the list; pass one list of order ids")
    return Unusable(
        f"the row has {len(value)} columns; select only the order id, or pass objects with "
        f"order_id (lists within a list are not joined)"
    )


def _of_mapped_tasks(mapped: MappedOutputs) -> Iterator[tuple[str, Any]]:
    for number, output in enumerate(mapped.outputs, 1):
        # A tuple is one row of a query, as above; a list falls under the rule below.
        if not isinstance(output, list):
            yield f"entry {number}", entry_of(output)
            continue
        for inner, entry in enumerate(output, 1):
            yield f"entry {number}, item {inner}", entry_of(entry)
