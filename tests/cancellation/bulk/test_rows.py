"""Rows of an export: which ask for a cancel, and that none is misread."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.api.native import Native
from airflow_provider_oms.cancellation.bulk.columns import Columns
from airflow_provider_oms.cancellation.bulk.refusals import Unusable
from airflow_provider_oms.cancellation.bulk.rows import Rows

WHERE = {"Decision": {"cancel": ["Rejected"], "ignore": ["Approved"]}}
Row = tuple[Any, Any]


def rows_of(where: Any = WHERE) -> Rows:
    return Rows(Columns.checked("No", where))


def judged(*given: Row, rows: Rows | None = None) -> list[Any]:
    """Return the ids that are to be canceled, with None for a row that asks for nothing."""
    rows = rows or rows_of()
    entries = [rows.entry_of({"No": number, "Decision": word}) for number, word in given]
    return [entry["order_id"] if isinstance(entry, dict) else entry for entry in entries]


def problem(*given: Row, rows: Rows | None = None) -> str:
    """Return the error of the last row, before which none has one."""
    *before, last = judged(*given, rows=rows)
    assert not any(isinstance(each, Unusable) for each in before)
    assert isinstance(last, Unusable)
    return last.problem


class TestValues:
    def test_a_row_is_taken_or_left_by_its_value_and_counted(self) -> None:
        rows = rows_of()
        assert judged(("7", "Rejected"), ("8", "Approved"), rows=rows) == ["7", None]
        assert rows.counts == {"Decision": {"Rejected": 1, "Approved": 1}}
        assert rows_of().counts == {"Decision": {"Rejected": 0, "Approved": 0}}
        assert Rows().counts is None

    @pytest.mark.parametrize(
        "value", ["rejected", " Rejected", "Rejected ", "REJECTED", "Rejected\u00a0", "Ｒejected"]
    )
    def test_letter_case_and_blanks_are_named_and_never_dropped(self, value: str) -> None:
        says = "the field Decision differs from 'Rejected' by letter case or blanks alone"
        assert problem(("7", value)).startswith(says)

    @pytest.mark.parametrize("value", ["Jane Doe", "Reject", 7, 7.5, True, ["Rejected"]])
    def test_an_unknown_one_is_refused_without_repeating_it(self, value: Any) -> None:
        found = problem(("7", value))
        assert found.startswith("the field Decision has a value that where does not name (")
        assert str(value) not in found

    def test_several_columns_must_all_say_cancel(self) -> None:
        where = {**WHERE, "Paid": {"cancel": ["no"], "ignore": ["yes"]}}
        rows = Rows(Columns.checked("No", where))
        cells = [("7", "Rejected", "no"), ("8", "Rejected", "yes"), ("9", "Approved", "no")]
        entries = [rows.entry_of({"No": n, "Decision": d, "Paid": p}) for n, d, p in cells]
        assert entries == [{"order_id": "7"}, None, None]

    def test_without_a_condition_every_row_asks_for_a_cancel(self) -> None:
        rows = Rows(Columns.checked("No"))
        assert rows.entry_of({"No": "7", "Decision": "Approved"}) == {"order_id": "7"}
        blank = rows.entry_of({"No": " ", "Decision": "Approved"})
        assert blank == Unusable("the field No is blank; fill it in, or delete the row")

    def test_an_entrys_own_fields_are_kept_and_an_unknown_one_where_it_counts(self) -> None:
        row = {"order_id": "8", "No": "7", "Decision": "Rejected", "in_doubt": "true", "x": "y"}
        assert rows_of().entry_of(row) == {"order_id": "7", "in_doubt": "true"}
        unnamed = Rows(Columns.checked(None, WHERE)).entry_of(row)
        assert unnamed == {"order_id": "8", "No": "7", "in_doubt": "true", "x": "y"}


class TestItemsOfOneOrder:
    def test_a_blank_value_is_that_of_the_row_above(self) -> None:
        rows = rows_of()
        given = [("7", "Rejected"), ("7", ""), ("7", None), ("8", "Approved"), ("8", "")]
        assert judged(*given, rows=rows) == ["7", "7", "7", None, None]
        assert rows.counts == {"Decision": {"Rejected": 3, "Approved": 2}}

    def test_a_row_with_neither_id_nor_value_belongs_to_the_row_above(self) -> None:
        given = [("7", "Rejected"), ("", ""), (None, None), ("8", "Approved"), ("", "")]
        assert judged(*given) == ["7", None, None, None, None]

    @pytest.mark.parametrize(
        ("rows", "says"),
        [
            ([("", "")], "the field Decision is blank, and the row above is none of the same"),
            ([("7", "")], "the field Decision is blank"),
            ([("7", "Rejected"), ("8", "")], "the field Decision is blank"),
            ([("7", "Approved"), ("8", "Rejected"), ("7", "")], "the field Decision is blank"),
            ([("", "Rejected")], "the field No is blank"),
            ([("7", "Rejected"), ("", "Rejected")], "the field No is blank"),
            ([("7", "Rejected"), ("", "Approved")], "the field No is blank"),
            ([("7", "Rejected"), ("", ""), ("", "Approved")], "the field No is blank"),
            ([("7", "Rejected"), ("7", "Approved")], "another row of the same order, or of"),
            ([("7", "Approved"), (7, "Rejected")], "another row of the same order, or of"),
            ([("7", "Approved"), ("8", "Approved"), ("7 ", "Rejected")], "another row of the same"),
        ],
    )
    def test_what_cannot_be_told_is_refused(self, rows: list[Row], says: str) -> None:
        assert problem(*rows).startswith(says)

    def test_one_order_may_be_written_in_several_ways(self) -> None:
        rows = Rows(Columns.checked("No", WHERE), name_of=Native().order_id)
        dashed = "00000000-0000-0000-0000-00000000000a"
        plain = dashed.replace("-", "").upper()
        assert judged((plain, "Rejected"), (dashed, ""), rows=rows) == [plain, dashed]
        assert "another row of the same order" in problem((f" {dashed}", "Approved"), rows=rows)
        assert judged(("other", "Approved"), rows=rows) == [None]

    def test_an_order_key_of_the_row_counts(self) -> None:
        rows = Rows(Columns.checked("No", WHERE), name_of=Native().order_id)
        one = {"No": "7", "order_key": "number", "Decision": "Rejected"}
        assert rows.entry_of(one) == {"order_id": "7", "order_key": "number"}
        other = rows.entry_of({"No": "7", "order_key": "external_id", "Decision": "Approved"})
        assert other is None
        assert isinstance(rows.entry_of({**one, "Decision": "Approved"}), Unusable)

    def test_a_row_without_an_id_that_is_to_be_ignored_is(self) -> None:
        assert judged(("", "Approved"), ("7", "Approved"), ("", "Approved"), ("", "")) == [None] * 4

    def test_a_doubt_without_an_id_is_not_dropped(self) -> None:
        rows = rows_of()
        rows.entry_of({"No": "7", "Decision": "Rejected"})
        entry = rows.entry_of({"No": "", "Decision": "", "in_doubt": "true"})
        assert isinstance(entry, Unusable)

    def test_the_first_row_of_a_file_has_none_above(self) -> None:
        rows = rows_of()
        assert judged(("7", "Rejected"), rows=rows) == ["7"]
        rows.begin_file()
        assert "is blank" in problem(("7", ""), rows=rows)
        assert "opposite" in problem(("7", "Approved"), rows=rows)

    def test_a_row_that_is_refused_is_none_to_belong_to(self) -> None:
        _, wrong, after = judged(("7", "Rejected"), ("7", "?"), ("7", ""))
        assert isinstance(wrong, Unusable)
        assert isinstance(after, Unusable)


VALUES = ["Rejected", "Approved", "", "rejected ", "Pending"]


@given(st.lists(st.tuples(st.sampled_from(["7", "8", "9", ""]), st.sampled_from(VALUES))))
def test_an_accepted_set_cancels_exactly_what_a_row_of_each_order_says(
    given: list[tuple[str, str]],
) -> None:
    rows = rows_of()
    entries = judged(*given, rows=rows)
    if any(isinstance(entry, Unusable) for entry in entries):
        return
    # Each row without an id counts for the order of the row above.
    said: dict[str, set[str]] = {}
    above = ""
    for number, word in given:
        above = number or above
        said.setdefault(above, set()).add(word)
    rejected = {number for number, words in said.items() if "Rejected" in words}
    assert all("Approved" not in said[number] for number in rejected)
    assert {entry for entry in entries if entry} == rejected
    assert rows.counts is not None
    assert sum(rows.counts["Decision"].values()) == len(given)
