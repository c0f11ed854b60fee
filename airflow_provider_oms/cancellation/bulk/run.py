"""Cancel a whole set of orders: many at a time, on record, and stopped when something is wrong.

What comes next for one order is decided in ``decision.py``, as for a single order. Workers make the
calls; the keeper, one more thread, records, lays out what is next, and reports.
"""

from __future__ import annotations

import itertools
import math
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from airflow_provider_oms.cancellation.bulk.desk import Case, Desk
from airflow_provider_oms.cancellation.bulk.gate import Gate
from airflow_provider_oms.cancellation.bulk.journal import PERMIT_SECONDS, Journal, JournalError
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet
from airflow_provider_oms.cancellation.bulk.preflight import first_read
from airflow_provider_oms.cancellation.bulk.progress import Log, Progress
from airflow_provider_oms.cancellation.bulk.resume import Backlog
from airflow_provider_oms.cancellation.bulk.tally import OrderEnd, Tally
from airflow_provider_oms.cancellation.bulk.watch import REFUSALS, Watch
from airflow_provider_oms.cancellation.bulk.workers import Workers
from airflow_provider_oms.cancellation.clock import seconds
from airflow_provider_oms.cancellation.history import Policy
from airflow_provider_oms.cancellation.runner import OmsCalls

__all__ = ["BulkRun", "Limits"]

_KEEPER_PERIOD = 0.25
_NAP = 0.02
_LONGEST_UNRECORDED = 0.75
_LONGEST_WITHOUT_JOURNAL = 60.0
_JOURNAL_RETRY = 1.0
# Airflow kills a task five seconds after it told it to end; one of them is for the writing.
_GRACE = 4.0
_TOLD_TO_END = "the task was told to end"
_STRANGERS_NAMED = 10


@dataclass(frozen=True, slots=True)
class Limits:
    """Hold what bounds a run.

    :param max_workers: requests under way at a time.
    :param requests_per_second: requests that may leave in a second; ``None`` for any number.
    :param stop_after_failures: failed orders after which no cancel is begun; ``None`` for any.
    """

    max_workers: int = 4
    requests_per_second: float | None = None
    stop_after_failures: int | None = None


