"""The limits that an attempt has learned are there for the next one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journal_store import Store
from journal_writer import LEASE, NOW, Writer, canceled

from airflow_provider_oms.cancellation.bulk.adaptive_limit import Learned

RATE = Learned(100.0)


def write(writer: Writer, learned: Learned | None, *, order_id: int = 1) -> None:
    writer.journal.write([], [canceled(order_id)], posted_by=NOW + LEASE, now=NOW, learned=learned)


def learned_in(store: Store, **settings: Any) -> Learned | None:
    return Writer(store, 2, **settings).journal.learned


@given(
    st.one_of(st.none(), st.floats(0.5, 1e6)), st.one_of(st.none(), st.integers(1, 1000)), st.data()
)
def test_the_next_attempt_finds_it_and_the_one_after_too(
    rate: float | None, at_a_time: int | None, data: st.DataObject
) -> None:
    store, learned = Store(), Learned(rate, at_a_time)
    write(Writer(store), learned)
    assert learned_in(store) == learned
    # An attempt that meets no limit itself hands it on.
    second = Writer(store, 2)
    second.write([], [canceled(2)])
    assert second.journal.confirm_ownership()
    assert learned_in(store) == learned


def test_a_task_that_has_met_none_has_none_on_record() -> None:
    store = Store()
    Writer(store).write([1], [canceled(2)])
    assert learned_in(store) is None


def test_it_is_written_again_only_when_it_has_changed() -> None:
    store = Store()
    writer = Writer(store)
    write(writer, RATE)
    heads = []
    set_value = store.set

    def set_and_count(key: str, value: Any) -> None:
        heads.extend([value] if key == "oms_journal" else [])
        set_value(key, value)

    store.set = set_and_count  # type: ignore[method-assign]  # it counts
    for order_id, rate in enumerate([100.0, 105.0, 95.0, 109.0], 2):
        write(writer, Learned(rate), order_id=order_id)
    assert heads == []
    write(writer, Learned(80.0), order_id=7)
    write(writer, Learned(80.0, 4), order_id=8)
    assert [head["learned"] for head in heads] == [[80.0, None], [80.0, 4]]


def test_another_tenants_is_not_taken_over() -> None:
    store = Store()
    write(Writer(store, tenant="17"), RATE)
    assert learned_in(store, tenant="17") == RATE
    assert learned_in(store, tenant="18") is None


@pytest.mark.parametrize(
    "damaged",
    [
        None,
        [],
        [1],
        [0, None],
        [-5.0, None],
        ["100", None],
        [100.0, 0],
        [100.0, 2.5],
        [1e999, 1],
        7,
    ],
)
def test_one_that_cannot_be_meant_is_no_damage_to_the_record(damaged: Any) -> None:
    store = Store()
    write(Writer(store), RATE)
    store["oms_journal"]["learned"] = damaged
    journal = Writer(store, 2).journal
    assert journal.learned is None
    assert journal.is_whole
    assert set(journal.earlier) == {1}


def test_a_record_of_an_earlier_release_has_none() -> None:
    store = Store()
    write(Writer(store), RATE)
    del store["oms_journal"]["learned"]
    assert Writer(store, 2).journal.is_whole
    assert learned_in(store) is None


def test_a_store_that_does_not_take_it_harms_nothing() -> None:
    # The head of the first page, the page, and no further value.
    store = Store(writes_left=3)
    writer = Writer(store)
    writer.write([1])
    store.writes_left = 1
    write(writer, RATE)
    store.writes_left = None
    journal = Writer(store, 2).journal
    assert journal.is_whole
    assert set(journal.earlier) == {1}
    assert journal.learned is None
