"""Verdicts in files: when a file stands still, and that no death between two steps loses one.

A seed is a story: files are written, half-written and written again, and the trigger, Airflow and
the task that takes die between any two steps. When it is over, an order was handed out only if a
verdict rejected it, each that was rejected last is due, none that was accepted last is, and every
file was moved aside once.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_oms.verdicts.files import (
    FileRow,
    StillFiles,
    VerdictFile,
    from_files,
    read_whole,
)
from airflow_provider_oms.verdicts.inbox import Ends, Event, Inbox, Policy, read_from, settle, take
from airflow_provider_oms.verdicts.verdict import Decision, OmsVerdictError, Verdict

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = Policy(look_back=timedelta(hours=24), overlap=timedelta(minutes=5))
STILL_FOR = 30.0


def adapter(payload: Mapping[str, Any]) -> Verdict:
    try:
        return Verdict(payload["order"], Decision(payload["word"]))
    except ValueError:
        raise OmsVerdictError("word", "a known word", "another", payload["order"]) from None


def file(name: str = "a.jsonl", size: int = 1, seconds: float = 0) -> VerdictFile:
    return VerdictFile(name, size, BEGIN + timedelta(seconds=seconds))


def event_of(row: FileRow) -> dict[str, Any]:
    """Return the extra of the event that Airflow makes of a row."""
    extra = {"from_trigger": True, "payload": row.to_json()}
    return json.loads(json.dumps(extra))  # type: ignore[no-any-return]  # it is what went in


def verdict_row(order: int, word: str, number: int = 1, of: int = 1) -> FileRow:
    return FileRow(file(), number, of, json.dumps({"order": order, "word": word}))


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
        row = verdict_row(7, "cancel", 2, 3)
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
                )
            ),
        ],
    )
    def test_an_event_of_another_origin_is_no_row(self, extra: Any) -> None:
        assert FileRow.from_extra(extra) is None

    def test_a_file_is_whole_when_no_row_is_missing(self) -> None:
        rows = [verdict_row(order, "keep", order, 3) for order in (1, 2, 3)]
        assert read_whole([rows[0], rows[2], rows[2]]) == {}
        assert read_whole([rows[2], rows[0], rows[1], rows[1]]) == {file(): True}
        problem = FileRow(file(), 2, 3, problem=("row 2", "JSON", "odd"))
        assert read_whole([rows[0], problem, rows[2]]) == {file(): False}

    def test_rows_of_two_forms_of_a_file_make_none_whole(self) -> None:
        first = FileRow(file(seconds=0), 1, 2, "{}")
        second = FileRow(file(seconds=1), 2, 2, "{}")
        assert read_whole([first, second]) == {}


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


@dataclass
class World:
    """Hold what outlives every process: the folder, the events and the state of the inbox."""

    chance: random.Random
    orders: int
    now: datetime = BEGIN
    files: dict[str, tuple[datetime, list[tuple[int, str]]]] = field(default_factory=dict)
    half: dict[str, datetime] = field(default_factory=dict)
    written: int = 0
    newest: dict[int, str] = field(default_factory=dict)
    rejected: set[int] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    state: Any = None
    ends: Any = None
    moved: list[str] = field(default_factory=list)
    canceled: dict[int, str] = field(default_factory=dict)

    def listed(self) -> list[VerdictFile]:
        return [VerdictFile(name, len(rows), at) for name, (at, rows) in self.files.items()]

    def rows(self, of: VerdictFile) -> list[FileRow] | None:
        if of not in self.listed():
            return None
        rows = self.files[of.name][1]
        payloads = [json.dumps({"order": order, "word": word}) for order, word in rows]
        return [FileRow(of, number, len(rows), one) for number, one in enumerate(payloads, 1)]

    def write(self) -> None:
        """Write a file, of which the second half may come a little later."""
        self.written += 1
        name = f"{self.written}.jsonl"
        words = self.chance.choices(["cancel", "keep"], k=self.chance.randint(1, 3))
        rows = [(self.chance.randrange(self.orders), word) for word in words]
        # Not at the moment at which another one was written on.
        self.files[name] = (self.now + timedelta(milliseconds=1), rows)
        if self.chance.random() < 0.3:
            self.half[name] = self.now
        self._judge(rows)

    def go_on_writing(self) -> None:
        for name, since in list(self.half.items()):
            # A writer takes less than the time for which a file must stand still.
            if self.now - since < timedelta(seconds=20) and self.chance.random() < 0.8:
                continue
            row = (self.chance.randrange(self.orders), self.chance.choice(["cancel", "keep"]))
            self.files[name] = (self.now, [*self.files[name][1], row])
            # All of it counts as written now.
            self._judge(self.files[name][1])
            del self.half[name]

    def _judge(self, rows: list[tuple[int, str]]) -> None:
        self.newest.update(rows)
        self.rejected.update(order for order, word in rows if word == "cancel")


def watch(world: World) -> Iterator[None]:
    """Announce files; whoever drives it may kill it, and the rows that are not stored, anywhere."""
    still, waiting = StillFiles(STILL_FOR), list[FileRow]()

    def clock() -> float:
        return (world.now - BEGIN).total_seconds()

    while True:
        for one in still.look(world.listed(), clock()):
            yield
            rows = world.rows(one)
            for row in rows or ():
                waiting.append(row)
                yield
                # Airflow stores the events of some rows together, in their sequence.
                while waiting and world.chance.random() < 0.7:
                    extra = event_of(waiting.pop(0))
                    world.events.append(Event(len(world.events) + 1, world.now, extra))
            if rows is not None:
                still.note(one, clock())
        yield
        for row in waiting:
            world.events.append(Event(len(world.events) + 1, world.now, event_of(row)))
        waiting.clear()
        yield


def run(world: World, name: str) -> Iterator[None]:
    """Go through one run of the DAG; whoever drives it may kill it anywhere."""
    inbox, ends = Inbox.from_json(world.state), Ends.from_json(world.ends)
    since = read_from(inbox, POLICY, world.now)
    events = [event for event in world.events if event.at >= since]
    taken = take(
        inbox,
        ends,
        events,
        handout=name,
        adapter=from_files(adapter),
        policy=POLICY,
        now=world.now,
    )
    assert not [problem for problem in taken.problems if "is no verdict" in problem]
    rows = [row for event in events if (row := FileRow.from_extra(event.payload)) is not None]
    standing = {}
    for row in sorted(rows, key=lambda row: row.at):
        payload = json.loads(row.verdict or "")
        standing[payload["order"]] = payload["word"]
    assert {due.order for due in taken.handed_out} <= {
        order for order, word in standing.items() if word == "cancel"
    }
    yield
    world.state = taken.to_json()
    whole = read_whole(rows)
    for one in world.listed():
        if one in whole:
            yield
            if one in world.listed():
                world.moved.append(one.name)
                del world.files[one.name]
                assert one.name not in world.half
    settled = []
    for due in taken.handed_out:
        yield
        assert due.order in world.rejected
        world.canceled.setdefault(int(due.order), name)
        settled.append(due.key)
    yield
    if (left := settle(Inbox.from_json(world.state), name, settled)) is not None:
        world.ends = left.to_json()


def tell(seed: int) -> World:
    """Tell one story to its end.

    :param seed: which story.
    """
    chance = random.Random(seed)  # noqa: S311 - a story, no secret
    # With few orders, verdicts are revised; with many, most have one that may be lost.
    world = World(chance, orders=chance.choice([3, 15]))
    watcher, runner = watch(world), run(world, "0")
    for step in range(400):
        is_calm = step >= 200
        world.now += timedelta(seconds=chance.choice([1, 2, 5]))
        world.go_on_writing()
        if not is_calm and chance.random() < 0.1:
            world.write()
        if not is_calm and chance.random() < 0.2:
            watcher = watch(world)
        next(watcher)
        if not is_calm and chance.random() < 0.05:
            runner = iter(())
        if next(runner, "over") == "over":
            runner = run(world, str(step))
    return world


@pytest.mark.parametrize("first", range(0, 80, 20))
def test_every_order_ends_as_its_newest_verdict_says_wherever_a_process_dies(first: int) -> None:
    for seed in range(first, first + 20):
        world = tell(seed)
        assert world.files == {}, seed
        assert sorted(world.moved) == sorted(f"{n}.jsonl" for n in range(1, world.written + 1))
        due = {order for order, word in world.newest.items() if word == "cancel"}
        assert due <= world.canceled.keys() <= world.rejected, seed


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
    taken = take(
        Inbox(),
        Ends(),
        events,
        handout="1",
        adapter=from_files(adapter),
        policy=POLICY,
        now=BEGIN + timedelta(hours=1),
    )
    assert taken.handed_out == ()


def test_a_verdict_that_cannot_be_read_is_replaced_by_a_later_one_whose_event_was_earlier() -> None:
    odd = FileRow(file("a"), 1, 1, json.dumps({"order": 1, "word": "odd"}))
    later = FileRow(file("b", seconds=5), 1, 1, json.dumps({"order": 1, "word": "cancel"}))
    events = [
        Event(1, BEGIN + timedelta(minutes=1), event_of(later)),
        Event(2, BEGIN + timedelta(minutes=2), event_of(odd)),
    ]
    taken = take(
        Inbox(),
        Ends(),
        events,
        handout="1",
        adapter=from_files(adapter),
        policy=POLICY,
        now=BEGIN + timedelta(hours=1),
    )
    assert [due.order for due in taken.handed_out] == [1]
