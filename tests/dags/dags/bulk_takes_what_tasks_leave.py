"""Sets of orders as other tasks leave them, and an asset that tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Asset, XComArg, task, task_group
from airflow.providers.common.sql.hooks.handlers import fetch_one_handler
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

FIRST = 6200001
SQL: dict[str, Any] = {"conn_id": "verdicts"}
ONE_ROW: dict[str, Any] = {**SQL, "handler": fetch_one_handler}


def select(*numbers: int) -> str:
    return " UNION ALL ".join(f"SELECT {FIRST + number}" for number in numbers)


def first(row: Sequence[Any]) -> Any:
    return row[0]


def without_the_last(part: list[int]) -> list[int]:
    return part[:-1]


with DAG(dag_id="bulk_takes_what_tasks_leave", schedule=None) as dag:

    @task
    def one_list() -> list[dict[str, int]]:
        return [{"order_id": FIRST}, {"order_id": FIRST + 1}]

    @task
    def part(number: int) -> list[int]:
        return [FIRST + 10 * number, FIRST + 10 * number + 1]

    @task
    def one(number: int) -> str:
        return str(FIRST + number)

    @task
    def rows(number: int) -> list[tuple[int, str]]:
        return [(FIRST + number, "rejected"), (FIRST + number + 1, "rejected")]

    @task_group
    def group(number: int) -> None:
        one.override(task_id="one_of_group")(number)

    @task_group
    def group_of_one(number: int) -> None:
        one.override(task_id="one_of_group")(number)

    def of_group(name: str) -> XComArg:
        return XComArg(dag.get_task(f"{name}.one_of_group"))

    def query(task_id: str, *numbers: int, **arguments: Any) -> Any:
        return SQLExecuteQueryOperator(task_id=task_id, sql=select(*numbers), **arguments).output

    def queries(task_id: str, *statements: str, **arguments: Any) -> Any:
        mapped = SQLExecuteQueryOperator.partial(task_id=task_id, **arguments)
        return mapped.expand(sql=statements).output

    shared: dict[str, Any] = {"disposition_reason": "created_by_mistake", "max_orders": 10}
    OmsBulkCancelOrdersOperator(
        task_id="a_list", orders=one_list(), outlets=[Asset("oms-canceled-orders")], **shared
    )
    OmsBulkCancelOrdersOperator(
        task_id="lists_of_mapped_tasks", orders=part.expand(number=[1, 2, 3]), **shared
    )
    OmsBulkCancelOrdersOperator(
        task_id="ids_of_mapped_tasks", orders=one.expand(number=[40, 41, 42]), **shared
    )
    OmsBulkCancelOrdersOperator(
        task_id="a_template",
        orders="{{ [params.first + 50, params.first + 51] | tojson }}",
        params={"first": FIRST},
        **shared,
    )
    OmsBulkCancelOrdersOperator(task_id="one_id", orders=one(60), **shared)
    group.expand(number=[70, 71])
    OmsBulkCancelOrdersOperator(task_id="a_mapped_group", orders=of_group("group"), **shared)
    group_of_one.expand(number=[80])
    OmsBulkCancelOrdersOperator(
        task_id="a_mapped_group_of_one", orders=of_group("group_of_one"), **shared
    )
    OmsBulkCancelOrdersOperator(task_id="a_query", orders=query("select", 90, 91, **SQL), **shared)
    OmsBulkCancelOrdersOperator(
        task_id="a_query_of_one_row", orders=query("select_one", 100, **ONE_ROW), **shared
    )
    OmsBulkCancelOrdersOperator(
        task_id="a_mapped_query",
        orders=queries("select_parts", select(110, 111), select(112), **SQL),
        **shared,
    )
    OmsBulkCancelOrdersOperator(
        task_id="a_mapped_query_of_one_row",
        orders=queries("select_ones", select(120), select(121), **ONE_ROW),
        **shared,
    )
    OmsBulkCancelOrdersOperator(task_id="a_map", orders=rows(130).map(first), **shared)
    OmsBulkCancelOrdersOperator(
        task_id="a_map_over_mapped_tasks",
        orders=part.override(task_id="parts").expand(number=[14, 15]).map(without_the_last),
        **shared,
    )
    OmsBulkCancelOrdersOperator(
        task_id="a_concat",
        orders=part.override(task_id="a_part")(16).concat(
            part.override(task_id="more_parts").expand(number=[17, 18])
        ),
        **shared,
    )


with DAG(dag_id="bulk_refuses_what_tasks_leave", schedule=None):
    two_columns = f"SELECT {FIRST}, {FIRST + 1}"
    OmsBulkCancelOrdersOperator(task_id="a_row", orders=rows.override(task_id="pairs")(0), **shared)
    OmsBulkCancelOrdersOperator(
        task_id="a_query_of_one_row",
        orders=SQLExecuteQueryOperator(task_id="select_one", sql=two_columns, **ONE_ROW).output,
        **shared,
    )
    OmsBulkCancelOrdersOperator(
        task_id="a_mapped_query",
        orders=SQLExecuteQueryOperator.partial(task_id="select_parts", **SQL)
        .expand(sql=[two_columns])
        .output,
        **shared,
    )
    OmsBulkCancelOrdersOperator(
        task_id="a_mapped_query_of_one_row",
        orders=SQLExecuteQueryOperator.partial(task_id="select_ones", **ONE_ROW)
        .expand(sql=[two_columns])
        .output,
        **shared,
    )
    OmsBulkCancelOrdersOperator(
        task_id="a_zip",
        orders=part.override(task_id="left")(0).zip(part.override(task_id="right")(1)),
        **shared,
    )
    OmsBulkCancelOrdersOperator(
        task_id="a_map_over_digits", orders=one.override(task_id="digits")(0).map(int), **shared
    )
