"""Carry out the commands of a run's engine: calls, writes to the journal, lines of the log.

It decides nothing. ``max_workers`` threads make calls, one writes the journal, and one owns the
engine: no other thread ever touches it. Whatever happens elsewhere is put into the owner's inbox.
The caller's thread logs, and passes on that the task is to end.
"""

from __future__ import annotations

import math
import queue
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.cancellation.bulk.commands import Find, Log, Send, Write
from airflow_provider_oms.cancellation.bulk.engine import Engine
from airflow_provider_oms.cancellation.bulk.journal import Journal, JournalError
from airflow_provider_oms.cancellation.bulk.limits import Limits
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet
from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd, OutcomeCounts
from airflow_provider_oms.cancellation.bulk.rate_limiter import RateLimiter, Throttling
from airflow_provider_oms.cancellation.bulk.recovery import Record, Recovery
from airflow_provider_oms.cancellation.clock import seconds
from airflow_provider_oms.cancellation.history import Event, Policy
from airflow_provider_oms.cancellation.runner import OmsCalls, SearchCalls, replies_of, reply_of

__all__ = ["BulkRun"]

# Airflow kills a task five seconds after it told it to end; one of them is for the writing.
_GRACE = 4.0
_LONGEST_NAP = 0.25
_CALLERS_NAP = 0.02
_TOLD_TO_END = "the task was told to end"
_HANGS = "a write does not come to its end"
_ORPHANED_NAMED = 10

_Handler = Callable[[float], None]


class _Log(Protocol):
    def info(self, message: str, /, *args: object) -> object: ...

    def warning(self, message: str, /, *args: object) -> object: ...


class _Calls(OmsCalls, SearchCalls, Protocol):
    """Name the calls that a run needs from a client."""


