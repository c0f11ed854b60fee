"""The journal: what an attempt records is what the next one finds, and what is lost is known."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journal_store import Store

from airflow_provider_oms.api.validation import OrderId
from airflow_provider_oms.cancellation.bulk.journal import Journal, JournalError, Recorded
from airflow_provider_oms.cancellation.outcomes import CancellationResult, ConfirmedBy, Outcome

LIMIT = 64 * 1024
NOW = 1_800_000_000.0
LEASE = 7.0
IDS, MANY_IDS = range(1, 100), range(1, 10_000)
CANCELED = Recorded(Outcome.CANCELED, ConfirmedBy.ANSWER)


class Writer:
    """Open a task's journal as one of its attempts, and write at a moment."""

    def __init__(
        self,
        store: Store | None,
        attempt: int = 1,
        now: float = NOW,
        *,
        order_ids: Iterable[OrderId] = IDS,
        tenant: str = "",
    ) -> None:
        self.now = now
        self.journal = Journal(store, now=now, attempt=attempt, tenant=tenant, order_ids=order_ids)

    def write(self, intents: Iterable[OrderId], ended: Iterable[CancellationResult] = ()) -> None:
        self.journal.write(intents, ended, posted_by=self.now + LEASE, now=self.now)


def found_in(store: Store, attempt: int = 2, **settings: Any) -> dict[OrderId, Recorded]:
    return dict(Writer(store, attempt, **settings).journal.earlier)


def ended(order_id: OrderId, outcome: Outcome) -> CancellationResult:
    return CancellationResult(order_id, outcome)


def canceled(order_id: OrderId) -> CancellationResult:
    return CancellationResult(order_id, Outcome.CANCELED, ConfirmedBy.ANSWER)


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


class TestAWriteThatFails:
    def test_nothing_is_recorded_and_it_is_repeated_with_what_came_since(self) -> None:
        store = Store()
        first = Writer(store)
        first.write([1])
        store.writes_left = 0
        with pytest.raises(JournalError, match="OSError: away"):
            first.write([2], [canceled(1)])
        assert set(found_in(store)) == {1}
        store.writes_left = None
        first.write([3], [canceled(1)])
        found = found_in(store)
        assert {order_id: one.is_in_doubt for order_id, one in found.items()} == {
            1: False,
            2: True,
            3: True,
        }

    def test_one_that_arrives_late_takes_nothing_back(self) -> None:
        store = LateStore()
        first = Writer(store)
        first.write([1])
        store.is_late = True
        with pytest.raises(JournalError):
            first.write([2])
        store.is_late = False
        first.write([], [canceled(1)])
        first.write([3], [canceled(2)])
        before = found_in(store)
        store.arrive()
        assert found_in(store) == before
        assert before == {1: CANCELED, 2: CANCELED, 3: Recorded(None, None, NOW + LEASE)}

    def test_while_it_fails_again_nothing_new_is_written(self) -> None:
        store = LateStore()
        first = Writer(store)
        first.write([1])
        store.is_late = True
        for order_id in (2, 3, 4):
            with pytest.raises(JournalError):
                first.write([order_id])
        assert len({json.dumps(value) for _, value in store.late}) == 1
        store.arrive()
        assert set(found_in(store)) == {1, 2}

    @given(
        st.lists(
            st.tuples(st.sampled_from(["good", "gone", "late", "taken"]), st.booleans()),
            max_size=25,
        )
    )
    def test_whatever_was_confirmed_is_found(self, steps: list[tuple[str, bool]]) -> None:
        store = LateStore()
        writer = Writer(store)
        confirmed: set[OrderId] = set()
        for order_id, (how, arrives) in enumerate(steps, 1):
            store.how = how
            try:
                writer.write([order_id])
                confirmed.add(order_id)
            except JournalError:
                pass
            if arrives:
                store.arrive()
            found = Writer(store, 2).journal
            assert confirmed <= set(found.earlier)
            assert found.is_whole

    def test_a_head_that_arrives_late_hides_no_page(self) -> None:
        store = Store()
        first = Writer(store)
        old = dict(store["oms_journal"])
        for order_id in (1, 2):
            first.write([order_id])
            # The next write begins a page of its own.
            store.writes_left = 0
            with pytest.raises(JournalError):
                first.write([order_id + 10])
            store.writes_left = None
        first.write([3])
        assert store["oms_journal"]["pages"] == 3
        store["oms_journal"] = old
        later = Writer(store, 2)
        assert later.journal.is_whole
        assert set(later.journal.earlier) == {1, 2, 3, 11, 12}
        later.write([4])
        assert set(found_in(store, 3)) == {1, 2, 3, 4, 11, 12}

    def test_a_page_whose_head_was_not_written_is_found(self) -> None:
        store = Store(writes_left=2)  # the empty head, and the first page
        with pytest.raises(JournalError):
            Writer(store).write([1])
        again = Writer(store, 2).journal
        # It allowed nothing; that a doubt too many is settled does no harm.
        assert (set(again.earlier), again.is_whole) == ({1}, True)


