"""What only threads can get wrong in a run over a set.

The decisions of a run are tested in virtual time (test_engine.py).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from bulk_runs import LOST, POLICY, Tenant, outcomes, run_of
from interruption import interrupted_after
from journal_store import SlowStore, Store

from airflow_provider_oms.api.validation import CancelRequest
from airflow_provider_oms.cancellation.bulk import driver, engine
from airflow_provider_oms.cancellation.bulk.commands import Command, Send
from airflow_provider_oms.cancellation.bulk.driver import BulkRun
from airflow_provider_oms.cancellation.bulk.engine import Engine
from airflow_provider_oms.cancellation.bulk.journal import Journal
from airflow_provider_oms.cancellation.history import Action, Policy, Reply
from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.cancellation.runner import reply_of

# On a busy machine, whatever has a bound takes longer than that.
BUSY = 20.0


class Door:
    """Keep threads waiting until the test is over."""

    def __init__(self) -> None:
        self._opened = threading.Event()
        self.reached = threading.Event()

    def wait(self, *_: object) -> None:
        self.reached.set()
        self._opened.wait(60)

    def open(self) -> None:
        self._opened.set()


@pytest.fixture
def door() -> Any:
    door = Door()
    yield door
    door.open()


def seconds_of(act: Callable[[], object]) -> float:
    began_at = time.monotonic()
    act()
    return time.monotonic() - began_at


def test_every_order_is_canceled_once_and_never_more_at_a_time_than_there_are_workers() -> None:
    tenant, store = Tenant(), Store()
    run = run_of(tenant, 300, workers=8, store=store)
    run.run()
    assert outcomes(run) == {"canceled": 300}
    assert sorted(tenant.posts()) == list(range(1, 301))
    assert 2 <= tenant.most_at_once <= 8
    assert store.in_doubt(range(1, 301)) == set()


def test_each_cancel_finds_its_intent_on_record() -> None:
    store, missing = Store(), []

    def look(order_id: int) -> None:
        if order_id not in store.in_doubt(range(1, 61)):
            missing.append(order_id)

    run = run_of(Tenant(look=look), 60, workers=8, store=store)
    run.run()
    assert missing == []
    assert outcomes(run) == {"canceled": 60}


def test_no_cancel_is_handed_over_before_the_stop_that_came_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    poll = Engine.poll

    def poll_and_stop(engine: Engine, now: float) -> list[Command]:
        commands = poll(engine, now)
        if any(isinstance(one, Send) and one.action is Action.POST for one in commands):
            engine.stop("enough", now, settle=0.5)
        return commands

    monkeypatch.setattr(Engine, "poll", poll_and_stop)
    tenant = Tenant()
    run = run_of(tenant, 20, workers=4)
    put = run._sends.put

    class SlowQueue:
        get = run._sends.get

        @staticmethod
        def put(send: Send | None) -> None:
            put(send)
            time.sleep(0.05)  # long enough for a worker to send it

    run._sends = SlowQueue()  # type: ignore[assignment]  # it has the methods that the driver needs
    run.run()
    assert tenant.posts() == []
    assert outcomes(run) == {"not_attempted": 20}


def test_a_set_that_is_done_already_ends_at_once() -> None:
    store, tenant = Store(), Tenant()
    run_of(tenant, 20, store=store).run()
    tenant.seen.clear()
    run = run_of(tenant, 20, store=store, attempt=2)
    run.run()
    assert tenant.seen == []
    assert outcomes(run) == {"canceled": 20}


class TestBeingToldToEnd:
    def test_cancels_in_flight_come_to_their_end_and_no_other_begins(self) -> None:
        told = threading.Event()
        tenant, store = Tenant(latency=0.1), Store()
        tenant.look = lambda _: told.set() if len(tenant.posts()) > 10 else None
        run = run_of(tenant, 500, store=store, is_stopping=told.is_set)
        run.run()
        assert run.stopped == "the task was told to end"
        assert outcomes(run).keys() == {"canceled", "not_attempted"}
        assert outcomes(run)["canceled"] == len(tenant.posts())
        assert store.in_doubt(range(1, 501)) == set()

    def test_a_worker_asks_by_itself_and_not_the_owner(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told, tokens = threading.Event(), []

        def fetch_token() -> None:
            tokens.append(1)
            told.set()

        tenant = Tenant(fetch_token=fetch_token)
        run = run_of(tenant, 1, is_stopping=told.is_set)
        # The owner never hears of it.
        monkeypatch.setattr(run, "_stop", lambda *_: None)
        thread = threading.Thread(target=run.run)
        thread.start()
        until = time.monotonic() + BUSY
        while len(tokens) < 3 and time.monotonic() < until:
            time.sleep(0.01)
        assert len(tokens) >= 3
        assert tenant.posts() == []
        monkeypatch.undo()
        run._stop("the test is over", 0)
        thread.join(BUSY)
        assert run.tally.total == 1

    def test_no_cancel_leaves_any_more_though_the_owner_has_not_heard_of_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        has_come_back, stop = threading.Event(), Engine.stop

        def call(calls: Any, action: Action, *more: Any) -> Reply:
            reply = reply_of(calls, action, *more)
            if action is Action.POST:
                has_come_back.set()
            return reply

        def stop_late(*arguments: Any, **named: Any) -> None:
            has_come_back.wait(BUSY)
            stop(*arguments, **named)

        monkeypatch.setattr(driver, "reply_of", call)
        monkeypatch.setattr(Engine, "stop", stop_late)
        tenant = Tenant()
        run = run_of(tenant, 1)
        tenant.fetch_token = lambda: run._stop("the task was told to end", 0)
        run.run()
        assert tenant.posts() == []
        assert outcomes(run) == {"not_attempted": 1}

    def test_a_call_that_hangs_is_not_waited_for_longer_than_the_grace(
        self, monkeypatch: pytest.MonkeyPatch, door: Door
    ) -> None:
        monkeypatch.setattr(driver, "_GRACE", 0.3)
        tenant, store = Tenant(), Store()
        tenant.look = lambda order_id: door.wait() if order_id == 10 else None
        run = run_of(tenant, 500, store=store, is_stopping=door.reached.is_set)
        assert seconds_of(run.run) < BUSY
        assert run.ends[10].result.outcome is Outcome.UNKNOWN
        assert "may or may not" in run.ends[10].result.describe()
        assert store.in_doubt(range(1, 501)) == {10}
        assert run.tally.total == 500
        # Its response comes, and changes nothing any more.
        door.open()
        time.sleep(0.05)
        assert run.ends[10].result.outcome is Outcome.UNKNOWN
        assert run.tally.total == 500

    def test_a_store_that_hangs_is_not_waited_for_either(
        self, monkeypatch: pytest.MonkeyPatch, door: Door
    ) -> None:
        monkeypatch.setattr(driver, "_GRACE", 0.3)
        monkeypatch.setattr(engine, "_LAST_WRITE_AFTER_STOP", 0.2)
        tenant = Tenant(post=lambda _: LOST)

        class HangingStore(Store):
            def set(self, key: str, value: Any) -> None:
                if tenant.posts():
                    door.wait()
                super().set(key, value)

        run = run_of(
            tenant,
            20,
            store=HangingStore(),
            policy=Policy(settle_seconds=5, deadline=10),
            is_stopping=door.reached.is_set,
        )
        assert seconds_of(run.run) < BUSY
        posted = set(tenant.posts())
        assert {id_ for id_, end in run.ends.items() if end.result.posts} == posted
        assert {run.ends[id_].result.outcome for id_ in posted} == {Outcome.UNKNOWN}
        assert outcomes(run) == {"unknown": len(posted), "not_attempted": 20 - len(posted)}

    def test_so_is_one_that_is_slow(self) -> None:
        store, tenant = SlowStore(), Tenant()
        told = threading.Event()

        def look(_: object) -> None:
            store.seconds = 0.2
            if len(tenant.posts()) >= 20:
                told.set()

        tenant.look = look
        run = run_of(tenant, 400, workers=16, store=store, is_stopping=told.is_set)
        run.run()
        assert outcomes(run)["canceled"] == len(tenant.posts())
        assert run.tally.total == 400


class TestAnExceptionInTheCallersThread:
    def test_it_ends_the_run_and_is_raised(self) -> None:
        class TimedOutError(BaseException):
            pass

        tenant = Tenant(latency=0.2)
        run = run_of(tenant, 500)
        with interrupted_after(0.5, TimedOutError), pytest.raises(TimedOutError):
            run.run()
        assert run.stopped == "the task was told to end"
        assert run.tally.total == 500
        assert outcomes(run).keys() <= {"canceled", "not_attempted"}
        assert len(tenant.canceled) == outcomes(run).get("canceled", 0)

    def test_an_error_of_the_program_is_named(self) -> None:
        class BrokenLog:
            def info(self, *_: object) -> None:
                raise OSError("disk full")

            warning = info

        tenant = Tenant(post=lambda order_id: LOST if order_id == 5 else None, acts=True)
        run = run_of(tenant, 50)
        run._log = BrokenLog()
        with pytest.raises(OSError, match="disk full"):
            run.run()
        assert run.stopped == "OSError in the task"
        assert run.tally.total == 50

    @pytest.mark.parametrize("which", ["journal", "worker", "owner"])
    def test_threads_that_cannot_be_started(
        self, which: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fails_at = {"journal": "oms-journal", "worker": "oms-1", "owner": "oms-engine"}[which]
        start = threading.Thread.start

        def refuse(thread: threading.Thread) -> None:
            if thread.name == fails_at:
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr("threading.Thread.start", refuse)
        tenant = Tenant()
        run = run_of(tenant, 5)
        with pytest.raises(RuntimeError):
            run.run()
        assert run.stopped == "RuntimeError in the task"
        assert outcomes(run) == {"not_attempted": 5}
        assert tenant.seen == []

    def test_an_owner_that_begins_after_the_end_leaves_it_as_it_is(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun: list[threading.Thread] = []
        start = threading.Thread.start

        def interrupt(thread: threading.Thread) -> None:
            # As a signal handler's exception does it: the thread begins, if later.
            if thread.name == "oms-engine":
                begun.append(thread)
                raise KeyboardInterrupt
            start(thread)

        tenant = Tenant()
        run = run_of(tenant, 5)
        monkeypatch.setattr("threading.Thread.start", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run.run()
        start(begun[0])
        begun[0].join(BUSY)
        assert outcomes(run) == {"not_attempted": 5}
        assert tenant.seen == []


class BrokenError(Exception):
    """Stand for whatever a fault of the program raises."""


class TestAFaultOfTheProgram:
    """It is raised, and leaves no order out."""

    @staticmethod
    def check(run: BulkRun, orders: int) -> None:
        with pytest.raises(BrokenError):
            run.run()
        assert run.stopped == "a fault of this program, BrokenError"
        assert run.tally.total == len(run.ends) == orders

    def test_about_one_order_leaves_the_others_alone(self) -> None:
        def break_down(order_id: int) -> None:
            if order_id == 50:
                raise BrokenError

        run = run_of(Tenant(look=break_down), 200)
        run.run()
        assert run.stopped is None
        # A read shows that it is open after each of its cancels.
        assert outcomes(run) == {"canceled": 199, "not_canceled": 1}

    def test_in_a_call(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def break_down(calls: Any, action: Action, request: CancelRequest, *_: Any) -> Reply:
            if request.order_id == 50 and action is Action.POST:
                raise BrokenError
            return reply_of(calls, action, request)

        monkeypatch.setattr(driver, "reply_of", break_down)
        store = Store()
        run = run_of(Tenant(), 200, store=store)
        self.check(run, 200)
        # Its cancel may have left.
        assert run.ends[50].result.outcome is Outcome.UNKNOWN
        assert 50 in store.in_doubt(range(1, 201))

    def test_in_the_journal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(engine, "_LAST_WRITE_AFTER_STOP", 0.1)
        write, tenant = Journal.write, Tenant()

        def break_down(journal: Journal, *arguments: Any, **named: Any) -> None:
            if len(tenant.posts()) > 20:
                raise BrokenError
            write(journal, *arguments, **named)

        monkeypatch.setattr(Journal, "write", break_down)
        run = run_of(tenant, 200)
        self.check(run, 200)
        ended = {id_ for id_, end in run.ends.items() if end.result.outcome == "not_attempted"}
        assert ended.isdisjoint(tenant.posts())

    @pytest.mark.parametrize("method", ["on_reply", "on_written", "poll", "wakeup"])
    def test_in_the_engine(self, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
        tenant, original = Tenant(), getattr(Engine, method)
        faults = iter([BrokenError()])

        def break_down(self: Engine, *arguments: Any, **named: Any) -> Any:
            if len(tenant.posts()) > 20 and (fault := next(faults, None)):
                raise fault
            return original(self, *arguments, **named)

        monkeypatch.setattr(Engine, method, break_down)
        run = run_of(tenant, 200)
        self.check(run, 200)
        ended = {id_ for id_, end in run.ends.items() if end.result.outcome == "not_attempted"}
        # One that a worker took from the queue at this very moment may not leave any more.
        assert ended.isdisjoint(tenant.posts())


def test_a_run_that_is_over_keeps_no_order_waiting_for_its_deadline() -> None:
    tenant = Tenant(post=lambda order_id: LOST if order_id == 3 else None, acts=True)
    run = run_of(tenant, 5, policy=POLICY)
    assert seconds_of(run.run) < BUSY
    assert outcomes(run) == {"canceled": 5}