class BulkRun:
    """Go through a set of orders once; :meth:`run` may be interrupted by any exception.

    :param calls: the client, safe to share between threads.
    :param orders: the checked set.
    :param policy: how long to try and how to read.
    :param journal: the record of this task.
    :param limits: what bounds the run.
    :param leeway: seconds that a cancel which has begun can still take to leave, to connect say.
    :param attempt: which attempt of the task this is, from 1.
    :param log: receives progress, the decisions about orders that deviate, and why a run stops.
    :param is_stopping: returns whether the task was told to end.
    """

    def __init__(
        self,
        calls: _Calls,
        orders: OrderSet,
        policy: Policy,
        journal: Journal,
        limits: Limits,
        *,
        leeway: float,
        attempt: int,
        log: _Log,
        is_stopping: Callable[[], bool],
    ) -> None:
        self._calls = calls
        self._journal = journal
        self._workers = min(limits.max_workers, len(orders))
        self._log = log
        self._is_stopping = is_stopping
        self._draw = random.Random().random  # noqa: S311 - it only spreads the waits
        now = seconds()
        record = Record(journal.earlier, journal.is_whole, journal.is_kept, leeway, journal.learned)
        recovery = Recovery(orders, policy, record, now=now, wall_now=time.time())
        self._engine = Engine(recovery, limits, attempt=attempt, now=now)
        self._say_what_is_left(recovery, attempt)
        # What happened elsewhere, each with the owner's method that takes it.
        self._inbox: queue.SimpleQueue[_Handler] = queue.SimpleQueue()
        self._sends: queue.SimpleQueue[Send | Find | None] = queue.SimpleQueue()
        self._writes: queue.SimpleQueue[Write | None] = queue.SimpleQueue()
        self._lines: queue.SimpleQueue[Log] = queue.SimpleQueue()
        # Goes up once and never down, so that workers read it without a lock.
        self._sends_no_more = False
        # Held by the one thread that owns the engine; one that does not get it leaves it alone.
        self._ownership = threading.Lock()
        self._owner_is_done = False
        self._crash: BaseException | None = None
        self._journal_is_free = False

    @property
    def ends(self) -> dict[OrderId, OrderEnd]:
        """Return how each order ended, by its id."""
        return self._engine.ends

    def note(self, end: OrderEnd) -> None:
        """Keep the end of an order that was worked on after :meth:`run`.

        :param end: the end.
        """
        self.ends[end.result.order_id] = end
        self.tally.add(end.result, is_final=end.is_final)

    def note_stop(self, why: str) -> None:
        """Note why what follows :meth:`run` stops before its end; the first reason stays.

        :param why: in a few words.
        """
        self._engine.stop(why, seconds(), settle=0)

    @property
    def limiter(self) -> RateLimiter:
        """Return what says when a request may leave."""
        return self._engine.limiter

    @property
    def tally(self) -> OutcomeCounts:
        """Return the counts of how orders ended."""
        return self._engine.tally

    @property
    def stopped(self) -> str | None:
        """Return why the run stopped before its end, in a few words; ``None`` if it did not."""
        return self._engine.breaker.stopped

    @property
    def is_shut_out(self) -> bool:
        """Return whether the connection was refused before any cancel was let through."""
        return self._engine.breaker.is_shut_out

    @property
    def throttling(self) -> Throttling:
        """Return the effect of the tenant's limits on the run."""
        return self._engine.throttling

    def _say_what_is_left(self, recovery: Recovery, attempt: int) -> None:
        # A first attempt can find a record, too: that of an earlier run of the same name.
        if (attempt > 1 or recovery.record.earlier) and not recovery.policy.dry_run:
            self._log.info("Attempt %d goes on: %s", attempt, recovery.describe())
        if orphaned := recovery.orphaned():
            named = ", ".join(map(str, list(orphaned)[:_ORPHANED_NAMED]))
            more = ", …" if len(orphaned) > _ORPHANED_NAMED else ""
            doubts = sum(recorded.is_in_doubt for recorded in orphaned.values())
            self._log.warning(
                "%d orders that an earlier attempt worked on are not in the set any more and are "
                "left alone (%s%s); %d of them are in doubt",
                *(len(orphaned), named, more, doubts),
            )

    # -- the caller's thread

    def run(self) -> None:
        """Work through the set; afterwards every order has its end in :attr:`ends`.

        :raises BaseException: whatever interrupts the caller's thread, once the calls in flight
            have had some seconds to come to their end and all is on record.
        """
        try:
            self._start()
            self._wait_for_owner(math.inf)
        except BaseException as error:
            # A timeout of the task, or Airflow 2's way to end one.
            self._stop(self._cause_of(error), _GRACE)
            if self._ownership.locked():
                self._wait_for_owner(_GRACE + 2.0)
            raise
        finally:
            self._end()
        if self._crash is not None:
            raise self._crash

    def _start(self) -> None:
        threads = [threading.Thread(target=self._write_journal, name="oms-journal", daemon=True)]
        for index in range(self._workers):
            name = f"oms-{index}"
            threads.append(threading.Thread(target=self._make_calls, name=name, daemon=True))
        threads.append(threading.Thread(target=self._own_engine, name="oms-engine", daemon=True))
        # A thread whose request hangs must not keep the process from ending: all are daemons.
        for thread in threads:
            thread.start()

    def _wait_for_owner(self, at_most: float) -> None:
        # Not Thread.join(): an exception out of a signal handler makes Python 3.11 and 3.12 take
        # the thread for one that has ended.
        until = seconds() + at_most
        was_told = False
        while not self._owner_is_done and seconds() < until:
            if not was_told and self._is_stopping():
                was_told = True
                self._stop(_TOLD_TO_END, _GRACE)
            self._say_lines()
            time.sleep(_CALLERS_NAP)

    def _end(self) -> None:
        """Leave every order with an end, whatever broke in."""
        if self._ownership.acquire(blocking=False):
            # No thread owns the engine, and none will: this one does.
            with suppress(queue.Empty):
                while True:
                    self._inbox.get_nowait()(seconds())
            self._engine.stop(_TOLD_TO_END, seconds(), settle=0)
            self._engine.poll(seconds())
        elif not self._owner_is_done:
            self._stop(_TOLD_TO_END, 0)
            self._wait_for_owner(2.0)
        for _ in range(self._workers):
            self._sends.put(None)
        self._writes.put(None)
        self._say_lines()

    def _cause_of(self, error: BaseException) -> str:
        if self._is_stopping() or not isinstance(error, Exception):
            return _TOLD_TO_END
        return f"{type(error).__name__} in the task"

    def _stop(self, why: str, settle: float) -> None:
        self._sends_no_more = True
        self._inbox.put(lambda now: self._engine.stop(why, now, settle=settle))

    def _say_lines(self) -> None:
        with suppress(queue.Empty):
            while True:
                line = self._lines.get_nowait()
                (self._log.warning if line.is_warning else self._log.info)("%s", line.line)

    # -- the owner of the engine

    def _own_engine(self) -> None:
        if not self._ownership.acquire(blocking=False):
            return  # the run has ended before this thread began
        try:
            self._step_until_done()
        except BaseException as error:  # noqa: BLE001 - run() raises it in its caller's thread
            self._crash = self._crash or error
            self._sends_no_more = True
            with suppress(Exception):
                why = f"a fault of this program, {type(error).__name__}"
                self._engine.stop(why, seconds(), settle=0)
                self._carry_out(seconds())
        finally:
            self._owner_is_done = True

    def _step_until_done(self) -> None:
        engine = self._engine
        self._carry_out(now := seconds())
        while not engine.is_done(now):
            nap = min(engine.wakeup(now) - now, _LONGEST_NAP)
            with suppress(queue.Empty):
                handle = self._inbox.get(timeout=nap)
                handle(seconds())
                while True:
                    self._inbox.get_nowait()(seconds())
            self._carry_out(now := seconds())

    def _carry_out(self, now: float) -> None:
        commands = self._engine.poll(now)
        if self._engine.breaker.stopped is not None:
            # Before its cancels are handed over: what stops the run may follow them in one poll.
            self._sends_no_more = True
        for command in commands:
            if isinstance(command, Send | Find):
                self._sends.put(command)
            elif isinstance(command, Write):
                self._writes.put(command)
            else:
                self._lines.put(command)

    # -- the threads that make calls

    def _make_calls(self) -> None:
        while (send := self._sends.get()) is not None:
            try:
                self._find(send) if isinstance(send, Find) else self._call(send)
            except BaseException as error:  # noqa: BLE001 - run() raises it in its caller's thread
                self._stop_after_fault(error)

    def _stop_after_fault(self, error: BaseException) -> None:
        self._crash = self._crash or error
        self._stop(f"a fault of this program, {type(error).__name__}", 0)

    def _call(self, send: Send) -> None:
        item = send.item
        # None until the client asks: when the token is there, and again when the connection is.
        was_let_go: bool | None = None

        def may_send() -> bool:
            nonlocal was_let_go
            is_over = self._sends_no_more or self._is_stopping()
            was_let_go = not is_over and send.may_leave(seconds(), has_begun=bool(was_let_go))
            return was_let_go

        sent_at = seconds()
        reply = reply_of(self._calls, send.action, item.request, may_send)
        at = seconds()
        event = Event(send.action, sent_at, at, reply, self._draw())
        held_back = was_let_go is False
        self._inbox.put(lambda _: self._engine.on_reply(item, event, held_back=held_back))

    def _find(self, find: Find) -> None:
        sent_at = seconds()
        answer = replies_of(self._calls, find.order_ids)
        at = seconds()
        self._inbox.put(lambda _: self._engine.on_found(find, answer, sent_at, at))

    # -- the thread that writes the journal

    def wait_for_journal(self) -> None:
        """Wait until no thread writes the journal any more, or note that it cannot be written.

        A run that has stopped writes it no more, and does not wait.
        """
        until = seconds() + _GRACE
        while not self._journal_is_free and seconds() < until:
            if self.stopped is not None or self._is_stopping():
                break
            time.sleep(_CALLERS_NAP)
        if not self._journal_is_free:
            self.note_stop(f"the journal cannot be written: {_HANGS}")

    def _write_journal(self) -> None:
        try:
            self._write_until_told()
        finally:
            self._journal_is_free = True

    def _write_until_told(self) -> None:
        while (write := self._writes.get()) is not None:
            wall_now = time.time()
            error: JournalError | None = None
            try:
                self._journal.write(
                    [item.request.order_id for item in write.intents],
                    [end.result for end in write.ended],
                    # Later than any cancel of this write can leave: the leases count from before.
                    posted_by=wall_now + write.longest_lease,
                    now=wall_now,
                    learned=write.learned,
                )
            except JournalError as failure:
                error = failure
            except BaseException as fault:  # noqa: BLE001 - run() raises it in its caller's thread
                self._stop_after_fault(fault)
                return
            self._inbox.put(self._on_write(write, error))

    def _on_write(self, write: Write, error: JournalError | None) -> _Handler:
        if error is None:
            return lambda now: self._engine.on_written(write, now)
        return lambda now: self._engine.on_write_failed(write, error, now)
