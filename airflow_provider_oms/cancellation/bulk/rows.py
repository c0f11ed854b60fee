"""Judge the rows of a set of files: which ask for a cancel, and which belong to the row above.

The rules that a caller gives for it are in ``columns.py``. A file's reader
(``csv_entries.py``, ``json_entries.py``, ``xlsx_entries.py``) hands each row over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.values import OrderId, kind_of
from airflow_provider_oms.cancellation.bulk.columns import Columns, folded, text_of
from airflow_provider_oms.cancellation.bulk.entries import (
    ENTRY_KEYS,
    PART_KEYS,
    PART_NAMES,
    is_blank,
)
from airflow_provider_oms.cancellation.bulk.refusals import Unusable

__all__ = ["Rows"]


class Rows:
    """Judge rows one after the other, over all files of a set.

    :param columns: which columns count.
    :param delimiter: what separates the fields of a CSV file; ``None`` to find it out.
    :param name_of: returns the one form of an order's id and ``order_key``, or raises
        ``OmsInputError``; without it, ids are compared as they are written.
    """

    def __init__(
        self,
        columns: Columns | None = None,
        delimiter: str | None = None,
        name_of: Callable[[Any, Any], OrderId] | None = None,
    ) -> None:
        self.columns = columns or Columns()
        self.delimiter = delimiter
        self._name_of = name_of
        #: The detected facts about the files, for the log.
        self.facts: list[str] = []
        self._counts = {
            column: dict.fromkeys(values, 0) for column, values in self.columns.where.items()
        }
        # Ids as text: a number and its digits name one order.
        self._of_order: dict[bool, set[tuple[str, str]]] = {True: set(), False: set()}
        self._above: tuple[str, Mapping[str, str]] | None = None

    @property
    def counts(self) -> dict[str, dict[str, int]] | None:
        """Return how many rows had which value, by column; ``None`` where no value decides."""
        return self._counts or None

    def begin_file(self) -> None:
        """Note that the next row has none above it."""
        self._above = None

    def entry_of(self, fields: Mapping[str, Any]) -> Any:
        """Return the entry of a row.

        :param fields: its fields by column, those of :attr:`Columns.needed` among them.
        :return: the entry; ``None`` for a row that asks for nothing; :class:`Unusable` for one of
            which that cannot be told.
        """
        if not self.columns.where:
            if is_blank(fields[self.columns.order_id]):
                return self._blank_id()
            return self._entry(fields)
        return self._judged(fields)

    def _judged(self, fields: Mapping[str, Any]) -> Any:
        above, self._above = self._above, None
        has_no_id = is_blank(fields[self.columns.order_id])
        order_id = "" if has_no_id else self._name(fields)
        if above is not None and order_id not in ("", above[0]):
            above = None
        values: dict[str, str] = {}
        for column, known in self.columns.where.items():
            value = text_of(fields[column])
            # Of several rows for the items of one order, only the first one may name it.
            if value == "" and above is not None and not _names_parts(fields):
                value = above[1][column]
            if value is None or value not in known:
                needs_value = _names_parts(fields)
                return Unusable(_unknown(column, fields[column], value, known, needs_value))
            values[column] = value
        asks = self._asks(values)
        if has_no_id:
            is_part = above is not None and self._says_nothing(fields)
            # It may be one more item of an order to cancel, and say the opposite.
            is_doubtful = asks or (above is not None and self._asks(above[1]))
            if is_doubtful and not is_part:
                return self._blank_id()
            self._above = above
        else:
            subject = (order_id, _part_in(fields))
            if subject in self._of_order[not asks]:
                return Unusable(
                    "another row of the same order, or of the same line of it, means the opposite "
                    "by where; decide on one"
                )
            self._of_order[asks].add(subject)
            self._above = (order_id, values)
        for column, value in values.items():
            self._counts[column][value] += 1
        return self._entry(fields) if asks and not has_no_id else None

    def _asks(self, values: Mapping[str, str]) -> bool:
        return all(self.columns.where[column][value] for column, value in values.items())

    def _name(self, fields: Mapping[str, Any]) -> str:
        """Return the same text for all ways in which a row may write one order's id."""
        given = fields[self.columns.order_id]
        text = given.strip() if isinstance(given, str) else given
        if self._name_of is not None:
            try:
                return str(self._name_of(text, fields.get("order_key")))
            except OmsInputError:
                # A row that is to be ignored may have an id of another system.
                pass
        return str(text)

    def _says_nothing(self, fields: Mapping[str, Any]) -> bool:
        own = (*ENTRY_KEYS[1:], *self.columns.where)
        return all(is_blank(fields.get(column)) for column in own)

    def _blank_id(self) -> Unusable:
        return Unusable(
            f"the field {self.columns.order_id} is blank; fill it in, or delete the row"
        )

    def _entry(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        columns = self.columns
        entry = {"order_id": fields[columns.order_id]}
        for name, value in fields.items():
            # An unknown one is kept to be refused where it may not be ignored.
            is_kept = columns.has(name) or not columns.ignores_others
            if is_kept and name not in columns.needed:
                entry[name] = value
        return entry


def _names_parts(fields: Mapping[str, Any]) -> bool:
    # The first line of an order says nothing about its other lines.
    return any(not is_blank(fields.get(key)) for key in PART_KEYS)


def _part_in(fields: Mapping[str, Any]) -> str:
    """Return the part that a row names, as text; empty for its order as a whole."""
    return " ".join(str(fields[key]).strip() for key in PART_NAMES if not is_blank(fields.get(key)))


def _unknown(
    column: str, given: Any, value: str | None, known: Mapping[str, bool], needs_value: bool
) -> str:
    if value == "" and needs_value:
        return f"the field {column} is blank, and a row that names a line or shipment needs a value"
    if value == "":
        return f"the field {column} is blank, and the row above is none of the same order"
    meant = next((each for each in known if value and folded(each) == folded(value)), None)
    if meant is not None:
        return (
            f"the field {column} differs from {meant!r} by letter case or blanks alone; correct "
            f"it, or name it in where as it is"
        )
    return (
        f"the field {column} has a value that where does not name ({kind_of(given)}); name it "
        f"under cancel or ignore"
    )
