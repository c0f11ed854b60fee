"""The possible next steps of one order: a call, a wait, or its end, as plain values.

Which of them it is, is decided in ``decision.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_oms.cancellation.history import Action, Event, Reply
from airflow_provider_oms.cancellation.outcomes import ConfirmedBy, Outcome

__all__ = ["Call", "Done", "Step", "Wait"]


@dataclass(frozen=True, slots=True)
class Call:
    """Say that a call is to be made now.

    :param action: which call.
    """

    action: Action


@dataclass(frozen=True, slots=True)
class Wait:
    """Say that nothing is to be done before a moment.

    :param until: that moment, in seconds of the history's clock.
    """

    until: float


@dataclass(frozen=True, slots=True)
class Done:
    """Say that the order has come to its end.

    :param outcome: how it ended.
    :param confirmed_by: the source of that, if the OMS confirmed anything.
    :param reply: the reply that decided, if one did.
    :param lost: a cancel that was in flight and whose response is not awaited, if there was one.
    :param held_back_by: the argument that has kept a cancel from being sent in the order's present
        state; empty where none has.
    """

    outcome: Outcome
    confirmed_by: ConfirmedBy | None = None
    reply: Reply | None = None
    lost: Event | None = None
    held_back_by: str = ""


Step = Call | Wait | Done
