"""When a run stops before its end, why, and until when it may settle orders in flight.

``decision.py`` decides how a single order ends then.
"""

from __future__ import annotations

import math

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.patience import TOKEN_REFUSED
from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.cancellation.bulk.outcome_counts import OutcomeCounts, too_many_failed
from airflow_provider_oms.cancellation.bulk.recovery import Queued
from airflow_provider_oms.cancellation.bulk.work_item import WorkItem
from airflow_provider_oms.cancellation.decision import Done
from airflow_provider_oms.cancellation.history import Action, Event, Policy, Reply
from airflow_provider_oms.cancellation.outcomes import Outcome

__all__ = ["CircuitBreaker"]

# The connection was refused, or something else than an OMS answered.
_REFUSALS = TOKEN_REFUSED | {Evidence.FORBIDDEN, Evidence.WRONG_SERVER}
# The OMS let this call through, whatever it said about the order.
_ADMITTED = frozenset(
    {
        Evidence.CANCELED,
        Evidence.OPEN,
        Evidence.NOT_FOUND,
        Evidence.CONFLICT,
        Evidence.REFUSED,
        Evidence.LOCKED,
    }
)
# These are about the connection or its pace, and no order from elsewhere would get another answer.
_ABOUT_ALL = frozenset({Evidence.UNAUTHENTICATED, Evidence.THROTTLED})
_NO_ANSWER = frozenset({Evidence.AMBIGUOUS, Evidence.NEVER_SENT})
_SILENT_ORDERS = 20
# When the run slows down, fewer are enough if they fell silent over some time.
_SILENT_FOR = 3.0
_SILENT_OVER_TIME = 8
# With one request at a time, so many in a row without a response stop the run; it waits before
# each of them.
_PROBE_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
_REFUSED_TOKENS = 10
_REFUSED_IN_A_ROW = 10
# So many stop a run of which no other part is left that could tell.
_REFUSED_WITHOUT_OTHERS = 40
_LONG_WAITS = 3
_LONGEST_SETTLING = 30.0
# A cancel that is in flight when the run stops settles from its response on.
_LAST_RESPONSES_WITHIN = 5.0
# How long a run tries to get a first answer before it gives up.
_FIRST_ANSWER_WITHIN = 20.0


class _Refusals:
    """Collect the refusals of one kind of call since the OMS last let one through."""

    def __init__(self) -> None:
        #: Whether the OMS has ever let one through in this run.
        self.is_proven = False
        self._parts: set[int] = set()
        self._orders: set[OrderId] = set()
        self._ended_parts: set[int] = set()
        self._ended: set[OrderId] = set()

    @property
    def suspects(self) -> frozenset[int]:
        """Return the parts of the set that were refused, if that says something of the others."""
        is_suspicious = not self.is_proven or len(self._orders) >= _REFUSED_IN_A_ROW
        return frozenset(self._parts) if is_suspicious else frozenset()

    def on_admitted(self) -> None:
        self.is_proven = True
        for each in (self._parts, self._orders, self._ended_parts, self._ended):
            each.clear()

    def on_refused(self, item: WorkItem) -> None:
        self._parts.add(item.stratum)
        self._orders.add(item.request.order_id)

    def on_ended(self, item: WorkItem) -> None:
        self.on_refused(item)
        self._ended_parts.add(item.stratum)
        self._ended.add(item.request.order_id)

    def are_everywhere(self, queued: Queued) -> bool:
        """Return whether orders from every part of the set ended so, as far as any are left."""
        if len(self._ended_parts) >= queued.strata:
            return True
        is_long = len(self._ended) >= _REFUSED_WITHOUT_OTHERS
        return is_long and not queued.has_outside(self._ended_parts)


