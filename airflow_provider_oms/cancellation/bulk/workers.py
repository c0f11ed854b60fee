"""The threads of a run that make its calls, one case in hand at a time.

Which case is next is the business of ``desk.py``; what comes next for it, of ``decision.py``.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.cancellation.bulk.desk import Case, Desk
from airflow_provider_oms.cancellation.bulk.progress import Progress
from airflow_provider_oms.cancellation.bulk.tally import OrderEnd
from airflow_provider_oms.cancellation.bulk.watch import Watch
from airflow_provider_oms.cancellation.decision import (
    Call,
    Done,
    Step,
    Wait,
    step,
    when_interrupted,
    when_posting_is_over,
    when_stopped,
)
from airflow_provider_oms.cancellation.history import Action, Event, History
from airflow_provider_oms.cancellation.runner import (
    OmsCalls,
    describe_decision,
    reply_of,
    result_of,
)

__all__ = ["Workers"]

# While a 429 does not say for how long.
_PAUSE_WHEN_THROTTLED = 1.0


class Workers:
    """Take cases from the desk, make the call that is due, and put each where it belongs.

    :param calls: the client, safe to share between threads.
    :param desk: where the cases lie.
    :param watch: hears every reply and every end.
    :param progress: told the decisions about orders that deviate.
    :param attempt: which attempt of the task this is.
    :param clock: monotonic seconds.
    :param is_stopping: tells whether the task was told to end.
    """

    def __init__(
        self,
        calls: OmsCalls,
        desk: Desk,
        watch: Watch,
        progress: Progress,
        *,
        attempt: int,
        clock: Callable[[], float],
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._calls = calls
        self._desk = desk
        self._watch = watch
        self._progress = progress
        self._attempt = attempt
        self._clock = clock
        self._is_stopping = is_stopping
        self._draw = random.SystemRandom().random
        #: What a worker died of, should that happen.
        self.crash: BaseException | None = None

    def start(self, number: int) -> None:
        """Start the threads; they end when the desk is closed.

        :param number: how many.
        """
        for index in range(number):
            # A thread whose request hangs must not keep the process from ending.
            threading.Thread(target=self._work, name=f"oms-{index}", daemon=True).start()

    def _work(self) -> None:
        try:
            while (case := self._desk.take()) is not None:
                self._advance(case)
        except BaseException as error:  # noqa: BLE001 - the run raises it in its caller's thread
            self.crash = error
            self._watch.stop(f"a fault of this program, {type(error).__name__}", settle=0)

    def _advance(self, case: Case) -> None:
        if case.history is None:
            case.begun_at = time.time()
            case.history = History(case.policy, self._clock(), case.doubt_since)
        decision = self._decide(case.history)
        if isinstance(decision, Call) and self._is_stale(case, case.history, decision):
            decision = Call(Action.READ)
        while isinstance(decision, Call):
            reached = self._call(case, case.history, decision.action)
            if reached is None:
                self._desk.ask(case)
                return
            has_read, decision = decision.action is Action.READ, reached
            is_post = isinstance(decision, Call) and decision.action is Action.POST
            if not (has_read and is_post and self._desk.go_on()):
                break
        if isinstance(decision, Done):
            end, reply = self._end_of(case, case.history, decision), decision.reply
            self._watch.heed_end(end.result, reply)
            self._desk.finish(case, end)
        else:
            self._desk.wait(case, decision.until if isinstance(decision, Wait) else -math.inf)

    def _is_stale(self, case: Case, history: History, call: Call) -> bool:
        """Tell whether a cancel rests on a read that something has made old."""
        last = history.last
        if call.action is not Action.POST or last is None or last.action is not Action.READ:
            return False
        return self._desk.was_held_since(case, last.sent_at)

    def _call(self, case: Case, history: History, action: Action) -> Step | None:
        """Make a call, and return what comes next; ``None`` if it lacks the permit to be sent."""
        is_let_go: bool | None = None

        def may_send() -> bool:
            # Asked when the token is there, which can take longer than a permit lasts, and once
            # more when the connection is. Past the deadline no new permit would help.
            nonlocal is_let_go
            if self._clock() >= history.deadline_at:
                return False
            # The run stops only when the keeper comes to it, which may be busy with the store.
            is_going_on = self._watch.stopped is None and not self._is_stopping()
            if is_let_go:
                return is_going_on and self._clock() < case.leaves_by
            is_let_go = is_going_on and self._desk.let_go(case)
            return is_let_go

        sent_at = self._clock()
        case.calling = action
        reply = reply_of(self._calls, action, case.request, may_send)
        if is_let_go is False:
            case.calling = None
            return None
        event = Event(action, sent_at, self._clock(), reply, self._draw())
        case.was_held = False
        case.history = history = history.with_event(event)
        case.calling = None
        pause = reply.retry_after
        if reply.evidence is Evidence.THROTTLED:
            pause = pause or _PAUSE_WHEN_THROTTLED
        if pause:
            self._desk.pause_until(event.at + pause)
        post = history.last_decisive_post
        is_refused = post is not None and post.reply.evidence is Evidence.CONFLICT
        self._watch.heed_reply(reply, case.request.order_id, is_refused=is_refused)
        decision = self._decide(history)
        if _deviates(history, decision):
            named = f"Order {case.request.order_id}, attempt {self._attempt}"
            self._progress.say_soon(describe_decision(named, history, decision, self._clock()))
        return decision

    def _decide(self, history: History) -> Step:
        now = self._clock()
        decision = step(history, now)
        why = self._watch.stopped
        if why is None or isinstance(decision, Done):
            return decision
        if isinstance(decision, Call) and decision.action is Action.POST:
            return when_posting_is_over(history, f"The run stopped: {why}")
        due = decision.until if isinstance(decision, Wait) else now
        if due > self._watch.settle_by:
            return when_stopped(history, f"The run stopped: {why}")
        return decision

    def _end_of(self, case: Case, history: History, done: Done) -> OrderEnd:
        result = result_of(case.request.order_id, history, done)
        return OrderEnd(result, self._attempt, result.posts, case.begun_at, time.time())

    def abandon(self, case: Case) -> OrderEnd | None:
        """Return the end of a case for which nothing more can be done.

        :param case: the case, maybe still in a worker's hands.
        :return: its end; ``None`` when it was not begun.
        """
        # In this sequence: a worker whose answer comes at this moment writes the history first.
        calling = case.calling
        history = case.history
        if history is None:
            return None
        why = f"The run stopped: {self._watch.stopped}"
        done = when_interrupted(history, calling, self._clock(), why)
        return self._end_of(case, history, done)


def _deviates(history: History, decision: Step) -> bool:
    """Tell whether a decision is worth a line of the log."""
    if isinstance(decision, Done) and not decision.outcome.is_success:
        return True
    return any(
        not event.reply.holds_order
        or (event.action is Action.POST and not event.reply.says_canceled)
        for event in history.events
    )