class BulkRun:
    """Go through a set of orders once; :meth:`run` may be interrupted by any exception.

    :param calls: the client, safe to share between threads.
    :param orders: the checked set.
    :param policy: how long to try and how to read.
    :param journal: the record of this task.
    :param limits: what bounds the run.
    :param attempt: which attempt of the task this is, from 1.
    :param log: receives progress, the decisions about orders that deviate, and why a run stops.
    :param is_stopping: tells whether the task was told to end.
    """

    def __init__(
        self,
        calls: OmsCalls,
        orders: OrderSet,
        policy: Policy,
        journal: Journal,
        limits: Limits,
        *,
        attempt: int = 1,
        log: Log,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._calls = calls
        self._orders = orders
        self._policy = policy
        self._journal = journal
        self._limits = limits
        self._attempt = attempt
        self._log = log
        self._is_stopping = is_stopping
        self._clock = seconds
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._desk = Desk(Gate(limits.requests_per_second), self._clock, self._ring)
        self._watch = Watch(policy, limits.stop_after_failures, self._clock, self._ring)
        self._backlog = Backlog(orders, policy, journal)
        self._upcoming: Iterator[Case] = iter(())
        # Held from where an end or a case is taken to where it is noted: the keeper and the thread
        # of run() may both close the books, and what one of them has in hand is not untouched.
        self._noting = threading.RLock()
        self._unrecorded: list[OrderEnd] = []
        self._recorded_at = self._clock()
        self._unwritable_since: float | None = None
        self._is_over = False
        self._is_exhausted = False
        self._is_winding_up = False
        self._crash: BaseException | None = None
        #: How each order ended, by its id.
        self.ends: dict[int, OrderEnd] = {}
        self.tally = Tally()
        self._progress = Progress(len(orders), self.tally, log, self._clock)
        self._workers = Workers(
            calls,
            self._desk,
            self._watch,
            self._progress,
            attempt=attempt,
            clock=self._clock,
            is_stopping=is_stopping,
        )
        #: Whether the credentials were refused before anything was sent.
        self.is_shut_out = False
        #: Seconds spent on writing the record.
        self.journal_seconds = 0.0

    @property
    def stopped(self) -> str | None:
        """Return why the run stopped before its end, in a few words; ``None`` if it did not."""
        return self._watch.stopped

    @property
    def _why(self) -> str:
        return f"The run stopped: {self.stopped}"

    # -- the caller's thread

    def run(self) -> None:
        """Work through the set; afterwards every order has its end in :attr:`ends`.

        :raises BaseException: whatever interrupts the caller's thread, once what was under way has
            had some seconds to come to its end and all is on record.
        """
        try:
            self._resume()
            if len(self.ends) < len(self._orders) and self._is_admitted():
                self._work_through()
        except BaseException as error:
            self._watch.stop(self._cause_of(error), settle=0)
            raise
        finally:
            # The keeper may hang in the store, and what was begun is not untouched.
            with self._noting:
                self._abandon(self._desk.close)
                for order_id in self._orders.requests:
                    if order_id not in self.ends:
                        self._note(self._backlog.untouched(order_id, self._why))
        if crash := self._crash or self._workers.crash:
            raise crash

    def _resume(self) -> None:
        for end in self._backlog.settled():
            self._note(end)
        self._upcoming = self._backlog.cases()
        if self._attempt > 1 and not self._policy.dry_run:
            self._log.info("Attempt %d goes on: %s", self._attempt, self._backlog.describe())
        if strangers := self._backlog.strangers():
            named = ", ".join(map(str, itertools.islice(strangers, _STRANGERS_NAMED)))
            more = ", …" if len(strangers) > _STRANGERS_NAMED else ""
            doubts = sum(recorded.is_in_doubt for recorded in strangers.values())
            self._log.warning(
                "%d orders that an earlier attempt worked on are not in the set any more and are "
                "left alone (%s%s); %d of them are in doubt",
                *(len(strangers), named, more, doubts),
            )

    def _is_admitted(self) -> bool:
        requests = self._orders.requests
        request = next(requests[order_id] for order_id in requests if order_id not in self.ends)
        read, is_answered = first_read(
            self._calls, request, self._policy, log=self._log, is_stopping=self._is_stopping
        )
        if is_answered:
            if read.reply.says_canceled:
                # Somebody else's cancel, or an earlier one of ours: seen is seen.
                self._backlog.has_shown(request.order_id, read)
            return True
        self.is_shut_out = read.reply.evidence in REFUSALS
        self._watch.stop(f"a first read did not get through: {read.reply.message}", settle=0)
        return False

    def _work_through(self) -> None:
        self._progress.start()
        self._workers.start(min(self._limits.max_workers, len(self._orders)))
        threading.Thread(target=self._keep, name="oms-keeper", daemon=True).start()
        try:
            self._wait_for_keeper(math.inf)
        except BaseException as error:
            # A timeout of the task, or Airflow 2's way to end one.
            self._watch.stop(self._cause_of(error), settle=_GRACE)
            self._wait_for_keeper(self._clock() + _GRACE + 4 * _KEEPER_PERIOD)
            raise

    def _cause_of(self, error: BaseException) -> str:
        if self._is_stopping() or not isinstance(error, Exception):
            return _TOLD_TO_END
        return f"{type(error).__name__} in the task"

    def _wait_for_keeper(self, until: float) -> None:
        # Not Thread.join(): an exception out of a signal handler makes Python 3.11 and 3.12 take
        # the thread for one that has ended.
        was_told = False
        while not self._is_over and self._clock() < until:
            if not was_told and self._is_stopping():
                was_told = True
                self._watch.stop(_TOLD_TO_END, settle=_GRACE)
                until = min(until, self._clock() + _GRACE + 2 * _KEEPER_PERIOD)
            time.sleep(_NAP)

    # -- the keeper

    def _ring(self) -> None:
        self._bell.put(None)

    def _keep(self) -> None:
        try:
            self._keep_on()
            self._close_the_books()
        except BaseException as error:  # noqa: BLE001 - run() raises it in its caller's thread
            self._crash = error
            self._watch.stop(f"a fault of this program, {type(error).__name__}", settle=0)
            with suppress(Exception):
                self._close_the_books()
        finally:
            self._is_over = True

    def _keep_on(self) -> None:
        while self._keep_once():
            with suppress(queue.Empty):
                self._bell.get(timeout=_KEEPER_PERIOD)
            while not self._bell.empty():
                self._bell.get()

    def _close_the_books(self) -> None:
        self._abandon(self._desk.close)
        self._collect()
        self._record_the_last()
        self._progress.say_lines()

    def _keep_once(self) -> bool:
        """Do what is due; tell whether there is more to come."""
        if self._is_stopping():
            self._watch.stop(_TOLD_TO_END, settle=_GRACE)
        # Counted before it is seen what has ended: an end that comes in between is not on record
        # yet, and its order still in doubt.
        load = self._desk.load
        self._collect()
        if self.stopped is None:
            self._lay_out(load)
        else:
            self._wind_up()
        self._progress.say_now_and_then(self._desk.waiting)
        is_open = self._desk.load > 0 or (self.stopped is None and not self._is_exhausted)
        return is_open and self._clock() < self._watch.settle_by

    def _collect(self) -> None:
        self._note_ended()
        self._progress.sample(self._desk.sent)

    def _note_ended(self) -> None:
        with self._noting:
            for end in self._desk.take_ended():
                self._note(end, is_news=True)

    def _note(self, end: OrderEnd, *, is_news: bool = False) -> None:
        """Note how an order ended; its first end counts, whichever thread has it."""
        with self._noting:
            if end.result.order_id in self.ends:
                return
            self.ends[end.result.order_id] = end
            self.tally.add(end.result)
            if is_news:
                self._unrecorded.append(end)

    def _lay_out(self, load: int) -> None:
        """Record intents, and lay out the cases that they allow."""
        now = self._clock()
        if self._unwritable_since is not None and now - self._recorded_at < _JOURNAL_RETRY:
            return
        workers = self._limits.max_workers
        rate = self._progress.rate(PERMIT_SECONDS)
        # At any moment as many orders may be in doubt as were sent in two seconds, and twice those
        # that can be under way.
        room = 2 * workers + self._progress.sent_within(PERMIT_SECONDS) - load
        # A few at a time would be a write to the store for each few.
        is_low = self._desk.fresh < max(1, self._desk.low_water)
        wanted = max(workers, int(rate)) - self._desk.fresh if is_low else 0
        wanted = max(0, min(room, wanted))
        upcoming = list(itertools.islice(self._upcoming, wanted))
        self._is_exhausted = self._is_exhausted or len(upcoming) < wanted
        granted = [case for case in upcoming if case.doubt_since is None]
        self._desk.resume(case for case in upcoming if case.doubt_since is not None)
        asking = self._desk.take_asking()
        is_late = now - self._recorded_at > _LONGEST_UNRECORDED and bool(self._unrecorded)
        if not (granted or asking or is_late or self._unwritable_since is not None):
            return
        try:
            self._record([*granted, *asking])
        except JournalError as error:
            self._upcoming = itertools.chain(granted, self._upcoming)
            self._is_exhausted = False
            self._desk.ask_again(asking)
            self._bear_with(error, now)
            return
        self._desk.low_water = max(1, int(0.4 * max(workers, rate)))
        self._desk.resume(asking)
        self._desk.add_fresh(granted)

    def _record(self, cases: list[Case]) -> None:
        began_at = self._recorded_at = self._clock()
        ended = list(self._unrecorded)
        try:
            self._journal.write(
                (case.request.order_id for case in cases), [end.result for end in ended]
            )
        finally:
            self.journal_seconds += self._clock() - began_at
        with self._noting:
            del self._unrecorded[: len(ended)]
        self._unwritable_since = None
        self._desk.permits_hold = True
        for case in cases:
            case.permit_until = began_at + PERMIT_SECONDS if self._journal.is_kept else math.inf
            case.leaves_by = case.permit_until + self._journal.leeway

    def _bear_with(self, error: JournalError, now: float) -> None:
        self._desk.permits_hold = False
        if self._unwritable_since is None:
            self._unwritable_since = now
            self._log.warning(
                "The journal cannot be written; no cancel leaves until it can be: %s", error
            )
        elif now - self._unwritable_since > _LONGEST_WITHOUT_JOURNAL:
            self._watch.stop(f"the journal cannot be written: {error}")

    def _wind_up(self) -> None:
        """Begin nothing, let what was begun be looked at again, and record what has ended."""
        if not self._is_winding_up:
            self._is_winding_up = True
            self._log.warning("The run stops: %s", self.stopped)
            self._abandon(self._desk.clear_fresh)
            self._desk.wake_waiting()
        self._desk.resume(self._desk.take_asking())
        self._collect()
        if self._unrecorded and self._clock() - self._recorded_at > _LONGEST_UNRECORDED:
            self._record_the_last()

    def _record_the_last(self) -> None:
        try:
            self._record([])
        except JournalError as error:
            self._log.warning("The journal cannot be written: %s", error)

    def _abandon(self, take: Callable[[], list[Case]]) -> None:
        with self._noting:
            cases = take()
            self._note_ended()
            for case in cases:
                untouched = self._backlog.untouched(case.request.order_id, self._why)
                self._note(self._workers.abandon(case) or untouched, is_news=True)
