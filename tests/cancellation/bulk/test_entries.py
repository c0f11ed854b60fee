"""The one door to a set: which values are one, and what counts as an entry of it."""

from __future__ import annotations

import io
from collections import OrderedDict, UserList
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.translated import Translated
from airflow_provider_oms.api.validation import OrderId
from airflow_provider_oms.cancellation.bulk.entries import Joined, MappedOutputs, entries_of_value
from airflow_provider_oms.cancellation.bulk.order_set import Reasons, plan_orders, split_orders
from airflow_provider_oms.cancellation.bulk.refusals import OmsOrderSetError, Unusable

MISTAKE = "created_by_mistake"
IDS = st.integers(1, 10**6)


def entries(value: Any) -> list[Any]:
    return [entry for _, entry in entries_of_value(value)]


def planned(value: Any) -> list[OrderId]:
    orders = plan_orders(entries_of_value(value), Reasons(Translated(), MISTAKE), max_orders=1000)
    return list(orders.requests)


def refusal(value: Any) -> str:
    """Return why a set is refused, by the operator's way in and by that of split_orders alike."""
    with pytest.raises((OmsInputError, OmsOrderSetError)) as error:
        planned(value() if callable(value) else value)
    with pytest.raises((OmsInputError, OmsOrderSetError)) as other:
        split_orders(value() if callable(value) else value, disposition_reason=MISTAKE)
    assert str(other.value) == str(error.value)
    assert str(error.value).endswith("Nothing was sent.")
    return str(error.value)


class TestASet:
    @pytest.mark.parametrize(
        "value",
        [[7, 8], "[7, 8]", " [7,8] ", range(7, 9), UserList([7, 8]), iter([7, 8]), [[7], (8,)]],
    )
    def test_a_list_in_any_form_is_entries_with_their_number(self, value: Any) -> None:
        assert list(entries_of_value(value)) == [("entry 1", 7), ("entry 2", 8)]

    @pytest.mark.parametrize("value", [7, "7", Decimal(7), [7], "[7]", (7,), [(7,)], [[7]]])
    def test_one_id_is_a_set_of_one(self, value: Any) -> None:
        assert planned(value) == [7]
        ((entry,),) = split_orders(value, disposition_reason=MISTAKE)
        assert int(entry) == 7

    def test_digits_are_one_id_and_never_one_for_each_digit(self) -> None:
        assert planned("1234567") == [1234567]
        assert split_orders("1234567", disposition_reason=MISTAKE) == [["1234567"]]

    @pytest.mark.parametrize("value", [[], (), "[]", iter([]), MappedOutputs([]), Joined([])])
    def test_no_orders_are_a_set(self, value: Any) -> None:
        assert planned(value) == []

    def test_objects_are_entries(self) -> None:
        assert planned([{"order_id": 7}, OrderedDict(order_id="8"), [{"order_id": 9}]]) == [7, 8, 9]

    @pytest.mark.parametrize(
        ("value", "says"),
        [
            (None, "got None"),
            ("", "got an empty string"),
            ("None", 'got the string "None"'),
            ("7, 8", "got a string of 4 characters"),
            ("7 ", "got the JSON text of a positive integer"),
            ("[7", "got a string of 2 characters"),
            ('{"order_id": 7}', "got the JSON text of a value of type dict"),
            ('"7"', "got the JSON text of a string of 1 characters"),
            ("[" * 100_000, "got a string of 100000 characters"),
            (True, "got a boolean"),
            (7.0, "got a float"),
            ({"order_id": 7}, "got a value of type dict; pass a list"),
            ({7: "accepted", 8: "rejected"}, "got a value of type dict; pass a list"),
            ({7, 8}, "got a value of type set; pass a list, such as sorted(…)"),
            ({7: 1}.keys(), "got a value of type dict_keys; pass a list"),
            (b"\x05\x07", "got a value of type bytes"),
            (bytearray(b"\x05"), "got a value of type bytearray"),
            (memoryview(b"\x05"), "got a value of type memoryview"),
            (lambda: io.StringIO("7"), "got a value of type StringIO"),
        ],
    )
    def test_what_is_no_list_is_refused(self, value: Any, says: str) -> None:
        message = refusal(value)
        assert message.startswith("orders must be a list of orders, a single order id, or")
        assert says in message

    def test_an_array_says_how_to_make_a_list_of_it(self) -> None:
        class Array:
            def tolist(self) -> list[int]:
                return [7]

        assert "whole numbers (int), such as ….tolist()" in refusal(Array())


