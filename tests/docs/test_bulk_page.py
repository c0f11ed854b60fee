"""The page about sets: the ways in which it names a native order are ways to name the same one."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import rows, text_of

from airflow_provider_oms.cancellation.bulk.order_set import split_orders
from airflow_provider_oms.storage import read_orders

WAYS = rows(text_of("docs/bulk.md"), "| | CSV | JSON Lines |")


@pytest.mark.parametrize(("column", "suffix"), [(1, "csv"), (2, "jsonl")])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: str(way[0]))
def test_each_way_to_name_a_native_order_names_the_same_one(
    way: list[str], column: int, suffix: str, tmp_path: Path
) -> None:
    file = tmp_path / f"orders.{suffix}"
    lines = [line.strip("`") for line in way[column].split("<br>")]
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")
    key = "external_id" if "argument" in way[0] else None
    entry = {"order_id": "external_id:SHOP-1042", "disposition_reason": "Fraud"}
    # Twice the same order, so that the second is left out.
    ((found,),) = split_orders(
        [*read_orders(str(file)), entry], disposition_reason="Fraud", api="native", order_key=key
    )
    assert found == read_orders(str(file))[0]


def test_a_native_order_by_its_id_and_by_its_number_is_two() -> None:
    orders = ["137a94b6402be0000137196800002711", "137A94B6-402b-e000-0137-196800002711"]
    (chunk,) = split_orders([*orders, "number:1042"], disposition_reason="Fraud", api="native")
    assert chunk == [orders[0], "number:1042"]


def test_the_page_has_all_three_ways() -> None:
    assert len(WAYS) == 3
