"""The work left for a set, given the records of earlier attempts."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journal_store import Store

from airflow_provider_oms.api.validation import CancelRequest, OrderId
from airflow_provider_oms.cancellation.bulk.journal import Journal
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet
from airflow_provider_oms.cancellation.bulk.recovery import Queued, Record, Recovery
from airflow_provider_oms.cancellation.bulk.work_item import LEASE_SECONDS, WorkItem
from airflow_provider_oms.cancellation.history import Policy
from airflow_provider_oms.cancellation.outcomes import CancellationResult, ConfirmedBy, Outcome

# By the clock of the attempt, and by that on the wall.
NOW, WALL = 500.0, 1_800_000_000.0
LEEWAY = 5.0
LEASE = LEASE_SECONDS + LEEWAY


def orders_of(*order_ids: int, in_doubt: Iterable[int] = ()) -> OrderSet:
    requests: dict[Any, Any] = {id_: CancelRequest(id_, "other", "Fraud") for id_ in order_ids}
    return OrderSet(requests, in_doubt=frozenset(in_doubt))


def write(
    journal: Journal, intents: Iterable[int], ended: Iterable[CancellationResult], at: float = WALL
) -> None:
    journal.write(list(intents), list(ended), posted_by=at + LEASE, now=at)


def open_journal(store: Store | None, attempt: int = 1, at: float = WALL) -> Journal:
    # An order keeps its type only where the set is known.
    return Journal(store, now=at, attempt=attempt, order_ids=range(1, 10))


def store_of(*results: CancellationResult, intents: Iterable[int] = ()) -> Store:
    """Return the store after a first attempt."""
    store = Store()
    journal = open_journal(store)
    write(journal, [*(int(result.order_id) for result in results), *intents], [])
    write(journal, [], results)
    return store


def recovery_of(
    orders: OrderSet, store: Store | None, *, attempt: int = 2, wall: float = WALL
) -> Recovery:
    journal = open_journal(store, attempt, wall)
    record = Record(journal.earlier, journal.is_whole, journal.is_kept, LEEWAY, journal.learned)
    return Recovery(orders, Policy(), record, now=NOW, wall_now=wall)


def items_of(recovery: Recovery) -> list[WorkItem]:
    queued, items = recovery.queued(), []
    while (taken := queued.take()) is not None:
        items.append(recovery.item(*taken))
    return items


def ended(order_id: int, outcome: Outcome) -> CancellationResult:
    return CancellationResult(order_id, outcome, ConfirmedBy.READ)


def test_a_first_attempt_begins_with_everything_and_doubts_nothing() -> None:
    items = items_of(recovery_of(orders_of(1, 2), None, attempt=1))
    assert [item.request.order_id for item in items] == [1, 2]
    assert {item.doubt_since for item in items} == {None}


def test_an_order_in_doubt_comes_first_then_one_that_was_refused_then_the_rest() -> None:
    store = store_of(ended(3, Outcome.NOT_FOUND), ended(4, Outcome.CANCELED), intents=[2])
    left = recovery_of(orders_of(1, 2, 3, 4), store)
    items = items_of(left)
    assert [item.request.order_id for item in items] == [2, 3, 1]
    # A person may have removed the reason for the refusal, and even have canceled the order.
    assert [item.policy.look_first for item in items] == [False, True, False]
    assert [item.doubt_since is None for item in items] == [False, True, True]
    assert [end.result.order_id for end in left.settled()] == [4]
    assert left.describe() == (
        "1 are canceled already, 1 are in doubt and read first, 1 were refused and are looked at "
        "again, 1 were not started"
    )


def test_an_unknown_or_still_open_order_is_in_doubt() -> None:
    store = store_of(ended(1, Outcome.UNKNOWN), ended(2, Outcome.NOT_CANCELED))
    items = items_of(recovery_of(orders_of(1, 2), store))
    assert all(item.doubt_since is not None for item in items)


class TestHowOldADoubtIs:
    def test_it_is_as_old_as_the_record_says(self) -> None:
        store = store_of(intents=[1])
        (item,) = items_of(recovery_of(orders_of(1), store, wall=WALL + 60 + LEASE))
        # The lease is counted in: the cancel can have left until its end.
        assert item.doubt_since == NOW - 60

    @pytest.mark.parametrize("passed", [0.0, 0.5, LEASE - 0.5])
    def test_a_lease_that_still_runs_ends_in_the_future(self, passed: float) -> None:
        store = store_of(intents=[1])
        (item,) = items_of(recovery_of(orders_of(1), store, wall=WALL + passed))
        # An attempt that is taken for dead may still send until then.
        assert item.doubt_since == pytest.approx(NOW + LEASE - passed)

    def test_no_clock_that_is_wrong_makes_it_end_later_than_a_lease_can(self) -> None:
        store = store_of(intents=[1])
        (item,) = items_of(recovery_of(orders_of(1), store, wall=WALL - 3600))
        assert item.doubt_since == NOW + LEASE

    def test_without_a_record_every_order_is_in_doubt_since_now(self) -> None:
        items = items_of(recovery_of(orders_of(1, 2), None))
        assert [item.doubt_since for item in items] == [NOW, NOW]

    def test_a_part_that_was_lost_may_be_as_new_as_can_be(self) -> None:
        store = store_of(ended(2, Outcome.NOT_CANCELABLE), ended(4, Outcome.CANCELED), intents=[3])
        write(open_journal(store, 2, WALL + 600), [1, 2, 3], [], WALL + 600)
        del store["oms_journal_1"]
        left = recovery_of(orders_of(1, 2, 3, 4, 5), store, attempt=3, wall=WALL + 601)
        doubts = {item.request.order_id: item.doubt_since for item in items_of(left)}
        assert doubts == dict.fromkeys((1, 2, 3, 5), NOW + LEASE)
        assert [end.result.order_id for end in left.settled()] == [4]

    def test_an_order_that_the_caller_names_is_in_doubt_at_the_first_attempt_too(self) -> None:
        items = items_of(recovery_of(orders_of(1, 2, in_doubt=[2]), None, attempt=1))
        assert [(item.request.order_id, item.doubt_since) for item in items] == [
            (2, NOW),
            (1, None),
        ]


def test_an_earlier_refusal_is_not_forgotten_over_an_attempt_that_came_to_nothing() -> None:
    store = store_of(ended(2, Outcome.NOT_CANCELABLE))
    journal = open_journal(store, 2)
    write(journal, [2], [])
    write(journal, [], [CancellationResult(2, Outcome.NOT_ATTEMPTED)])
    (item,) = items_of(recovery_of(orders_of(2), store, attempt=3))
    assert item.policy.look_first


def test_an_order_that_no_turn_came_to_ends_as_it_stood() -> None:
    store = store_of(ended(3, Outcome.NOT_FOUND), intents=[2])
    left = recovery_of(orders_of(1, 2, 3), store)
    ends = [left.not_started(order_id, "why") for order_id in (1, 2, 3)]
    outcomes = [Outcome.NOT_ATTEMPTED, Outcome.UNKNOWN, Outcome.NOT_FOUND]
    assert [end.result.outcome for end in ends] == outcomes
    assert {end.posts for end in ends} == {None}


def test_orders_that_left_the_set_are_named_and_none_of_them_is_taken_up() -> None:
    store = store_of(ended(1, Outcome.CANCELED), intents=[9])
    left = recovery_of(orders_of(1), store)
    assert list(left.orphaned()) == [9]
    assert items_of(left) == []


class TestQueued:
    @given(st.integers(0, 25), st.data())
    def test_each_order_is_taken_once_in_whatever_sequence(
        self, size: int, data: st.DataObject
    ) -> None:
        queued = Queued(list(range(size)))
        taken: list[tuple[OrderId, int]] = []
        while len(queued):
            assert len(queued) == size - len(taken)
            suspects: Container[int] = data.draw(st.sets(st.integers(0, 9)))
            one = queued.take_outside(suspects) if data.draw(st.booleans()) else queued.take()
            if one is not None:
                taken.append(one)
                assert one[1] == int(one[0]) * min(10, size) // size
        assert queued.take() is None
        assert sorted(order_id for order_id, _ in taken) == list(range(size))

    def test_without_suspects_they_come_in_their_sequence(self) -> None:
        queued = Queued([7, 5, 6])
        assert [queued.take() for _ in range(4)] == [(7, 0), (5, 1), (6, 2), None]

    def test_an_order_from_elsewhere_comes_from_a_part_that_is_not_suspected(self) -> None:
        queued = Queued(list(range(100)))
        assert queued.strata == 10
        assert queued.take_outside({0, 1, 2}) == (30, 3)
        assert queued.take_outside(set(range(9))) == (90, 9)
        assert queued.take_outside(set(range(10))) is None
        assert queued.take() == (0, 0)
