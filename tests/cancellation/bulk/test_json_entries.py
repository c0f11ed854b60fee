"""JSON Lines: one complete id or object in each line; any other line is named by its number."""

from __future__ import annotations

import pytest

from airflow_provider_oms.cancellation.bulk.columns import Columns
from airflow_provider_oms.cancellation.bulk.json_entries import entries_of_json_lines
from airflow_provider_oms.cancellation.bulk.refusals import Unusable
from airflow_provider_oms.cancellation.bulk.rows import Rows


def test_blank_lines_are_none_and_the_others_keep_their_number() -> None:
    lines = ["7\n", "\n", '{"order_id": 8}\n', "   \n", '"9"\r\n', "[10]\n"]
    assert list(entries_of_json_lines(lines)) == [
        ("line 1", 7),
        ("line 3", {"order_id": 8}),
        ("line 5", "9"),
        ("line 6", 10),
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("order 7\n", "the line is no JSON by itself; write one complete id or object"),
        ('{"order_id": 7},\n', "it ends in a comma, as in a JSON array"),
        ("{\n", "the line is no JSON by itself"),
        ("[" * 100_000, "the line is no JSON by itself"),
        ("[1, 234]\n", "the line is a JSON array of 2; write each order on its own line"),
        ("[]\n", "the line is a JSON array of 0"),
        ("[[7]]\n", "a list within a list"),
        ("null\n", "the line is null"),
        ('{"order_id": 1, "order_id": 2}\n', "an object has a key twice"),
    ],
)
def test_a_line_that_is_no_entry_says_what_was_found(line: str, says: str) -> None:
    ((position, entry),) = entries_of_json_lines([line])
    assert position == "line 1"
    assert isinstance(entry, Unusable)
    assert says in entry.problem


@pytest.mark.parametrize("line", ["10101", "10101 ", "1"])
def test_a_number_at_an_end_without_a_line_break_may_be_cut_off(line: str) -> None:
    (_, (position, entry)) = entries_of_json_lines(["1010103\n", line])
    assert position == "line 2"
    assert isinstance(entry, Unusable)
    assert "the file ends after this id without a line break" in entry.problem


@pytest.mark.parametrize(
    ("line", "entry"),
    [("7\n", 7), ("7\r", 7), ('"7"', "7"), ('{"order_id": 7}', {"order_id": 7}), ("[7]", 7)],
)
def test_what_is_closed_is_whole(line: str, entry: object) -> None:
    assert list(entries_of_json_lines([line])) == [("line 1", entry)]


class TestAnExport:
    WHERE = {"state": {"cancel": ["declined", True], "ignore": ["approved"]}}  # noqa: RUF012 - read

    def rows(self) -> Rows:
        return Rows(Columns.checked("number", self.WHERE))

    def test_named_keys_count_and_others_say_nothing(self) -> None:
        lines = [
            '{"number": "A-7", "state": "declined", "email": "x@example.com"}\n',
            '{"number": "A-8", "state": "approved"}\n',
            '{"number": 9, "state": true, "order_id": 5, "disposition_reason": "other"}\n',
        ]
        assert list(entries_of_json_lines(lines, self.rows())) == [
            ("line 1", {"order_id": "A-7"}),
            ("line 3", {"order_id": 9, "disposition_reason": "other"}),
        ]

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("7\n", "the line is no object, and order_id_column and where are about its keys"),
            ('{"number": 7}\n', "the object has no key 'state'"),
            ('{"Number": 7, "state": "declined"}\n', "the object has no key 'number'"),
            ('{"number": 7, "state": "Declined"}\n', "differs from 'declined' by letter case"),
            ('{"number": 7, "state": {"a": 1}}\n', "does not name (a value of type dict)"),
            ('{"number": null, "state": "declined"}\n', "the field number is blank"),
        ],
    )
    def test_what_cannot_be_told_is_refused(self, line: str, says: str) -> None:
        ((position, entry),) = entries_of_json_lines([line], self.rows())
        assert position == "line 1"
        assert isinstance(entry, Unusable)
        assert says in entry.problem

    def test_a_condition_alone_leaves_an_unknown_key_to_be_refused(self) -> None:
        rows = Rows(Columns.checked(None, self.WHERE))
        line = '{"order_id": 7, "state": "declined", "hold": true}\n'
        assert list(entries_of_json_lines([line], rows)) == [
            ("line 1", {"order_id": 7, "hold": True})
        ]
