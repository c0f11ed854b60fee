"""Stories of verdicts in files: no death between two steps loses one, or cancels an order twice.

A seed is a story: files are written, half-written, written again and put into the folder again
unchanged. Two triggers, Airflow and the task that takes die between any two steps. When it is over,
an order was handed out only if a verdict rejected it, each that was rejected last is due, none that
was accepted last is, and every file was moved aside. No order is handed out again without the doubt
that its cancel may have been sent, nor after it was settled without another row about it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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
from airflow_provider_oms.verdicts.inbox import Ends, Event, Inbox, read_from, settle, take
from airflow_provider_oms.verdicts.verdict import Decision, Verdict


def adapter(payload: Mapping[str, Any]) -> Verdict:
    return Verdict(payload["order"], Decision(payload["word"]))


@dataclass
class World:
    """Hold what outlives every process: the folder, the events and the state of the inbox."""

    chance: random.Random
    orders: int
    now: datetime = BEGIN
    files: dict[str, tuple[datetime, list[tuple[int, str]]]] = field(default_factory=dict)
    half: dict[str, datetime] = field(default_factory=dict)
    written: int = 0
    newest: dict[int, tuple[datetime, str, str]] = field(default_factory=dict)
    rejected: set[int] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    state: Any = None
    ends: Any = None
    moved: dict[str, tuple[datetime, list[tuple[int, str]]]] = field(default_factory=dict)
    canceled: set[int] = field(default_factory=set)
    settled: dict[int, set[FileRow]] = field(default_factory=dict)

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
        name = f"{self.written:03}.jsonl"
        words = self.chance.choices(["cancel", "keep"], k=self.chance.randint(1, 3))
        rows = [(self.chance.randrange(self.orders), word) for word in words]
        # Not at the moment at which another one was written on.
        self.files[name] = (self.now + timedelta(milliseconds=1), rows)
        if self.chance.random() < 0.3:
            self.half[name] = self.now
        self._judge(name)

    def write_again(self) -> None:
        """Put a file that was moved aside into the folder again, with its time."""
        if self.moved:
            name = self.chance.choice(list(self.moved))
            self.files[name] = self.moved.pop(name)

    def go_on_writing(self) -> None:
        for name, since in list(self.half.items()):
            # A writer takes less than the time for which a file must stand still.
            if self.now - since < timedelta(seconds=20) and self.chance.random() < 0.8:
                continue
            row = (self.chance.randrange(self.orders), self.chance.choice(["cancel", "keep"]))
            self.files[name] = (self.now, [*self.files[name][1], row])
            # All of it counts as written now.
            self._judge(name)
            del self.half[name]

    def _judge(self, name: str) -> None:
        at, rows = self.files[name]
        for number, (order, word) in enumerate(rows, 1):
            verdict = (at + timedelta(microseconds=number), name, word)
            self.newest[order] = max(verdict, self.newest.get(order, verdict))
            if word == "cancel":
                self.rejected.add(order)


def watch(world: World) -> Iterator[None]:
    """Announce files; its caller may kill it, and the rows that are not stored, anywhere."""
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
    """Go through one run of the DAG; its caller may kill it anywhere."""
    inbox, ends = Inbox.from_json(world.state), Ends.from_json(world.ends)
    since = read_from(inbox, POLICY, world.now)
    events = [event for event in world.events if event.at >= since]
    taken = take(
        inbox,
        ends,
        without_copies(events, inbox.read),
        handout=name,
        adapter=from_files(adapter),
        policy=POLICY,
        now=world.now,
    )
    assert not [problem for problem in taken.problems if "is no verdict" in problem]
    rows = [row for event in events if (row := FileRow.from_extra(event.payload)) is not None]
    about: dict[int, list[FileRow]] = {}
    for row in sorted(rows, key=lambda row: (row.at, row.file.name)):
        about.setdefault(json.loads(row.verdict or "")["order"], []).append(row)
    for due in taken.handed_out:
        order = int(due.order)
        assert '"cancel"' in (about[order][-1].verdict or "")
        assert not world.settled.pop(order, set()).issuperset(about[order])
    yield
    world.state = taken.to_json()
    whole = read_whole(rows)
    for one in world.listed():
        if (one, "") in whole:
            yield
            if one in world.listed():
                world.moved[one.name] = world.files.pop(one.name)
                assert one.name not in world.half
    for due in taken.handed_out:
        yield
        order = int(due.order)
        assert order in world.rejected
        assert due.in_doubt or order not in world.canceled
        world.canceled.add(order)
    yield
    settled = [due.key for due in taken.handed_out]
    if (left := settle(Inbox.from_json(world.state), name, settled)) is not None:
        world.ends = left.to_json()
        world.settled |= {int(order): set(about[int(order)]) for order in settled}


def tell(seed: int) -> World:
    """Tell one story to its end.

    :param seed: which story.
    """
    chance = random.Random(seed)  # noqa: S311 - a story, no secret
    # With few orders, verdicts are revised; with many, most have one that may be lost.
    world = World(chance, orders=chance.choice([3, 15]))
    watchers, runner = [watch(world), watch(world)], run(world, "0")
    for step in range(600):
        is_calm = step >= 150
        world.now += timedelta(seconds=chance.choice([1, 2, 5]))
        world.go_on_writing()
        if not is_calm and chance.random() < 0.1:
            # Of two files, both may have one time.
            for _ in range(chance.choice([1, 1, 2])):
                world.write()
        if not is_calm and chance.random() < 0.1:
            world.write_again()
        if not is_calm and chance.random() < 0.2:
            watchers[chance.randrange(2)] = watch(world)
        next(watchers[0 if chance.random() < 0.7 else 1])
        if not is_calm and chance.random() < 0.05:
            runner = iter(())
        if next(runner, "over") == "over":
            runner = run(world, str(step))
    return world


@pytest.mark.parametrize("first", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_every_order_ends_as_its_newest_verdict_says_wherever_a_process_dies(first: int) -> None:
    for seed in range(first, 2 + first * 8):
        world = tell(seed)
        assert world.files == {}, seed
        assert sorted(world.moved) == [f"{n:03}.jsonl" for n in range(1, world.written + 1)]
        due = {order for order, (*_, word) in world.newest.items() if word == "cancel"}
        assert due <= world.canceled <= world.rejected, seed
