"""The engine's commands to its driver: calls, writes to the journal, lines of the log."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.cancellation.bulk.adaptive_limit import Learned
from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd
from airflow_provider_oms.cancellation.bulk.work_item import Lease, WorkItem
from airflow_provider_oms.cancellation.history import Action

__all__ = ["Command", "Find", "Log", "Send", "Write"]


@dataclass(frozen=True, slots=True, eq=False)
class Send:
    """Ask for one call about an order.

    :param item: the order.
    :param action: the call.
    :param deadline_at: when the last cancel for the order may leave.
    :param lease: until when a cancel may leave; every cancel has one, no read does.
    """

    item: WorkItem
    action: Action
    deadline_at: float
    lease: Lease | None = None

    def may_leave(self, now: float, *, has_begun: bool) -> bool:
        """Return whether a cancel may still leave, as far as its lease and its deadline go.

        It is asked when the token is there, which can take longer than a lease lasts, and again
        when the connection is, directly before the first byte.

        :param now: the present moment.
        :param has_begun: whether it was asked before.
        """
        if self.lease is None or now >= self.deadline_at:
            return False
        return now < (self.lease.leave_by if has_begun else self.lease.begin_by)


@dataclass(frozen=True, slots=True, eq=False)
class Write:
    """Ask for one write to the journal.

    :param intents: orders whose cancels may leave once it is done.
    :param ended: ends that are not on record yet.
    :param asked_at: when it was asked for; leases count from then.
    :param longest_lease: seconds from the write on in which the cancels can leave.
    :param learned: the limits of the tenant, if the run has met any.
    """

    intents: tuple[WorkItem, ...]
    ended: tuple[OrderEnd, ...]
    asked_at: float
    longest_lease: float
    learned: Learned | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """Ask for one line of the log.

    :param line: the line.
    :param is_warning: whether a person should look at it.
    """

    line: str
    is_warning: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Find:
    """Ask for one search, which reads many orders.

    :param taken: the orders, as they were taken from the queue: each with its stratum.
    """

    taken: tuple[tuple[OrderId, int], ...]

    @property
    def order_ids(self) -> tuple[OrderId, ...]:
        """Return the orders."""
        return tuple(order_id for order_id, _ in self.taken)


Command = Send | Find | Write | Log