class LateStore(Store):
    """Lose values, take them and say that it did not, or let them arrive later.

    How the next one fares is said by `how`: ``good``, ``gone``, ``taken`` or ``late``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.how = "good"
        self.late: list[tuple[str, Any]] = []

    @property
    def is_late(self) -> bool:
        return self.how == "late"

    @is_late.setter
    def is_late(self, value: bool) -> None:
        self.how = "late" if value else "good"

    def set(self, key: str, value: Any) -> None:
        if self.how == "late":
            self.late.append((key, json.loads(json.dumps(value))))
        elif self.how != "gone":
            super().set(key, value)
        if self.how != "good":
            raise OSError(self.how)

    def arrive(self) -> None:
        for key, value in self.late:
            self[key] = value
        self.late.clear()


class TestWhatIsLost:
    def test_the_first_attempt_has_lost_nothing(self) -> None:
        assert Writer(Store()).journal.is_whole
        assert Writer(None).journal.is_whole

    def test_a_later_attempt_without_a_store_knows_nothing(self) -> None:
        later = Writer(None, 2)
        assert not later.journal.is_whole
        assert not later.journal.is_kept
        later.write([1], [canceled(1)])
        assert later.journal.earlier == {}

    @pytest.mark.parametrize("damage", ["gone", "cut", "other version"])
    def test_a_damaged_record_stays_damaged_for_every_later_attempt(self, damage: str) -> None:
        store = Store()
        first = Writer(store, order_ids=MANY_IDS)
        for at in range(0, 7000, 1000):
            first.write(range(at + 1, at + 1001))
        assert len(store) == 4
        if damage == "gone":
            del store["oms_journal_1"]
        elif damage == "cut":
            store["oms_journal_1"] = {"canceled:answer": "xyz"}
        else:
            store["oms_journal"]["version"] = 1
        later = Writer(store, 2, order_ids=MANY_IDS)
        assert not later.journal.is_whole
        # The pages before and after the damaged one still count.
        assert len(later.journal.earlier) == (0 if damage == "other version" else 4000)
        later.write([9001])
        assert not Writer(store, 3, order_ids=MANY_IDS).journal.is_whole

    def test_a_page_in_between_that_no_head_names(self) -> None:
        store = Store()
        first = Writer(store, order_ids=MANY_IDS)
        old = dict(store["oms_journal"])
        for at in range(0, 7000, 1000):
            first.write(range(at + 1, at + 1001))
        store["oms_journal"] = old
        del store["oms_journal_1"]
        later = Writer(store, 2, order_ids=MANY_IDS).journal
        assert not later.is_whole
        assert len(later.earlier) == 4000

    def test_the_record_of_another_tenant_says_nothing(self) -> None:
        store = Store()
        Writer(store, tenant="sandbox").write([], [canceled(1)])
        production = Writer(store, 2, tenant="production")
        assert (production.journal.is_whole, production.journal.earlier) == (False, {})
        production.write([], [canceled(2)])
        again = Writer(store, 3, tenant="production").journal
        assert (again.is_whole, again.earlier) == (False, {2: CANCELED})
        assert Writer(store, 4, tenant="sandbox").journal.earlier == {}

    def test_a_set_that_has_changed_may_hold_an_order_that_another_task_has_sent(self) -> None:
        store = Store()
        Writer(store, order_ids=[1, 2]).write([], [canceled(1)])
        assert Writer(store, 2, order_ids=[2, 1]).journal.is_whole
        later = Writer(store, 2, order_ids=[1, 12]).journal
        assert (later.is_whole, later.earlier) == (False, {1: CANCELED})


class Deaf(Store):
    """Give one value to no reader."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key

    def get(self, key: str, default: Any = None) -> Any:
        if key == self._key:
            raise RuntimeError("away")
        return super().get(key, default)


@pytest.mark.parametrize("key", ["oms_journal", "oms_journal_0"])
def test_a_value_that_cannot_be_fetched_is_none_that_is_gone(key: str) -> None:
    store = Deaf("")
    Writer(store).write([1])
    store._key = key
    with pytest.raises(JournalError, match="RuntimeError: away"):
        Writer(store, 2)


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
