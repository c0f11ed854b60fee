"""Airflow's own classes for other tasks' outputs, and the sets that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.translated import Translated
from airflow_provider_oms.api.validation import OrderId
from airflow_provider_oms.cancellation.bulk.entries import MappedOutputs, entries_of_value
from airflow_provider_oms.cancellation.bulk.order_set import Reasons, plan_orders
from airflow_provider_oms.cancellation.bulk.refusals import OmsOrderSetError
from airflow_provider_oms.outputs import open_outputs
from airflow_provider_oms.version_compat import output_kinds

KINDS = output_kinds()
LAZY: Any = KINDS.of_mapped_task


class MappedTask(LAZY):  # type: ignore[misc]  # known only while the tests run
    """A mapped task's output, which asks Airflow for each slice and for each item."""

    def __init__(self, *outputs: Any) -> None:
        self.outputs = outputs
        self.slices = 0

    def __len__(self) -> int:
        return len(self.outputs)

    def __getitem__(self, at: Any) -> Any:
        self.slices += isinstance(at, slice)
        return self.outputs[at]


def mapped(output: Any, *functions: Callable[[Any], Any]) -> Any:
    return KINDS.of_map(output, functions)


def joined(*outputs: Any) -> Any:
    return KINDS.of_concat(outputs)


def zipped(*outputs: Any) -> Any:
    return KINDS.of_zip(outputs)


def ids_of(value: Any) -> list[OrderId]:
    reasons = Reasons(Translated(), "created_by_mistake")
    orders = plan_orders(entries_of_value(open_outputs(value)), reasons, max_orders=10_000)
    return list(orders.requests)


def first(row: Sequence[Any]) -> Any:
    return row[0]


def test_every_kind_is_one_of_this_airflow() -> None:
    assert all(isinstance(kind, type) for kind in KINDS)


@pytest.mark.parametrize("value", [[7, 8], (7,), "7", 7, {"order_id": 7}, None])
def test_what_is_no_class_of_airflow_stays_what_it_is(value: Any) -> None:
    assert open_outputs(value) is value


class TestMappedTasks:
    def test_one_level_of_them_is_opened_and_no_other(self) -> None:
        assert ids_of(MappedTask([7, 8], 9, "10", [[11], [12]], (13,))) == [7, 8, 9, 10, 11, 12, 13]
        with pytest.raises(OmsOrderSetError, match="the row has 2 columns"):
            ids_of(MappedTask([[7, 8]]))
        with pytest.raises(OmsOrderSetError, match="the row has 2 columns"):
            ids_of([MappedTask([7]).outputs[0], [8, 9]])

    def test_they_are_asked_for_in_slices(self) -> None:
        lazy = MappedTask(*range(1, 1202))
        assert ids_of(lazy) == list(range(1, 1202))
        assert lazy.slices == 3


class TestMap:
    def test_its_function_gets_one_row_at_a_time(self) -> None:
        rows = [[2000037, 5], [2000038, 6], [2000040, 7]]
        assert ids_of(mapped(rows, first)) == [2000037, 2000038, 2000040]

    def test_over_mapped_tasks_its_lists_count_as_theirs(self) -> None:
        outputs = MappedTask([7, 8], [9], [])
        assert ids_of(mapped(outputs, lambda part: [one + 1 for one in part])) == [8, 9, 10]
        assert ids_of(mapped(MappedTask((7, "a"), (8, "b")), first)) == [7, 8]

    def test_over_a_list_its_lists_are_rows(self) -> None:
        with pytest.raises(OmsOrderSetError, match="entry 1: the row has 2 columns"):
            ids_of(mapped([1, 2], lambda one: [one, one + 1]))

    def test_over_a_zip_it_chooses_the_column(self) -> None:
        assert ids_of(mapped(zipped([7, 8], ["a", "b"]), first)) == [7, 8]

    @pytest.mark.parametrize(
        "source",
        [
            "1234567",
            {0: 7, 1: 8},
            (2000001, 2000002),
            zipped("123", [1, 2, 3]),
            joined([7], "123"),
            mapped("123", int),
            {7},
        ],
    )
    def test_it_goes_through_no_characters_keys_or_columns(self, source: Any) -> None:
        with pytest.raises(OmsInputError, match=r"a list of orders where \.map\(\)"):
            open_outputs(mapped(source, int))


class TestConcat:
    def test_each_part_is_a_set(self) -> None:
        parts = joined([7, [8]], MappedTask([9], 10), mapped([[11, 1]], first), "12")
        assert ids_of(parts) == [7, 8, 9, 10, 11, 12]

    @pytest.mark.parametrize("part", [{"7": "accepted"}, "7,8", (7, 8)])
    def test_a_part_that_is_none_is_refused(self, part: Any) -> None:
        with pytest.raises(OmsInputError, match="orders must be a list of orders"):
            ids_of(joined([7], part))


class TestZip:
    def test_its_rows_have_columns_and_are_refused(self) -> None:
        for value in (zipped([7], [8]), zipped([], []), joined([7], zipped([8], [9]))):
            with pytest.raises(OmsInputError, match=r"choose its order id with \.map"):
                open_outputs(value)


def test_a_class_of_a_later_airflow_is_refused() -> None:
    later = type("LaterSequence", (list,), {"__module__": "airflow.sdk.later"})
    with pytest.raises(OmsInputError, match="got a value of type LaterSequence"):
        open_outputs(later([7]))
    assert isinstance(open_outputs(MappedTask([7])), MappedOutputs)
