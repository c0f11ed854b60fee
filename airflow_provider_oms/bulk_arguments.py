"""The arguments of the bulk operator that go together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.values import (
    OrderId,
    validate_number,
    validate_only_if_states,
)
from airflow_provider_oms.arguments import NOT_GIVEN
from airflow_provider_oms.cancellation.bulk.columns import Columns, validate_delimiter
from airflow_provider_oms.cancellation.bulk.entries import entries_of_value
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet, Reasons, plan_orders
from airflow_provider_oms.cancellation.bulk.rows import Rows
from airflow_provider_oms.outputs import open_outputs
from airflow_provider_oms.storage import read_entries

if TYPE_CHECKING:
    from airflow_provider_oms.api.dialect import Dialect
    from airflow_provider_oms.cancellation.outcomes import Outcome
    from airflow_provider_oms.cancellation.parts.run import PartsTask

__all__ = ["names_given", "part_tasks", "read_set", "rows_of", "states_of"]


def names_given(conditions: Mapping[str, Any], others: Mapping[str, Any]) -> set[str]:
    """Return the names of the arguments that were not left out.

    :param conditions: those of which ``None`` is no valid value, but one that came to nothing.
    :param others: those of which ``None`` stands for none.
    """
    given = {name for name, value in conditions.items() if value is not NOT_GIVEN}
    return given | {name for name, value in others.items() if value is not None}


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
    expects_parts = "part_options" in given
    columns = replace(Columns.checked(order_id_column, where), expects_parts=expects_parts)
    return Rows(columns, validate_delimiter(delimiter), reasons.name_of)


def read_set(
    orders: Any,
    orders_path: Any,
    rows: Rows,
    reasons: Reasons,
    max_orders: Any,
    given: Collection[str] = (),
) -> OrderSet:
    """Return the orders of a task, checked as a whole.

    :param orders: as given.
    :param orders_path: as given.
    :param rows: judges the rows of files.
    :param reasons: the reasons of entries that name none.
    :param max_orders: as given.
    :param given: the arguments that were not left out.
    :raises OmsInputError: when an argument is not valid.
    :raises OmsOrderSetError: when the set cannot be used.
    :raises OmsFileError: when a file cannot be read.
    """
    if orders is None and not orders_path:
        _refuse_a_source_of_nothing(given)
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
    expects_parts = rows.columns.expects_parts
    return plan_orders(entries, reasons, max_orders=most, expects_parts=expects_parts)


def _refuse_a_source_of_nothing(given: Collection[str]) -> None:
    if "orders" in given:
        rule = "a list of orders; let the task that it comes from return [] where there are none"
        raise OmsInputError("orders", rule, "None, as of a task that returned nothing")
    if "orders_path" in given:
        rule = "the path of a file; correct the template or the task that it comes from"
        raise OmsInputError("orders_path", rule, "an empty one")


def part_tasks(
    orders: OrderSet, part_options: Any, dialect: Dialect, accepts: Collection[Outcome]
) -> dict[OrderId, PartsTask]:
    """Return the task of each order of which the set names parts.

    :param orders: the set.
    :param part_options: as given.
    :param dialect: the tenant's.
    :param accepts: outcomes that do not count as failed. A part ends so for mistakes of the set,
        too, such as a line that its order does not have.
    :raises OmsInputError: when it is not valid, or left out where the set names parts, or where
        outcomes of parts would be accepted.
    """
    if part_options is None and not orders.parts:
        return {}
    from airflow_provider_oms.api.parts import PartKind  # noqa: PLC0415 - most tasks need none of it
    from airflow_provider_oms.cancellation.parts.tasks import PartOptions  # noqa: PLC0415 - most tasks need none of it

    rules, options = dialect.parts(), PartOptions.of_set(part_options)
    if orders.parts and options is None:
        rule = "given where entries have items, shipment, line or a quantity"
        raise OmsInputError("part_options", rule, f"none, and parts of {len(orders.parts)} orders")
    if orders.parts and accepts:
        rule = "left out where entries name parts of orders; cancel these in another task"
        raise OmsInputError("accepted_outcomes", rule, ", ".join(sorted(accepts)))
    if options is None:
        return {}
    of_shipments = options.for_shipments(rules)
    tasks = {}
    for order_id, parts in orders.parts.items():
        chosen = of_shipments if parts.is_shipment else options
        chosen.check(rules, PartKind.SHIPMENT if parts.is_shipment else PartKind.LINE)
        tasks[order_id] = chosen.task(rules, order_id, parts.wanted, is_shipment=parts.is_shipment)
    return tasks
