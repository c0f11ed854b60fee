"""A workbook: the shown and the stored value of a cell may differ, and no id may suffer."""

from __future__ import annotations

import datetime as dt
import io
import sys
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.packaging.relationship import Relationship
from openpyxl.workbook.external_link.external import (
    ExternalBook,
    ExternalLink,
    ExternalSheetNames,
)

from airflow_provider_oms.cancellation.bulk import xlsx_entries
from airflow_provider_oms.cancellation.bulk.columns import Columns
from airflow_provider_oms.cancellation.bulk.refusals import OmsOrderSetError, Unusable
from airflow_provider_oms.cancellation.bulk.rows import Rows
from airflow_provider_oms.cancellation.bulk.xlsx_entries import entries_of_workbook

WHERE = {"Decision": {"cancel": ["Rejected", True], "ignore": ["Approved"]}}


def packed(*rows: list[Any], change: Callable[[Any], object] | None = None) -> io.BytesIO:
    """Return a workbook with one sheet of these rows."""
    workbook = Workbook()
    for row in rows:
        workbook.active.append(row)
    if change is not None:
        change(workbook.active)
    file = io.BytesIO()
    workbook.save(file)
    file.seek(0)
    return file


def entries(*rows: list[Any], change: Any = None, **named: Any) -> list[tuple[str, Any]]:
    columns = Columns.checked(named.get("column"), named.get("where"))
    return list(entries_of_workbook(packed(*rows, change=change), Rows(columns)))


def problem(*rows: list[Any], change: Any = None, **named: Any) -> str:
    ((position, entry),) = entries(*rows, change=change, **named)
    assert isinstance(entry, Unusable)
    return f"{position}: {entry.problem}"


def refusal(file: Any) -> str:
    with pytest.raises(OmsOrderSetError, match="Nothing was sent") as error:
        list(entries_of_workbook(file))
    return str(error.value)


class TestRows:
    def test_ids_are_text_or_whole_numbers_and_rows_without_a_value_are_none(self) -> None:
        rows: list[list[Any]] = [
            [None],
            ["order_id", "in_doubt"],
            [7, None],
            [None, None],
            ["D58470", "true"],
        ]
        assert entries(*rows) == [
            ("row 3", {"order_id": "7", "in_doubt": None}),
            ("row 5", {"order_id": "D58470", "in_doubt": "true"}),
        ]

    def test_named_columns_count_and_others_say_nothing(self) -> None:
        rows: list[list[Any]] = [["Buyer", "No", "Total", "Decision", None]]
        rows += [["Doe", 7, 1.5, "Rejected", "x"], [None, None, "=1+1", None, None]]
        rows += [["Roe", "8", 2.5, "Approved", None], ["Poe", 9, 3.5, True, None]]
        judged = Rows(Columns.checked("No", WHERE))
        found = list(entries_of_workbook(packed(*rows), judged))
        assert found == [("row 2", {"order_id": "7"}), ("row 5", {"order_id": "9"})]
        assert judged.facts == ["2 of 4 columns are ignored"]

    def test_where_each_column_is_read_nothing_is_said(self) -> None:
        judged = Rows()
        found = list(entries_of_workbook(packed(["order_id"], [7]), judged))
        assert (found, judged.facts) == ([("row 2", {"order_id": "7"})], [])

    def test_columns_that_only_have_a_format_are_none(self) -> None:
        def wide(sheet: Any) -> None:
            sheet["F1"].number_format = "0.00"

        assert entries(["order_id"], [7], change=wide) == [("row 2", {"order_id": "7"})]

    @pytest.mark.slow
    @given(st.lists(st.integers(1, 10**15 - 1) | st.integers(1, 10**18).map(str), max_size=5))
    @settings(deadline=None)
    def test_an_id_keeps_every_digit(self, ids: list[int | str]) -> None:
        found = [entry["order_id"] for _, entry in entries(["order_id"], *([each] for each in ids))]
        assert found == [str(each) for each in ids]


