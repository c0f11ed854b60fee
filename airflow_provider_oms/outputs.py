"""What other tasks leave for the argument ``orders``, in a form that ``cancellation/`` understands.

What counts as a set, and as an entry of it, is decided in ``cancellation/bulk/entries.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.values import kind_of
from airflow_provider_oms.cancellation.bulk.entries import Joined, MappedOutputs
from airflow_provider_oms.version_compat import output_kinds

__all__ = ["open_outputs"]

# A lazy sequence asks Airflow for each slice.
_SLICE = 500
_ZIP_RULE = "one order for each row; choose its order id with .map(lambda row: row[0])"
_MAP_RULE = "a list of orders where .map(), .concat() or .zip() is called on it"


def open_outputs(value: Any) -> Any:
    """Return what Airflow gives for another task's output, in a form without Airflow's classes.

    :param value: the value of an argument, after Airflow has resolved it.
    :return: :class:`MappedOutputs`, also where ``.map()`` was called on them; :class:`Joined` for
        ``.concat()``; any other value as it is.
    :raises OmsInputError: for ``.zip()``, whose rows have several columns; for ``.map()`` over
        a text or a dict, whose characters or keys are no orders; for what Airflow has not had so
        far.
    """
    kinds = output_kinds()
    if isinstance(value, kinds.of_mapped_task):
        return MappedOutputs(_in_slices(value))
    if isinstance(value, kinds.of_concat):
        return Joined([open_outputs(part) for part in value.values])
    if isinstance(value, kinds.of_zip):
        raise OmsInputError("orders", _ZIP_RULE, "the output of .zip(), which has several columns")
    if isinstance(value, kinds.of_map):
        _check_source(value)
        # One by one: of a slice, the function would get the whole list.
        return (
            MappedOutputs(value) if isinstance(value.value, kinds.of_mapped_task) else iter(value)
        )
    if type(value).__module__.startswith("airflow."):
        # It may go through a text by characters, or hide whose outputs it has.
        raise OmsInputError("orders", "a list of orders", kind_of(value))
    return value


def _check_source(value: Any) -> None:
    """Refuse what Airflow would go through by character, by key, or by column of one row."""
    kinds = output_kinds()
    if isinstance(value, kinds.of_map):
        _check_source(value.value)
    elif isinstance(value, (kinds.of_concat, kinds.of_zip)):
        for part in value.values:
            _check_source(part)
    elif not isinstance(value, (list, kinds.of_mapped_task)) and not _is_one_column(value):
        raise OmsInputError("orders", _MAP_RULE, kind_of(value))


def _is_one_column(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) <= 1


def _in_slices(values: Sequence[Any]) -> Iterator[Any]:
    for at in range(0, len(values), _SLICE):
        yield from values[at : at + _SLICE]
