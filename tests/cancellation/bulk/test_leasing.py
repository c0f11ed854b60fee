"""What goes on record next, and which cancels may leave because their intent is there."""

from __future__ import annotations

import math

import pytest
from breakers import item_of

from airflow_provider_oms.cancellation.bulk.commands import Send, Write
from airflow_provider_oms.cancellation.bulk.leasing import Leasing
from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd
from airflow_provider_oms.cancellation.bulk.work_item import (
    LEASE_SECONDS,
    ItemState,
    Lease,
    WorkItem,
)
from airflow_provider_oms.cancellation.history import Action
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome
from airflow_provider_oms.cancellation.store import JournalError

NOW = 100.0
LEEWAY = 5.0
END = OrderEnd(CancellationResult(9, Outcome.CANCELED))
AWAY = JournalError("away")
TAKEN_OVER = JournalError("taken over", is_final=True)


def leasing_of(*, is_kept: bool = True) -> Leasing:
    return Leasing(is_kept=is_kept, leeway=LEEWAY, now=NOW)


def write_of(leasing: Leasing, now: float = NOW) -> Write:
    write = leasing.next_write(now)
    assert write is not None
    return write


def asked(*order_ids: int, is_kept: bool = True) -> tuple[Leasing, list[WorkItem], Write]:
    """Return a leasing whose write for some orders is in flight."""
    leasing, items = leasing_of(is_kept=is_kept), [item_of(one) for one in order_ids]
    for item in items:
        leasing.ask(item)
    return leasing, items, write_of(leasing)


class TestALease:
    def test_it_begins_when_the_write_was_asked_for(self) -> None:
        leasing, items, write = asked(1, 2)
        assert write.intents == tuple(items)
        assert write.longest_lease == LEASE_SECONDS + LEEWAY
        assert {item.state for item in items} == {ItemState.LEASING}
        assert {item.lease for item in items} == {None}
        assert list(leasing.on_written(write, NOW + 1.5)) == items
        begin_by = NOW + LEASE_SECONDS
        assert {item.lease for item in items} == {Lease(begin_by, begin_by + LEEWAY)}

    def test_it_has_no_end_where_nothing_is_kept(self) -> None:
        leasing, (item,), write = asked(1, is_kept=False)
        leasing.on_written(write, NOW + 100)
        assert item.lease == Lease(math.inf, math.inf)

    def test_a_write_that_took_as_long_grants_none(self) -> None:
        leasing, (item,), write = asked(1)
        assert list(leasing.on_written(write, NOW + LEASE_SECONDS)) == []
        assert item.lease is None
        assert not leasing.is_usable
        assert leasing.failure == "a write takes 2.0 s"
        # It asks again with the next write.
        assert write_of(leasing, NOW + 3).intents == (item,)

    @pytest.mark.parametrize(("has_begun", "until"), [(False, 10.0), (True, 12.0)])
    def test_a_cancel_leaves_within_it_only(self, *, has_begun: bool, until: float) -> None:
        send = Send(item_of(1), Action.POST, 1000.0, Lease(10.0, 12.0))
        assert send.may_leave(until - 0.001, has_begun=has_begun)
        assert not send.may_leave(until, has_begun=has_begun)

    def test_no_cancel_leaves_without_one_or_after_the_deadline(self) -> None:
        assert not Send(item_of(1), Action.POST, 1000.0).may_leave(0.0, has_begun=False)
        send = Send(item_of(1), Action.POST, 5.0, Lease(10.0, 12.0))
        assert send.may_leave(4.9, has_begun=True)
        assert not send.may_leave(5.0, has_begun=True)