class TestWhatMayDiffer:
    @pytest.mark.parametrize(
        ("value", "says"),
        [
            (7.5, "is neither text nor a whole number (a float"),
            (1e17, "is neither text nor a whole number (a float"),
            (True, "is neither text nor a whole number (a boolean)"),
            (dt.date(2026, 11, 3), "is neither text nor a whole number (a value of type"),
            (10**15, "is a number of more than 15 digits, of which a spreadsheet loses some"),
            (2**53 + 1, "is a number of more than 15 digits"),
            (-(10**15), "is a number of more than 15 digits"),
            ("=A1", "is a formula; copy the column, and paste its values"),
            ("#N/A", "is an error of the spreadsheet"),
        ],
    )
    def test_an_id_that_may_not_be_what_was_meant_is_refused(self, value: Any, says: str) -> None:
        assert problem(["order_id"], [value]).startswith(f"row 2: the field order_id {says}")

    @pytest.mark.parametrize("shown_as", ["00000000", '"D"0', "0,"])
    def test_a_number_that_is_shown_otherwise_is_refused(self, shown_as: str) -> None:
        def format_it(sheet: Any) -> None:
            sheet["A2"].number_format = shown_as

        found = problem(["order_id"], [4000001], change=format_it)
        assert found.startswith("row 2: the field order_id is a number whose format")

    @pytest.mark.parametrize("shown_as", ["0", "#,##0", "@"])
    def test_one_that_is_shown_as_it_is_is_taken(self, shown_as: str) -> None:
        def format_it(sheet: Any) -> None:
            sheet["A2"].number_format = shown_as

        ((_, entry),) = entries(["order_id"], [4000001], change=format_it)
        assert entry == {"order_id": "4000001"}

    def test_a_decision_that_is_computed_is_refused(self) -> None:
        found = problem(["No", "Decision"], [7, '="Rejected"'], column="No", where=WHERE)
        assert found.startswith("row 2: the field Decision is a formula")

    def test_a_row_that_a_filter_hides_is_refused(self) -> None:
        def hide(sheet: Any) -> None:
            sheet.row_dimensions[3].hidden = True

        rows: list[list[Any]] = [["No", "Decision"], [7, "Approved"], [8, "Rejected"]]
        found = problem(*rows, change=hide, column="No", where=WHERE)
        assert found.startswith("row 3: the row is hidden, as by a filter")

    def test_a_value_beyond_the_header_is_refused_where_each_column_counts(self) -> None:
        found = problem(["order_id"], [7, "on hold"])
        assert found == "row 2: the row has a value in a column without a name"


class TestAWorkbook:
    def test_several_sheets_with_values_are_refused(self) -> None:
        def second(sheet: Any) -> None:
            hidden = sheet.parent.create_sheet("more")
            hidden.append(["order_id"])
            hidden.sheet_state = "hidden"

        message = refusal(packed(["order_id"], [7], change=second))
        assert "has 2 sheets with values, hidden ones among them" in message

    @pytest.mark.parametrize(
        ("header", "says"),
        [
            ([], "there is none"),
            ([4000001], "looks like a row of data"),
            (["order_id", "Hold"], "column 2 is 'Hold'"),
        ],
    )
    def test_its_header_must_name_the_columns(self, header: list[Any], says: str) -> None:
        message = refusal(packed(header))
        assert message.startswith("The workbook's header cannot be used: ")
        assert says in message

    def test_what_is_no_workbook_is_refused(self) -> None:
        assert "is no workbook (.xlsx), or one with a password" in refusal(io.BytesIO(b"order_id"))
        damaged = (
            packed(["order_id"], [7]).getvalue().replace(b"xl/workbook.xml", b"xl/workboot.xml")
        )
        assert "The workbook cannot be read (KeyError)" in refusal(io.BytesIO(damaged))

    def test_the_other_workbooks_that_it_names_are_not_looked_at(self) -> None:
        def name_another(sheet: Any) -> None:
            target = Relationship(type="externalLinkPath", Target="Prices.xlsx", Id="rId1")
            book = ExternalBook(sheetNames=ExternalSheetNames(["Sheet1"]))
            link = ExternalLink(externalBook=book)
            link.file_link = target
            sheet.parent._external_links.append(link)

        whole = packed(["order_id"], [7], change=name_another)
        damaged = io.BytesIO()
        with zipfile.ZipFile(whole) as source, zipfile.ZipFile(damaged, "w") as copy:
            links = [name for name in source.namelist() if "externalLinks" in name]
            assert links
            for name in source.namelist():
                copy.writestr(name, b"" if name in links else source.read(name))
        for file in (whole, damaged):
            assert list(entries_of_workbook(file)) == [("row 2", {"order_id": "7"})]

    def test_one_that_unpacks_without_end_is_not_opened(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = packed(["order_id"], [7])
        monkeypatch.setattr(xlsx_entries, "_MOST_UNPACKED", 2**10)
        assert "has more than the 0 MiB that are read" in refusal(file)

    def test_without_the_extra_it_says_how_to_get_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        file = packed(["order_id"], [7])
        monkeypatch.setitem(sys.modules, "openpyxl", None)
        assert "install airflow-provider-oms[xlsx]" in refusal(file)
