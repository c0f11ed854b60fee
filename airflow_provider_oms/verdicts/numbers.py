"""Order numbers: from the number that a shop gives an order to the OMS's id of it.

This is for translated tenants. A native tenant looks numbers up itself; see ``order_key``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.validation import validate_order_id
from airflow_provider_oms.api.values import kind_of
from airflow_provider_oms.verdicts.adapters.payload import naming, order_of
from airflow_provider_oms.verdicts.verdict import Adapter, OmsVerdictError, Payload, Verdict

__all__ = ["OrderNumbers", "Source"]

_LookUp: TypeAlias = Callable[[str | int], Any]
#: Where numbers are looked up: a dict, the rows of a query with two columns (number and id), or a
#: callable that returns the id of a number, ``None`` where there is none.
Source: TypeAlias = Mapping[Any, Any] | Iterable[Any] | _LookUp

_COLUMNS = 2
_SEVERAL = (list, tuple, set, frozenset)


class OrderNumbers:
    """Find the OMS's id of an order by the shop's number of it.

    A number must lead to exactly one order. Digits as text and as a number are the same number;
    ``0123`` and ``123`` are not.

    :param source: a dict of ids by number; the rows of a query, each with a number and an id; or a
        callable from a number to an id, to ``None``, or to a list of ids. A dict and rows are read
        once, here. A row whose number is null is left out.
    :raises OmsInputError: when it is no such thing, or a number in it is none.
    """

    def __init__(self, source: Source) -> None:
        if isinstance(source, Mapping):
            self._look_up: _LookUp = _table(source.items())
        elif callable(source):
            self._look_up = source
        else:
            self._look_up = _table(_rows_of(source))

    def wrap(self, adapter: Adapter) -> Adapter:
        """Return an adapter whose verdicts name their orders by the OMS's ids.

        :param adapter: an adapter whose verdicts name them by the shop's numbers.
        :return: the adapter; it also raises ``OmsVerdictError`` for a number that leads to no
            order, or to several. A refusal of the payload names the order by its id if there is
            one, so that it is taken for the same order as in other verdicts.
        """

        def read(payload: Payload) -> Verdict:
            try:
                verdict = adapter(payload)
            except OmsVerdictError as error:
                raise self._with_id(error) from None
            return replace(verdict, order=self.order_id(verdict.order))

        return read

    def order_id(self, number: Any) -> int:
        """Return the OMS's id of an order.

        :param number: the shop's number of it.
        :raises OmsVerdictError: when it leads to no order, or to several, or to a value that is no
            id.
        """
        order = order_of("the order's number", number)
        found = self._look_up(order)
        candidates = found if isinstance(found, _SEVERAL) else (found,)
        try:
            ids = {validate_order_id(each) for each in candidates if each is not None}
        except OmsInputError as error:
            problem = OmsVerdictError("the order_id of that number", error.rule, error.kind)
            raise naming(problem, order) from None
        if len(ids) != 1:
            rule = "a number with exactly one order_id"
            kind = f"a number with {len(ids) or 'none'}"
            raise naming(OmsVerdictError("the order's number", rule, kind), order)
        return ids.pop()

    def _with_id(self, error: OmsVerdictError) -> OmsVerdictError:
        try:
            return naming(error, self.order_id(error.order))
        except OmsVerdictError:
            # Without an order, too: None is no number.
            return error


def _table(rows: Iterable[Any]) -> _LookUp:
    ids: dict[str, list[Any]] = defaultdict(list)
    for position, row in enumerate(rows, start=1):
        columns = _columns_of(row)
        if len(columns) != _COLUMNS:
            rule = "a number and an id"
            raise OmsInputError(f"row {position} of the order numbers", rule, kind_of(row))
        number, order_id = columns
        if number is not None:
            field = f"the number in row {position} of the order numbers"
            ids[str(order_of(field, number))].append(order_id)
    return lambda number: ids.get(str(number))


def _rows_of(source: Any) -> Iterable[Any]:
    if isinstance(source, str | bytes) or not isinstance(source, Iterable):
        rule = "a dict, rows of a number and an id, or a callable"
        raise OmsInputError("order numbers", rule, kind_of(source))
    return source


def _columns_of(row: Any) -> tuple[Any, ...]:
    # The rows of some databases are no tuples, and a dict would be gone through by its keys.
    if isinstance(row, str | bytes | Mapping) or not isinstance(row, Iterable):
        return ()
    return tuple(row)
