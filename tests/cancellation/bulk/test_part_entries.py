"""Entries that name parts of an order: each order once, and nothing blank becomes more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_oms.api.dialects import rules_of
from airflow_provider_oms.cancellation.bulk.columns import Columns
from airflow_provider_oms.cancellation.bulk.csv_entries import entries_of_csv
from airflow_provider_oms.cancellation.bulk.entries import PART_KEYS, entries_of_value
from airflow_provider_oms.cancellation.bulk.json_entries import entries_of_json_lines
from airflow_provider_oms.cancellation.bulk.order_set import (
    OmsOrderSetError,
    OrderSet,
    Reasons,
    plan_orders,
    split_orders,
)
from airflow_provider_oms.cancellation.bulk.part_entries import order_in
from airflow_provider_oms.cancellation.bulk.rows import Rows

REASON = "created_by_mistake"


def reasons(api: str = "native") -> Reasons:
    return Reasons(rules_of(api), REASON, order_key="number" if api == "native" else None)


def planned(*entries: Any, api: str = "native", most: int = 100) -> OrderSet:
    return plan_orders(entries_of_value(list(entries)), reasons(api), max_orders=most)


def problem_of(*entries: Any, api: str = "native") -> str:
    with pytest.raises(OmsOrderSetError) as caught:
        planned(*entries, api=api)
    return caught.value.problems[-1]


def wanted(orders: OrderSet, number: int) -> list[tuple[Any, int | None, int | None]]:
    (found,) = [one for id_, one in orders.parts.items() if str(id_).endswith(str(number))]
    return [(one.name, one.quantity, one.keep) for one in found.wanted]


class TestTheUnit:
    def test_all_lines_of_an_order_are_one_cancellation(self) -> None:
        orders = planned(
            {"order_id": 7, "line": 1, "quantity": 2},
            8,
            {"order_id": 7, "line": "2", "keep_quantity": "1"},
            {"order_id": 7, "items": [3, {"line": 4, "quantity": 1}]},
        )
        assert wanted(orders, 7) == [(1, 2, None), (2, None, 1), (3, None, None), (4, 1, None)]
        assert (len(orders), len(orders.requests), orders.duplicates) == (2, 1, 0)

    def test_all_shipments_of_an_order_are_one_cancellation(self) -> None:
        orders = planned({"order_id": 7, "shipment": 11}, {"order_id": 7, "shipment": "12"})
        assert wanted(orders, 7) == [(11, None, None), (12, None, None)]
        assert [one.is_shipment for one in orders.parts.values()] == [True]

    def test_an_entry_in_doubt_makes_all_of_it_doubtful(self) -> None:
        orders = planned({"order_id": 7, "line": 1}, {"order_id": 7, "line": 2, "in_doubt": "true"})
        assert orders.in_doubt == frozenset(orders.parts)

    def test_a_reason_is_that_of_the_entrys_lines(self) -> None:
        broken = {"disposition_reason": "other", "disposition_other_reason": "Broken"}
        orders = planned(
            {"order_id": 7, "line": 71, **broken},
            {"order_id": 7, "line": 72, "disposition_reason": "no_inventory"},
            api="translated",
        )
        (one,) = orders.parts.values()
        assert [(each.reason.code, each.reason.explanation) for each in one.wanted] == [
            ("other", "Broken"),
            ("no_inventory", None),
        ]
        assert one.as_request().disposition_reason == "other, no_inventory"

    def test_its_key_is_not_the_orders_and_differs_for_another_wish(self) -> None:
        keys = {
            next(iter(planned({"order_id": 7, **parts}).parts.values())).key
            for parts in (
                {"line": 1},
                {"line": 1, "quantity": 1},
                {"line": 1, "keep_quantity": 1},
                {"line": 2},
                {"shipment": 1},
            )
        }
        assert len(keys) == 5
        assert all("/parts:" in key for key in keys)

    @pytest.mark.parametrize("order_id", [7, "order_number:7", "external_id:a/parts:b"])
    def test_its_key_names_its_order_and_another_key_is_the_order(self, order_id: Any) -> None:
        (one,) = planned({"order_id": 7, "line": 1}).parts.values()
        assert order_in(replace(one, order_id=order_id).key) == str(order_id)
        assert order_in("7") == "7"

    def test_it_is_named_in_words(self) -> None:
        items = [1, {"line": 2, "quantity": 3}, {"line": 4, "keep_quantity": 5}]
        (one,) = planned({"order_id": 7, "items": items}).asked.values()
        assert getattr(one, "parts", "") == "line 1, 3 of line 2, line 4 but 5"
        (one,) = planned({"order_id": 7, "shipment": 11}).asked.values()
        assert getattr(one, "parts", "") == "shipment 11"


class TestTwice:
    def test_an_order_as_a_whole_and_in_part_is_refused(self) -> None:
        part = {"order_id": 7, "line": 1}
        for entries in ((7, part), (part, 7)):
            assert "as a whole and in part" in problem_of(*entries)

    def test_lines_and_shipments_of_one_order_are_refused(self) -> None:
        said = problem_of({"order_id": 7, "line": 1}, {"order_id": 7, "shipment": 11})
        assert "with lines and with shipments" in said

    @pytest.mark.parametrize(
        "part", [{"line": 1}, {"line": 1, "keep_quantity": 2}, {"shipment": 1}]
    )
    def test_the_same_target_again_is_a_duplicate(self, part: dict[str, Any]) -> None:
        orders = planned({"order_id": 7, **part}, {"order_id": 7, **part})
        assert (len(wanted(orders, 7)), orders.duplicates) == (1, 1)
        # Each one counts, and those that follow are no duplicates.
        named = [{"order_id": order_id, **part} for order_id in (7, 7, 7, 8, 8, 9)]
        assert planned(*named).duplicates == 3

    @pytest.mark.parametrize(
        "again",
        [{"line": 1, "quantity": 1}, {"line": 1}, {"line": 1, "keep_quantity": 1}],
    )
    def test_a_line_with_anything_else_is_refused(self, again: dict[str, Any]) -> None:
        # Two quantities may be one that came twice.
        said = problem_of({"order_id": 7, "line": 1, "quantity": 1}, {"order_id": 7, **again})
        assert "line 1 of order" in said
        assert "is there twice" in said

    def test_more_lines_than_one_record_holds_are_refused(self) -> None:
        said = problem_of(*({"order_id": 7, "line": number} for number in range(1, 202)))
        assert "more than 200 lines" in said


class TestBlank:
    @pytest.mark.parametrize("key", PART_KEYS)
    @pytest.mark.parametrize("blank", [None, "", " "])
    def test_a_part_that_comes_out_as_nothing_is_not_the_whole_order(
        self, key: str, blank: Any
    ) -> None:
        assert problem_of({"order_id": 7, key: blank})

    @pytest.mark.parametrize("key", ["quantity", "keep_quantity"])
    @pytest.mark.parametrize("blank", [None, "", " "])
    def test_a_quantity_that_does_is_not_the_whole_line(self, key: str, blank: Any) -> None:
        assert "a blank one" in problem_of({"order_id": 7, "line": 1, key: blank})

    @pytest.mark.parametrize("key", ["quantity", "keep_quantity"])
    def test_one_that_is_no_number_is_named(self, key: str) -> None:
        said = problem_of({"order_id": 7, "line": 1, key: "x"})
        assert said.startswith(f"entry 1: {key} must be a whole number from ")

    def test_no_item_is_not_the_whole_order(self) -> None:
        assert problem_of({"order_id": 7, "items": []})

    @pytest.mark.parametrize(
        ("parts", "says"),
        [
            ({"line": 1, "shipment": 2}, "several of them"),
            ({"line": 1, "items": [1]}, "several of them"),
            ({"line": " ", "items": None}, "a blank one"),
            ({"line": 1, "quantity": 1, "keep_quantity": 1}, "both"),
            ({"shipment": 1, "quantity": 1}, "left out without line"),
            ({"items": [1], "keep_quantity": 1}, "left out without line"),
            ({"line": "x"}, "line must be"),
            ({"line": 1, "quantity": 0}, "quantity must be"),
            ({"line": 1, "quantity": "-1"}, "quantity must be"),
            ({"line": 1, "reason": "x"}, "unknown key"),
        ],
    )
    def test_what_is_wrong_is_named(self, parts: dict[str, Any], says: str) -> None:
        assert says in problem_of({"order_id": 7, **parts})

    def test_more_orders_than_allowed_are_refused_whatever_they_are(self) -> None:
        with pytest.raises(OmsOrderSetError, match="max_orders"):
            planned(1, {"order_id": 2, "line": 1}, {"order_id": 3, "shipment": 1}, most=2)


def of_csv(text: str, columns: Columns | None = None) -> OrderSet:
    rows = Rows(columns or Columns(), None, reasons().name_of)
    return plan_orders(
        entries_of_csv(text.splitlines(keepends=True), rows), reasons(), max_orders=100
    )


class TestRows:
    def test_each_row_is_a_line(self) -> None:
        orders = of_csv("order_id,line,keep_quantity\n7,1,0\n7,2,3\n8,1,1\n")
        assert wanted(orders, 7) == [(1, None, 0), (2, None, 3)]
        assert wanted(orders, 8) == [(1, None, 1)]

    def test_a_row_fills_in_one_of_two_columns(self) -> None:
        orders = of_csv("order_id,line,shipment,quantity,keep_quantity\n7,1,,2,\n7,2,,,0\n")
        assert wanted(orders, 7) == [(1, 2, None), (2, None, 0)]
        assert wanted(of_csv("order_id,line,shipment\n7,1,\n8,,11\n"), 8) == [(11, None, None)]

    @pytest.mark.parametrize(
        "row", ["7,,", "7,,2", "7,1,", "7, , 2"], ids=["nothing", "no line", "no number", "spaces"]
    )
    def test_a_row_with_a_blank_field_refuses_the_set(self, row: str) -> None:
        with pytest.raises(OmsOrderSetError) as caught:
            of_csv(f"order_id,line,keep_quantity\n8,1,1\n{row}\n")
        assert "line 3" in caught.value.problems[0]

    @pytest.mark.parametrize("last", ["line", "keep_quantity", "quantity", "shipment"])
    def test_a_field_at_the_end_without_a_line_break_may_be_cut_off(self, last: str) -> None:
        columns = "order_id,line," if "quantity" in last else "order_id,"
        values = "7,1," if "quantity" in last else "7,"
        with pytest.raises(OmsOrderSetError) as caught:
            of_csv(f"{columns}{last}\n{values}12")
        assert "may be cut off" in caught.value.problems[0]

    def test_its_columns_count_in_an_export_too(self) -> None:
        # Left out, an export of lines would cancel the whole orders.
        columns = Columns.checked("Order", None)
        orders = of_csv("Order,line,Color\n7,1,red\n7,2,blue\n", columns)
        assert wanted(orders, 7) == [(1, None, None), (2, None, None)]
        with pytest.raises(OmsOrderSetError):
            of_csv("Order,quantity\n7,1\n", columns)

    @pytest.mark.parametrize("name", ["Line", "LINE", "Keep_Quantity", "ship ment"])
    def test_a_column_that_is_almost_one_of_them_refuses_the_set(self, name: str) -> None:
        columns = replace(Columns.checked("Order", None), expects_parts=True)
        with pytest.raises(OmsOrderSetError, match="letter case and blanks count"):
            of_csv(f"Order,{name}\n7,1\n", columns)
        (entry,) = entries_of_json_lines([f'{{"Order": 7, "{name}": 1}}\n'], Rows(columns))
        assert "letter case and blanks count" in entry[1].problem
        # Where only whole orders are meant, it is a column like any other.
        assert len(of_csv(f"Order,{name}\n7,1\n", Columns.checked("Order", None)).requests) == 1

    def test_a_blank_value_that_decides_is_not_that_of_the_line_above(self) -> None:
        columns = Columns.checked("Order", {"Stock": {"cancel": ["out"], "ignore": ["in"]}})
        orders = of_csv("Order,line,Stock\n7,1,out\n8,1,in\n", columns)
        assert wanted(orders, 7) == [(1, None, None)]
        with pytest.raises(OmsOrderSetError) as caught:
            of_csv("Order,line,Stock\n7,1,out\n7,2,\n", columns)
        assert "is blank" in caught.value.problems[0]


def test_a_split_keeps_the_lines_of_an_order_together() -> None:
    entries = [
        {"order_id": 7, "line": 1},
        {"order_id": 8, "line": 1},
        9,
        {"order_id": 7, "line": 2},
    ]
    chunks = split_orders(
        entries, chunk_size=1, disposition_reason=REASON, api="native", order_key="number"
    )
    assert chunks == [[entries[0], entries[3]], [entries[1]], [entries[2]]]


class TestWherePartsAreExpected:
    @pytest.mark.parametrize(
        "entry",
        [
            {"order_id": 7},
            {"order_id": 7, "disposition_reason": "other", "disposition_other_reason": "Why"},
            {"order_id": 7, "in_doubt": True},
        ],
    )
    def test_an_object_without_a_part_is_refused(self, entry: Any) -> None:
        entries = entries_of_value([{"order_id": 8, "line": 1}, entry])
        with pytest.raises(OmsOrderSetError, match="entry 2: the entry has none of items"):
            plan_orders(entries, reasons(), max_orders=9, expects_parts=True)

    def test_a_bare_id_is_the_whole_order(self) -> None:
        entries = entries_of_value([{"order_id": 8, "line": 1}, 7])
        orders = plan_orders(entries, reasons(), max_orders=9, expects_parts=True)
        assert (len(orders.requests), len(orders.parts)) == (1, 1)

    @pytest.mark.parametrize("name", ["lineId", "orderItemID", "Lineitem id", "shipmentNumber"])
    def test_a_column_of_another_name_cancels_no_whole_order(self, name: str) -> None:
        columns = replace(Columns.checked("order_id", None), expects_parts=True)
        rows = Rows(columns, None, reasons().name_of)
        entries = entries_of_csv([f"order_id,{name}\n", "7,1\n"], rows)
        with pytest.raises(OmsOrderSetError, match="line 2: the entry has none of items"):
            plan_orders(entries, reasons(), max_orders=9, expects_parts=True)


class TestLinesThatWhereChooses:
    def entries(self, *lines: str) -> list[tuple[str, Any]]:
        where = {"Status": {"cancel": ["out"], "ignore": ["ok"]}}
        columns = replace(Columns.checked("order_id", where), expects_parts=True)
        rows = Rows(columns, None, reasons().name_of)
        head = "order_id,line,Status\n"
        return list(entries_of_csv([head, *(f"{line}\n" for line in lines)], rows))

    def test_some_lines_of_an_order_are_canceled_and_others_kept(self) -> None:
        entries = self.entries("7,1,out", "7,2,ok", "7,3,out")
        orders = plan_orders(entries, reasons(), max_orders=9, expects_parts=True)
        assert wanted(orders, 7) == [(1, None, None), (3, None, None)]

    def test_a_line_that_means_both_is_refused(self) -> None:
        entries = self.entries("7,1,out", "7,1,ok")
        with pytest.raises(OmsOrderSetError, match="line 3: another row of the same order, or"):
            plan_orders(entries, reasons(), max_orders=9, expects_parts=True)

    def test_a_blank_value_says_nothing_of_another_line(self) -> None:
        entries = self.entries("7,1,out", "7,2,")
        with pytest.raises(OmsOrderSetError, match="line 3: the field Status is blank, and a row"):
            plan_orders(entries, reasons(), max_orders=9, expects_parts=True)
