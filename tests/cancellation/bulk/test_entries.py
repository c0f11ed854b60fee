"""Where a set's entries come from: each keeps its position, and what is none is refused by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import pytest

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.cancellation.bulk.entries import (
    entries_of_csv,
    entries_of_json_lines,
    entries_of_value,
)
from airflow_provider_oms.cancellation.bulk.order_set import OmsOrderSetError


class LazySequence(Sequence[Any]):
    """What Airflow gives as another task's output: it asks its API for each slice."""

    def __init__(self, values: list[Any]) -> None:
        self._values = values
        self.slices = 0

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, at: int) -> Any: ...
    @overload
    def __getitem__(self, at: slice) -> list[Any]: ...
    def __getitem__(self, at: int | slice) -> Any:
        assert isinstance(at, slice), "one by one would be a call of the API for each order"
        self.slices += 1
        return self._values[at]


class TestAValue:
    @pytest.mark.parametrize("value", [[7, 8], (7, 8), "[7, 8]", " [7,8] ", range(7, 9)])
    def test_a_list_in_any_form_is_entries_with_their_number(self, value: Any) -> None:
        assert list(entries_of_value(value)) == [("entry 1", 7), ("entry 2", 8)]

    def test_a_set_is_entries_too(self) -> None:
        assert [entry for _, entry in entries_of_value({7})] == [7]

    def test_lists_of_mapped_tasks_count_as_one_set(self) -> None:
        assert list(entries_of_value([[7, 8], [], [9]])) == [
            ("entry 1, item 1", 7),
            ("entry 1, item 2", 8),
            ("entry 3, item 1", 9),
        ]

    def test_a_lazy_sequence_is_asked_for_in_slices(self) -> None:
        lazy = LazySequence(list(range(1, 1202)))
        assert [entry for _, entry in entries_of_value(lazy)] == list(range(1, 1202))
        assert lazy.slices == 3

    @pytest.mark.parametrize(
        "value", [None, "", "None", "7, 8", "[7", "{}", "7", 7, {"order_id": 7}, b"[7]", True]
    )
    def test_what_is_no_list_is_refused(self, value: Any) -> None:
        with pytest.raises(OmsInputError, match=r"orders must be a list of orders.*Nothing was"):
            list(entries_of_value(value))

    def test_json_that_is_nested_without_end_is_refused(self) -> None:
        with pytest.raises(OmsInputError, match="orders must be a list"):
            list(entries_of_value("[" * 100_000))


class TestJsonLines:
    def test_blank_lines_are_none_and_the_others_keep_their_number(self) -> None:
        lines = ["7\n", "\n", '{"order_id": 8}\n', "   \n"]
        assert list(entries_of_json_lines(lines)) == [("line 1", 7), ("line 3", {"order_id": 8})]

    @pytest.mark.parametrize(
        "line", ["order 7\n", "[1, 234]\n", "null\n", '{"order_id": 1, "order_id": 2}\n']
    )
    def test_a_line_that_is_no_entry_stays_what_no_rule_admits(self, line: str) -> None:
        assert list(entries_of_json_lines([line])) == [("line 1", line)]


class TestCsv:
    def test_columns_come_in_any_order_and_blank_lines_are_none(self) -> None:
        lines = ["disposition_reason, order_id\n", "other,7\n", "\n", ",8\n"]
        assert list(entries_of_csv(lines)) == [
            ("line 2", {"disposition_reason": "other", "order_id": "7"}),
            ("line 4", {"disposition_reason": "", "order_id": "8"}),
        ]

    def test_a_line_with_too_many_or_too_few_fields_is_an_entry_that_no_rule_admits(self) -> None:
        lines = ["order_id,disposition_reason\n", "7\n", "8,other,more\n"]
        entries = [entry for _, entry in entries_of_csv(lines)]
        # Nor do they become a list, which a task that passes them on would make orders of.
        assert entries == ["7,", "8,other,more,"]

    @pytest.mark.parametrize(
        "header",
        ["", "7", "id,reason", "order_id,verdict", "disposition_reason", "order_id,order_id"],
    )
    def test_a_header_that_does_not_name_the_columns_is_refused(self, header: str) -> None:
        # A column that nobody looks at may say which orders to leave alone.
        with pytest.raises(
            OmsOrderSetError, match=r"first line must name its columns.*Nothing was"
        ):
            list(entries_of_csv([f"{header}\n", "7\n"]))

    def test_a_file_that_breaks_off_within_quotes_is_refused(self) -> None:
        with pytest.raises(OmsOrderSetError, match="breaks off"):
            list(entries_of_csv(["order_id\n", "7\n", '"8']))
