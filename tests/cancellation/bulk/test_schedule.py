"""Which order of a run makes the next request, and when."""

from __future__ import annotations

import math

from breakers import item_of

from airflow_provider_oms.cancellation.bulk.rate_limiter import RateLimiter
from airflow_provider_oms.cancellation.bulk.schedule import Schedule
from airflow_provider_oms.cancellation.bulk.work_item import ItemState, WorkItem


def filled(rate: float | None = None) -> tuple[Schedule, list[WorkItem]]:
    """Return a schedule with a fresh order, one that waits until 10, and one that is ready."""
    schedule = Schedule(RateLimiter(rate))
    items = [item_of(order_id) for order_id in (1, 2, 3)]
    schedule.add_fresh(items[0])
    schedule.add_waiting(items[1], 10.0)
    schedule.add_ready(items[2])
    return schedule, items


def test_one_that_goes_on_is_before_one_that_waited_and_that_before_a_fresh_one() -> None:
    schedule, (fresh, waiting, ready) = filled()
    assert schedule.load == 3
    assert [schedule.take(10.0, fresh_may_go=True) for _ in range(4)] == [
        *(ready, waiting, fresh),
        None,
    ]
    assert schedule.load == 0
    assert schedule.next_at(fresh_may_go=True) == math.inf


def test_one_that_waits_is_not_taken_before_its_moment() -> None:
    schedule, (fresh, waiting, ready) = filled()
    taken = [schedule.take(9.9, fresh_may_go=True) for _ in range(3)]
    assert taken == [ready, fresh, None]
    assert schedule.next_at(fresh_may_go=True) == 10.0
    assert schedule.take(10.0, fresh_may_go=True) is waiting


def test_of_two_that_wait_the_earlier_is_first() -> None:
    schedule = Schedule(RateLimiter())
    first, second, third = items = [item_of(order_id) for order_id in (1, 2, 3)]
    for item, until in zip(items, (3.0, 1.0, 3.0), strict=True):
        schedule.add_waiting(item, until)
    taken = [schedule.take(5.0, fresh_may_go=True) for _ in range(3)]
    assert taken == [second, first, third]


def test_a_fresh_order_stays_while_none_may_go() -> None:
    schedule, (fresh, *_) = filled()
    taken = [schedule.take(10.0, fresh_may_go=False) for _ in range(3)]
    assert fresh not in taken
    assert schedule.next_at(fresh_may_go=False) == math.inf
    assert schedule.next_at(fresh_may_go=True) == -math.inf


def test_a_pause_holds_back_all_of_them() -> None:
    schedule, _ = filled()
    schedule.limiter.pause_until(20.0, 10.0)
    assert schedule.take(19.9, fresh_may_go=True) is None
    assert schedule.next_at(fresh_may_go=True) == 20.0
    assert schedule.take(20.0, fresh_may_go=True) is not None


def test_the_rate_holds_back_all_but_one_that_has_its_slot() -> None:
    schedule, (_, _, ready) = filled(rate=0.5)
    schedule.limiter.take_slot(10.0)
    assert schedule.take(10.0, fresh_may_go=True) is ready
    assert schedule.take(11.9, fresh_may_go=True) is None
    assert schedule.next_at(fresh_may_go=True) == 12.0
    assert schedule.take(12.0, fresh_may_go=True) is not None


def test_all_are_taken_at_the_end_and_those_in_flight_are_not() -> None:
    schedule, items = filled()
    flying = item_of(4)
    schedule.in_flight.add(flying)
    assert set(schedule.take_all()) == set(items)
    assert schedule.load == 1
    assert schedule.take(100.0, fresh_may_go=True) is None


def test_each_state_is_named() -> None:
    _, items = filled()
    assert [item.state for item in items] == [ItemState.READY, ItemState.WAITING, ItemState.READY]
