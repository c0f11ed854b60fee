"""CSV with a header line: each error is named with line, column and remedy."""

from __future__ import annotations

import pytest

from airflow_provider_oms.cancellation.bulk.csv_entries import entries_of_csv
from airflow_provider_oms.cancellation.bulk.refusals import OmsOrderSetError, Unusable


def problem(*lines: str) -> tuple[str, str]:
    """Return position and problem of the one row that cannot be used."""
    unusable = [each for each in entries_of_csv(lines) if isinstance(each[1], Unusable)]
    ((position, entry),) = unusable
    return position, entry.problem


def refusal(*lines: str) -> str:
    with pytest.raises(OmsOrderSetError, match="Nothing was sent") as error:
        list(entries_of_csv(lines))
    return str(error.value)


class TestRows:
    def test_columns_come_in_any_order_and_blank_lines_are_none(self) -> None:
        lines = ["disposition_reason, order_id\n", "other,7\n", "\n", ",8\n"]
        assert list(entries_of_csv(lines)) == [
            ("line 2", {"disposition_reason": "other", "order_id": "7"}),
            ("line 4", {"disposition_reason": "", "order_id": "8"}),
        ]

    @pytest.mark.parametrize("mark", ["", "\ufeff", "\ufeff\ufeff"])
    @pytest.mark.parametrize("header", ["order_id", '"order_id"'])
    def test_byte_order_marks_are_no_part_of_the_header(self, mark: str, header: str) -> None:
        assert list(entries_of_csv([f"{mark}{header}\n", "7\n"])) == [("line 2", {"order_id": "7"})]

    @pytest.mark.parametrize(
        ("row", "says"),
        [
            ("7\n", "the row has 1 of 2 fields; add the commas that are missing"),
            ("7,other,x,y\n", "the row has 4 fields, 2 more than the header; put a field that has"),
            ("7;other\n", "the row has 1 of 2 fields; there are semicolons in it, and commas"),
            ("7\tother\n", "there are tabs in it, and commas separate fields"),
            (",\n", "every field of the row is blank; delete the row"),
            ('"", \n', "every field of the row is blank; delete the row"),
            (",other\n", "the field order_id is blank; fill it in, or delete the row"),
        ],
    )
    def test_a_row_that_is_none_says_what_was_found(self, row: str, says: str) -> None:
        position, found = problem("order_id,disposition_reason\n", "6,other\n", row, "8,other\n")
        assert position == "line 3"
        assert says in found


class TestTheHeader:
    @pytest.mark.parametrize(
        ("header", "says"),
        [
            ("", "there is none; the first line must name the columns: order_id and"),
            ("sep=", "column 1 is no name of a column"),
            ("order_id;", "column 2 is without a name"),
            ("order_id\tverdict", "column 2 is 'verdict'"),
            ("order_id|verdict", "column 2 is 'verdict'"),
            ("order_id,in_doubt;order_id", "several characters may separate its columns; give"),
            ("7", "the first line looks like a row of data; the first line must name"),
            ("Jane Doe,7", "the first line looks like a row of data"),
            ("Jane Doe,#1001", "the first line looks like a row of data"),
            ("Jane Doe,jane@example.com", "the first line looks like a row of data"),
            ("Name,Address2", "column 1 is 'Name'"),
            ("order_id,", "column 2 is without a name"),
            ("order_id,verdict", "column 2 is 'verdict'; the first line must"),
            ("Order Number,Decision", "column 1 is 'Order Number'"),
            ("Order_ID", "column 1 is 'Order_ID'"),
            ("disposition_reason", "it has no order_id"),
            ("order_id,order_id", "order_id is there twice"),
        ],
    )
    def test_one_that_does_not_name_the_columns_is_refused(self, header: str, says: str) -> None:
        message = refusal(f"{header}\n", "7\n")
        assert message.startswith("The CSV file's header cannot be used: ")
        assert says in message

    @pytest.mark.parametrize("field", ["jane@example.com", "7 Main Street", "x" * 50, "Müller"])
    def test_a_field_that_may_be_a_shoppers_is_not_repeated(self, field: str) -> None:
        message = refusal(f"{field},order_id\n")
        assert "column 1 is no name" in message or "looks like a row of data" in message
        assert field not in message


class TestQuotes:
    @pytest.mark.parametrize(
        ("rows", "line"),
        [
            (['"8\n', "9\n"], 3),
            (['"8" \n', "9\n"], 3),
            (["8\n", '"9'], 4),
            ([f'"{"8" * 140_000}"\n'], 3),
        ],
    )
    def test_a_stray_one_is_named_with_the_line_where_its_row_begins(
        self, rows: list[str], line: int
    ) -> None:
        message = refusal("order_id\n", "7\n", *rows)
        assert f"The CSV file cannot be read from line {line} on" in message
        assert "look for a quotation mark" in message


class TestTheEnd:
    @pytest.mark.parametrize(
        ("header", "row"),
        [
            ("order_id", "10101"),
            ("disposition_reason,order_id", "other,10101"),
            ("order_id", "10101 "),
            ("order_id,in_doubt", "10101,"),
        ],
    )
    def test_a_bare_id_without_a_line_break_may_be_cut_off(self, header: str, row: str) -> None:
        before = row.replace("10101", "1010103")
        position, found = problem(f"{header}\n", f"{before}\n", row)
        assert position == "line 3"
        assert "the file ends after this id without a line break" in found
        assert "end its last line with a line break" in found

    @pytest.mark.parametrize(
        ("header", "row"),
        [
            ("order_id", "10101\n"),
            ("order_id", "10101\r"),
            ("order_id", '"10101"'),
            ("order_id,disposition_reason", "10101,other"),
            ("order_id,disposition_reason", "10101,"),
            ("order_id,in_doubt", "10101,true"),
        ],
    )
    def test_what_is_closed_or_followed_by_a_field_is_whole(self, header: str, row: str) -> None:
        ((_, entry),) = entries_of_csv([f"{header}\n", row])
        assert entry["order_id"] == "10101"
