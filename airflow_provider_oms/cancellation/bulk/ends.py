"""How each order of a run ended: kept once, put on record, and told to what judges the run.

When an order has ended is decided in ``engine.py``.
"""

from __future__ import annotations

from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.cancellation.bulk.circuit_breaker import CircuitBreaker
from airflow_provider_oms.cancellation.bulk.intake import Intake
from airflow_provider_oms.cancellation.bulk.leasing import Leasing
from airflow_provider_oms.cancellation.bulk.next_step import why_it_stopped
from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd, OutcomeCounts
from airflow_provider_oms.cancellation.bulk.recovery import Recovery
from airflow_provider_oms.cancellation.bulk.work_item import ItemState, WorkItem
from airflow_provider_oms.cancellation.decision import Done
from airflow_provider_oms.cancellation.history import History
from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.cancellation.runner import result_of

__all__ = ["Ends"]


class Ends:
    """Keep the end of each order.

    :param recovery: says how an order ends that the run did not come to.
    :param leasing: puts ends on record.
    :param breaker: judges the run by them.
    :param intake: lets others begin.
    :param tally: counts them.
    :param attempt: which attempt of the task this is, from 1.
    """

    def __init__(
        self,
        recovery: Recovery,
        leasing: Leasing,
        breaker: CircuitBreaker,
        intake: Intake,
        tally: OutcomeCounts,
        *,
        attempt: int,
    ) -> None:
        self._recovery = recovery
        self._leasing = leasing
        self._breaker = breaker
        self._intake = intake
        self._attempt = attempt
        #: How each order ended, by its id.
        self.by_id: dict[OrderId, OrderEnd] = {}
        #: How many ended how.
        self.tally = tally
        for end in recovery.settled():
            self.note(end)

    def end(self, item: WorkItem, history: History, done: Done, now: float) -> None:
        """End an order that was begun.

        :param item: the order.
        :param history: its requests and replies.
        :param done: how it ends.
        :param now: the present moment.
        """
        item.state = ItemState.ENDED
        result = result_of(item.request.order_id, history, done)
        at = self._recovery.wall_at
        end = OrderEnd(result, self._attempt, result.posts, at(history.started_at), at(now))
        self.note(end)
        self._leasing.note(end)
        self._breaker.on_end(item, done, now)
        self._intake.on_end(item.request.order_id)

    def end_unstarted(self, item: WorkItem) -> None:
        """End an order that was taken up, and about which no call was made.

        :param item: the order.
        """
        item.state = ItemState.ENDED
        why = why_it_stopped(self._breaker)
        end = self._recovery.not_started(item.request.order_id, why)
        self.note(end)
        if end.result.outcome is Outcome.NOT_ATTEMPTED:
            # Its intent may be on record. A doubt of an earlier attempt stays as it is there.
            self._leasing.note(end)

    def note(self, end: OrderEnd) -> None:
        """Keep an end that needs no record.

        :param end: the end.
        """
        self.by_id[end.result.order_id] = end
        self.tally.add(end.result, is_final=end.is_final)
