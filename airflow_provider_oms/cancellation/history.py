"""The requests and replies of one order so far, as plain values: the input of the decision.

Nothing here sends, waits or decides.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from enum import StrEnum

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.patience import TOKEN_REFUSED
from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.cancellation.approval import Approval

__all__ = [
    "INCONCLUSIVE",
    "NOTHING_HAPPENED",
    "Action",
    "Event",
    "History",
    "Policy",
    "Reply",
]


class Action(StrEnum):
    """Name the two calls that can be made about an order."""

    POST = "cancel"
    READ = "read"


# These say that the OMS did not act, so an earlier question stays as open as it was.
NOTHING_HAPPENED = TOKEN_REFUSED | {
    Evidence.NEVER_SENT,
    Evidence.THROTTLED,
    Evidence.LOCKED,
    Evidence.MISDIRECTED,
}
INCONCLUSIVE = NOTHING_HAPPENED | {Evidence.AMBIGUOUS}


@dataclass(frozen=True, slots=True)
class Reply:
    """Hold the reply to one call, without any of the shopper's data.

    :param evidence: its evidence.
    :param message: what happened, in one sentence.
    :param order_state: ``orderState`` of our order, when the reply held it. It is for reports and
        for ``only_if_states``; ``evidence`` has its meaning.
    :param order_status: ``orderStatus`` of our order, for the same uses.
    :param http_status: status code, when there was an answer.
    :param oms_code: error code of the answer.
    :param correlation_id: correlation id of the answer.
    :param retry_after: seconds that the OMS asked to wait.
    :param left: whether the call itself was sent; not so where it got no token.
    :param is_unclear: whether one of the order's two states could not be read.
    :param age: for how many seconds a cache had kept it.
    :param is_cancelable: whether the order says that it can be canceled; ``None`` where it does
        not say.
    :param obstacle: which of its fields forbids that, in a few words.
    :param is_of_another_tenant: whether it held an order of another tenant instead of ours.
    :param looked_up_id: the id by which the call named the order, where that was looked up.
    :param is_of_look_up: whether it came from a look-up that the call needed first.
    """

    evidence: Evidence
    message: str = ""
    order_state: str | None = None
    order_status: str | None = None
    http_status: int | None = None
    oms_code: str | None = None
    correlation_id: str | None = None
    retry_after: float | None = None
    left: bool = True
    is_unclear: bool = False
    age: float = 0.0
    is_cancelable: bool | None = None
    obstacle: str = ""
    is_of_another_tenant: bool = False
    looked_up_id: OrderId | None = None
    is_of_look_up: bool = False

    @property
    def says_canceled(self) -> bool:
        """Return whether the reply held our order, and it is canceled."""
        return self.evidence is Evidence.CANCELED

    @property
    def says_open(self) -> bool:
        """Return whether the reply held our order, and it is not canceled."""
        return self.evidence is Evidence.OPEN

    @property
    def holds_order(self) -> bool:
        """Return whether the reply held our order."""
        return self.says_canceled or self.says_open

    @property
    def taken_as(self) -> str:
        """Return the interpretation of the reply, in a few words for the log."""
        return self.evidence.value


@dataclass(frozen=True, slots=True)
class Event:
    """Hold one call that was made.

    :param action: which call.
    :param sent_at: when it began, in seconds of the history's clock.
    :param at: when its reply came.
    :param reply: the reply.
    :param jitter: share from 0 to 1 that lengthens the wait after it; drawn by the driver.
    """

    action: Action
    sent_at: float
    at: float
    reply: Reply
    jitter: float = 0.0

    @property
    def as_of(self) -> float:
        """Return the moment from which on its reply can show earlier events.

        A cache gives a read the answer to an older one. When to read next still counts from
        ``sent_at``.
        """
        return self.sent_at - self.reply.age if self.action is Action.READ else self.sent_at


@dataclass(frozen=True, slots=True)
class Policy:
    """Hold how long to try and how to read.

    :param settle_seconds: after an ambiguous cancel, how long the OMS may take to show it.
    :param deadline: seconds from the order's start within which cancels may be sent.
    :param max_posts: cancels with an ambiguous end that one attempt may send.
    :param only_if_states: cancel only when ``orderState`` and ``orderStatus`` are all among
        these (letter case does not count); ``None`` for any state.
    :param dry_run: read, and never post.
    :param look_first: read before the first cancel, though no earlier one can have been acted on.
    :param early_reads: how often to read before an ambiguous cancel has settled; ``None`` for as
        often as suits a single order. The other orders of a set go on during that time, and each
        read counts against the rate.
    :param settles_after_acceptance: whether a cancel that was taken, and does not show after
        ``settle_seconds``, has failed.
    :param approval: a person's approval of the order; ``None`` where none was asked for.
    :param is_ours: whether an order's id may be one of this tenant; ``None`` where no id tells.
    """

    settle_seconds: float = 15.0
    deadline: float = 120.0
    max_posts: int = 3
    only_if_states: frozenset[str] | None = None
    dry_run: bool = False
    look_first: bool = False
    early_reads: int | None = None
    settles_after_acceptance: bool = False
    approval: Approval | None = None
    is_ours: Callable[[OrderId], bool] | None = field(default=None, compare=False)

    def for_order(self, order_id: OrderId) -> Policy:
        """Return the policy of one order: where its id is like another tenant's, it is read first.

        The read shows whose order it is, before a cancel can act on it.

        :param order_id: the order.
        """
        if self.is_ours is None or self.is_ours(order_id):
            return self
        return replace(self, look_first=True)

    @property
    def reads_first(self) -> bool:
        """Return whether the order is read before a cancel is sent."""
        is_guarded = self.only_if_states is not None or self.approval is not None
        return self.dry_run or self.look_first or is_guarded

    @property
    def only_looks(self) -> bool:
        """Return whether nothing is wanted of an order but its state, whatever that is."""
        return self.dry_run and self.only_if_states is None

    @property
    def settle_offsets(self) -> tuple[float, ...]:
        """Return when to read after an ambiguous cancel: 1, 3, 7 … seconds, and at the end."""
        offsets: list[float] = []
        offset = 1.0
        while offset < self.settle_seconds and len(offsets) != self.early_reads:
            offsets.append(offset)
            offset = 2 * offset + 1
        return (*offsets, self.settle_seconds)

    def objection(self, reply: Reply) -> str:
        """Return why an open order may not be canceled in its present state; empty if it may.

        :param reply: a reply that held the order.
        """
        if state := self.not_admitted(reply):
            return f"only_if_states does not name {state}"
        return self.approval.objection(reply) if self.approval else ""

    def not_admitted(self, reply: Reply) -> str:
        """Return which state of an order ``only_if_states`` does not name; empty for none.

        :param reply: a reply that held the order.
        """
        if self.only_if_states is None:
            return ""
        admitted = {state.upper() for state in self.only_if_states}
        given = [s for s in (reply.order_state, reply.order_status) if s is not None]
        wrong = [state for state in dict.fromkeys(given) if state.upper() not in admitted]
        if not wrong and (reply.is_unclear or not given):
            return "a state that cannot be read"
        return " and ".join(wrong)


@dataclass(frozen=True, slots=True)
class History:
    """Hold all that is known about one order in this attempt; it is never changed in place.

    :param policy: how long to try.
    :param started_at: when this attempt turned to the order.
    :param doubt_since: when a cancel of an earlier attempt can have left at the latest, which may
        lie in the future; ``None`` when no earlier attempt can have sent anything.
    :param events: the calls made in this attempt, oldest first.
    """

    policy: Policy
    started_at: float
    doubt_since: float | None = None
    events: tuple[Event, ...] = field(default=())

    def with_event(self, event: Event) -> History:
        """Return the history one call later.

        :param event: the call.
        """
        return replace(self, events=(*self.events, event))

    @property
    def deadline_at(self) -> float:
        """Return when the last cancel may be sent.

        A doubt of an earlier attempt is settled first. The time for that is not part of the
        deadline: with a deadline as short, no later attempt could ever send the cancel.
        """
        begins_at = self.started_at
        if self.doubt_since is not None:
            begins_at = max(begins_at, self.doubt_since + self.policy.settle_seconds)
        return begins_at + self.policy.deadline

    @property
    def last(self) -> Event | None:
        """Return the newest call, if any was made."""
        return self.events[-1] if self.events else None

    @property
    def last_decisive_post(self) -> Event | None:
        """Return the newest cancel that the OMS may have acted on or has judged, if any.

        A cancel that was misdirected over a new connection too counts as judged.
        """
        # Asked after each event of a run over thousands of orders.
        posts = (event for event in reversed(self.events) if event.action is Action.POST)
        newest = next(posts, None)
        if newest is None or newest.reply.evidence not in NOTHING_HAPPENED:
            return newest
        if newest.reply.evidence is Evidence.MISDIRECTED:
            before = next(posts, None)
            if before is None or before.reply.evidence not in NOTHING_HAPPENED:
                return before
            if before.reply.evidence is Evidence.MISDIRECTED:
                return newest
        return next((post for post in posts if post.reply.evidence not in NOTHING_HAPPENED), None)

    @property
    def ambiguous_posts(self) -> int:
        """Return how many cancels of this attempt ended without a proof either way."""
        return sum(
            event.action is Action.POST and event.reply.evidence is Evidence.AMBIGUOUS
            for event in self.events
        )

    @property
    def posts(self) -> int:
        """Return how many cancels of this attempt left this machine, or may have."""
        return sum(
            event.action is Action.POST
            and event.reply.left
            and event.reply.evidence is not Evidence.NEVER_SENT
            for event in self.events
        )

    @property
    def was_locked(self) -> bool:
        """Return whether another call held the order at some moment of this attempt."""
        return any(event.reply.evidence is Evidence.LOCKED for event in self.events)

    @property
    def trailing_failures(self) -> int:
        """Return how many of the newest calls brought neither order nor verdict.

        Reads that brought the order do not end the count of cancels that came to nothing, or such
        cancels would follow each other without a growing pause.
        """
        count = 0
        for event in reversed(self.events):
            if self.came_to_nothing(event):
                count += 1
            elif event.action is self.events[-1].action:
                break
        return count

    def came_to_nothing(self, event: Event) -> bool:
        """Return whether a call brought neither a verdict nor the order's present state.

        :param event: the call.
        """
        is_old = event.as_of < min(event.sent_at, self.started_at)
        is_canceled = event.reply.says_canceled
        return event.reply.evidence in INCONCLUSIVE or (is_old and not is_canceled)

    def in_a_row(self, action: Action, evidence: Collection[Evidence]) -> tuple[Event, ...]:
        """Return the newest calls of one kind, as far back as they all proved the same.

        :param action: the kind of call.
        :param evidence: their evidence.
        """
        calls = reversed([event for event in self.events if event.action is action])
        row = itertools.takewhile(lambda event: event.reply.evidence in evidence, calls)
        return tuple(row)[::-1]

    def reads_since(self, moment: float) -> tuple[Event, ...]:
        """Return the reads that came after the last decisive cancel, at or after a moment.

        :param moment: the moment, in seconds of the history's clock.
        """
        post = self.last_decisive_post
        # By their place and not by time alone: a clock may show the same for two calls in a row.
        later: list[Event] = []
        for event in reversed(self.events):
            if event is post:
                break
            if event.action is Action.READ and event.sent_at >= moment:
                later.append(event)
        return tuple(reversed(later))

    def last_seen(self) -> Reply | None:
        """Return the newest reply that held our order."""
        event = self._newest(lambda e: e.reply.holds_order)
        return event.reply if event else None

    def _newest(self, matches: Callable[[Event], bool]) -> Event | None:
        return next((event for event in reversed(self.events) if matches(event)), None)
