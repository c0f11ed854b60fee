"""The journal of a store that fails, loses values or delivers them late: each loss is known."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journal_store import Store
from journal_writer import CANCELED, LEASE, NOW, Writer, canceled, found_in

from airflow_provider_oms.api.validation import OrderId
from airflow_provider_oms.cancellation.bulk.journal import JournalError, Recorded

MANY_IDS = range(1, 10_000)


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
            # The next write begins a new page.
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
