"""The arguments of the bulk operator that go together."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.values import validate_number, validate_only_if_states
from airflow_provider_oms.cancellation.bulk.columns import Columns, validate_delimiter
from airflow_provider_oms.cancellation.bulk.entries import entries_of_value
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet, Reasons, plan_orders
from airflow_provider_oms.cancellation.bulk.rows import Rows
from airflow_provider_oms.outputs import open_outputs
from airflow_provider_oms.storage import read_entries

__all__ = ["read_set", "rows_of", "states_of"]


def states_of(value: Any, given: Collection[str]) -> frozenset[str] | None:
    """Return the states from which a cancellation is wanted; ``None`` for any.

    :param value: ``only_if_states``.
    :param given: the arguments that were not left out.
    :raises OmsInputError: when it names none, also because a template came out as nothing.
    """
    if "only_if_states" in given and value is None:
        raise OmsInputError("only_if_states", "at least one order state", "None")
    return validate_only_if_states(value)


def rows_of(
    order_id_column: Any, where: Any, delimiter: Any, given: Collection[str], reasons: Reasons
) -> Rows:
    """Return what judges the rows of files.

    :param order_id_column: as given.
    :param where: as given.
    :param delimiter: as given.
    :param given: the arguments that were not left out.
    :param reasons: knows the form of an id.
    :raises OmsInputError: when an argument is not valid.
    """
    if "where" in given and where is None:
        raise OmsInputError("where", "the values of each column that decides", "None")
    columns = Columns.checked(order_id_column, where)
    return Rows(columns, validate_delimiter(delimiter), reasons.name_of)


def read_set(
    orders: Any, orders_path: Any, rows: Rows, reasons: Reasons, max_orders: Any
) -> OrderSet:
    """Return the orders of a task, checked as a whole.

    :param orders: as given.
    :param orders_path: as given.
    :param rows: judges the rows of files.
    :param reasons: the reasons of entries that name none.
    :param max_orders: as given.
    :raises OmsInputError: when an argument is not valid.
    :raises OmsOrderSetError: when the set cannot be used.
    :raises OmsFileError: when a file cannot be read.
    """
    if (orders is None) == (not orders_path):
        rule = "one of orders and orders_path"
        raise OmsInputError("the set", rule, "neither" if orders is None else "both")
    most = validate_number("max_orders", max_orders, least=1)
    if orders is None:
        entries = read_entries(str(orders_path), rows)
    elif rows.columns.where or rows.columns.ignores_others or rows.delimiter:
        rule = "left out, as order_id_column and delimiter, without orders_path"
        raise OmsInputError("where", rule, "one of them beside orders")
    else:
        entries = entries_of_value(open_outputs(orders))
    return plan_orders(entries, reasons, max_orders=most)
