"""How long to wait after a call that came to nothing; every pause has a floor that grows.

Whether anything is called at all after it is decided in ``decision.py``.
"""

from __future__ import annotations

import math

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.patience import TOKEN_REFUSED, pause_after
from airflow_provider_oms.cancellation.history import (
    Action,
    Event,
    History,
)

__all__ = ["ready_at"]

_LONGEST_BACKOFF = 15.0


def ready_at(history: History) -> float:
    """Return when the next call may be made after the newest one.

    :param history: the requests and replies so far.
    :return: that moment, in seconds of the history's clock.
    """
    last = history.last
    if last is None or not history.came_to_nothing(last):
        return -math.inf
    floor = last.at + _pause_after(history, last) * (1 + last.jitter / 2)
    asked = last.reply.retry_after
    if asked is not None and (
        last.reply.evidence is not Evidence.AMBIGUOUS or last.at + asked <= history.deadline_at
    ):
        # Jitter only adds: a call before the end of Retry-After would be refused again. Nor is a
        # Retry-After of nothing a reason to call again and again.
        return max(floor, last.at + asked + last.jitter * max(1.0, asked / 10))
    return floor


def _pause_after(history: History, last: Event) -> float:
    """Return the least seconds to wait after a call that came to nothing; they grow."""
    failures = history.trailing_failures
    evidence = last.reply.evidence
    if evidence in TOKEN_REFUSED:
        return pause_after(len(history.in_a_row(last.action, TOKEN_REFUSED)))
    if evidence is Evidence.MISDIRECTED:
        failures = len(history.in_a_row(last.action, {evidence})) - 1
    elif evidence is Evidence.AMBIGUOUS and last.action is Action.POST:
        failures = 0  # when to read after it is what settling is about
    # The exponent is bounded, because a float is: 15 s are reached long before.
    return min(2.0 ** min(failures - 1, 10), _LONGEST_BACKOFF) if failures else 0.0
