"""The journal: the next attempts find exactly the records of an attempt."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journal_store import Store
from journal_writer import CANCELED, LEASE, NOW, Writer, canceled, ended, found_in

from airflow_provider_oms.api.validation import OrderId
from airflow_provider_oms.cancellation.bulk.journal import JournalError, Recorded
from airflow_provider_oms.cancellation.outcomes import CancellationResult, ConfirmedBy, Outcome

LIMIT = 64 * 1024


def test_the_next_attempt_finds_outcomes_and_intents() -> None:
    store = Store()
    first = Writer(store)
    first.write([1, 2, 3, 4])
    refused = CancellationResult(2, Outcome.NOT_CANCELABLE, ConfirmedBy.READ)
    first.write([5], [canceled(1), refused, ended(4, Outcome.UNKNOWN)])
    again = Writer(store, 2, NOW + 60).journal
    assert again.is_whole
    assert again.begun_at == NOW
    assert again.earlier == {
        1: CANCELED,
        2: Recorded(Outcome.NOT_CANCELABLE, ConfirmedBy.READ),
        3: Recorded(None, None, NOW + LEASE),
        4: Recorded(Outcome.UNKNOWN, None, NOW + LEASE),
        5: Recorded(None, None, NOW + LEASE),
    }
    assert [again.earlier[order].is_in_doubt for order in (1, 2, 3, 4, 5)] == [
        False, False, True, True, True,
    ]  # fmt: skip


def test_an_intent_that_came_to_nothing_is_cleared_and_no_other_order_is_recorded() -> None:
    store = Store()
    first = Writer(store)
    first.write([1])
    first.write([], [ended(1, Outcome.NOT_ATTEMPTED), ended(2, Outcome.NOT_ATTEMPTED)])
    assert found_in(store) == {1: Recorded(Outcome.NOT_ATTEMPTED)}


class TestOpaqueIds:
    @given(
        st.one_of(
            st.lists(st.integers(1, 2**63 - 1), unique=True, max_size=50),
            st.lists(st.uuids().map(lambda one: one.hex), unique=True, max_size=50),
            st.lists(st.from_regex(r"\A[A-Za-z0-9-]{1,40}\Z"), unique=True, max_size=50),
        ),
        st.data(),
    )
    def test_any_ids_and_outcomes_come_back(self, ids: list[OrderId], data: st.DataObject) -> None:
        store = Store()
        first = Writer(store, order_ids=ids)
        recorded = [outcome for outcome in Outcome if outcome is not Outcome.NOT_ATTEMPTED]
        outcomes = {order_id: data.draw(st.sampled_from(recorded)) for order_id in ids}
        for order_id in ids:
            first.write([order_id])
        first.write([], [ended(order_id, outcome) for order_id, outcome in outcomes.items()])
        found = found_in(store, order_ids=ids)
        assert {order_id: one.outcome for order_id, one in found.items()} == outcomes

    def test_an_order_that_left_the_set_is_named_by_its_text(self) -> None:
        store = Store()
        Writer(store, order_ids=[1, 2]).write([1, 2])
        assert set(found_in(store, order_ids=[1])) == {1, "2"}

    def test_ids_of_both_kinds_share_a_journal(self) -> None:
        store: Store = Store()
        ids: list[OrderId] = [7, f"{7:032x}", "7-b"]
        Writer(store, order_ids=ids).write(ids, [canceled("7-b")])
        found = found_in(store, order_ids=ids)
        assert {order_id: one.is_in_doubt for order_id, one in found.items()} == {
            7: True,
            f"{7:032x}": True,
            "7-b": False,
        }

    @pytest.mark.slow
    @pytest.mark.parametrize("kind", ["near", "far", "hexadecimal", "long"])
    def test_a_hundred_thousand_orders_fit_into_the_stores_values(self, kind: str) -> None:
        draw = random.Random(1)  # noqa: S311 - a test's
        spread = 2 if kind == "near" else 2**40
        numbers = draw.sample(range(1, 100_000 * spread), 100_000)
        texts = {"hexadecimal": f"{draw.getrandbits(64):x}".zfill(16) + "{:016x}", "long": "{:060}"}
        ids: list[OrderId] = [*numbers]
        if kind in texts:
            ids = [texts[kind].format(number) for number in numbers]
        store = Store()
        first = Writer(store, order_ids=ids)
        for at in range(0, len(ids), 500):
            first.write(ids[at : at + 500], map(canceled, ids[max(0, at - 500) : at]))
        assert max(len(json.dumps(value)) for value in store.values()) < LIMIT
        found = found_in(store, order_ids=ids)
        assert len(found) == 100_000
        assert sum(recorded.is_in_doubt for recorded in found.values()) == 500


class TestThreeAttempts:
    def test_an_outcome_that_changes_in_the_second_is_read_in_the_third(self) -> None:
        store = Store()
        first = Writer(store)
        first.write([1, 2, 3])
        refused = CancellationResult(1, Outcome.NOT_CANCELABLE, ConfirmedBy.READ)
        first.write([], [refused, ended(2, Outcome.UNKNOWN), canceled(3)])
        second = Writer(store, 2, NOW + 60)
        second.write([1, 2])
        second.write([], [canceled(1), ended(2, Outcome.NOT_FOUND)])
        third = Writer(store, 3, NOW + 120).journal
        assert third.is_whole
        assert third.begun_at == NOW
        assert third.earlier == {1: CANCELED, 2: Recorded(Outcome.NOT_FOUND), 3: CANCELED}

    def test_one_that_dies_before_its_first_page_loses_nothing(self) -> None:
        store = Store()
        Writer(store)
        second = Writer(store, 2, NOW + 60)
        assert second.journal.is_whole
        second.write([1])
        third = Writer(store, 3, NOW + 120).journal
        assert third.is_whole
        assert third.earlier == {1: Recorded(None, None, NOW + 60 + LEASE)}

    def test_one_that_dies_before_its_head_proves_nothing(self) -> None:
        store = Store()
        second = Writer(store, 2, NOW + 60)
        assert not second.journal.is_whole
        assert second.journal.begun_at is None
        second.write([1])
        third = Writer(store, 3, NOW + 120).journal
        assert not third.is_whole
        assert third.earlier == {1: Recorded(None, None, NOW + 60 + LEASE)}

    def test_a_second_one_that_writes_nothing_changes_nothing(self) -> None:
        store = Store()
        Writer(store).write([1], [canceled(2)])
        before = dict(store)
        Writer(store, 2, NOW + 60)
        assert store == before
        assert set(found_in(store, 3)) == {1, 2}

    def test_a_later_one_never_writes_over_what_an_earlier_one_has_recorded(self) -> None:
        store = Store()
        Writer(store).write([1, 2])
        Writer(store, 2, NOW + 60).write([2, 3])
        found = found_in(store, 3)
        # The doubt about 1 is as old as it was, so that attempts that die early cannot renew it.
        assert found[1].posted_by == NOW + LEASE
        assert found[2].posted_by == NOW + 60 + LEASE
        assert found[3].posted_by == NOW + 60 + LEASE


class TestABoundNeverMovesBackwards:
    @pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.NOT_CANCELED])
    def test_an_end_in_doubt_keeps_the_lease_of_its_own_attempt(self, outcome: Outcome) -> None:
        store = Store()
        first = Writer(store)
        first.write([1])
        first.now += 1
        first.write([], [ended(1, outcome)])
        assert found_in(store)[1].posted_by == NOW + LEASE

    @pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.NOT_CANCELED])
    def test_and_that_of_an_earlier_one_that_may_still_run(self, outcome: Outcome) -> None:
        store = Store()
        Writer(store).write([1])
        second = Writer(store, 2, NOW + 1)
        second.write([], [ended(1, outcome)])
        assert found_in(store, 3)[1] == Recorded(outcome, None, NOW + LEASE)

    def test_and_that_of_a_write_that_failed_and_may_arrive_all_the_same(self) -> None:
        store = Store()
        first = Writer(store)
        store.writes_left = 0
        with pytest.raises(JournalError):
            first.write([1])
        store.writes_left = None
        first.now += 1
        first.write([], [ended(1, Outcome.UNKNOWN)])
        assert found_in(store)[1].posted_by == NOW + LEASE

    @pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.NOT_CANCELED])
    def test_a_later_moment_moves_it_forwards(self, outcome: Outcome) -> None:
        store = Store()
        Writer(store).write([1])
        second = Writer(store, 2, NOW + 60)
        second.write([], [ended(1, outcome)])
        assert found_in(store, 3)[1].posted_by == NOW + 60

    @given(
        st.lists(
            st.tuples(
                st.integers(0, 3),
                st.sampled_from([None, "unknown", "not_canceled"]),
                st.sampled_from([0.0, 0.5, 3.0, 20.0]),
            ),
            max_size=8,
        )
    )
    def test_whatever_the_attempts_write(
        self, attempts: list[tuple[int, str | None, float]]
    ) -> None:
        store, now, last = Store(), NOW, 0.0
        for number, (intents, outcome, seconds) in enumerate(attempts, 1):
            writer = Writer(store, number, now)
            # A lease that ran out is asked for again; an order ends once in an attempt.
            writes: list[tuple[list[OrderId], list[CancellationResult]]] = [([1], [])] * intents
            writes += [([], [ended(1, Outcome(outcome))])] if outcome else []
            for write in writes:
                now += seconds
                writer.now = now
                writer.write(*write)
                (recorded,) = found_in(store, number + 1).values()
                assert recorded.is_in_doubt
                assert recorded.posted_by is not None
                assert recorded.posted_by >= last
                last = recorded.posted_by


class TestWhoOwnsIt:
    def test_an_attempt_whose_values_are_taken_does_and_nothing_else_changes(self) -> None:
        store = Store()
        first = Writer(store)
        first.write([1])
        before = dict(store)
        assert first.journal.confirm_ownership()
        assert store == before
        assert Writer(None).journal.confirm_ownership()

    def test_one_whose_values_are_not_taken_does_not(self) -> None:
        store = Store()
        first = Writer(store)
        store.writes_left = 0
        assert not first.journal.confirm_ownership()

    def test_the_head_names_no_page_that_may_not_be_there(self) -> None:
        store = Store()
        first = Writer(store)
        store.writes_left = 0
        with pytest.raises(JournalError):
            first.write([1])
        store.writes_left = None
        assert first.journal.confirm_ownership()
        again = Writer(store, 2).journal
        assert (again.is_whole, again.earlier) == (True, {})