class TestARow:
    """A row that a query returns must never be taken for several orders."""

    @pytest.mark.parametrize(
        "row", [(2000001, 2000002), [2000001, 2000002], [7, "rejected"], [7] * 9]
    )
    def test_several_columns_are_refused(self, row: Any) -> None:
        message = refusal([row])
        assert f"entry 1: the row has {len(row)} columns; select only the order id" in message

    def test_each_bad_row_is_named(self) -> None:
        message = refusal([[7], (8, 9), 10, []])
        assert "2 of 4 entries cannot be used: entry 2: the row has 2" in message
        assert "; entry 4: the row has 0 columns" in message

    def test_lists_within_a_list_are_not_joined(self) -> None:
        assert "lists within a list are not joined" in refusal([[7, 8], [9]])
        assert "entry 1: a list within a list within the list" in refusal([[[7]]])

    @pytest.mark.parametrize("row", [(7, 8), (7, "rejected"), (7, 8, 9)])
    def test_a_tuple_alone_may_be_what_fetch_one_handler_returns(self, row: Any) -> None:
        assert f"got a tuple of {len(row)}, which may be one row of a query" in refusal(row)

    @given(st.lists(st.one_of(IDS, st.lists(IDS, max_size=3), st.tuples(IDS), st.tuples(IDS, IDS))))
    def test_a_set_has_one_order_for_each_row_or_is_refused(self, rows: list[Any]) -> None:
        widths = [1 if isinstance(row, int) else len(row) for row in rows]
        try:
            orders = planned(rows)
        except OmsOrderSetError:
            assert set(widths) - {1}
        else:
            assert set(widths) <= {1}
            assert set(orders) == {row if isinstance(row, int) else row[0] for row in rows}


class TestMappedTasks:
    def test_a_list_of_each_or_one_id_of_each_counts_as_one_set(self) -> None:
        outputs = MappedOutputs([[7, "8"], [], 9, {"order_id": 10}, [[11], (12,)]])
        assert list(entries_of_value(outputs)) == [
            ("entry 1, item 1", 7),
            ("entry 1, item 2", "8"),
            ("entry 3", 9),
            ("entry 4", {"order_id": 10}),
            ("entry 5, item 1", 11),
            ("entry 5, item 2", 12),
        ]

    def test_below_that_level_a_row_is_a_row(self) -> None:
        assert "entry 2, item 1: the row has 2 columns" in refusal(MappedOutputs([[7], [[8, 9]]]))

    def test_a_tuple_is_one_row_of_a_mapped_query(self) -> None:
        assert entries(MappedOutputs([(7,), (8,)])) == [7, 8]
        assert "entry 1: the row has 2 columns" in refusal(MappedOutputs([(7, 99)]))

    def test_they_are_asked_for_one_after_the_other(self) -> None:
        asked: list[int] = []

        def outputs() -> Iterator[list[int]]:
            for number in range(1, 100):
                asked.append(number)
                yield [number]

        with pytest.raises(OmsOrderSetError, match="more orders than the 3"):
            plan_orders(
                entries_of_value(MappedOutputs(outputs())),
                Reasons(Translated(), MISTAKE),
                max_orders=3,
            )
        assert asked == [1, 2, 3, 4]


class TestJoined:
    def test_the_parts_are_a_set_each_with_their_own_positions(self) -> None:
        assert list(entries_of_value(Joined([[7, 8], "9", MappedOutputs([[10]])]))) == [
            ("part 1, entry 1", 7),
            ("part 1, entry 2", 8),
            ("part 2, entry 1", "9"),
            ("part 3, entry 1, item 1", 10),
        ]

    @pytest.mark.parametrize("part", [{7: "accepted"}, "7,8", None, b"7", {8}, (7, 8)])
    def test_a_part_that_is_no_set_is_refused_before_any_entry(self, part: Any) -> None:
        with pytest.raises(OmsInputError, match="orders must be a list"):
            entries_of_value(Joined([[7], part]))


def test_what_is_no_entry_is_not_handed_on_as_one() -> None:
    assert [type(entry) for entry in entries([[7, 8], [], 9])] == [Unusable, Unusable, int]
