"""One order of a set on its way, and the lease that its cancel needs before it may leave.

``decision.py`` and ``engine.py`` decide its next step.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from airflow_provider_oms.api.values import CancelRequest
from airflow_provider_oms.cancellation.history import Action, History, Policy

__all__ = ["LEASE_SECONDS", "ItemState", "Lease", "WorkItem"]

# A cancel may begin this long after the write of its intent was asked for, and no later. So the
# next attempt knows from the record alone when the last cancel can have left.
LEASE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Lease:
    """Allow the cancels of one order to leave, because its intent is on record.

    The record says ``posted_by``, which is no earlier than ``leave_by``; the next attempt reads it
    back as ``doubt_since``.

    :param begin_by: a cancel whose token is there later than this does not leave.
    :param leave_by: a cancel whose connection is there later than this does not leave either.
    """

    begin_by: float
    leave_by: float


class ItemState(Enum):
    """Name where an order of the set is; an order is in exactly one of these."""

    LEASING = auto()
    READY = auto()
    IN_FLIGHT = auto()
    WAITING = auto()
    ENDED = auto()


@dataclass(slots=True, eq=False)
class WorkItem:
    """Hold one order on its way; only the engine changes it.

    :param request: the cancellation.
    :param policy: how long to try and how to read.
    :param stratum: which part of the set it comes from.
    :param doubt_since: when an earlier cancel can have left at the latest; ``None`` if none did.
    :param history: the calls made so far; ``None`` before the first one.
    :param state: where it is.
    :param lease: allows its cancel to leave, where its intent is on record.
    :param calling: the call that is in flight.
    :param beside: how many calls were in flight when its last one was made, itself among them.
    :param has_slot: whether the rate limiter has counted a request that it has not made yet.
    """

    request: CancelRequest
    policy: Policy
    stratum: int
    doubt_since: float | None = None
    history: History | None = None
    state: ItemState = ItemState.READY
    lease: Lease | None = None
    calling: Action | None = None
    beside: int = 0
    has_slot: bool = False
