"""Decide the next step of a run over a set: events and a time go in, commands come out.

It is pure: no thread, clock, sleep, random source or I/O, and one owner at a time uses it. Its
driver is in ``driver.py``; ``decision.py`` decides the next step of a single order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from airflow_provider_oms.api.errors import OmsError
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.cancellation.bulk.adaptive_limit import AdaptiveLimit
from airflow_provider_oms.cancellation.bulk.batching import Batching, evidence_of
from airflow_provider_oms.cancellation.bulk.circuit_breaker import CircuitBreaker
from airflow_provider_oms.cancellation.bulk.commands import Command, Find, Log, Send, Write
from airflow_provider_oms.cancellation.bulk.ends import Ends
from airflow_provider_oms.cancellation.bulk.intake import Intake
from airflow_provider_oms.cancellation.bulk.leasing import Leasing
from airflow_provider_oms.cancellation.bulk.limits import Limits
from airflow_provider_oms.cancellation.bulk.next_step import next_step, why_it_stopped
from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd, OutcomeCounts
from airflow_provider_oms.cancellation.bulk.progress import Progress
from airflow_provider_oms.cancellation.bulk.rate_limiter import RateLimiter, Throttling
from airflow_provider_oms.cancellation.bulk.recovery import Recovery
from airflow_provider_oms.cancellation.bulk.schedule import Schedule
from airflow_provider_oms.cancellation.bulk.sending import Sending
from airflow_provider_oms.cancellation.bulk.work_item import ItemState, WorkItem
from airflow_provider_oms.cancellation.decision import Call, Done, Step, Wait, when_interrupted
from airflow_provider_oms.cancellation.history import Action, Event, History, Reply
from airflow_provider_oms.cancellation.runner import describe_decision, deviates
from airflow_provider_oms.cancellation.store import JournalError

__all__ = ["Engine", "Limits"]

# How long its end waits for the last write, and how long one that was stopped.
_LAST_WRITE_WITHIN = 10.0
_LAST_WRITE_AFTER_STOP = 1.0


class Engine:
    """Decide about every order of a set; each is queued, or in one :class:`ItemState`.

    :param recovery: the set, and what earlier attempts have recorded about it.
    :param limits: what bounds the run.
    :param attempt: which attempt of the task this is, from 1.
    :param now: the present moment.
    """

    def __init__(self, recovery: Recovery, limits: Limits, *, attempt: int, now: float) -> None:
        self._recovery = recovery
        self._attempt = attempt
        self._queued = recovery.queued()
        record = recovery.record
        adaptive = AdaptiveLimit(len(self._queued), limits.max_workers, record.learned)
        #: Says when the next request may leave, also for requests that follow the run.
        self.limiter = RateLimiter(
            limits.requests_per_second, adaptive, longest_pause=recovery.policy.deadline
        )
        self._schedule = Schedule(self.limiter)
        self._leasing = Leasing(is_kept=record.is_kept, leeway=record.leeway, now=now)
        self._lines: list[Log] = []
        self._is_draining = False
        self._final_at = math.inf
        tally = OutcomeCounts(limits.accepts)
        #: Judges the run as a whole.
        self.breaker = CircuitBreaker(
            recovery.policy, limits.stop_after_failures, self._queued, tally, now
        )
        self._batching = Batching(recovery, self._queued, limits.orders_per_search)
        self._intake = Intake(
            recovery, self._queued, self.breaker, adaptive, self._batching, limits
        )
        self._ends = Ends(
            recovery, self._leasing, self.breaker, self._intake, tally, attempt=attempt
        )
        settled = len(self.ends)
        self._progress = Progress(settled + len(self._queued), settled, now)
        self._sending = Sending(
            self._schedule, self._batching, self._leasing, self._progress, limits.max_workers
        )

    # -- events

    def on_reply(self, item: WorkItem, event: Event, *, held_back: bool) -> None:
        """Judge the reply to a call.

        :param item: the order.
        :param event: the call and its reply.
        :param held_back: whether the call was not made, because its lease or its deadline was over
            or the run had stopped.
        """
        if item.state is not ItemState.IN_FLIGHT or item.history is None:
            return  # the run has ended without it
        self._schedule.in_flight.discard(item)
        item.calling = None
        now = event.at
        if held_back and now < item.history.deadline_at:
            # The call never left, so the order asks for another lease as if it had not been made.
            item.has_slot = True
            self._leasing.ask(item)
            if self._is_draining:
                self._drain(now)
            return
        item.history = history = item.history.with_event(event)
        self._judge(item, event)
        if event.action is Action.READ:
            self._batching.on_read(item.request.order_id, event.reply)
        if event.reply.says_open:
            post = history.last_decisive_post
            if post is not None and post.reply.evidence is Evidence.CONFLICT:
                self.breaker.on_refused_cancel(item, now)
        decision = self._decide(history, now)
        self._place(item, decision, now, is_read=event.action is Action.READ)
        if deviates(history, decision):
            named = f"Order {item.request.order_id}, attempt {self._attempt}"
            self._lines.append(Log(describe_decision(named, history, decision, now)))

    def _judge(self, item: WorkItem, event: Event) -> None:
        """Let a response's evidence about the tenant slow the run down, or stop it."""
        self._learn(event, item.beside)
        if pause := self.breaker.on_reply(item, event):
            self.limiter.pause_until(event.at + pause, event.at)
            if self.breaker.half_open_since == event.at:
                why = f"{self.breaker.silence}; the run goes on with one request at a time"
                self._lines.append(Log(why, is_warning=True))

    def _learn(self, event: Event, beside: int) -> None:
        self.limiter.on_reply(event)
        # The responses of an unavailable tenant show nothing about its limits.
        is_open = self.breaker.half_open_since is None
        if is_open and self.limiter.learn(event, beside) and (found := self.limiter.found):
            self._lines.append(Log(found))

    def on_found(
        self, find: Find, answer: Mapping[OrderId, Reply] | OmsError, sent_at: float, now: float
    ) -> None:
        """End the orders that a search has shown to need nothing more, and queue the others again.

        :param find: the search.
        :param answer: a reply for each order, or why it failed.
        :param sent_at: when it began.
        :param now: when the answer came.
        """
        self._learn(Event(Action.READ, sent_at, now, evidence_of(answer)), self._sending.in_flight)
        for item in self._batching.on_found(find, answer, sent_at, now):
            self._place(item, self._decide(self._history(item, now), now), now)

    def on_written(self, write: Write, now: float) -> None:
        """Let the cancels leave whose intents are on record now.

        :param write: the write that went well.
        :param now: the present moment.
        """
        for item in self._leasing.on_written(write, now):
            if item.state is not ItemState.LEASING:
                continue
            if item.has_slot:
                self._schedule.add_ready(item)
            elif item.history is None:
                self._schedule.add_fresh(item)
            else:
                self._schedule.add_waiting(item, now)
        if self._is_draining:
            self._drain(now)

    def on_write_failed(self, write: Write, error: JournalError, now: float) -> None:
        """Let no cancel leave until the journal can be written again.

        :param write: the write that failed.
        :param error: why it failed.
        :param now: the present moment.
        """
        if self._leasing.on_failed(write, error, now):
            self._say_that_journal_fails()
        if self._is_draining:
            self._drain(now)

    @property
    def _gives_up_journal_at(self) -> float:
        is_over = self.is_closed or self.breaker.stopped is not None
        return math.inf if is_over else self._leasing.gives_up_at

    def _say_that_journal_fails(self) -> None:
        why = "The journal cannot be written; no cancel leaves until it can be"
        self._lines.append(Log(f"{why}: {self._leasing.failure}", is_warning=True))

    def stop(self, why: str, now: float, *, settle: float | None = None) -> None:
        """Begin no further cancel, and settle orders in flight for a bounded time.

        :param why: in a few words; the first reason stays.
        :param now: the present moment.
        :param settle: seconds to settle; by default as long as it takes the cancels in flight to
            get a response and to show.
        """
        self.breaker.stop(why, now, settle=settle)

    # -- commands

    def poll(self, now: float) -> list[Command]:
        """Return everything that is due.

        :param now: the present moment.
        """
        self.breaker.check(now)
        if self._leasing.note_if_late(now):
            self._say_that_journal_fails()
        if now >= self._gives_up_journal_at:
            self.stop(f"the journal cannot be written: {self._leasing.failure}", now)
        # First, for orders that are too few for a search are taken up one by one.
        commands: list[Command] = [*self._search(now)]
        if self.breaker.stopped is None:
            for item in self._intake.take(
                self._schedule, self._leasing, self._progress, len(self.ends), now
            ):
                self._begin(item, now)
        elif not self._is_draining:
            self._is_draining = True
            self._lines.append(Log(f"The run stops: {self.breaker.stopped}", is_warning=True))
            self._drain(now)
        commands += self._dispatch(now)
        if now >= self.breaker.settle_by or self._is_at_its_end:
            self._finalize(now)
        self._progress.sample(len(self.ends), now)
        if write := self._leasing.next_write(now, is_last=self.is_closed):
            commands.append(replace(write, learned=self.limiter.learned))
        if news := self._batching.news():
            self._lines.append(Log(news))
        if now >= self._progress.says_next_at:
            waiting = self._schedule.waiting + self._leasing.waiting
            self._lines.append(
                Log(
                    self._progress.line(self.tally, waiting, self.limiter.throttling.as_text(), now)
                )
            )
        commands += self._lines
        self._lines = []
        return commands

    def wakeup(self, now: float) -> float:
        """Return when :meth:`poll` has something to do, if no event comes before.

        A line about the progress is no reason to wake up: a later poll says it.

        :param now: the present moment.
        """
        if self.breaker.stopped is not None and not self._is_draining:
            return now
        due = min(self._leasing.due_at(), self.breaker.gives_up_at, self._gives_up_journal_at)
        if self.is_closed:
            return max(now, min(due, self._last_write_by))
        if self._sending.in_flight < self._intake.capacity(len(self.ends), now):
            due = min(due, self._schedule.next_at(fresh_may_go=self._leasing.is_usable))
            if self._batching.has_next and self.breaker.admits_searches:
                due = min(due, self.limiter.opens_at)
        if self.breaker.stopped is None:
            due = min(due, self._intake.next_at(now))
        return max(now, min(due, self.breaker.settle_by))

    @property
    def throttling(self) -> Throttling:
        """Return the effect of the tenant's limits on the run so far."""
        return self.limiter.throttling

    @property
    def ends(self) -> dict[OrderId, OrderEnd]:
        """Return how each order ended, by its id."""
        return self._ends.by_id

    @property
    def tally(self) -> OutcomeCounts:
        """Return the counts of how orders ended."""
        return self._ends.tally

    @property
    def is_closed(self) -> bool:
        """Return whether every order has ended."""
        return self._final_at < math.inf

    def is_done(self, now: float) -> bool:
        """Return whether every order has ended and is on record, or can no longer be.

        :param now: the present moment.
        """
        is_recorded = not (self._leasing.is_writing or self._leasing.has_unrecorded)
        return self.is_closed and (is_recorded or now >= self._last_write_by)

    @property
    def _last_write_by(self) -> float:
        after_stop = self.breaker.settle_by + _LAST_WRITE_AFTER_STOP
        return min(self._final_at + _LAST_WRITE_WITHIN, after_stop)

    @property
    def _load(self) -> int:
        return self._schedule.load + self._leasing.waiting

    @property
    def _is_at_its_end(self) -> bool:
        is_idle = self._load == 0 and not self._batching.is_awaited
        return is_idle and (self._is_draining or not self._queued)

    # -- calls

    def _begin(self, item: WorkItem, now: float) -> None:
        if self.breaker.is_probing or item.doubt_since is not None:
            self._schedule.add_waiting(item, now)
        else:
            self._leasing.ask(item)

    def _dispatch(self, now: float) -> list[Send]:
        sends: list[Send] = []
        capacity = self._intake.capacity(len(self.ends), now)
        while self._sending.in_flight < capacity:
            item = self._schedule.take(now, fresh_may_go=self._leasing.is_usable)
            if item is None:
                break
            history = self._history(item, now)
            decision = self._decide(history, now)
            if not isinstance(decision, Call):
                self._place(item, decision, now)
            elif (send := self._sending.send(item, history, decision.action, now)) is not None:
                sends.append(send)
        return sends

    def _search(self, now: float) -> list[Find]:
        finds: list[Find] = []
        if not self.breaker.admits_searches:
            self._batching.repeat_none()
            return finds
        capacity = self._intake.capacity(len(self.ends), now)
        while self._sending.in_flight < capacity and self.limiter.opens_at <= now:
            # An order that is under way has a deadline, and goes first.
            is_due = self._schedule.next_at(fresh_may_go=False) <= now
            if is_due or (find := self._batching.next_find()) is None:
                break
            self.limiter.take_slot(now)
            finds.append(find)
        return finds

    def _decide(self, history: History, now: float) -> Step:
        return next_step(history, self.breaker, self.limiter, now)

    def _place(self, item: WorkItem, decision: Step, now: float, *, is_read: bool = False) -> None:
        """Put an order where its next step begins, or end it.

        :param item: the order.
        :param decision: its next step.
        :param now: the present moment.
        :param is_read: whether it was read a moment ago.
        """
        if isinstance(decision, Done):
            self._ends.end(item, self._history(item, now), decision, now)
        elif isinstance(decision, Wait):
            item.has_slot = False
            self._schedule.add_waiting(item, decision.until)
        elif is_read and decision.action is Action.POST:
            self._schedule.add_ready(item)
        else:
            self._schedule.add_waiting(item, now)

    @staticmethod
    def _history(item: WorkItem, now: float) -> History:
        return item.history or History(item.policy, now, item.doubt_since)

    # -- ends

    def _drain(self, now: float) -> None:
        """Decide about every order that is not in flight, now that no cancel begins any more."""
        self._batching.stop()
        for item in [*self._schedule.take_all(), *self._leasing.take_asking()]:
            if item.history is None and item.doubt_since is None:
                self._ends.end_unstarted(item)
            else:
                history = self._history(item, now)
                self._place(item, self._decide(history, now), now)

    def _finalize(self, now: float) -> None:
        """End every order that is left."""
        if self.is_closed:
            return
        self._batching.stop()
        self._final_at, why = now, why_it_stopped(self.breaker)
        left = [*self._schedule.in_flight, *self._schedule.take_all()]
        for item in [*left, *self._leasing.take_all()]:
            if item.history is None:
                self._ends.end_unstarted(item)
            else:
                done = when_interrupted(item.history, item.calling, now, why)
                self._ends.end(item, item.history, done, now)
        self._schedule.in_flight.clear()
        while (taken := self._queued.take()) is not None:
            self._ends.note(self._recovery.not_started(taken[0], why))