class CircuitBreaker:
    """Look at every reply and every end of a run, and stop it when something is wrong with it.

    One order never speaks for the tenant. Refusals count as the connection's only when the OMS lets
    no such call through, and orders from every part of the set were refused.

    :param policy: how long to try and how to read.
    :param stop_after_failures: failed orders after which no cancel begins; ``None`` for any.
    :param queued: the orders that are not tried yet.
    :param tally: counts how orders end, and knows which ends are accepted; one that ends is in it
        before :meth:`on_end` is called.
    :param now: the present moment.
    """

    def __init__(
        self,
        policy: Policy,
        stop_after_failures: int | None,
        queued: Queued,
        tally: OutcomeCounts,
        now: float,
    ) -> None:
        self._policy = policy
        self._limit = stop_after_failures
        self._queued = queued
        self._tally = tally
        self._silent: set[OrderId] = set()
        self._silent_since = now
        # The orders whose cancels got no response since one did, whatever became of reads.
        self._silent_cancels: set[OrderId] = set()
        # The calls that got no response while orders fell silent, and of each how many got none
        # since only one is made at a time; and how many of any kind did in a row.
        self._silent_calls: dict[Action, int] = {}
        self._silent_probes = 0
        #: In a few words, why only one request is made at a time.
        self.silence = ""
        #: Since when only one request is made at a time; ``None`` while as many are as may be.
        self.half_open_since: float | None = None
        # The orders that a read has shown open after their cancel was refused, until they end.
        self._open_after_refusal: set[OrderId] = set()
        self._without_result = self._refused_tokens = 0
        self._long_waits: set[OrderId] = set()
        self._reads, self._cancels = _Refusals(), _Refusals()
        self._refusals = {Action.READ: self._reads, Action.POST: self._cancels}
        self._unanswered: set[int] = set()
        self._last_failure = "no answer came"
        self._gives_up_at = now + _FIRST_ANSWER_WITHIN
        self._waits_until = now + max(_FIRST_ANSWER_WITHIN, policy.deadline)
        #: Why no cancel begins any more; ``None`` while nothing is wrong.
        self.stopped: str | None = None
        #: Until when orders that were begun may be settled.
        self.settle_by = math.inf
        #: Whether it stopped because the connection was refused before any cancel was let through.
        self.is_shut_out = False
        #: Whether a call that was to cancel an order has come back, with a response or without.
        self.has_judged_a_cancel = False

    @property
    def is_probing(self) -> bool:
        """Return whether the OMS has answered no read yet, so that no cancel may leave."""
        return not self._reads.is_proven

    @property
    def admits_searches(self) -> bool:
        """Return whether all is well enough for a search, whose response no order waits for."""
        is_well = not (self.is_probing or self.suspects) and self.stopped is None
        return is_well and self.half_open_since is None

    @property
    def is_proven(self) -> bool:
        """Return whether the OMS has let a cancel through in this run."""
        return self._cancels.is_proven

    @property
    def gives_up_at(self) -> float:
        """Return when :meth:`check` has to be called at the latest."""
        is_open = self.is_probing and self.stopped is None
        return self._gives_up_at if is_open else math.inf

    @property
    def suspects(self) -> frozenset[int]:
        """Return the parts of the set of which an order was refused or got no answer.

        While there are any, the next order to try comes from another part: refusals from one part
        alone may have a reason there.
        """
        refused = self._reads.suspects | self._cancels.suspects
        return refused | self._unanswered if self.is_probing else refused

    def stop(self, why: str, now: float, *, settle: float | None = None) -> None:
        """Let no further cancel begin, and orders in flight settle for a bounded time.

        :param why: in a few words; the first reason stays.
        :param now: the present moment.
        :param settle: seconds to settle; by default as long as it takes the cancels in flight to
            get a response and to show.
        """
        if settle is None:
            settle = min(self._policy.settle_seconds, _LONGEST_SETTLING) + _LAST_RESPONSES_WITHIN
        self.settle_by = min(self.settle_by, now + settle)
        if self.stopped is None:
            self.stopped = why

    def check(self, now: float) -> None:
        """Stop a run whose first answer does not come.

        :param now: the present moment.
        """
        if now >= self.gives_up_at:
            self.give_up(now)

    def give_up(self, now: float) -> None:
        """Stop a run that has got no answer, and touch no order.

        :param now: the present moment.
        """
        self.stop(f"a first read did not get through: {self._last_failure}", now, settle=0)

    def on_reply(self, item: WorkItem, event: Event) -> float:
        """Narrow or stop the run when the OMS does not answer any more, or asks to wait too long.

        :param item: the order.
        :param event: the call and its reply.
        :return: seconds for which nothing may leave.
        """
        action, reply, now = event.action, event.reply, event.at
        refusals = self._refusals[action]
        self.has_judged_a_cancel |= action is Action.POST
        if reply.evidence in _ADMITTED:
            refusals.on_admitted()
            self._long_waits.clear()
        elif self.is_probing:
            self._last_failure = reply.message
            if reply.evidence not in _ABOUT_ALL:
                self._unanswered.add(item.stratum)
        elif reply.evidence in _REFUSALS:
            # How the order ends is known only when other tokens were tried.
            refusals.on_refused(item)
        if reply.evidence is Evidence.FORBIDDEN and not reply.left:
            # The token endpoint itself refused the credentials.
            self._shut_out(reply, now)
        if (reply.retry_after or 0) > self._policy.deadline:
            self._on_long_wait(item.request.order_id, reply, now)
        elif reply.evidence is Evidence.THROTTLED:
            # An OMS that counts requests is there.
            answer_by = now + (reply.retry_after or 0) + _FIRST_ANSWER_WITHIN
            self._gives_up_at = min(max(self._gives_up_at, answer_by), self._waits_until)
        if reply.evidence in _NO_ANSWER:
            return self._on_silence(item.request.order_id, event)
        self._on_answer(action, reply)
        return 0.0

    def _on_answer(self, action: Action, reply: Reply) -> None:
        self._silent.clear()
        self._silent_probes = 0
        if action is Action.POST:
            self._silent_cancels.clear()
        is_closed = self.half_open_since is None
        if is_closed or (action is Action.POST and reply.says_canceled):
            # Where orders get canceled, the reads that get no response are about a few of them.
            self._silent_calls.clear()
        # That reads are answered does not say that cancels are.
        self._silent_calls.pop(action, None)
        if not self._silent_calls:
            self.half_open_since = None

    def _on_silence(self, order_id: OrderId, event: Event) -> float:
        """Return the seconds to wait until the next probe."""
        if self.half_open_since is None:
            if not self._silent:
                self._silent_since = event.at
            self._silent.add(order_id)
            self._silent_calls[event.action] = 0
            if event.action is Action.POST:
                self._silent_cancels.add(order_id)
            if not (silent := self._silent_orders(event.at)):
                return 0.0
            self.half_open_since = event.at
            self.silence = f"{silent} in a row got no answer; last: {event.reply.message}"
            return _PROBE_PAUSES[0]
        if event.sent_at < self.half_open_since:
            return 0.0  # one of those that were in flight
        self._silent_probes += 1
        of_its_kind = self._silent_calls.get(event.action, 0) + 1
        self._silent_calls[event.action] = of_its_kind
        probes = max(self._silent_probes, of_its_kind)
        if probes >= len(_PROBE_PAUSES):
            self.stop(f"{self.silence}; and neither did {probes} requests one at a time", event.at)
            return 0.0
        return _PROBE_PAUSES[probes]

    def _silent_orders(self, now: float) -> str:
        """Return in words how many orders fell silent; empty while they are too few."""
        silent, cancels = len(self._silent), len(self._silent_cancels)
        is_long = now >= self._silent_since + _SILENT_FOR and silent >= _SILENT_OVER_TIME
        if silent >= _SILENT_ORDERS or is_long:
            return f"{silent} orders"
        # Where no order is left that could tell, each of these has its tries.
        if cancels >= _SILENT_ORDERS and self._queued:
            return f"the cancels of {cancels} orders"
        return ""

    def _on_long_wait(self, order_id: OrderId, reply: Reply, now: float) -> None:
        self._long_waits.add(order_id)
        # A 5xx can be about this order only; a rate limit and a token endpoint are about all.
        if reply.evidence is not Evidence.AMBIGUOUS or len(self._long_waits) >= _LONG_WAITS:
            self.stop(f"the OMS asks to wait {reply.retry_after:.0f} s, longer than deadline", now)

    def on_refused_cancel(self, item: WorkItem, now: float) -> None:
        """Count an order that a read has shown open after its cancel was refused.

        Its end comes only when it has settled, and many cancels could leave until then.

        :param item: the order.
        :param now: the present moment.
        """
        if Outcome.NOT_CANCELABLE not in self._tally.accepted:
            self._open_after_refusal.add(item.request.order_id)
            self._check_failures(now)

    def on_end(self, item: WorkItem, done: Done, now: float) -> None:
        """Stop when too many orders fail, or when none can succeed.

        :param item: the order.
        :param done: how it ended.
        :param now: the present moment.
        """
        reply = done.reply
        self._open_after_refusal.discard(item.request.order_id)
        if done.outcome.is_success:
            self._without_result = self._refused_tokens = 0
            return
        if reply is not None and reply.evidence in _REFUSALS:
            self._on_refusal(item, reply, now)
        has_no_result = done.outcome in (Outcome.NOT_ATTEMPTED, Outcome.UNKNOWN)
        self._without_result = self._without_result + 1 if has_no_result else 0
        if self._without_result >= _SILENT_ORDERS:
            why = reply.message if reply is not None else ""
            self.stop(f"{self._without_result} orders in a row came to nothing; last: {why}", now)
        self._check_failures(now)

    def _on_refusal(self, item: WorkItem, reply: Reply, now: float) -> None:
        events = item.history.events if item.history is not None else ()
        action = next((event.action for event in events if event.reply is reply), Action.READ)
        if reply.evidence is Evidence.UNAUTHENTICATED:
            # A token belongs to the connection, never to one order.
            self._refused_tokens += 1
        refusals = self._refusals[action]
        refusals.on_ended(item)
        if refusals.are_everywhere(self._queued) or self._refused_tokens >= _REFUSED_TOKENS:
            self._shut_out(reply, now)

    def _shut_out(self, reply: Reply, now: float) -> None:
        if self.stopped is None:
            self.is_shut_out = not self.is_proven
        self.stop(f"the OMS refuses the connection: {reply.message}", now)

    def _check_failures(self, now: float) -> None:
        if self._limit is None:
            return
        failures = self._tally.failures + len(self._open_after_refusal)
        if failures >= self._limit:
            self.stop(too_many_failed(failures, self._limit), now)
