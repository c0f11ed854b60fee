"""One read before a run sends anything: whether the OMS answers, and lets this connection ask.

A run that cannot begin is not a reason to touch any order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.validation import CancelRequest
from airflow_provider_oms.cancellation.bulk.progress import Log
from airflow_provider_oms.cancellation.clock import seconds
from airflow_provider_oms.cancellation.decision import Done, Wait, step
from airflow_provider_oms.cancellation.history import (
    Action,
    Event,
    History,
    Policy,
)
from airflow_provider_oms.cancellation.runner import OmsCalls, describe_decision, reply_of
from airflow_provider_oms.cancellation.termination import sleep_until

__all__ = ["first_read"]

_PATIENCE = 20.0
_FROM_THE_OMS = frozenset(
    {
        Evidence.CANCELED,
        Evidence.OPEN,
        Evidence.NOT_FOUND,
        Evidence.CONFLICT,
        Evidence.REFUSED,
    }
)


def first_read(
    calls: OmsCalls,
    request: CancelRequest,
    policy: Policy,
    *,
    log: Log,
    is_stopping: Callable[[], bool],
) -> tuple[Event, bool]:
    """Read one order, with some patience.

    :param calls: the client.
    :param request: one of the run's cancellations; only its order is looked at.
    :param policy: how to read.
    :param log: receives a line for each read that did not get through.
    :param is_stopping: tells whether the task was told to end.
    :return: the last read, and whether it was the OMS that answered, whatever it said.
    """
    started_at = seconds()
    history = History(replace(policy, dry_run=True, deadline=_PATIENCE), started_at)
    while True:
        sent_at = seconds()
        reply = reply_of(calls, Action.READ, request)
        now = seconds()
        event = Event(Action.READ, sent_at, now, reply)
        if reply.evidence in _FROM_THE_OMS:
            return event, True
        history = history.with_event(event)
        decision = step(history, now)
        log.info("%s", describe_decision("First read", history, decision, now))
        if isinstance(decision, Done):
            return event, False
        if isinstance(decision, Wait):
            sleep_until(is_stopping, decision.until - seconds())
            if is_stopping():
                return event, False
