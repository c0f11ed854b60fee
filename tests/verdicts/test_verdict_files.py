"""Verdicts in files: when a file stands still, its rows as events, and which are copies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from verdict_rows import BEGIN, POLICY, STILL_FOR, event_of

from airflow_provider_oms.verdicts.files import (
    FileRow,
    StillFiles,
    VerdictFile,
    from_files,
    read_whole,
    without_copies,
)
from airflow_provider_oms.verdicts.inbox import Ends, Event, Inbox, take
from airflow_provider_oms.verdicts.verdict import Decision, OmsVerdictError, Verdict


def adapter(payload: Mapping[str, Any]) -> Verdict:
    try:
        return Verdict(payload["order"], Decision(payload["word"]))
    except ValueError:
        raise OmsVerdictError("word", "a known word", "another", payload["order"]) from None


def file(name: str = "a.jsonl", size: int = 1, seconds: float = 0) -> VerdictFile:
    return VerdictFile(name, size, BEGIN + timedelta(seconds=seconds))


def verdict_row(order: int, word: str, number: int = 1, of: int = 1) -> FileRow:
    return FileRow(file(), number, of, json.dumps({"order": order, "word": word}))


def taken_by(events: list[Event]) -> Inbox:
    """Return an inbox that has taken some events, and none before."""
    return take(
        Inbox(),
        Ends(),
        events,
        handout="1",
        adapter=from_files(adapter),
        policy=POLICY,
        now=BEGIN + timedelta(hours=1),
    )


def announced(*rows: FileRow) -> list[Event]:
    """Return the events of rows, one a minute."""
    return [
        Event(number, BEGIN + timedelta(minutes=number), event_of(row))
        for number, row in enumerate(rows, 1)
    ]


class TestStillFiles:
    def test_a_file_is_due_when_it_has_not_changed_for_long_enough(self) -> None:
        still = StillFiles(STILL_FOR)
        assert still.look([file(size=1)], 0) == []
        assert still.look([file(size=2)], 20) == []
        assert still.look([file(size=2)], 49) == []
        assert still.look([file(size=2)], 50) == [file(size=2)]

    def test_one_that_was_announced_is_due_again_when_nothing_has_moved_it_for_an_hour(
        self,
    ) -> None:
        still = StillFiles(0)
        assert still.look([file()], 0) == [file()]
        assert still.look([file()], 1) == [file()]
        still.note(file(), 1)
        assert still.look([file()], 3600) == []
        assert still.look([file()], 3601) == [file()]

    def test_one_that_was_written_again_is_another(self) -> None:
        still = StillFiles(0)
        still.note(file(), 0)
        assert still.look([file(seconds=1)], 1) == [file(seconds=1)]

    def test_one_that_went_and_came_is_looked_at_from_the_beginning(self) -> None:
        still = StillFiles(STILL_FOR)
        still.look([file()], 0)
        still.note(file(), 30)
        still.look([], 31)
        assert still.look([file()], 40) == []
        assert still.look([file()], 70) == [file()]

    def test_the_oldest_are_first(self) -> None:
        files = [file("c", seconds=2), file("b", seconds=2), file("d", seconds=1)]
        assert [one.name for one in StillFiles(0).look(files, 0)] == ["d", "b", "c"]


class TestRows:
    def test_a_row_goes_through_an_event_and_comes_back(self) -> None:
        row = FileRow(file(), 2, 3, "{}", digest="abc")
        assert FileRow.from_extra(event_of(row)) == row
        odd = FileRow(file(), 1, 1, problem=("row 1", "JSON", "odd"))
        assert FileRow.from_extra(event_of(odd)) == odd

    @pytest.mark.parametrize(
        "extra",
        [
            None,
            {},
            {"from_trigger": True},
            {"from_trigger": True, "payload": None},
            {"from_trigger": "yes", "payload": event_of(verdict_row(1, "keep"))["payload"]},
            {"from_trigger": True, "payload": {"order": 1}},
            *(
                {
                    "from_trigger": True,
                    "payload": {**event_of(verdict_row(1, "keep"))["payload"], **change},
                }
                for change in (
                    {"modified": "soon"},
                    {"modified": 5},
                    {"modified": "0001-01-01T00:00:00+14:00"},
                    {"row": 1},
                    {"row": [1]},
                    {"row": ["1", 1]},
                    {"size": 1.5},
                    {"problem": 5},
                    {"problem": ["row 1", "JSON"]},
                    {"problem": ["row 1", "JSON", {}]},
                    {"verdict": {"order": 1}},
                )
            ),
        ],
    )
    def test_an_event_of_another_origin_is_no_row(self, extra: Any) -> None:
        assert FileRow.from_extra(extra) is None

    def test_a_file_is_whole_when_no_row_is_missing(self) -> None:
        rows = [verdict_row(order, "keep", order, 3) for order in (1, 2, 3)]
        assert read_whole([rows[0], rows[2], rows[2]]) == {}
        assert read_whole([rows[2], rows[0], rows[1], rows[1]]) == {(file(), ""): True}
        problem = FileRow(file(), 2, 3, problem=("row 2", "JSON", "odd"))
        assert read_whole([rows[0], problem, rows[2]]) == {(file(), ""): False}

    def test_rows_of_two_forms_of_a_file_make_none_whole(self) -> None:
        first = FileRow(file(seconds=0), 1, 2, "{}", digest="a")
        second = FileRow(file(seconds=1), 2, 2, "{}", digest="a")
        other = FileRow(file(seconds=0), 2, 2, "{}", digest="b")
        assert read_whole([first, second, other]) == {}


class TestTheAdapter:
    read = staticmethod(from_files(adapter))

    def test_an_event_of_another_origin_is_the_adapters(self) -> None:
        assert self.read({"order": 1, "word": "keep"}) == Verdict(1, Decision.KEEP)

    def test_a_verdict_without_a_time_has_that_of_its_place_in_its_file(self) -> None:
        verdict = self.read(event_of(verdict_row(1, "cancel", 5, 9)))
        assert verdict.decided_at == BEGIN + timedelta(microseconds=5)

    def test_one_that_has_a_time_keeps_it(self) -> None:
        at = BEGIN - timedelta(days=1)
        read = from_files(lambda _: Verdict(1, Decision.CANCEL, decided_at=at))
        assert read(event_of(verdict_row(1, "cancel"))).decided_at == at

    def test_one_that_is_not_final_gets_no_time(self) -> None:
        assert self.read(event_of(verdict_row(1, "pending"))).decided_at is None

    def test_one_that_cannot_be_read_holds_its_order_from_its_place_in_its_file(self) -> None:
        with pytest.raises(OmsVerdictError) as refusal:
            self.read(event_of(verdict_row(1, "odd", 5, 9)))
        error = refusal.value
        assert (error.field, error.order) == ("word in row 5 of a.jsonl", 1)
        assert error.decided_at == BEGIN + timedelta(microseconds=5)

    @pytest.mark.parametrize(
        ("row", "field"),
        [
            (FileRow(file(), 1, 1, problem=("row 1 of a", "JSON", "odd")), "row 1 of a"),
            (FileRow(file(), 1, 1, "{"), "verdict"),
            (FileRow(file(), 1, 1), "verdict"),
        ],
    )
    def test_a_row_that_is_none_is_refused(self, row: FileRow, field: str) -> None:
        with pytest.raises(OmsVerdictError) as refusal:
            self.read(event_of(row))
        assert refusal.value.field == field


class TestCopies:
    def test_of_a_row_that_is_announced_again_the_first_event_counts(self) -> None:
        events = announced(
            verdict_row(1, "cancel"), verdict_row(2, "keep"), verdict_row(1, "cancel")
        )
        assert without_copies(reversed(events), frozenset()) == events[:2]

    def test_one_that_an_earlier_run_has_read_counts_before_one_that_was_not_visible_then(
        self,
    ) -> None:
        events = announced(verdict_row(1, "cancel"), verdict_row(1, "cancel"))
        assert without_copies(events, frozenset({2})) == events[1:]

    @pytest.mark.parametrize(
        "other",
        [
            FileRow(file("b"), 1, 1, "{}"),
            FileRow(file(size=2), 1, 1, "{}"),
            FileRow(file(seconds=1), 1, 1, "{}"),
            FileRow(file(), 2, 2, "{}"),
            FileRow(file(), 1, 1, '{"order": 1}'),
            FileRow(file(), 1, 1, problem=("row 1", "JSON", "odd")),
        ],
    )
    def test_another_row_is_no_copy(self, other: FileRow) -> None:
        events = announced(FileRow(file(), 1, 1, "{}"), other)
        assert without_copies(events, frozenset()) == events

    def test_events_of_another_origin_are_no_copies(self) -> None:
        events = [Event(number, BEGIN, {"order": 1}) for number in (1, 2)]
        assert without_copies(events, frozenset()) == events


def test_an_older_file_that_is_announced_again_does_not_replace_a_newer_one() -> None:
    older, newer = file("older", seconds=0), file("newer", seconds=1)
    rows = [
        FileRow(older, 1, 1, json.dumps({"order": 1, "word": "cancel"})),
        FileRow(newer, 1, 1, json.dumps({"order": 1, "word": "keep"})),
        FileRow(older, 1, 1, json.dumps({"order": 1, "word": "cancel"})),
    ]
    events = [
        Event(number, BEGIN + timedelta(minutes=number), event_of(row))
        for number, row in enumerate(rows, 1)
    ]
    taken = taken_by(events)
    assert taken.handed_out == ()


def test_a_verdict_that_cannot_be_read_is_replaced_by_a_later_one_whose_event_was_earlier() -> None:
    odd = FileRow(file("a"), 1, 1, json.dumps({"order": 1, "word": "odd"}))
    later = FileRow(file("b", seconds=5), 1, 1, json.dumps({"order": 1, "word": "cancel"}))
    events = [
        Event(1, BEGIN + timedelta(minutes=1), event_of(later)),
        Event(2, BEGIN + timedelta(minutes=2), event_of(odd)),
    ]
    taken = taken_by(events)
    assert [due.order for due in taken.handed_out] == [1]
