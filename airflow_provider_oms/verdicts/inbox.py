"""The inbox of verdicts: which orders are due, decided from events and from what earlier runs left.

Airflow loses events, hands several runs the same ones, and forgets those of a paused DAG. So an
event only wakes the DAG up. What is due is decided here, from every event of the asset since the
watermark and from a state that outlives the runs. Two invariants hold at every moment:

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

from airflow_provider_oms.verdicts.verdict import Adapter, Decision, OmsVerdictError, Verdict

__all__ = [
    "Due",
    "Ends",
    "Event",
    "Inbox",
    "Policy",
    "Taken",
    "read_from",
    "settle",
    "take",
]


@dataclass(frozen=True, slots=True)
class Event:
    """Hold one event of the asset.

    :param number: its id, which no other event has.
    :param at: when Airflow recorded it, with a time zone.
    :param payload: what the fraud check attached to it.
    """

    number: int
    at: datetime
    payload: Any


@dataclass(frozen=True, slots=True)
class Due:
    """Hold an order that its newest verdict cancels.

    :param order: the order as the fraud check names it.
    :param decided_at: when that verdict was made, with a time zone.
    :param case_id: the fraud check's own name of the case, if it gave one.
    :param in_doubt: whether an earlier run may have sent a cancel for it.
    """

    order: str | int
    decided_at: datetime
    case_id: str | None = None
    in_doubt: bool = False


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
    overlap: timedelta = timedelta(minutes=5)
    at_most: int = 1000


@dataclass(frozen=True, slots=True)
class Inbox:
    """Hold the state of an inbox between runs.

    :param watermark: when the newest event that has been read was recorded; it never moves back.
    :param read: the numbers of the events that have been read, as far back as the overlap reaches.
    :param refused: the numbers of the events that were no verdicts. They are tried again as long as
        the look-back reaches them, so that an adapter that is corrected finds them.
    :param handout: the id of what the last run was given.
    :param due: the orders it was given.
    :param problems: what it was told to report.
    :param is_new: whether there was no state yet, so that nobody knows what was handed out before.
    """

    watermark: datetime | None = None
    read: frozenset[int] = frozenset()
    refused: frozenset[int] = frozenset()
    handout: str | None = None
    due: tuple[Due, ...] = ()
    problems: tuple[str, ...] = ()
    is_new: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the state as a JSON value."""
        return {
            "watermark": self.watermark and self.watermark.isoformat(),
            "read": sorted(self.read),
            "refused": sorted(self.refused),
            "handout": self.handout,
            "due": [[one.order, one.decided_at.isoformat(), one.case_id] for one in self.due],
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
                Due(order, datetime.fromisoformat(at), case_id, in_doubt=True)
                for order, at, case_id in value["due"]
            ),
            tuple(value["problems"]),
        )


