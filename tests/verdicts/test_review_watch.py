"""Orders in review are reported at least once, whatever becomes of events and restarts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.api.review import Event, OrderInReview
from airflow_provider_oms.verdicts.review_watch import Pace, ReviewWatch

BEGAN = datetime(2026, 11, 28, tzinfo=UTC)
POLL, SEARCH, OVERLAP, END = 10, 60, 40, 600


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def order(order_id: str, word: str | None) -> OrderInReview:
    """Return an order whose validator said a word; one that is past its review for none."""
    payload = {"id": order_id, "validationResults": [{"status": word}]}
    return OrderInReview(order_id, "PendingReview" if word else "Accepted", payload)


@dataclass(frozen=True)
class Told:
    """Define the fate of the event of one change: how late, how often, or lost."""

    lag: int = 0
    copies: int = 1


@dataclass
class World:
    """Play a tenant in which orders enter their review, are decided again, and leave it.

    :param changes: of each order, its results from a time on; ``None`` where it has left.
    :param told: the fate of the event of each change into review, in their sequence.
    :param search_lag: seconds by which a search is behind.
    """

    changes: dict[str, list[tuple[int, str | None]]]
    told: list[Told]
    search_lag: int = 0
    reports: list[tuple[int, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.events: list[tuple[int, Event]] = []
        entered = [
            (time, name)
            for name, changes in self.changes.items()
            for number, (time, word) in enumerate(changes)
            if word and not (number and changes[number - 1][1])
        ]
        for number, (time, name) in enumerate(sorted(entered)):
            told = self.told[number] if number < len(self.told) else Told()
            for copy in range(told.copies):
                event = Event(f"{name}-{time}-{copy}", name, at(time))
                self.events.append((time + told.lag, event))

    def word(self, name: str, now: int) -> str | None:
        past = [word for time, word in self.changes[name] if time <= now]
        return past[-1] if past else None

    def play(self, restarts: set[int], *, searches: bool = True) -> None:
        watch, searched_at = ReviewWatch(timedelta(seconds=OVERLAP), at(0)), -SEARCH
        for now in range(0, END, POLL):
            if now in restarts:
                watch, searched_at = ReviewWatch(timedelta(seconds=OVERLAP), at(now)), now - SEARCH
            since = watch.since
            shown = [event for time, event in self.events if time <= now]
            watch.on_events([e for e in shown if e.created_at and e.created_at >= since], at(now))
            if searches and now - searched_at >= SEARCH:
                searched_at = now
                found = {name: self.word(name, now - self.search_lag) for name in self.changes}
                watch.on_search([order(*one) for one in found.items() if one[1]], at(now))
            for name in watch.waiting:
                if self.changes[name][0][0] > now:
                    watch.on_missing(name, at(now))
                    continue
                reported = watch.on_read(order(name, self.word(name, now)))
                if reported is not None:
                    self.reports.append((now, name, reported["validationResults"][0]["status"]))


WORDS = st.sampled_from(["Fail", "Review", "Pass", None])
CHANGES = st.lists(st.tuples(st.integers(0, 500), WORDS), min_size=1, max_size=5).map(
    lambda changes: sorted(dict(changes).items())
)
ORDERS = st.dictionaries(st.sampled_from("abcdef"), CHANGES, max_size=5)
LOSSY = st.lists(st.builds(Told, lag=st.integers(0, 200), copies=st.integers(0, 3)), max_size=20)
RESTARTS = st.sets(st.sampled_from(range(0, 500, POLL)), max_size=8)


@given(ORDERS, LOSSY, RESTARTS, st.integers(0, 30))
def test_the_last_results_of_every_order_in_review_are_reported(
    changes: dict[str, Any], told: list[Told], restarts: set[int], search_lag: int
) -> None:
    world = World(changes, told, search_lag)
    world.play(restarts)
    for name, one in changes.items():
        if (word := one[-1][1]) is not None:
            assert [said for _, about, said in world.reports if about == name][-1:] == [word]


@given(ORDERS, LOSSY, RESTARTS, st.integers(0, 30))
def test_what_is_reported_is_what_the_order_says_at_that_time(
    changes: dict[str, Any], told: list[Told], restarts: set[int], search_lag: int
) -> None:
    world = World(changes, told, search_lag)
    world.play(restarts)
    assert [one for one in world.reports if world.word(one[1], one[0]) != one[2]] == []


def test_an_order_whose_review_begins_again_is_reported_again_also_with_the_same_results() -> None:
    world = World({"a": [(10, "Fail"), (11, None), (12, "Fail")]}, [])
    world.play(set())
    assert world.reports == [(10, "a", "Fail"), (20, "a", "Fail")]
    world = World({"a": [(10, "Fail"), (11, None), (12, "Fail")]}, [Told(), Told(lag=30)])
    world.play(set())
    assert world.reports == [(10, "a", "Fail"), (50, "a", "Fail")]


@given(ORDERS, LOSSY)
def test_the_same_results_are_reported_once_as_long_as_nothing_restarts(
    changes: dict[str, Any], told: list[Told]
) -> None:
    world = World(changes, told)
    world.play(set())
    last: dict[str, tuple[int, str]] = {}
    for now, name, word in world.reports:
        if name in last and last[name][1] == word:
            # It was something else in between, or an event announced it.
            times = [time for time, _ in changes[name]]
            times += [time for time, event in world.events if event.order_id == name]
            assert any(last[name][0] < time <= now for time in times)
        last[name] = (now, word)


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 500)),
    st.lists(st.builds(Told, lag=st.integers(0, OVERLAP - POLL), copies=st.integers(1, 3))),
)
def test_events_within_the_overlap_need_no_search(
    entered: dict[str, int], told: list[Told]
) -> None:
    world = World({name: [(time, "Fail")] for name, time in entered.items()}, told)
    world.play(set(), searches=False)
    assert sorted(name for _, name, _ in world.reports) == sorted(entered)


def watch() -> ReviewWatch:
    return ReviewWatch(timedelta(seconds=OVERLAP), at(0))


def test_an_event_of_a_clock_that_is_ahead_hides_no_other() -> None:
    one = watch()
    one.on_events([Event("1", "a", at(9000))], at(10))
    assert one.since == at(10 - OVERLAP)
    one.on_events([Event("2", "b", at(20))], at(20))
    assert one.waiting == ["a", "b"]


def test_an_old_event_that_a_tenant_shows_unasked_is_none() -> None:
    one = watch()
    one.on_events([Event("1", "a", at(-OVERLAP - 1)), Event("2", "b", at(-OVERLAP))], at(0))
    assert one.waiting == ["b"]


def test_an_event_without_a_time_counts_once() -> None:
    one = watch()
    one.on_events([Event("1", "a")], at(0))
    one.on_read(order("a", None))
    one.on_events([Event("1", "a")], at(10))
    assert one.waiting == []


def test_an_order_that_is_not_there_yet_is_read_again_for_some_time_and_after_the_others() -> None:
    one = watch()
    one.on_events([Event("1", "a", at(0)), Event("2", "b", at(0))], at(0))
    assert one.on_missing("a", at(OVERLAP))
    assert one.waiting == ["b", "a"]
    assert not one.on_missing("a", at(OVERLAP + 1))
    assert one.waiting == ["b"]
    one.on_search([order("a", "Fail")], at(OVERLAP + 2))
    assert one.waiting == ["b", "a"]


def test_an_order_without_results_is_reported_too() -> None:
    # Whether that is a fault is for the adapter to say.
    one = watch()
    empty = OrderInReview("a", "PendingReview", {"id": "a", "validationResults": None})
    one.on_search([empty], at(0))
    assert one.on_read(empty) == empty.payload
    one.on_search([empty], at(1))
    assert one.waiting == []


class TestPace:
    def test_it_asks_at_once_and_then_after_each_interval(self) -> None:
        pace = Pace(30, 10)
        assert pace.due_at <= 0
        pace.answered(100)
        assert pace.due_at == 130

    def test_failures_double_the_pause_up_to_ten_minutes(self) -> None:
        pace = Pace(30, 10)
        pauses = []
        for _ in range(40):
            pace.failed(0)
            pauses.append(pace.due_at)
        assert pauses[:4] == [10, 20, 40, 80]
        assert pauses[-1] == 600
        pace.answered(0)
        pace.failed(0)
        assert pace.due_at == 10

    @pytest.mark.parametrize(("asked", "due_at"), [(5, 10), (60, 60), (None, 10)])
    def test_it_waits_as_long_as_the_oms_asks(self, asked: float | None, due_at: float) -> None:
        pace = Pace(30, 10)
        pace.failed(0, asked)
        assert pace.due_at == due_at
