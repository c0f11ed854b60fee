"""The journal: what an attempt records is what the next one finds, and what is lost is known."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journal_store import Store

from airflow_provider_oms.cancellation.bulk.journal import (
    PERMIT_SECONDS,
    Journal,
    JournalError,
    Recorded,
)
from airflow_provider_oms.cancellation.outcomes import CancellationResult, ConfirmedBy, Outcome

LIMIT = 64 * 1024
NOW = 1_800_000_000.0
CANCELED = Recorded(Outcome.CANCELED, ConfirmedBy.ANSWER)


def open_journal(store: Store | None, attempt: int = 1, now: float = NOW) -> Journal:
    return Journal(store, attempt=attempt, clock=lambda: now)


def canceled(order_id: int) -> CancellationResult:
    return CancellationResult(order_id, Outcome.CANCELED, ConfirmedBy.ANSWER)


def test_the_next_attempt_finds_outcomes_and_intents() -> None:
    store = Store()
    journal = open_journal(store)
    journal.write([1, 2, 3, 4], [])
    refused = CancellationResult(2, Outcome.NOT_CANCELABLE, ConfirmedBy.READ)
    unknown = CancellationResult(4, Outcome.UNKNOWN)
    journal.write([5], [canceled(1), refused, unknown])
    again = open_journal(store, attempt=2)
    assert again.is_whole
    assert again.begun_at == NOW
    assert again.earlier == {
        1: CANCELED,
        2: Recorded(Outcome.NOT_CANCELABLE, ConfirmedBy.READ),
        3: Recorded(None, None, NOW + PERMIT_SECONDS),
        4: Recorded(Outcome.UNKNOWN, None, NOW),
        5: Recorded(None, None, NOW + PERMIT_SECONDS),
    }
    assert [again.earlier[order].is_in_doubt for order in (1, 2, 3, 4, 5)] == [
        False, False, True, True, True,
    ]  # fmt: skip


def test_what_a_cancel_takes_to_leave_is_part_of_the_doubt() -> None:
    store = Store()
    Journal(store, leeway=5, clock=lambda: NOW).write([1], [])
    assert open_journal(store, attempt=2).earlier[1].posted_by == NOW + PERMIT_SECONDS + 5


def test_an_intent_that_came_to_nothing_is_cleared_and_what_was_never_meant_is_not_recorded() -> (
    None
):
    store = Store()
    journal = open_journal(store)
    journal.write([1], [])
    not_attempted = [CancellationResult(order, Outcome.NOT_ATTEMPTED) for order in (1, 2)]
    journal.write([], not_attempted)
    assert open_journal(store, attempt=2).earlier == {1: Recorded(Outcome.NOT_ATTEMPTED)}


@given(st.lists(st.integers(1, 2**63 - 1), unique=True, max_size=50), st.data())
def test_any_ids_and_outcomes_come_back(ids: list[int], data: st.DataObject) -> None:
    store = Store()
    journal = open_journal(store)
    outcomes = {
        order: data.draw(st.sampled_from([o for o in Outcome if o != "not_attempted"]))
        for order in ids
    }
    for order in ids:
        journal.write([order], [])
    journal.write([], [CancellationResult(order, outcome) for order, outcome in outcomes.items()])
    found = open_journal(store, attempt=2).earlier
    assert {order: recorded.outcome for order, recorded in found.items()} == outcomes


@pytest.mark.parametrize("spread", [2, 2**40])
@pytest.mark.slow
def test_a_hundred_thousand_orders_fit_into_the_stores_values(spread: int) -> None:
    ids = random.Random(1).sample(range(1, 100_000 * spread), 100_000)  # noqa: S311 - a test's
    store = Store()
    journal = open_journal(store)
    for at in range(0, len(ids), 500):
        journal.write(ids[at : at + 500], map(canceled, ids[max(0, at - 500) : at]))
    assert max(len(json.dumps(value)) for value in store.values()) < LIMIT
    assert len(store) < 100
    found = open_journal(store, attempt=2)
    assert len(found.earlier) == 100_000
    assert sum(recorded.is_in_doubt for recorded in found.earlier.values()) == 500


def test_a_later_attempt_never_writes_over_what_an_earlier_one_has_recorded() -> None:
    store = Store()
    open_journal(store).write([1, 2], [])
    later = open_journal(store, attempt=2, now=NOW + 60)
    later.write([2, 3], [])
    found = open_journal(store, attempt=3).earlier
    # The doubt about 1 is as old as it was, so that attempts that die early cannot renew it.
    assert found[1].posted_by == NOW + PERMIT_SECONDS
    assert found[2].posted_by == NOW + 60 + PERMIT_SECONDS
    assert found[3].posted_by == NOW + 60 + PERMIT_SECONDS


def test_a_write_that_fails_records_nothing_and_can_be_repeated() -> None:
    store = Store()
    journal = open_journal(store)
    journal.write([1], [])
    store.writes_left = 0
    with pytest.raises(JournalError, match="OSError: away"):
        journal.write([2], [canceled(1)])
    assert set(open_journal(store, attempt=2).earlier) == {1}
    store.writes_left = 9
    journal.write([2], [canceled(1)])
    assert set(open_journal(store, attempt=2).earlier) == {1, 2}


def test_a_page_whose_head_was_not_written_allowed_nothing_and_loses_nothing() -> None:
    store = Store()
    store.writes_left = 2  # the empty head, and the first page
    journal = open_journal(store)
    with pytest.raises(JournalError):
        journal.write([1], [])
    again = open_journal(store, attempt=2)
    assert (dict(again.earlier), again.is_whole) == ({}, True)


class TestWhatIsLost:
    def test_the_first_attempt_has_lost_nothing(self) -> None:
        assert open_journal(Store()).is_whole
        assert open_journal(None).is_whole

    def test_a_later_attempt_without_a_store_knows_nothing(self) -> None:
        journal = open_journal(None, attempt=2)
        assert not journal.is_whole
        assert not journal.is_kept
        journal.write([1], [canceled(1)])

    def test_a_record_that_is_gone_as_a_whole(self) -> None:
        assert not open_journal(Store(), attempt=2).is_whole

    @pytest.mark.parametrize("damage", ["gone", "cut", "other version"])
    def test_a_damaged_record_stays_damaged_for_every_later_attempt(self, damage: str) -> None:
        store = Store()
        journal = open_journal(store)
        for at in range(0, 7000, 1000):
            journal.write(range(at + 1, at + 1001), [])
        assert len(store) == 4
        if damage == "gone":
            del store["oms_journal_1"]
        elif damage == "cut":
            store["oms_journal_1"] = {"canceled:answer": "xyz"}
        else:
            store["oms_journal"]["version"] = 1
        later = open_journal(store, attempt=2)
        assert not later.is_whole
        if damage == "gone":
            assert len(later.earlier) == 4000
        later.write([9001], [])
        assert not open_journal(store, attempt=3).is_whole

    def test_what_is_on_record_of_another_tenant_says_nothing(self) -> None:
        store = Store()
        Journal(store, tenant="sandbox").write([], [canceled(1)])
        production = Journal(store, attempt=2, tenant="production")
        assert (production.is_whole, production.earlier) == (False, {})
        production.write([], [canceled(2)])
        again = Journal(store, attempt=3, tenant="production")
        assert (again.is_whole, again.earlier) == (False, {2: CANCELED})
        assert Journal(store, attempt=4, tenant="sandbox").earlier == {}

    def test_a_set_that_has_changed_may_hold_what_another_task_has_sent(self) -> None:
        store = Store()
        Journal(store, order_ids=[1, 2]).write([], [canceled(1)])
        assert Journal(store, attempt=2, order_ids=[2, 1]).is_whole
        later = Journal(store, attempt=2, order_ids=[1, 12])
        assert (later.is_whole, later.earlier) == (False, {1: CANCELED})

    def test_a_page_that_may_still_be_written_late_is_not_written_again(self) -> None:
        store = Store()
        journal = open_journal(store)
        journal.write([1], [])
        late = store["oms_journal_0"]
        store.writes_left = 0
        with pytest.raises(JournalError):
            journal.write([2], [])
        store.writes_left = None
        journal.write([3], [])
        store["oms_journal_0"] = late
        assert set(open_journal(store, attempt=2).earlier) == {1, 3}

    def test_a_store_that_cannot_be_read_is_an_error(self) -> None:
        class Deaf(Store):
            def get(self, key: str, default: Any = None) -> Any:
                raise OSError("away")

        with pytest.raises(JournalError, match="away"):
            open_journal(Deaf(), attempt=2)


def test_an_attempt_whose_values_are_not_taken_any_more_is_not_current() -> None:
    store = Store()
    journal = Journal(store)
    journal.write([1], [])
    before = dict(store)
    assert journal.is_current()
    assert store == before
    store.writes_left = 0
    assert not journal.is_current()
    assert Journal(None).is_current()


def test_a_page_that_cannot_be_fetched_is_no_page_that_is_gone() -> None:
    class Deaf(Store):
        def get(self, key: str, default: Any = None) -> Any:
            if key == "oms_journal_0":
                raise RuntimeError("away")
            return super().get(key, default)

    store = Deaf()
    open_journal(store).write([1], [])
    with pytest.raises(JournalError, match="RuntimeError: away"):
        open_journal(store, attempt=2)


def test_one_damaged_page_does_not_hide_those_after_it() -> None:
    store = Store()
    open_journal(store).write([1], [canceled(1)])
    open_journal(store, attempt=2).write([2], [canceled(2)])
    store["oms_journal_0"] = {"canceled:answer": "cut"}
    again = open_journal(store, attempt=3)
    assert dict(again.earlier) == {2: CANCELED}
    assert not again.is_whole
