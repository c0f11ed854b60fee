"""The inbox of verdicts: which orders are due, decided from events and from what earlier runs left.

Airflow loses events, hands several runs the same ones, and forgets those of a paused DAG. So an
event only wakes the DAG up. The due orders are decided here, from every event of the asset since
the watermark and from a state that outlives the runs. Two invariants hold at every moment:

- An order that its newest verdict cancels has an event that is still unread, or is listed in the
  state, until a run has settled it. So a run that dies anywhere loses none.
- An order that was handed out before, or may have been, is in doubt. The OMS is asked about it
  before another cancel leaves.

:func:`take` alone writes the state, and :func:`settle` alone writes the ends. The store that keeps
the two needs no compare-and-set: a stale state has orders in it that are settled already, which
costs a read each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from airflow_provider_oms.verdicts.verdict import (
    Adapter,
    AdapterFault,
    Decision,
    OmsVerdictError,
    Verdict,
    verdict_of,
)

__all__ = [
    "Due",
    "Ends",
    "Event",
    "Inbox",
    "Policy",
    "read_from",
    "settle",
    "take",
]


@dataclass(frozen=True, slots=True)
class Event:
    """Hold one event of the asset.

    :param number: its id, which no other event has.
    :param at: when Airflow recorded it, with a time zone.
    :param payload: the fraud check's data.
    """

    number: int
    at: datetime
    payload: Any


@dataclass(frozen=True, slots=True)
class Due:
    """Hold an order that its newest verdict cancels.

    :param order: the order as the fraud check names it.
    :param decided_at: when that verdict was made, with a time zone.
    :param number: the event that it came in; of two verdicts of one moment the later event counts.
    :param case_id: the fraud check's own name of the case, if it gave one.
    :param in_doubt: whether an earlier run may have sent a cancel for it.
    """

    order: str | int
    decided_at: datetime
    number: int
    case_id: str | None = None
    in_doubt: bool = False

    @property
    def key(self) -> str:
        """Return what names the order in the state: a number and its text are one order."""
        return str(self.order)


@dataclass(frozen=True)
class Policy:
    """Hold how an inbox reads events.

    :param look_back: how far behind the watermark an event still counts as a verdict on an order,
        so that an old one that comes late does not replace a newer one. Before there is a
        watermark, how old an event may be to be read at all.
    :param overlap: how far behind the watermark an event may still become visible.
    :param at_most: how many orders one run is given; the others are left for the next run.
    """

    look_back: timedelta = timedelta(days=1)
    overlap: timedelta = timedelta(hours=1)
    at_most: int = 1000


@dataclass(frozen=True, slots=True)
class Inbox:
    """Hold the state of an inbox between runs.

    :param watermark: when the newest event that has been read was recorded; it never moves back.
    :param read: the numbers of the events that have been read, as far back as the overlap reaches.
    :param refused: the numbers of the events that were no verdicts. They are tried again as long as
        the look-back reaches them, so that an adapter that is corrected finds them.
    :param handout: the id of the orders given to the last run.
    :param due: every order that is due and not known to be settled. Those that the last run was
        given stand at the end, so that they come last in the next one.
    :param given: how many of them the last run was given.
    :param problems: the problems that it was told to report.
    :param is_new: whether there was no state yet, so that earlier handouts are unknown.
    """

    watermark: datetime | None = None
    read: frozenset[int] = frozenset()
    refused: frozenset[int] = frozenset()
    handout: str | None = None
    due: tuple[Due, ...] = ()
    given: int = 0
    problems: tuple[str, ...] = ()
    is_new: bool = False

    @property
    def handed_out(self) -> tuple[Due, ...]:
        """Return the orders that the last run was given."""
        return self.due[len(self.due) - self.given :]

    def to_json(self) -> dict[str, Any]:
        """Return the state as a JSON value."""
        return {
            "watermark": self.watermark and self.watermark.isoformat(),
            "read": sorted(self.read),
            "refused": sorted(self.refused),
            "handout": self.handout,
            "due": [
                [one.order, one.decided_at.isoformat(), one.number, one.case_id, one.in_doubt]
                for one in self.due
            ],
            "given": self.given,
            "problems": list(self.problems),
        }

    @classmethod
    def from_json(cls, value: Any) -> Inbox:
        """Return the state that a JSON value holds.

        :param value: what :meth:`to_json` returned; ``None`` where there is none yet.
        """
        if value is None:
            return cls(is_new=True)
        return cls(
            value["watermark"] and datetime.fromisoformat(value["watermark"]),
            frozenset(value["read"]),
            frozenset(value["refused"]),
            value["handout"],
            tuple(
                Due(order, datetime.fromisoformat(at), number, case_id, in_doubt)
                for order, at, number, case_id, in_doubt in value["due"]
            ),
            value["given"],
            tuple(value["problems"]),
        )


@dataclass(frozen=True, slots=True)
class Ends:
    """Hold the orders that a run has settled.

    :param handout: the id of the orders given to it.
    :param settled: the orders that need no other run, each as text.
    """

    handout: str | None = None
    settled: frozenset[str] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """Return the ends as a JSON value."""
        return {"handout": self.handout, "settled": sorted(self.settled)}

    @classmethod
    def from_json(cls, value: Any) -> Ends:
        """Return the ends that a JSON value holds.

        :param value: what :meth:`to_json` returned; ``None`` where there is none yet.
        """
        return cls() if value is None else cls(value["handout"], frozenset(value["settled"]))


class _Reading(NamedTuple):
    """Hold the verdict that an event is.

    The first two fields say which of two verdicts on an order replaces the other.
    """

    decided_at: datetime
    number: int
    verdict: Verdict
    # Whether it could not be read, and holds its order until one comes that can.
    is_held: bool = False

    @property
    def key(self) -> str:
        return str(self.verdict.order)

    @property
    def is_cancel(self) -> bool:
        return self.verdict.decision is Decision.CANCEL

    @property
    def is_weak(self) -> bool:
        """Return whether it replaces nothing: it is not final, and may have come late."""
        is_pending = self.verdict.decision is Decision.PENDING and not self.is_held
        return is_pending and self.verdict.decided_at is None

    def due(self, *, in_doubt: bool) -> Due:
        verdict = self.verdict
        return Due(verdict.order, self.decided_at, self.number, verdict.case_id, in_doubt)


def read_from(inbox: Inbox, policy: Policy, now: datetime) -> datetime:
    """Return from when on :func:`take` needs the events.

    :param inbox: the state.
    :param policy: how the inbox reads events.
    :param now: the time, with a time zone.
    """
    return (inbox.watermark or now) - max(policy.look_back, policy.overlap)


def take(
    inbox: Inbox,
    ends: Ends,
    events: Iterable[Event],
    *,
    handout: str,
    adapter: Adapter,
    policy: Policy,
    now: datetime,
) -> Inbox:
    """Decide which orders a run is given.

    :param inbox: the state.
    :param ends: the orders that the last run has settled.
    :param events: the events since :func:`read_from`, in any order.
    :param handout: a new id for the orders given to this run.
    :param adapter: returns the verdict that a payload holds; it raises an ``OmsVerdictError`` for a
        payload that is none, or whose order no cancellation could name.
    :param policy: how the inbox reads events.
    :param now: the time before the events were asked for, with a time zone.
    :return: the next state, whose ``handed_out`` the run is given. It must be stored before
        anything is canceled.
    """
    ordered = sorted(events, key=lambda event: (event.at, event.number))
    readings, refused = _read_payloads(ordered, adapter)
    newest: dict[str, _Reading] = {}
    for reading in sorted(readings.values(), key=lambda one: one[:2]):
        if not (reading.is_weak and reading.key in newest):
            newest[reading.key] = reading
    unread = {event.number: event for event in ordered if _is_unread(event, inbox, policy)}
    canceled_before = {
        one.key for number, one in readings.items() if one.is_cancel and number not in unread
    }

    waiting, last_given, problems = _carry(inbox, ends, newest)
    owed = waiting.keys() | last_given.keys()
    new: dict[str, Due] = {}
    for number in unread:
        one = readings.get(number)
        # The newest verdict decides where it is read; if it was read before, an event that is read
        # now may have made it the newest.
        if (
            one is not None
            and (standing := newest[one.key]).is_cancel
            and (standing is one or standing.number not in unread)
            and one.key not in owed
        ):
            new[one.key] = standing.due(in_doubt=inbox.is_new or one.key in canceled_before)
    # Those that the last run could not settle come last, so that they hold up no other.
    queue = [*waiting.values(), *new.values(), *last_given.values()]
    given, left = queue[: policy.at_most], queue[policy.at_most :]
    problems += [
        problem
        for number, problem in refused.items()
        if number in unread and number not in inbox.refused
    ]
    return replace(
        _advance(inbox, ordered, unread, policy, now),
        refused=frozenset(refused.keys() & (unread.keys() | inbox.refused)),
        handout=handout,
        due=(*left, *given),
        given=len(given),
        problems=tuple(problems),
        is_new=False,
    )


def settle(inbox: Inbox, handout: str, settled: Iterable[str]) -> Ends | None:
    """Decide on the record that a run leaves after its cancellations.

    :param inbox: the state.
    :param handout: the id of the orders given to the run.
    :param settled: the orders that need no other run, each as text.
    :return: the ends to store; ``None`` when a later run was given the same orders already, so that
        they are that run's to settle.
    """
    return Ends(handout, frozenset(settled)) if inbox.handout == handout else None


def _read_payloads(
    ordered: Iterable[Event], adapter: Adapter
) -> tuple[dict[int, _Reading], dict[int, str]]:
    readings: dict[int, _Reading] = {}
    refused: dict[int, str] = {}
    for event in ordered:
        is_held = False
        try:
            verdict = verdict_of(event.payload, adapter)
        except OmsVerdictError as error:
            refused[event.number] = (
                f"event {event.number} is no verdict: {error.field} must be {error.rule}; got "
                f"{error.kind}"
            )
            if error.order is None:
                continue
            # Its order is held: what replaces an earlier verdict is not known.
            verdict = Verdict(error.order, Decision.PENDING, decided_at=error.decided_at)
            is_held = True
        except AdapterFault as fault:
            refused[event.number] = f"event {event.number}: {fault}"
            continue
        # No verdict was made after its event was recorded: a clock ahead must not outlive it.
        decided_at = min(verdict.decided_at or event.at, event.at)
        readings[event.number] = _Reading(decided_at, event.number, verdict, is_held)
    return readings, refused


def _is_unread(event: Event, inbox: Inbox, policy: Policy) -> bool:
    if inbox.watermark is None or event.number in inbox.refused:
        return True
    return event.at > inbox.watermark - policy.overlap and event.number not in inbox.read


def _carry(
    inbox: Inbox, ends: Ends, newest: Mapping[str, _Reading]
) -> tuple[dict[str, Due], dict[str, Due], list[str]]:
    """Return the orders of earlier runs that are due by the newest verdicts.

    :return: the orders that the last run was not given; those that it was given and has not
        settled; and the problems for a person.
    """
    if inbox.handout is None:
        return {}, {}, []
    has_ended = ends.handout == inbox.handout
    settled = ends.settled if has_ended else frozenset()
    problems = [] if has_ended else list(inbox.problems)
    handed_out = {one.key for one in inbox.handed_out}
    waiting: dict[str, Due] = {}
    last_given: dict[str, Due] = {}
    for one in inbox.due:
        was_given = one.key in handed_out
        if was_given and one.key in settled:
            continue
        in_doubt = one.in_doubt or was_given
        later = newest.get(one.key)
        if later is None or later.is_weak or later[:2] <= (one.decided_at, one.number):
            found = replace(one, in_doubt=in_doubt)
        elif later.is_cancel:
            found = later.due(in_doubt=in_doubt)
        else:
            if in_doubt:
                problems.append(
                    f"order {one.order} was to be canceled, and its verdict is now "
                    f"{later.verdict.decision}: no further cancel is sent, but one may have been"
                )
            continue
        (last_given if was_given else waiting)[one.key] = found
    return waiting, last_given, problems


def _advance(
    inbox: Inbox,
    ordered: Iterable[Event],
    unread: Mapping[int, Event],
    policy: Policy,
    now: datetime,
) -> Inbox:
    """Return the state with all events read."""
    if not unread:
        return inbox
    # An event of a clock that is ahead must not hide those that are recorded until then.
    watermark = min(max(event.at for event in unread.values()), now)
    if inbox.watermark is not None:
        watermark = max(watermark, inbox.watermark)
    seen = inbox.read | unread.keys()
    within = {event.number for event in ordered if event.at > watermark - policy.overlap}
    return replace(inbox, watermark=watermark, read=frozenset(seen & within))
