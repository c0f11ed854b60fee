"""Parts of the orders of a set: in turn, until something stops the run, and each with its end."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from journal_store import Store
from part_set_stories import Host, Tenant
from part_stories import POLICY
from part_world import Killed, Process, World

from airflow_provider_oms.api.errors import OmsForbiddenError, OmsNoResponseError
from airflow_provider_oms.api.parts import Flags, OrderParts, PartCancel, Reason
from airflow_provider_oms.cancellation.approval import Approval
from airflow_provider_oms.cancellation.bulk.journal import Journal
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet
from airflow_provider_oms.cancellation.bulk.part_entries import WantedParts
from airflow_provider_oms.cancellation.bulk.part_units import PartUnits, paced
from airflow_provider_oms.cancellation.bulk.rate_limiter import RateLimiter
from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.cancellation.parts.tasks import PartOptions
from airflow_provider_oms.cancellation.parts.wanted import Wanted
from airflow_provider_oms.cancellation.runner import INTERRUPTED, Runtime

WHY = Reason("other")
TWO = (Wanted(1, WHY, quantity=2),)


class Native:
    """Answer a plan's questions about a dialect."""

    whole_lines_only = False


class Calls(Tenant):
    """Have the orders 1, 2 and so on, each with 5 of line 1 and 5 of line 2 in shipment 11."""

    def __init__(self, many: int) -> None:
        self.process = Process()
        draw = random.Random(1)  # noqa: S311 - of a test
        self.worlds = {
            id_: World(draw, {(11, 1): 5, (11, 2): 5}, order_id=id_, process=self.process)
            for id_ in range(1, many + 1)
        }
        self.reads: list[Any] = []
        self.named: list[tuple[list[Any], list[Any]]] = []  # the lines and shipments of each read
        self.posts: list[Any] = []
        self.error: Exception | None = None
        self.on_post: Callable[[], object] = lambda: None
        super().__init__(self.worlds)

    def get_parts(self, order_id: Any, **more: Any) -> OrderParts:
        self.reads.append(order_id)
        self.named.append(([*more["lines"]], [*more["shipments"]]))
        if self.error is not None:
            raise self.error
        return super().get_parts(order_id, **more)

    def post_part(self, cancel: PartCancel, before: OrderParts, **more: Any) -> OrderParts:
        self.posts.append(cancel.order_id)
        self.on_post()
        return super().post_part(cancel, before, **more)

    def canceled(self, order_id: int) -> int:
        return self.worlds[order_id].ours(1)


class Task:
    """Run attempts of one task."""

    def __init__(self, many: int = 3, wanted: tuple[Wanted, ...] = TWO) -> None:
        self.calls = Calls(many)
        self.store: Any = Store()
        self.wanted = dict.fromkeys(range(1, many + 1), wanted)
        self.is_stopping = False
        self.policy = POLICY
        self.approvals: Any = None
        self.limit: int | None = None
        self.is_shipment = False
        self.host = Host()
        self.stopped: str | None = None

    def attempt(self, number: int = 1) -> dict[Any, Outcome]:
        """Run one attempt, and return the outcomes."""
        units = self.units(number)
        try:
            units.run()
        finally:
            units.close()
        return {id_: end.result.outcome for id_, end in self.host.ends.items()}

    def units(self, number: int = 1) -> PartUnits:
        process = self.calls.process
        self.host = Host()
        self.host.stopped = self.stopped
        orders = OrderSet(
            {},
            parts={
                id_: WantedParts(id_, wanted, is_shipment=self.is_shipment)
                for id_, wanted in self.wanted.items()
            },
            approvals=self.approvals,
        )
        journal = Journal(
            self.store, now=process.now, attempt=number, tenant="t", order_ids=orders.journal_ids
        )

        def sleep(seconds: float) -> None:
            process.now += seconds

        options: Any = PartOptions(Flags(send_notifications=False))
        return PartUnits(
            self.calls,
            orders,
            {
                id_: options.task(Native(), id_, wanted, is_shipment=self.is_shipment)
                for id_, wanted in self.wanted.items()
            },
            self.policy,
            journal,
            tenant="t",
            host=self.host,
            attempt=number,
            stop_after_failures=self.limit,
            log=logging.getLogger(__name__),
            around=Runtime(lambda: process.now, sleep, lambda: self.is_stopping, lambda: 0.5),
            wall=lambda: process.now,
        )