class TestOneWriteAtATime:
    def test_whatever_comes_meanwhile_is_in_the_next_one(self) -> None:
        leasing, (first,), write = asked(1)
        second = item_of(2)
        leasing.ask(second)
        leasing.note(END)
        assert leasing.next_write(NOW + 50) is None
        assert leasing.waiting == 2
        assert list(leasing.on_written(write, NOW + 1)) == [first]
        assert leasing.waiting == 1
        following = write_of(leasing, NOW + 1)
        assert (following.intents, following.ended) == ((second,), (END,))
        leasing.on_written(following, NOW + 1)
        assert leasing.waiting == 0
        assert not leasing.has_unrecorded

    def test_ends_alone_wait_for_a_while_and_not_when_they_are_the_last(self) -> None:
        leasing = leasing_of()
        leasing.note(END)
        assert leasing.due_at() == NOW + 0.75
        assert leasing.next_write(NOW + 0.7) is None
        assert write_of(leasing, NOW + 0.75).ended == (END,)
        leasing = leasing_of()
        leasing.note(END)
        assert leasing.next_write(NOW, is_last=True) is not None

    def test_with_nothing_to_write_none_is_due(self) -> None:
        leasing = leasing_of()
        assert leasing.due_at() == math.inf
        assert leasing.next_write(NOW + 1000, is_last=True) is None


class TestAWriteThatFails:
    def test_its_orders_ask_again_and_its_ends_are_kept(self) -> None:
        leasing, item = leasing_of(), item_of(1)
        leasing.ask(item)
        leasing.note(END)
        write = write_of(leasing)
        assert leasing.on_failed(write, AWAY, NOW + 3)
        assert leasing.failing_since == NOW + 3
        assert leasing.due_at() == NOW + 4
        again = write_of(leasing, NOW + 4)
        assert (again.intents, again.ended) == ((item,), (END,))
        assert not leasing.on_failed(again, AWAY, NOW + 5)
        assert leasing.failing_since == NOW + 3
        leasing.on_written(write_of(leasing, NOW + 6), NOW + 6)
        assert leasing.is_usable
        assert item.lease is not None

    def test_one_that_does_not_come_to_its_end_is_noticed_once_its_leases_would_be_over(
        self,
    ) -> None:
        leasing, (item,), write = asked(1)
        assert leasing.due_at() == NOW + LEASE_SECONDS
        assert not leasing.note_if_late(NOW + LEASE_SECONDS - 0.1)
        # The machine may have been suspended: it counts from the moment at which it is noticed.
        assert leasing.note_if_late(NOW + 3600)
        assert leasing.failing_since == NOW + 3600
        assert leasing.gives_up_at == NOW + 3660
        assert not leasing.note_if_late(NOW + 3601)
        assert leasing.due_at() == math.inf
        leasing.on_written(write, NOW + 3602)
        assert leasing.failing_since == NOW + 3600
        again = write_of(leasing, NOW + 3603)
        assert list(leasing.on_written(again, NOW + 3603)) == [item]
        assert leasing.is_usable

    def test_a_run_waits_a_minute_for_one_that_goes_well(self) -> None:
        leasing, _, write = asked(1)
        assert leasing.gives_up_at == math.inf
        leasing.on_failed(write, AWAY, NOW)
        assert leasing.gives_up_at == NOW + 60
        leasing.on_failed(write_of(leasing, NOW + 1), AWAY, NOW + 1)
        assert leasing.gives_up_at == NOW + 60
        leasing.on_written(write_of(leasing, NOW + 2), NOW + 2)
        assert leasing.gives_up_at == math.inf

    def test_it_waits_for_none_when_another_attempt_has_taken_over(self) -> None:
        leasing, _, write = asked(1)
        # That the next write may go well is not said.
        assert not leasing.on_failed(write, TAKEN_OVER, NOW)
        assert not leasing.is_usable
        assert leasing.gives_up_at == NOW

    def test_an_order_that_has_ended_meanwhile_does_not_ask_again(self) -> None:
        leasing, (item, other), write = asked(1, 2)
        item.state = ItemState.ENDED
        leasing.on_failed(write, AWAY, NOW)
        assert write_of(leasing, NOW + 1).intents == (other,)


def test_the_end_of_a_run_takes_what_asks_and_what_is_being_written() -> None:
    leasing, (first,), _ = asked(1)
    second = item_of(2)
    second.has_slot = True
    leasing.ask(second)
    assert leasing.slots == 1
    assert leasing.take_all() == [second, first]
    assert leasing.waiting == 1
