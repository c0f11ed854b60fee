"""Which orders of a set are taken up next, and how many: no more than may be in doubt at a time.

``engine.py`` decides on the next step of an order that was taken up.
"""

from __future__ import annotations

import math

from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.cancellation.bulk.adaptive_limit import AdaptiveLimit
from airflow_provider_oms.cancellation.bulk.batching import Batching
from airflow_provider_oms.cancellation.bulk.circuit_breaker import CircuitBreaker
from airflow_provider_oms.cancellation.bulk.leasing import Leasing
from airflow_provider_oms.cancellation.bulk.limits import Limits
from airflow_provider_oms.cancellation.bulk.progress import Progress
from airflow_provider_oms.cancellation.bulk.recovery import Queued, Recovery
from airflow_provider_oms.cancellation.bulk.schedule import Schedule
from airflow_provider_oms.cancellation.bulk.work_item import WorkItem

__all__ = ["Intake"]

# Until it is known that cancels get through, few are in flight.
_MOST_UNPROVEN = 10
_PROVEN_BY_ENDS = 20
# As long as there is no response to a cancel, and not for longer, even fewer begin.
_FIRST_CANCELS = 2
_FIRST_RESPONSE_WITHIN = 2.0
_MOST_ON_TRIAL = _MOST_UNPROVEN + _FIRST_CANCELS
# An order in doubt takes about as many requests until it is canceled.
_REQUESTS_AN_ORDER = 8
# Orders are leased for a second's work at a time: a write for each few would be many writes.
_LOW_WATER = 0.4


class Intake:
    """Take up orders from the queue.

    :param recovery: makes an order ready to be worked on.
    :param queued: the orders that are not tried yet.
    :param breaker: says which parts of the set are under suspicion.
    :param adaptive: says how many requests the tenant bears at a time.
    :param batching: reads some of the orders by searches; these are not taken up before.
    :param limits: what bounds the run.
    """

    def __init__(
        self,
        recovery: Recovery,
        queued: Queued,
        breaker: CircuitBreaker,
        adaptive: AdaptiveLimit,
        batching: Batching,
        limits: Limits,
    ) -> None:
        self._recovery = recovery
        self._queued = queued
        self._breaker = breaker
        self._adaptive = adaptive
        self._batching = batching
        self._stops_after_failures = limits.stop_after_failures is not None
        self._probes = 0
        # Parts of the set of which an order was taken up since others were suspected.
        self._on_trial: set[int] = set()
        # Orders that failed before, and were taken up again.
        self._again: set[OrderId] = set()
        self._first_cancels = 0
        self._first_at = math.inf

    def capacity(self, ended: int, now: float) -> int:
        """Return how many requests may be in flight.

        :param ended: how many orders have ended.
        :param now: the present moment.
        """
        if self._breaker.half_open_since is not None:
            return 1
        borne = self._adaptive.concurrency(now)
        if borne <= _MOST_UNPROVEN or self._breaker.is_proven:
            return borne
        is_unproven = ended < _PROVEN_BY_ENDS or bool(self._breaker.suspects)
        return _MOST_UNPROVEN if is_unproven else borne

    def take(
        self, schedule: Schedule, leasing: Leasing, progress: Progress, ended: int, now: float
    ) -> list[WorkItem]:
        """Return the orders to begin now.

        :param schedule: the orders that are under way.
        :param leasing: those that wait for a lease.
        :param progress: the pace of the run.
        :param ended: how many orders have ended.
        :param now: the present moment.
        """
        load = schedule.load + leasing.waiting
        if self._breaker.is_probing:
            # Each order that gets no answer lets one from another part of the set be read.
            may_probe = self._probes <= len(self._breaker.suspects)
            item = self._next_outside(load) if may_probe else None
            self._probes += item is not None
            if item is None and load == 0 and self._queued:
                # Nothing is under way that could get an answer.
                self._breaker.give_up(now)
            return [item] if item is not None else []
        if not leasing.is_usable:
            return []
        if self._breaker.suspects:
            # The results of a few decide whether there is any use in more.
            item = self._next_outside(load) if load < _MOST_ON_TRIAL else None
            return [item] if item is not None else []
        workers = self.capacity(ended, now)
        soon = max(workers, int(progress.rate))
        at_hand = schedule.fresh + leasing.waiting
        if self._breaker.half_open_since is not None:
            soon = 1
        if at_hand >= max(1, int(_LOW_WATER * soon)):
            return []
        # At any moment as many orders may be in doubt as were sent during a lease, and twice those
        # that can be in flight.
        room: float = 2 * workers + progress.sent_lately - load
        # At a low rate, few orders come to their end before their deadline.
        in_time = schedule.limiter.requests_within(self._recovery.policy.deadline)
        room = min(room, max(1.0, in_time / _REQUESTS_AN_ORDER) - load, soon - at_hand)
        items: list[WorkItem] = []
        while len(items) < room and self._may_begin(now) and (item := self._next()) is not None:
            items.append(item)
            if item.doubt_since is None and not item.policy.dry_run:
                self._first_at = min(self._first_at, now)
                self._first_cancels += 1
        return items

    def _may_begin(self, now: float) -> bool:
        """Return whether more cancels may begin before there is a response to the first ones."""
        if self._breaker.has_judged_a_cancel or now >= self._first_at + _FIRST_RESPONSE_WITHIN:
            return True
        return self._first_cancels < _FIRST_CANCELS

    def next_at(self, now: float) -> float:
        """Return when :meth:`take` may return an order because time has passed.

        :param now: the present moment.
        """
        is_blocked = len(self._queued) > 0 and not self._may_begin(now)
        return self._first_at + _FIRST_RESPONSE_WITHIN if is_blocked else math.inf

    def on_end(self, order_id: OrderId) -> None:
        """Let other orders begin when the last one that failed before has ended.

        :param order_id: the order that has ended.
        """
        self._again.discard(order_id)

    def _next(self) -> WorkItem | None:
        next_id = self._queued.next_id
        if next_id is None:
            return None
        # With one request at a time there are no searches, and a read tells more of the tenant.
        may_be_found = self._breaker.half_open_since is None and not self._queued.has_put_back
        if may_be_found and self._batching.covers(next_id):
            return None
        was_refused = self._recovery.was_refused(next_id)
        if self._again and self._stops_after_failures and not was_refused:
            # The failures that stopped the last attempt stop this one before it begins the rest.
            return None
        taken = self._queued.take()
        if taken is None:
            return None
        if was_refused:
            self._again.add(taken[0])
        return self._recovery.item(*taken)

    def _next_outside(self, load: int) -> WorkItem | None:
        """Return an order of a part that is neither suspected nor on trial.

        :param load: how many orders are under way; their results may lift the suspicion.
        """
        suspects = self._breaker.suspects
        taken = self._queued.take_outside(suspects | self._on_trial)
        if taken is None and load == 0:
            self._on_trial.clear()
            taken = self._queued.take_outside(suspects) or self._queued.take()
        elif taken is None and self._breaker.is_proven and not self._queued.has_outside(suspects):
            # No part is left that could tell, and the tenant has let cancels through: each of these
            # orders may have a different reason.
            taken = self._queued.take()
        if taken is None:
            return None
        self._on_trial.add(taken[1])
        return self._recovery.item(*taken)
