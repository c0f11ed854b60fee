"""CSV as other systems export it: delimiters, columns that say nothing, and quotation marks."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.cancellation.bulk.columns import Columns
from airflow_provider_oms.cancellation.bulk.csv_entries import entries_of_csv
from airflow_provider_oms.cancellation.bulk.refusals import OmsOrderSetError, Unusable
from airflow_provider_oms.cancellation.bulk.rows import Rows

WHERE = {"Decision": {"cancel": ["Rejected"], "ignore": ["Approved"]}}


def rows_of(column: Any = "No", where: Any = WHERE, delimiter: str | None = None) -> Rows:
    return Rows(Columns.checked(column, where), delimiter)


def entries(text: str, rows: Rows | None = None, **usual: str) -> list[tuple[str, Any]]:
    return list(entries_of_csv(io.StringIO(text, newline=""), rows, **usual))


def ids(text: str, rows: Rows) -> list[str]:
    return [entry["order_id"] for _, entry in entries(text, rows)]


def refusal(text: str, rows: Rows | None = None) -> str:
    """Return why a file is refused: its header, or the first row that cannot be used."""
    try:
        found = [each for each in entries(text, rows) if isinstance(each[1], Unusable)]
    except OmsOrderSetError as error:
        return str(error)
    position, entry = found[0]
    return f"{position}: {entry.problem}"


class TestTheDelimiter:
    @pytest.mark.parametrize("usual", [",", "\t"])
    @pytest.mark.parametrize(
        ("delimiter", "name"),
        [(",", "commas"), (";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")],
    )
    def test_it_is_found_by_the_columns_that_must_be_there_and_said(
        self, delimiter: str, name: str, usual: str
    ) -> None:
        text = "Name,x|Price;\tNo\tDecision\n".replace("\t", delimiter)
        text = text.replace("Name,x|Price;", "Buyer")
        rows = rows_of()
        text += delimiter.join(["Doe", "7", "Rejected"]) + "\n"
        assert entries(text, rows, usual=usual) == [("line 2", {"order_id": "7"})]
        said = [] if delimiter == usual else [f"fields are separated by {name}"]
        assert rows.facts == [*said, "1 of 3 columns are ignored"]

    def test_other_characters_in_a_name_do_not_mislead(self) -> None:
        text = "Total, net, EUR;No;Decision\n1,2,3;7;Rejected\n"
        assert ids(text, rows_of()) == ["7"]

    @pytest.mark.parametrize("usual", [",", "\t"])
    def test_one_column_has_none_and_says_nothing(self, usual: str) -> None:
        rows = Rows()
        assert entries("order_id\n7\n", rows, usual=usual) == [("line 2", {"order_id": "7"})]
        assert rows.facts == []

    def test_it_may_be_given(self) -> None:
        assert ids("No^Decision\n7^Rejected\n", rows_of(delimiter="^")) == ["7"]
        assert ids("No\tDecision\n7\tRejected\n", rows_of(delimiter="\t")) == ["7"]

    def test_one_that_is_not_in_the_header_is_refused(self) -> None:
        message = refusal("No;Decision\n7;Rejected\n", rows_of(delimiter=","))
        assert "its columns are separated by semicolons, and delimiter is another" in message

    def test_a_header_that_reads_in_two_ways_is_refused(self) -> None:
        message = refusal("No,x;No\n7,x;8\n", rows_of(where=None))
        assert "several characters may separate its columns; give delimiter" in message
        assert ids("No,x;No\n7,y\n", rows_of(where=None, delimiter=",")) == ["7"]

    @pytest.mark.parametrize("line", ["sep=;\r\n", "SEP=;\n", '"sep=;"\n', "\ufeffsep=;\n"])
    def test_a_spreadsheets_own_line_names_it(self, line: str) -> None:
        text = f"{line}No;Decision\r\n7;Rejected\r\n8;?\r\n"
        assert entries(text, rows_of())[0] == ("line 3", {"order_id": "7"})
        assert refusal(text, rows_of()).startswith("line 4: ")
        assert "sep=…, names another separator" in refusal(text, rows_of(delimiter=","))


class TestTheHeader:
    def test_other_columns_may_be_twice_or_without_a_name(self) -> None:
        text = "Note,No,Note,,Decision,Address2,1234\na,7,b,,Rejected,x,y\n"
        assert ids(text, rows_of()) == ["7"]

    @pytest.mark.parametrize(
        ("header", "says"),
        [
            ("no,Decision", "it has no 'No', but 'no'; letter case and blanks count"),
            ("No,DECISION", "it has no 'Decision', but 'DECISION'; letter case and"),
            ("Order,Decision", "it has no 'No'; name the column as the file has it"),
            ("No,Verdict", "it has no 'Decision'; name the column"),
            ("No,Decision,No", "No is there twice"),
            ("No,Decision,in_doubt,in_doubt", "in_doubt is there twice"),
            ("7001,Rejected", "it has no 'No'"),
            ("", "there is none"),
        ],
    )
    def test_a_column_that_decides_must_be_there_once(self, header: str, says: str) -> None:
        assert says in refusal(f"{header}\n7,Rejected\n", rows_of())

    def test_a_condition_alone_lets_no_other_column_in(self) -> None:
        rows = rows_of(column=None)
        assert ids("order_id,Decision\n7,Rejected\n8,Approved\n", rows) == ["7"]
        message = refusal("order_id,Decision,Hold\n7,Rejected,yes\n", rows_of(column=None))
        assert "column 3 is 'Hold'" in message
        assert "name the column of the ids in order_id_column" in message


class TestRows:
    def test_a_row_that_is_to_be_ignored_must_be_whole_too(self) -> None:
        message = refusal("No,Decision\n7,Approved,Rejected\n", rows_of())
        assert "line 2: the row has 3 fields, 1 more than the header" in message

    @pytest.mark.parametrize("delimiter", [";", "\t"])
    def test_what_is_missing_is_named_as_the_file_has_it(self, delimiter: str) -> None:
        names = {";": "semicolons", "\t": "tabs"}[delimiter]
        header, row = (delimiter.join(each) for each in (("No", "Decision", "x"), ("7", "a")))
        assert f"add the {names} that are missing" in refusal(f"{header}\n{row}\n", rows_of())

    @pytest.mark.parametrize("row", ["7,Rejected", "7,", "7,Approved"])
    def test_a_value_at_an_end_without_a_line_break_may_be_cut_off(self, row: str) -> None:
        message = refusal(f"No,Decision\n7,Rejected\n{row}", rows_of())
        assert "line 3: the file ends after this field without a line break" in message
        assert ids('No,Decision\n7,"Rejected"', rows_of()) == ["7"]

    @given(st.data())
    def test_wherever_a_copy_broke_off_nothing_else_is_canceled(self, data: st.DataObject) -> None:
        words = st.sampled_from(["Rejected", "Rej", "Approved", ""])
        where = {"Decision": {"cancel": ["Rej"], "ignore": ["Rejected", "Approved", ""]}}
        whole = data.draw(st.lists(words, min_size=1, max_size=4))
        text = "No,Decision\n" + "".join(f"{n + 100},{word}\n" for n, word in enumerate(whole))
        cut = text[: data.draw(st.integers(0, len(text)))]
        try:
            found = entries(cut, rows_of(where=where))
        except OmsOrderSetError:
            return
        if not any(isinstance(entry, Unusable) for _, entry in found):
            meant = {str(n + 100) for n, word in enumerate(whole) if word == "Rej"}
            assert {entry["order_id"] for _, entry in found} <= meant


class TestQuotationMarks:
    @pytest.mark.parametrize(
        "rows",
        [
            '7,"a,Rejected\n8,b",Rejected\n',
            '7,"a,Rejected\n8,x,Rejected\n9,b",Rejected\n',
            '"7,a,Rejected\n8",b,Rejected\n',
        ],
    )
    def test_one_that_swallows_a_row_is_found(self, rows: str) -> None:
        assert "one of which looks like a row" in refusal(f"No,Note,Decision\n{rows}", rows_of())

    def test_one_that_swallows_its_own_rows_id_is_found(self) -> None:
        message = refusal('Note,No\n"a,7\nb",8\n', rows_of(where=None))
        assert "one of which looks like a row" in message

    def test_a_note_of_several_lines_is_one_field(self) -> None:
        text = 'No,Note,Decision\r\n7,"call first, please\r\n\r\nthe bell, 2nd\r\nx",Rejected\r\n'
        assert entries(text, rows_of()) == [("line 5", {"order_id": "7"})]

    FIELDS = st.text(st.sampled_from('ab "1'), max_size=4)

    @given(st.lists(st.tuples(FIELDS, FIELDS), min_size=1, max_size=5), st.permutations([0, 1, 2]))
    def test_where_nobody_quoted_no_order_is_lost(
        self, notes: list[tuple[str, str]], places: list[int]
    ) -> None:
        lines = [["No", "Note", "More"]]
        lines += [[str(n + 1001), *note] for n, note in enumerate(notes)]
        text = "".join(",".join(line[at] for at in places) + "\n" for line in lines)
        try:
            found = entries(text, rows_of(where=None))
        except OmsOrderSetError:
            return
        if not any(isinstance(entry, Unusable) for _, entry in found):
            assert [entry["order_id"] for _, entry in found] == [line[0] for line in lines[1:]]

    @given(
        st.lists(st.tuples(st.text(st.sampled_from('ab,;"\n '), max_size=9)), max_size=5),
        st.sampled_from([",", ";", "\t", "|"]),
        st.sampled_from([1, -1]),
    )
    def test_where_a_writer_quoted_every_order_is_read(
        self, notes: list[tuple[str]], delimiter: str, step: int
    ) -> None:
        file = io.StringIO(newline="")
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(["No", "Note"][::step])
        writer.writerows((n + 1001, note)[::step] for n, (note,) in enumerate(notes))
        expected = [str(n + 1001) for n in range(len(notes))]
        assert ids(file.getvalue(), rows_of(where=None)) == expected
