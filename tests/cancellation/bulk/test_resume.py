"""What is left to do for a set, given what earlier attempts have recorded about it."""

from __future__ import annotations

from typing import Any

from journal_store import Store

from airflow_provider_oms.api.validation import CancelRequest
from airflow_provider_oms.cancellation.bulk.journal import Journal
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet
from airflow_provider_oms.cancellation.bulk.resume import Backlog
from airflow_provider_oms.cancellation.history import Policy
from airflow_provider_oms.cancellation.outcomes import CancellationResult, ConfirmedBy, Outcome

# By the clock of the attempt, and by that on the wall.
NOW, WALL = 500.0, 1_800_000_000.0


def orders_of(*order_ids: int, in_doubt: Any = ()) -> OrderSet:
    requests = {order_id: CancelRequest(order_id, "other", "Fraud") for order_id in order_ids}
    return OrderSet(requests, in_doubt=frozenset(in_doubt))


def store_of(*results: CancellationResult, intents: Any = ()) -> Store:
    """Return what a first attempt has left."""
    store = Store()
    journal = Journal(store, clock=lambda: WALL)
    journal.write([*(result.order_id for result in results), *intents], [])
    journal.write([], results)
    return store


def backlog(orders: OrderSet, store: Store | None, *, attempt: int = 2, wall: float = WALL) -> Any:
    journal = Journal(store, attempt=attempt)
    clocks: Any = {"clock": lambda: NOW, "wall_clock": lambda: wall}
    return Backlog(orders, Policy(), journal, **clocks)


def ended(order_id: int, outcome: Outcome) -> CancellationResult:
    return CancellationResult(order_id, outcome, ConfirmedBy.READ)


def test_a_first_attempt_begins_with_everything_and_doubts_nothing() -> None:
    cases = list(backlog(orders_of(1, 2), None, attempt=1).cases())
    assert [case.request.order_id for case in cases] == [1, 2]
    assert {case.doubt_since for case in cases} == {None}


def test_what_is_in_doubt_comes_first_then_what_was_refused_then_the_rest() -> None:
    store = store_of(ended(3, Outcome.NOT_FOUND), ended(4, Outcome.CANCELED), intents=[2])
    left = backlog(orders_of(1, 2, 3, 4), store)
    cases = list(left.cases())
    assert [case.request.order_id for case in cases] == [2, 3, 1]
    # Somebody may have mended what it was refused for, and even have canceled it.
    assert [case.policy.look_first for case in cases] == [False, True, False]
    assert [case.doubt_since is None for case in cases] == [False, True, True]
    assert [end.result.order_id for end in left.settled()] == [4]
    assert left.describe() == (
        "1 are canceled already, 1 are in doubt and read first, 1 were refused and are looked at "
        "again, 1 are untouched"
    )


def test_an_unknown_or_still_open_order_is_in_doubt() -> None:
    store = store_of(ended(1, Outcome.UNKNOWN), ended(2, Outcome.NOT_CANCELED))
    assert all(case.doubt_since is not None for case in backlog(orders_of(1, 2), store).cases())


def test_a_doubt_is_as_old_as_the_record_says() -> None:
    store = store_of(intents=[1])
    (case,) = backlog(orders_of(1), store, wall=WALL + 62.0).cases()
    # The permit of two seconds is counted in.
    assert case.doubt_since == NOW - 60.0


def test_a_doubt_from_the_future_is_one_of_just_now() -> None:
    store = store_of(intents=[1])
    (case,) = backlog(orders_of(1), store, wall=WALL - 3600).cases()
    assert case.doubt_since == NOW


def test_without_a_record_every_order_is_in_doubt_since_just_now() -> None:
    cases = list(backlog(orders_of(1, 2), None).cases())
    assert [case.doubt_since for case in cases] == [NOW, NOW]


def test_what_is_left_of_a_damaged_record_allows_nothing_to_be_sent_unread() -> None:
    store = store_of(ended(2, Outcome.NOT_CANCELABLE), ended(4, Outcome.CANCELED), intents=[3])
    Journal(store, attempt=2, clock=lambda: WALL + 600).write([1, 2, 3], [])
    del store["oms_journal_1"]
    left = backlog(orders_of(1, 2, 3, 4), store, attempt=3, wall=WALL + 601)
    assert {case.request.order_id: case.doubt_since for case in left.cases()} == {
        1: NOW,
        2: NOW,
        3: NOW,
    }
    assert [end.result.order_id for end in left.settled()] == [4]


def test_an_earlier_refusal_is_not_forgotten_over_an_attempt_that_came_to_nothing() -> None:
    store = store_of(ended(2, Outcome.NOT_CANCELABLE))
    journal = Journal(store, attempt=2, clock=lambda: WALL)
    journal.write([2], [])
    journal.write([], [CancellationResult(2, Outcome.NOT_ATTEMPTED)])
    (case,) = backlog(orders_of(2), store, attempt=3).cases()
    assert case.policy.look_first


def test_what_the_caller_names_is_in_doubt_also_at_the_first_attempt() -> None:
    cases = list(backlog(orders_of(1, 2, in_doubt=[2]), None, attempt=1).cases())
    assert [(case.request.order_id, case.doubt_since) for case in cases] == [(2, NOW), (1, None)]


def test_an_order_that_no_turn_came_to_ends_as_it_stood() -> None:
    store = store_of(ended(3, Outcome.NOT_FOUND), intents=[2])
    left = backlog(orders_of(1, 2, 3), store)
    outcomes = [left.untouched(order_id, "why").result.outcome for order_id in (1, 2, 3)]
    assert outcomes == [Outcome.NOT_ATTEMPTED, Outcome.UNKNOWN, Outcome.NOT_FOUND]


def test_orders_that_left_the_set_are_named_and_nothing_is_laid_out_for_them() -> None:
    store = store_of(ended(1, Outcome.CANCELED), intents=[9])
    left = backlog(orders_of(1), store)
    assert list(left.strangers()) == [9]
    assert list(left.cases()) == []
