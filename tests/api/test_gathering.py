"""What falls due within a short time is taken together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.api.gathering import Gathering


def test_nothing_is_due_where_nothing_waits() -> None:
    gathering: Gathering[str] = Gathering(3)
    assert gathering.due_at is None
    assert gathering.take(5) == []


def test_all_leave_together_when_the_first_has_waited_for_as_long_as_it_may() -> None:
    gathering: Gathering[str] = Gathering(3)
    gathering.add("a", now=10, within=2)
    gathering.add("b", now=11, within=2)
    assert gathering.due_at == 12
    assert gathering.take(11.9) == []
    assert gathering.take(12) == ["a", "b"]
    assert gathering.due_at is None


def test_one_that_may_wait_less_takes_the_others_along() -> None:
    gathering: Gathering[str] = Gathering(3)
    gathering.add("a", now=10, within=9)
    gathering.add("b", now=11, within=1)
    assert gathering.due_at == 12
    assert gathering.take(12) == ["b", "a"]


def test_as_many_as_leave_together_wait_no_longer() -> None:
    gathering: Gathering[str] = Gathering(3)
    for number, name in enumerate("abcd"):
        gathering.add(name, now=10, within=2 - number / 10)
    assert gathering.take(10) == ["d", "c", "b"]
    assert gathering.take(10) == []
    assert gathering.due_at == 12


def test_what_is_due_at_the_same_time_leaves_as_it_came() -> None:
    gathering: Gathering[object] = Gathering(9)
    # None of them can be compared with another.
    items = [object() for _ in range(9)]
    for item in items:
        gathering.add(item, now=10, within=2)
    assert gathering.take(12) == items


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5)), max_size=60), st.integers(1, 7))
def test_each_leaves_once_and_none_too_late(given: list[tuple[float, float]], most: int) -> None:
    gathering: Gathering[int] = Gathering(most)
    now = 0.0
    left: list[int] = []
    latest: dict[int, float] = {}

    def take() -> None:
        while batch := gathering.take(now):
            assert len(batch) <= most
            assert all(now <= latest[one] for one in batch)
            left.extend(batch)

    for number, (pause, within) in enumerate(given):
        until = now + pause
        while gathering.due_at is not None and gathering.due_at <= until:
            now = max(now, gathering.due_at)
            take()
        now = until
        latest[number] = now + within
        gathering.add(number, now=now, within=within)
        take()
    while gathering.due_at is not None:
        now = max(now, gathering.due_at)
        take()
    assert sorted(left) == list(range(len(given)))
