"""The invariants of every moment of a story, and of the end of each attempt."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.cancellation.bulk.commands import Command, Find, Send
from airflow_provider_oms.cancellation.bulk.journal import Recorded
from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd
from airflow_provider_oms.cancellation.history import Action, Event
from airflow_provider_oms.cancellation.outcomes import Outcome
from tests.simulation.world import Clock, Order, Tenant

if TYPE_CHECKING:
    from tests.simulation.attempt import Attempt

_ADMITTED = {
    Evidence.CANCELED,
    Evidence.OPEN,
    Evidence.NOT_FOUND,
    Evidence.CONFLICT,
    Evidence.REFUSED,
}
# These mean that no cancel by a run was acted on.
_NOTHING_DONE = {
    Outcome.NOT_ATTEMPTED,
    Outcome.NOT_CANCELED,
    Outcome.NOT_CANCELABLE,
    Outcome.NOT_FOUND,
    Outcome.REFUSED,
    Outcome.FORBIDDEN,
    Outcome.ALREADY_CANCELED,
    Outcome.WOULD_CANCEL,
}
_MOST_POLLS_AT_ONCE = 100
# An order that is not on record was neither sent nor about to be sent.
_NOT_ATTEMPTED = Recorded(Outcome.NOT_ATTEMPTED)
# The intent of an order that was refused before stays on record when the run stops ahead of its
# cancel: the next attempt reads it with time to settle, which does no harm.
_MAY_STAY_IN_DOUBT = {Outcome.REFUSED, Outcome.FORBIDDEN, Outcome.NOT_CANCELABLE, Outcome.NOT_FOUND}
# For so long a cancel may rest on a read.
_FRESH_FOR = 4.0
# The journal keeps a bound to the millisecond.
_ROUNDING = 0.001


class ViolationError(AssertionError):
    """Say which promise a story has broken."""


class Checks:
    """Look at everything that the attempts of a story do.

    :param clock: the story's clock.
    :param tenant: the tenant.
    :param order_ids: the set.
    :param is_kept: whether the task has a journal.
    :param log: receives the timeline.
    """

    def __init__(
        self,
        clock: Clock,
        tenant: Tenant,
        order_ids: list[Order],
        *,
        is_kept: bool,
        log: Callable[[str], object],
    ) -> None:
        self._clock = clock
        self._tenant = tenant
        self._order_ids = order_ids
        self._is_kept = is_kept
        self._log = log
        self._bounds: dict[Attempt, dict[Order, float]] = defaultdict(dict)
        # The record that the next attempt must find: until when each cancel could leave at the
        # latest, and how each order ended in an attempt that could record all of its ends.
        self._latest_bounds: dict[Order, float] = {}
        self._ends_on_record: dict[Order, Outcome] = {}
        self._recorded_ends: set[tuple[Attempt, Order]] = set()
        self._paused_until: dict[Attempt, float] = {}
        # By the attempt's own clock, as the events of an order are.
        self._paused_at: dict[Attempt, float] = defaultdict(lambda: -math.inf)
        self._in_flight: dict[Attempt, int] = defaultdict(int)
        self._sent_at: dict[Attempt, list[float]] = defaultdict(list)
        # When the last read by Get Order began, by the attempt's own clock.
        self._read_at: dict[Attempt, dict[Order, float]] = defaultdict(dict)
        self._is_answered: set[Attempt] = set()
        # Cancels that the tenant has taken without showing them done.
        self._taken: set[tuple[Attempt, Order]] = set()
        self._told_to_end_at: dict[Attempt, float] = {}
        self._polls: tuple[float, int] = (-1.0, 0)
        self._was_stopped = self._was_half_open = False
        # Calls that were made one at a time and are not answered yet.
        self._single_calls: dict[Attempt, set[Order]] = defaultdict(set)
        self._failures_before = 0
        self.newest: Attempt | None = None

    def _fail(self, what: str) -> None:
        self._log(f"VIOLATION: {what}")
        raise ViolationError(what)

    # -- events

    def on_start(self, attempt: Attempt) -> None:
        self.newest = attempt
        self._paused_until[attempt] = -1.0
        if self._is_kept and attempt.journal.is_whole:
            self._check_record(attempt.journal.earlier)
        self._ends_on_record = {}

    def _check_record(self, earlier: Mapping[Order, Recorded]) -> None:
        for order_id, bound in self._latest_bounds.items():
            recorded = earlier.get(order_id)
            if recorded is None:
                self._fail(f"the intent of {order_id} is not on record any more")
            elif (recorded.posted_by or math.inf) < bound - _ROUNDING:
                self._fail(f"the bound of {order_id} has moved back to {recorded.posted_by}")
        for order_id, outcome in self._ends_on_record.items():
            recorded = earlier.get(order_id, _NOT_ATTEMPTED)
            if outcome in _MAY_STAY_IN_DOUBT and recorded.outcome is None:
                continue
            if recorded.is_in_doubt is not Recorded(outcome).is_in_doubt:
                self._fail(f"{order_id} is called {outcome}, and {recorded.outcome} is on record")

    def on_told_to_end(self, attempt: Attempt) -> None:
        self._told_to_end_at.setdefault(attempt, self._clock.now)

    def on_send(self, attempt: Attempt, send: Send) -> None:
        now, order_id = self._clock.now, send.item.request.order_id
        self._in_flight[attempt] += 1
        self._sent_at[attempt].append(now)
        if self._in_flight[attempt] > attempt.limits.max_workers:
            self._fail(f"{self._in_flight[attempt]} calls are in flight")
        if self._was_half_open and self._single_calls[attempt]:
            self._fail(f"{send.action} {order_id} begins beside another while the run is narrowed")
        if self._was_half_open:
            self._single_calls[attempt].add(order_id)
        if now < self._paused_until[attempt] - 1e-6:
            self._fail(f"{send.action} {order_id} begins during a pause")
        if send.action is not Action.POST:
            return
        last = send.item.history.last if send.item.history else None
        read_at = last.sent_at if last and last.action is Action.READ else math.inf
        if self._paused_at[attempt] >= read_at:
            self._fail(f"{order_id} is canceled after a pause, and was read before it")
        if attempt.policy.dry_run:
            self._fail(f"a dry run cancels {order_id}")
        if attempt not in self._is_answered:
            self._fail(f"{order_id} is canceled before the tenant has answered anything")
        if self._was_stopped:
            self._fail(f"the cancel of {order_id} begins after the run has stopped")
        self._check_bounds_of_run(attempt, send)

    def _check_bounds_of_run(self, attempt: Attempt, send: Send) -> None:
        order_id, policy = send.item.request.order_id, attempt.policy
        last = send.item.history and send.item.history.last
        read_at = last.sent_at if last and last.action is Action.READ else None
        if read_at is not None and self._read_at[attempt].get(order_id) != read_at:
            self._fail(f"the cancel of {order_id} rests on a search")
        if not attempt.engine._leasing.is_usable:
            self._fail(f"the cancel of {order_id} begins while the journal cannot be written")
        if last and last.action is Action.READ and attempt.now > last.at + _FRESH_FOR:
            self._fail(f"the cancel of {order_id} rests on a read of {last.at:.2f}")
        if send.item.history and send.item.history.ambiguous_posts >= policy.max_posts:
            self._fail(f"{order_id} is canceled more than {policy.max_posts} times")
        limit, failures = attempt.limits.stop_after_failures, self._failures_before
        if limit is not None and failures >= limit:
            self._fail(f"the cancel of {order_id} begins after {failures} failures")

    def on_leave(self, attempt: Attempt, send: Send) -> None:
        order_id = send.item.request.order_id
        acted = self._tenant.acted_posts(order_id)
        if acted:
            self._fail(
                f"{order_id} is canceled again at {self._clock.now:.2f}: the cancel of "
                f"{acted[0].left_at:.2f} was acted on, and shows at {acted[0].shows_at:.2f}"
            )
        if (attempt, order_id) in self._taken:
            self._fail(f"{order_id} is canceled again, and the cancel before it was taken")
        if self._is_kept:
            bound = self._bounds[attempt].get(order_id)
            if bound is None:
                self._fail(f"the cancel of {order_id} leaves without an intent on record")
            elif attempt.wall > bound:
                self._fail(f"the cancel of {order_id} leaves {attempt.wall - bound:.2f} s late")
        if attempt.now >= send.deadline_at:
            self._fail(f"the cancel of {order_id} leaves after its deadline")

    def on_find(self, attempt: Attempt, find: Find) -> None:
        now = self._clock.now
        self._in_flight[attempt] += 1
        self._sent_at[attempt].append(now)
        if self._in_flight[attempt] > attempt.limits.max_workers:
            self._fail(f"{self._in_flight[attempt]} calls are in flight")
        if now < self._paused_until[attempt] - 1e-6:
            self._fail("a search begins during a pause")
        if self._was_stopped or self._was_half_open:
            self._fail("a search begins though the run has stopped or is narrowed")
        if len(find.taken) > attempt.limits.orders_per_search:
            self._fail(f"a search asks for {len(find.taken)} orders")

    def on_found(self, attempt: Attempt, answer: object, now: float) -> None:
        self._in_flight[attempt] -= 1
        self._note_pause(attempt, getattr(answer, "retry_after", None), now)

    def on_record(
        self, attempt: Attempt, intents: list[Order], posted_by: float, ended: list[OrderEnd]
    ) -> None:
        self._bounds[attempt].update(dict.fromkeys(intents, posted_by))
        for order_id in intents:
            earlier = self._latest_bounds.get(order_id, -math.inf)
            self._latest_bounds[order_id] = max(earlier, posted_by)
        for end in ended:
            key = (attempt, end.result.order_id)
            if key in self._recorded_ends:
                self._fail(f"the end of {end.result.order_id} is recorded again")
            self._recorded_ends.add(key)
            if not Recorded(end.result.outcome).is_in_doubt:
                self._latest_bounds.pop(end.result.order_id, None)

    def on_reply(self, attempt: Attempt, send: Send, event: Event) -> None:
        self._in_flight[attempt] -= 1
        self._single_calls[attempt].discard(send.item.request.order_id)
        reply = event.reply
        if reply.evidence in _ADMITTED:
            self._is_answered.add(attempt)
        if event.action is Action.POST and reply.says_open:
            self._taken.add((attempt, send.item.request.order_id))
        self._note_pause(attempt, reply.retry_after, event.at)
        if event.action is Action.READ:
            self._read_at[attempt][send.item.request.order_id] = event.sent_at

    def _note_pause(self, attempt: Attempt, pause: float | None, now: float) -> None:
        if pause and pause <= attempt.policy.deadline:
            until = self._clock.now + pause
            self._paused_until[attempt] = max(self._paused_until[attempt], until)
            self._paused_at[attempt] = now

    def on_held_back(self, attempt: Attempt, send: Send, sent_at: float) -> None:
        self._in_flight[attempt] -= 1
        self._single_calls[attempt].discard(send.item.request.order_id)
        # Nothing has left.
        self._sent_at[attempt].remove(sent_at)

    def before_poll(self, attempt: Attempt) -> None:
        # What ends during a poll can stop the run after another order's cancel has begun in it.
        self._was_stopped = attempt.engine.breaker.stopped is not None
        self._was_half_open = attempt.engine.breaker.half_open_since is not None
        if not self._was_half_open:
            self._single_calls[attempt].clear()
        self._failures_before = attempt.engine.tally.failures

    def on_poll(self, attempt: Attempt, commands: list[Command]) -> None:
        now, count = self._polls
        self._polls = (now, count + 1) if now == self._clock.now else (self._clock.now, 1)
        if self._polls[1] > _MOST_POLLS_AT_ONCE and not commands:
            self._fail("the engine asks to be woken again and again")

    # -- the end of an attempt

    def on_done(self, attempt: Attempt) -> None:
        self._check_rate(attempt)
        told_at = self._told_to_end_at.get(attempt)
        if (
            told_at is not None
            and self._clock.now > told_at + 5.0 + 1e-6
            and not attempt.was_frozen
        ):
            self._fail(f"it ends {self._clock.now - told_at:.1f} s after it was told to")
        ends, tally = attempt.engine.ends, attempt.engine.tally
        if set(ends) != set(self._order_ids) or tally.total != len(ends):
            self._fail(f"{len(ends)} of {len(self._order_ids)} have an end, {tally.total} counted")
        if attempt is not self.newest:
            return  # another attempt has taken over, and this one reports nothing
        if not attempt.has_unrecorded:
            self._ends_on_record = {id_: end.result.outcome for id_, end in ends.items()}
        for order_id, end in ends.items():
            self._check_end(order_id, end.result.outcome)

    def _check_end(self, order_id: Order, outcome: Outcome) -> None:
        acted = self._tenant.acted_posts(order_id)
        is_called_canceled = outcome in (Outcome.CANCELED, Outcome.ALREADY_CANCELED)
        if is_called_canceled and not self._tenant.is_canceled(order_id):
            self._fail(f"{order_id} is called {outcome}, and is open")
        if outcome is Outcome.NOT_CANCELABLE and self._tenant.calls_cancelable(order_id):
            self._fail(f"{order_id} is called {outcome}, and the tenant says that it can be")
        if outcome in _NOTHING_DONE and acted:
            self._fail(f"{order_id} is called {outcome}, and our cancel was acted on")

    def _check_rate(self, attempt: Attempt) -> None:
        rate, sent_at = attempt.limits.requests_per_second, self._sent_at[attempt]
        if rate is None:
            return
        # A cancel follows its read at once, and one whose turn came during a slow write leaves
        # after it: each worker may be ahead by two requests.
        ahead = 2 * attempt.limits.max_workers + 2
        for first in range(len(sent_at) - ahead):
            for last in range(first + ahead, len(sent_at), 7):
                allowed = (last - first - ahead) / rate
                if sent_at[last] - sent_at[first] < allowed - 1e-6:
                    self._fail(f"{last - first} requests leave in {allowed:.2f} s")

    # -- the end of the story

    def on_end(self, attempts: int, *, may_be_left: set[Order]) -> None:
        """Check that nothing is left that should have been canceled.

        :param attempts: how many there were.
        :param may_be_left: orders that the tenant lets no one cancel.
        """
        left = [
            order_id
            for order_id in self._order_ids
            if order_id not in may_be_left and not self._tenant.is_canceled(order_id)
        ]
        if left:
            self._fail(f"after {attempts} attempts {left} are open")