def test_each_order_gets_what_is_wanted_of_it() -> None:
    task = Task()
    assert set(task.attempt().values()) == {Outcome.CANCELED}
    assert [task.calls.canceled(id_) for id_ in task.wanted] == [2, 2, 2]
    end = task.host.ends[1]
    assert [part.lines for part in end.parts or ()] == [((1, 2),)]
    assert (end.posts, end.attempt) == (1, 1)


def test_each_read_names_the_lines_and_shipments_that_it_is_about() -> None:
    task = Task(many=1)
    task.attempt()
    assert task.calls.named == [([1], []), ([1], [11])]
    task = Task(many=1, wanted=(Wanted(11, WHY),))
    task.is_shipment = True
    task.calls.worlds[1].initial[12, 3] = 1
    assert task.attempt() == {1: Outcome.CANCELED}
    assert task.calls.named == [([], [11])] * 2


def test_what_is_canceled_needs_no_request_of_the_next_attempt() -> None:
    task = Task()
    task.attempt()
    task.calls.reads.clear()
    assert set(task.attempt(2).values()) == {Outcome.CANCELED}
    assert task.calls.reads == []
    assert [task.calls.canceled(id_) for id_ in task.wanted] == [2, 2, 2]


def test_a_quantity_that_was_never_begun_is_canceled_by_a_later_attempt() -> None:
    task = Task()

    def die() -> None:
        raise Killed

    task.calls.on_post = die
    with pytest.raises(Killed):
        task.attempt()
    assert task.host.ends[2].result.outcome is Outcome.NOT_ATTEMPTED
    task.calls.on_post = lambda: None
    assert set(task.attempt(2).values()) == {Outcome.CANCELED}
    assert [task.calls.canceled(id_) for id_ in task.wanted] == [2, 2, 2]


def test_a_name_that_has_come_to_mean_another_order_cancels_nothing() -> None:
    task = Task(many=1)

    def die() -> None:
        raise Killed

    task.calls.on_post = die
    with pytest.raises(Killed):
        task.attempt()
    another = Calls(many=2).worlds[2]
    task.calls.worlds[1] = another
    task.calls.on_post = lambda: None
    task.calls.posts.clear()
    assert task.attempt(2) == {1: Outcome.UNKNOWN}
    assert (
        "began with order 1, and now order 2 is found under this name"
        in task.host.ends[1].result.reason
    )
    assert (task.calls.posts, another.ours(1)) == ([], 0)


def test_without_a_journal_a_later_attempt_cancels_no_quantity() -> None:
    task = Task()
    task.store = None
    task.attempt()
    assert set(task.attempt(2).values()) == {Outcome.UNKNOWN}
    assert "give keep_quantity" in task.host.ends[1].result.reason
    # Nothing will change that, so Airflow need not try again.
    assert not task.host.tally.may_be_retried


def test_another_wish_for_the_same_order_is_refused_and_others_go_on() -> None:
    task = Task()
    task.attempt()
    task.wanted[2] = (Wanted(2, WHY, quantity=1),)
    outcomes = task.attempt(2)
    assert outcomes[2] is Outcome.REFUSED
    assert "others" in task.host.ends[2].result.reason
    assert (outcomes[1], task.calls.worlds[2].ours(2)) == (Outcome.CANCELED, 0)


