"""Whether a call about an order can be made now: it needs a slot of the rate, and a cancel a lease.

Whose turn it is, is decided in ``schedule.py``; which call it is, in ``next_step.py``.
"""

from __future__ import annotations

import math

from airflow_provider_oms.cancellation.bulk.batching import Batching
from airflow_provider_oms.cancellation.bulk.commands import Send
from airflow_provider_oms.cancellation.bulk.leasing import Leasing
from airflow_provider_oms.cancellation.bulk.progress import Progress
from airflow_provider_oms.cancellation.bulk.schedule import Schedule
from airflow_provider_oms.cancellation.bulk.work_item import ItemState, WorkItem
from airflow_provider_oms.cancellation.history import Action, History

__all__ = ["Sending"]


class Sending:
    """Make the command for a call, or let the order wait until it can be made.

    :param schedule: holds the orders whose calls are in flight.
    :param batching: counts the searches that are.
    :param leasing: grants leases.
    :param progress: counts the cancels that leave.
    :param max_workers: the most calls in flight at a time.
    """

    def __init__(
        self,
        schedule: Schedule,
        batching: Batching,
        leasing: Leasing,
        progress: Progress,
        max_workers: int,
    ) -> None:
        self._schedule = schedule
        self._batching = batching
        self._leasing = leasing
        self._progress = progress
        self._max_workers = max_workers

    @property
    def in_flight(self) -> int:
        """Return how many calls are in flight."""
        return len(self._schedule.in_flight) + self._batching.in_flight

    def send(self, item: WorkItem, history: History, action: Action, now: float) -> Send | None:
        """Return the command for a call; ``None`` where the order has to wait for a lease.

        :param item: the order.
        :param history: its requests and replies.
        :param action: the call.
        :param now: the present moment.
        """
        lease = item.lease if action is Action.POST else None
        lacks_lease = action is Action.POST and (
            lease is None or now >= lease.begin_by or not self._leasing.is_usable
        )
        if not item.has_slot and (not lacks_lease or self._may_reserve()):
            # An order that waits for a lease keeps its slot: at a low rate, each lease would be
            # over before the next slot.
            item.has_slot = True
            self._schedule.limiter.take_slot(now)
        if lacks_lease:
            self._leasing.ask(item)
            return None
        if lease is not None:
            self._progress.count_sent()
        item.state, item.calling, item.history = ItemState.IN_FLIGHT, action, history
        item.has_slot = False
        self._schedule.in_flight.add(item)
        item.beside = self.in_flight
        return Send(item, action, history.deadline_at, lease)

    def _may_reserve(self) -> bool:
        """Return whether one more order may keep a slot: after a slow write, all of them leave."""
        is_limited = self._schedule.limiter.requests_within(1.0) < math.inf
        return not is_limited or self._leasing.slots < self._max_workers