@dataclass(frozen=True, slots=True)
class Ends:
    """Hold what a run has settled.

    :param handout: the id of what it was given.
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


@dataclass(frozen=True, slots=True)
class Taken:
    """Hold what a run is given.

    :param inbox: the state from now on; it must be stored before anything is canceled.
    :param left: how many orders are left for the next run.
    """

    inbox: Inbox
    left: int = 0


class _Reading(NamedTuple):
    """Hold the verdict that an event is.

    The fields stand in the order in which one verdict replaces another.
    """

    decided_at: datetime
    at: datetime
    number: int
    verdict: Verdict

    @property
    def key(self) -> str:
        # A number means the same order whether it came as a number or as a text.
        return str(self.verdict.order)

    @property
    def is_cancel(self) -> bool:
        return self.verdict.decision is Decision.CANCEL

    def due(self, *, in_doubt: bool) -> Due:
        verdict = self.verdict
        return Due(verdict.order, self.decided_at, verdict.case_id, in_doubt)


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
) -> Taken:
    """Decide which orders a run is given.

    :param inbox: the state.
    :param ends: what the last run has settled.
    :param events: the events since :func:`read_from`, in any order.
    :param handout: a new id for what this run is given.
    :param adapter: returns the verdict that a payload holds; it raises an ``OmsVerdictError`` for a
        payload that is none, or whose order no cancellation could name.
    :param policy: how the inbox reads events.
    :return: the next state, which holds what the run is given.
    """
    ordered = sorted(events, key=lambda event: (event.at, event.number))
    readings, refused = _read_payloads(ordered, adapter)
    newest: dict[str, _Reading] = {}
    for reading in sorted(readings.values(), key=lambda one: one[:3]):
        newest[reading.key] = reading
    unread = [event for event in ordered if _is_unread(event, inbox, policy)]
    unread_numbers = {event.number for event in unread}
    canceled_before = {
        one.key
        for number, one in readings.items()
        if one.is_cancel and number not in unread_numbers
    }

    due, problems = _carry(inbox, ends, newest)
    read: list[Event] = []
    left: set[str] = set()
    for event in unread:
        one = readings.get(event.number)
        # The newest verdict decides where it is read; if it was read before, an event that is read
        # now may have made it the newest.
        if (
            one is not None
            and (standing := newest[one.key]).is_cancel
            and (standing is one or standing.number not in unread_numbers)
            and one.key not in due
        ):
            if left or len(due) >= policy.at_most:
                left.add(one.key)
            else:
                in_doubt = inbox.is_new or one.key in canceled_before
                due[one.key] = standing.due(in_doubt=in_doubt)
        # Behind an event that is left, all stay unread: the watermark passes what it has read.
        if not left:
            read.append(event)
    read_now = {event.number for event in read}
    problems += [
        refused[event.number]
        for event in read
        if event.number in refused and event.number not in inbox.refused
    ]
    inbox = replace(
        _advance(inbox, read, ordered, policy),
        refused=frozenset(
            (refused.keys() & read_now)
            | ((inbox.refused - read_now) & {event.number for event in ordered})
        ),
        handout=handout,
        due=tuple(due.values()),
        problems=tuple(problems),
        is_new=False,
    )
    return Taken(inbox, len(left))


def settle(inbox: Inbox, handout: str, outcomes: Mapping[str, bool]) -> Ends | None:
    """Decide what a run leaves when its cancellations are over.

    :param inbox: the state.
    :param handout: the id of what the run was given.
    :param outcomes: for each order that has an end, as text, whether it needs no other run.
    :return: the ends to store; ``None`` when a later run was given the same orders already, so that
        they are that run's to settle.
    """
    if inbox.handout != handout:
        return None
    return Ends(handout, frozenset(order for order, is_settled in outcomes.items() if is_settled))


def _read_payloads(
    ordered: Iterable[Event], adapter: Adapter
) -> tuple[dict[int, _Reading], dict[int, str]]:
    readings: dict[int, _Reading] = {}
    refused: dict[int, str] = {}
    for event in ordered:
        try:
            verdict = adapter(event.payload)
        except OmsVerdictError as error:
            refused[event.number] = (
                f"event {event.number} is no verdict: {error.field} must be {error.rule}; got "
                f"{error.kind}"
            )
            if error.order is None:
                continue
            # Its order is held: what replaces an earlier verdict is not known.
            verdict = Verdict(error.order, Decision.PENDING)
        # No verdict was made after its event was recorded: a clock ahead must not outlive it.
        decided_at = min(verdict.decided_at or event.at, event.at)
        readings[event.number] = _Reading(decided_at, event.at, event.number, verdict)
    return readings, refused


def _is_unread(event: Event, inbox: Inbox, policy: Policy) -> bool:
    if inbox.watermark is None or event.number in inbox.refused:
        return True
    return event.at > inbox.watermark - policy.overlap and event.number not in inbox.read


def _carry(
    inbox: Inbox, ends: Ends, newest: Mapping[str, _Reading]
) -> tuple[dict[str, Due], list[str]]:
    """Return what the last run was given and has not settled, as the newest verdicts have it."""
    if inbox.handout is None:
        return {}, []
    has_ended = ends.handout == inbox.handout
    due: dict[str, Due] = {}
    problems = [] if has_ended else list(inbox.problems)
    for one in inbox.due:
        key = str(one.order)
        if has_ended and key in ends.settled:
            continue
        later = newest.get(key)
        if later is None or later.decided_at <= one.decided_at:
            due[key] = replace(one, in_doubt=True)
        elif later.is_cancel:
            due[key] = later.due(in_doubt=True)
        else:
            problems.append(
                f"order {one.order} was to be canceled, and its verdict is now "
                f"{later.verdict.decision}: no further cancel is sent, but one may have been"
            )
    return due, problems


def _advance(
    inbox: Inbox, read: Iterable[Event], ordered: Iterable[Event], policy: Policy
) -> Inbox:
    """Return the state with some events read."""
    newly = {event.number: event.at for event in read}
    known = [at for at in (inbox.watermark, *newly.values()) if at is not None]
    if not known:
        return inbox
    watermark = max(known)
    seen = inbox.read | newly.keys()
    within = {event.number for event in ordered if event.at > watermark - policy.overlap}
    return replace(inbox, watermark=watermark, read=frozenset(seen & within))