class TestItStops:
    def test_where_the_run_over_whole_orders_has_stopped(self) -> None:
        task = Task()
        task.stopped = "the token is refused"
        assert set(task.attempt().values()) == {Outcome.NOT_ATTEMPTED}
        assert task.calls.reads == []
        assert "the token is refused" in task.host.ends[1].result.reason

    def test_between_two_orders_when_it_is_told_to_end(self) -> None:
        task = Task()
        task.calls.on_post = lambda: setattr(task, "is_stopping", True)
        outcomes = task.attempt()
        assert [outcomes[id_] for id_ in (2, 3)] == [Outcome.NOT_ATTEMPTED] * 2
        assert task.host.stopped == "the task was told to end"
        assert task.calls.posts == [1]

    def test_after_so_many_failures(self) -> None:
        task = Task(4, (Wanted(9, WHY),))
        task.limit = 2
        outcomes = task.attempt()
        assert list(outcomes.values()) == [Outcome.NOT_FOUND] * 2 + [Outcome.NOT_ATTEMPTED] * 2
        assert "stop_after_failures is 2" in (task.host.stopped or "")

    @pytest.mark.parametrize(
        "error", [OmsNoResponseError("away"), OmsForbiddenError("no", http_status=403)]
    )
    def test_after_three_orders_without_a_result(self, error: Exception) -> None:
        task = Task(5)
        task.calls.error = error
        outcomes = task.attempt()
        assert [outcomes[id_] for id_ in (4, 5)] == [Outcome.NOT_ATTEMPTED] * 2
        assert set(task.calls.reads) == {1, 2, 3}
        assert "3 orders in a row" in (task.host.stopped or "")

    def test_when_the_journal_cannot_be_written(self) -> None:
        task = Task()
        task.store = Store(writes_left=1)
        assert set(task.attempt().values()) == {Outcome.NOT_ATTEMPTED}
        assert (task.calls.reads, task.calls.posts) == ([], [])
        assert "journal cannot be written" in (task.host.stopped or "")

    def test_when_the_plans_of_an_earlier_attempt_cannot_be_read(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Unreadable(Store):
            def get(self, key: str, default: Any = None) -> Any:
                if key.startswith("oms_parts_plan"):
                    raise OSError("away")
                return super().get(key, default)

        task = Task(4, (Wanted(9, WHY),))
        task.attempt()
        task.calls.reads.clear()
        broken = Unreadable()
        broken.update(task.store)
        task.store = broken
        monkeypatch.setattr(task.calls, "may_share_orders", lambda _: True)
        assert set(task.attempt(2).values()) == {Outcome.NOT_FOUND}
        assert task.calls.reads == []
        assert "journal cannot be written" in (task.host.stopped or "")

    @pytest.mark.parametrize(
        ("error", "is_told", "why"),
        [
            (SystemExit(), False, "the task was told to end"),
            (KeyError(), False, "KeyError in the task"),
            (KeyError(), True, "the task was told to end"),
        ],
    )
    def test_it_says_what_breaks_in(
        self, monkeypatch: pytest.MonkeyPatch, error: BaseException, why: str, *, is_told: bool
    ) -> None:
        task = Task()

        def break_in(_: object) -> bool:
            task.is_stopping = is_told
            raise error

        monkeypatch.setattr(task.calls, "may_share_orders", break_in)
        with pytest.raises(type(error)):
            task.attempt()
        assert task.host.stopped == why
        reasons = [end.result.reason for end in task.host.ends.values()]
        assert reasons == [f"The run stopped: {why}"] * 3

    def test_where_it_never_began(self) -> None:
        task = Task()
        task.units().close()
        ends = [(end.result.outcome, end.result.reason) for end in task.host.ends.values()]
        assert ends == [(Outcome.NOT_ATTEMPTED, INTERRUPTED)] * 3

    def test_when_something_breaks_in_each_order_has_an_end(self) -> None:
        task = Task()

        def exit_now() -> None:
            raise SystemExit

        task.calls.on_post = exit_now
        with pytest.raises(SystemExit):
            task.attempt()
        outcomes = {id_: end.result.outcome for id_, end in task.host.ends.items()}
        assert outcomes == {
            1: Outcome.UNKNOWN,
            2: Outcome.NOT_ATTEMPTED,
            3: Outcome.NOT_ATTEMPTED,
        }


def test_a_dry_run_sends_nothing() -> None:
    task = Task()
    task.store = None
    task.policy = replace(POLICY, dry_run=True)
    assert set(task.attempt().values()) == {Outcome.WOULD_CANCEL}
    assert task.calls.posts == []


def test_only_what_was_approved_is_canceled() -> None:
    task = Task()
    task.approvals = {1: Approval("READY", "READY"), 2: Approval("SHIPPED", "SHIPPED")}
    assert task.attempt() == {
        1: Outcome.CANCELED,
        2: Outcome.NOT_CANCELABLE,
        3: Outcome.NOT_CANCELABLE,
    }
    assert task.calls.posts == [1]


def test_what_is_canceled_already_needs_no_approval() -> None:
    task = Task(many=1, wanted=(Wanted(1, WHY),))
    task.calls.worlds[1].cancel_as_another((11, 1), 5)
    task.approvals = {1: Approval("NEW", "NEW")}
    assert task.attempt() == {1: Outcome.ALREADY_CANCELED}


def test_requests_keep_the_rate() -> None:
    process = Process()

    def sleep(seconds: float) -> None:
        process.now += seconds

    wait = paced(RateLimiter(2.0), Runtime(lambda: process.now, sleep))
    moments = []
    for _ in range(4):
        wait()
        moments.append(process.now)
    assert moments == pytest.approx([0.0, 0.5, 1.0, 1.5])
