"""One attempt of a task in virtual time: the real engine and journal, a driver without threads."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.cancellation.bulk.commands import Find, Log, Send, Write
from airflow_provider_oms.cancellation.bulk.engine import Engine
from airflow_provider_oms.cancellation.bulk.journal import Journal, JournalError
from airflow_provider_oms.cancellation.bulk.limits import Limits
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet
from airflow_provider_oms.cancellation.bulk.recovery import Record, Recovery
from airflow_provider_oms.cancellation.history import Action, Event, Policy, Reply
from airflow_provider_oms.cancellation.store import Store
from tests.simulation.world import Clock, Order, Tenant

if TYPE_CHECKING:
    from tests.simulation.checks import Checks

GRACE = 4.0
_TICK = 1e-9
_WALL = 1_800_000_000.0


@dataclass(frozen=True)
class _Call:
    begun_at: float  # by the story's clock
    sent_at: float  # by the attempt's own


class Attempt:
    """Run the engine over a set in virtual time.

    :param number: which attempt of the task this is.
    :param clock: the story's clock.
    :param tenant: the tenant.
    :param store: where the journal is kept; ``None`` keeps nothing.
    :param orders: the set.
    :param policy: how long to try and how to read.
    :param limits: what bounds the run.
    :param leeway: seconds that a cancel takes at most to leave once it has begun.
    :param skew: seconds by which this worker's wall clock is ahead.
    :param draw: the story's chance.
    :param checks: look at everything that happens.
    :param log: receives the timeline.
    """

    def __init__(
        self,
        number: int,
        clock: Clock,
        tenant: Tenant,
        store: Store | None,
        orders: OrderSet,
        policy: Policy,
        limits: Limits,
        *,
        leeway: float,
        skew: float,
        draw: random.Random,
        checks: Checks,
        log: Callable[[str], object],
    ) -> None:
        self.number = number
        self._clock = clock
        self._tenant = tenant
        self._leeway = leeway
        # A worker's own clock begins anywhere, and its wall clock may be wrong.
        self._offset = draw.uniform(-1e6, 1e6)
        self._wall_offset = _WALL + skew
        self._draw = draw
        self._checks = checks
        self._log = log
        self.is_dead = False
        self.is_done = False
        self._sends_no_more = False
        self._frozen_until = -1.0
        self.was_frozen = False
        self._woken_at = float("inf")
        self.journal = Journal(
            store, now=self.wall, attempt=number, tenant="t", order_ids=orders.requests
        )
        journal = self.journal
        record = Record(journal.earlier, journal.is_whole, journal.is_kept, leeway, journal.learned)
        recovery = Recovery(orders, policy, record, now=self.now, wall_now=self.wall)
        self.engine = Engine(recovery, limits, attempt=number, now=self.now)
        self.limits = limits
        self.policy = policy
        checks.on_start(self)
        self._poll()

    # -- time

    @property
    def now(self) -> float:
        return self._clock.now + self._offset

    @property
    def wall(self) -> float:
        return self._clock.now + self._wall_offset

    @property
    def has_cancel_in_flight(self) -> bool:
        """Return whether a cancel waits for its token, its connection or its response."""
        in_flight = self.engine._schedule.in_flight
        return any(item.calling is Action.POST for item in in_flight)

    @property
    def has_intents_in_write(self) -> bool:
        """Return whether orders wait for a write that is under way."""
        write = self.engine._leasing._write
        return write is not None and bool(write.intents)

    @property
    def has_unrecorded(self) -> bool:
        """Return whether an end is not on record, or not known to be."""
        leasing = self.engine._leasing
        return leasing.is_writing or leasing.has_unrecorded

    def _soon(self, seconds: float, act: Callable[[], object]) -> None:
        """Do something of this process's after a while, unless it is dead or frozen then."""

        def act_if_alive() -> None:
            if self.is_dead or self.is_done:
                return
            if self._clock.now < self._frozen_until:
                self._clock.at(self._frozen_until, act_if_alive)
                return
            act()

        self._clock.after(seconds, act_if_alive)

    # -- what happens to the process

    def kill(self) -> None:
        self._log(f"#{self.number} is killed")
        self.is_dead = True

    def freeze(self, seconds: float) -> None:
        self._log(f"#{self.number} is frozen for {seconds:.1f} s")
        self._frozen_until = self._clock.now + seconds
        self.was_frozen = True

    def tell_to_end(self) -> None:
        if self.is_done or self.is_dead:
            return
        self._log(f"#{self.number} is told to end")
        self._sends_no_more = True
        self._soon(0, self._stop)
        self._checks.on_told_to_end(self)

    def _stop(self) -> None:
        self.engine.stop("told to end", self.now, settle=GRACE)
        self._poll()

    # -- the driver

    def _poll(self) -> None:
        now = self.now
        self._checks.before_poll(self)
        commands = self.engine.poll(now)
        for command in commands:
            if isinstance(command, Send):
                self._checks.on_send(self, command)
                self._call(command)
            elif isinstance(command, Find):
                self._checks.on_find(self, command)
                self._find(command)
            elif isinstance(command, Write):
                self._write(command)
            elif isinstance(command, Log):
                says = "warns" if command.is_warning else "says"
                self._log(f"#{self.number} {says}: {command.line}")
        if self.engine.breaker.stopped is not None:
            self._sends_no_more = True
        self._checks.on_poll(self, commands)
        if self.engine.is_done(now):
            self.is_done = True
            self._log(f"#{self.number} is done: {self.engine.tally.as_text()}")
            self._checks.on_done(self)
            return
        wakeup = self.engine.wakeup(now)
        if wakeup < self._woken_at or self._woken_at <= now:
            self._woken_at = wakeup
            # The story's clock does not move by less than its own rounding error.
            seconds = wakeup - now and max(wakeup - now, _TICK)
            self._soon(seconds, lambda: self._wake(wakeup))

    def _wake(self, wakeup: float) -> None:
        if wakeup == self._woken_at:
            self._woken_at = float("inf")
            self._poll()

    def _call(self, send: Send) -> None:
        call = _Call(self._clock.now, self.now)
        order_id: Order = send.item.request.order_id
        if send.action is not Action.POST:
            self._reply_later(send, call, *self._tenant.read(order_id))
            return
        token, connect = self._tenant.seconds_to_leave(self._leeway)

        def leave() -> None:
            if self._is_held_back(send, call, has_begun=True):
                return
            self._log(f"#{self.number} cancels {order_id}")
            self._checks.on_leave(self, send)
            self._reply_later(send, call, *self._tenant.post(order_id, self.number))

        def begin() -> None:
            if not self._is_held_back(send, call, has_begun=False):
                self._soon(connect, leave)

        self._soon(token, begin)

    def _is_held_back(self, send: Send, call: _Call, *, has_begun: bool) -> bool:
        if not self._sends_no_more and send.may_leave(self.now, has_begun=has_begun):
            return False
        self._log(f"#{self.number} holds the cancel of {send.item.request.order_id} back")
        self._reply_later(send, call, Reply(Evidence.NEVER_SENT, "held back"), 0, held_back=True)
        return True

    def _reply_later(
        self, send: Send, call: _Call, reply: Reply, seconds: float, *, held_back: bool = False
    ) -> None:
        self._soon(seconds, lambda: self._on_reply(send, call, reply, held_back=held_back))

    def _on_reply(self, send: Send, call: _Call, reply: Reply, *, held_back: bool) -> None:
        event = Event(send.action, call.sent_at, self.now, reply, self._draw.random())
        if held_back:
            self._checks.on_held_back(self, send, call.begun_at)
        else:
            self._log(
                f"#{self.number} {send.action} {send.item.request.order_id}: {reply.message}"
                + ("" if reply.retry_after is None else f", Retry-After {reply.retry_after:g}")
            )
            self._checks.on_reply(self, send, event)
        self.engine.on_reply(send.item, event, held_back=held_back)
        self._poll()

    def _find(self, find: Find) -> None:
        sent_at = self.now
        answer, seconds = self._tenant.find(find.order_ids)

        def on_found() -> None:
            shown = answer if isinstance(answer, Exception) else f"{len(answer)} of them"
            self._log(f"#{self.number} searches for {len(find.taken)} orders: {shown}")
            self._checks.on_found(self, answer, self.now)
            self.engine.on_found(find, answer, sent_at, self.now)
            self._poll()

        self._soon(seconds, on_found)

    def _write(self, write: Write) -> None:
        wall, seconds = self.wall, self._tenant.seconds_to_write()
        intents = [item.request.order_id for item in write.intents]

        def commit() -> None:
            error: JournalError | None = None
            posted_by = wall + write.longest_lease
            try:
                self.journal.write(
                    intents,
                    [end.result for end in write.ended],
                    posted_by=posted_by,
                    now=wall,
                    learned=write.learned,
                )
            except JournalError as failure:
                error = failure
            self._log(
                f"#{self.number} records {len(intents)} intents {intents} and {len(write.ended)} "
                f"ends{f': {error}' if error else ''}"
            )
            if error is None:
                self._checks.on_record(self, intents, posted_by, list(write.ended))
            self._soon(0, lambda: self._on_write(write, error))

        self._soon(seconds, commit)

    def _on_write(self, write: Write, error: JournalError | None) -> None:
        if error is None:
            self.engine.on_written(write, self.now)
        else:
            self.engine.on_write_failed(write, error, self.now)
        self._poll()
