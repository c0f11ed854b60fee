"""What comes next for one order: one pure function over what has happened so far.

It knows no HTTP library, no clock and no sleep; ``runner.py`` carries out what it says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from airflow_provider_oms.cancellation.history import (
    Action,
    Event,
    History,
    Reply,
    ReplyKind,
)
from airflow_provider_oms.cancellation.outcomes import ConfirmedBy, Outcome

__all__ = ["Call", "Done", "Step", "Wait", "step", "when_posting_is_over", "when_stopped"]

# A refused token is replaced and the call repeated "at most twice" before it counts as forbidden.
_TOKEN_RENEWALS = 2
_LONGEST_BACKOFF = 15.0
_SHORTEST_READ_PERIOD = 5.0


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
    :param confirmed_by: what that was read from, if the OMS confirmed anything.
    :param reply: the reply that decided, if one did.
    """

    outcome: Outcome
    confirmed_by: ConfirmedBy | None = None
    reply: Reply | None = None


Step = Call | Wait | Done

_VERDICTS = {
    ReplyKind.NOT_FOUND: Outcome.NOT_FOUND,
    ReplyKind.REFUSED: Outcome.REFUSED,
    # A read that conflicts with the order's state; a cancel that does is looked up instead.
    ReplyKind.CONFLICT: Outcome.REFUSED,
    ReplyKind.FORBIDDEN: Outcome.FORBIDDEN,
}


def step(history: History, now: float) -> Step:
    """Decide what comes next for one order.

    A cancel is posted only when no earlier one can have been acted on, or when a read that is
    late enough to be believed has shown the order still open.

    :param history: what has happened so far.
    :param now: the present moment, in seconds of the history's clock.
    :return: the call to make, the moment to wait for, or the outcome.
    """
    post = history.last_decisive_post
    if post is None:
        if history.doubt_since is None:
            return _before_any_post(history, now)
        return _after_doubt(history, now, history.doubt_since)
    reply = post.reply
    if reply.says_canceled:
        return Done(Outcome.CANCELED, ConfirmedBy.ANSWER, reply)
    if reply.kind is ReplyKind.ORDER:
        return _after_acceptance(history, now, post)
    if reply.kind is ReplyKind.AMBIGUOUS:
        return _after_doubt(history, now, post.at)
    return _after_refusal(history, now, post)


def when_stopped(history: History, why: str) -> Done:
    """Return how an order ends for which nothing more may be done.

    :param history: what has happened so far.
    :param why: what stopped it, in one sentence.
    :return: ``unknown`` if a cancel may have been acted on, or else ``not_attempted``.
    """
    is_open_question = history.doubt_since is not None or history.last_decisive_post is not None
    outcome = Outcome.UNKNOWN if is_open_question else Outcome.NOT_ATTEMPTED
    return Done(outcome, None, Reply(ReplyKind.NEVER_SENT, why))


def when_posting_is_over(history: History, why: str) -> Done:
    """Return how an order ends that would be posted now, when no more cancels may be sent.

    :param history: what has happened so far; its next step is a POST.
    :param why: what ended the posting, in one sentence.
    :return: ``not_canceled`` if a settled read has shown an order open that may have been canceled,
        or else ``not_attempted``.
    """
    last = history.last
    was_sent = history.doubt_since is not None or history.ambiguous_posts > 0
    if was_sent and last is not None and last.reply.says_open:
        return Done(Outcome.NOT_CANCELED, ConfirmedBy.READ, last.reply)
    return when_stopped(history, why)


def _before_any_post(history: History, now: float) -> Step:
    """Decide while nothing can have been canceled by us."""
    first = Action.READ if history.policy.reads_first else Action.POST
    last = history.last
    if last is None:
        return Call(first)
    reply = last.reply
    if history.came_to_nothing(last):
        # An order that must be read first is read again: its state may have moved on meanwhile.
        return _again(history, now, first, Done(Outcome.NOT_ATTEMPTED, None, reply))
    if reply.says_canceled:
        return Done(Outcome.ALREADY_CANCELED, ConfirmedBy.READ, reply)
    if reply.says_open:
        return _post_if_admitted(history, now, last)
    return Done(_VERDICTS[reply.kind], ConfirmedBy.READ if reply.left else None, reply)


def _after_doubt(history: History, now: float, asked_at: float) -> Step:
    """Decide after a cancel that may have been acted on: read, and post again only if open."""
    settled_at = asked_at + history.policy.settle_seconds
    found = _find_out(history, now, asked_at, settled_at)
    if not isinstance(found, Event):
        return found
    reply = found.reply
    if reply.says_canceled:
        return Done(Outcome.CANCELED, ConfirmedBy.READ, reply)
    if reply.kind is ReplyKind.NOT_FOUND:
        return Done(Outcome.NOT_FOUND, ConfirmedBy.READ, reply)
    still_open = Done(Outcome.NOT_CANCELED, ConfirmedBy.READ, reply)
    if history.ambiguous_posts >= history.policy.max_posts:
        return still_open
    if history.last is not found:
        # A post that came to nothing, or a read that failed, lies in between: the order is read
        # once more, because an earlier cancel may have become visible late.
        return _again(history, now, Action.READ, still_open)
    return _post_if_admitted(history, now, found)


def _after_acceptance(history: History, now: float, post: Event) -> Step:
    """Decide after the OMS took the cancel without showing it done: read, never post again."""
    found = _find_out(history, now, post.at, math.inf)
    if isinstance(found, Event):
        return Done(Outcome.CANCELED, ConfirmedBy.READ, found.reply)
    return found


def _after_refusal(history: History, now: float, post: Event) -> Step:
    """Decide after the OMS refused: the end, unless the order's state may be the reason for it."""
    # An earlier cancel of ours may be what it was refused for, whatever the refusal says, and
    # may show only after a while.
    is_ours = history.ambiguous_posts > 0 or history.doubt_since is not None
    is_conflict = post.reply.kind is ReplyKind.CONFLICT
    said = Done(
        _VERDICTS[post.reply.kind], ConfirmedBy.ANSWER if post.reply.left else None, post.reply
    )
    if not is_ours and not is_conflict:
        return said
    settled_at = post.at + history.policy.settle_seconds
    found = _find_out(history, now, post.at, settled_at if is_ours else post.at)
    if isinstance(found, Event) and is_conflict and found.reply.says_open:
        # Somebody else's cancel may be the reason likewise.
        if found.as_of < settled_at and now < settled_at:
            return Wait(settled_at)
        found = _find_out(history, now, post.at, settled_at)
    if not isinstance(found, Event):
        return found
    if found.reply.says_canceled:
        outcome = Outcome.CANCELED if is_ours else Outcome.ALREADY_CANCELED
        return Done(outcome, ConfirmedBy.READ, found.reply)
    if not is_conflict:
        return said
    is_gone = found.reply.kind is ReplyKind.NOT_FOUND
    outcome = Outcome.NOT_FOUND if is_gone else Outcome.NOT_CANCELABLE
    return Done(outcome, ConfirmedBy.READ, found.reply)


def _post_if_admitted(history: History, now: float, read: Event) -> Step:
    """Decide after a read has shown the order open."""
    if not history.policy.admits(read.reply):
        return Done(Outcome.NOT_CANCELABLE, ConfirmedBy.READ, read.reply)
    if history.policy.dry_run:
        return Done(Outcome.WOULD_CANCEL, ConfirmedBy.READ, read.reply)
    if now >= history.deadline_at:
        return Done(Outcome.NOT_CANCELED, ConfirmedBy.READ, read.reply)
    return Call(Action.POST)


def _find_out(history: History, now: float, asked_at: float, settled_at: float) -> Event | Step:
    """Return the read that settles whether an order is canceled, or how to get one.

    ``CANCELED`` is believed at once; that the order is open, or gone, only from a read sent at
    ``settled_at`` or later, and from no cache that has kept it from before.
    """
    reads = history.reads_since(asked_at)
    for read in reads:
        if read.reply.says_canceled:
            return read
    for read in reversed(reads):
        is_verdict = read.reply.says_open or read.reply.kind is ReplyKind.NOT_FOUND
        if is_verdict and read.as_of >= settled_at:
            return read
    unknown = Done(Outcome.UNKNOWN, None, history.last.reply if history.last else None)
    if reads and reads[-1].reply.kind in (ReplyKind.REFUSED, ReplyKind.FORBIDDEN):
        return unknown
    if reads and reads[-1].reply.kind is ReplyKind.UNAUTHENTICATED:
        return _again(history, now, Action.READ, unknown)
    limit = history.deadline_at
    if math.isfinite(settled_at):
        limit = max(limit, settled_at)
    due = _next_read_due(history, asked_at, settled_at, limit)
    if due is None:
        return unknown
    due = max(due, _ready_at(history))
    if due > limit and due > now:
        return unknown
    return Call(Action.READ) if now >= due else Wait(due)


def _next_read_due(
    history: History, asked_at: float, settled_at: float, limit: float
) -> float | None:
    """Return when to read next while finding out, or ``None`` when it is too late."""
    reads = history.reads_since(asked_at)
    if not reads and settled_at == asked_at:
        return asked_at
    taken = reads[-1].sent_at if reads else -math.inf
    for offset in history.policy.settle_offsets:
        if asked_at + offset > taken:
            return asked_at + offset
    if taken >= limit:
        return None
    period = max(history.policy.settle_seconds, _SHORTEST_READ_PERIOD)
    return min(taken + period, limit)


def _again(history: History, now: float, action: Action, give_up: Done) -> Step:
    """Repeat after a call that came to nothing, or give up when the time or the tokens are up."""
    last = history.last
    if last is not None and last.reply.kind is ReplyKind.UNAUTHENTICATED:
        if history.refused_tokens(last.action) > _TOKEN_RENEWALS:
            never_posted = give_up.outcome is Outcome.NOT_ATTEMPTED
            return Done(Outcome.FORBIDDEN, None, last.reply) if never_posted else give_up
        is_too_late = action is Action.POST and now >= history.deadline_at
        return give_up if is_too_late else Call(action)
    ready_at = _ready_at(history)
    if max(now, ready_at) >= history.deadline_at:
        return give_up
    return Call(action) if now >= ready_at else Wait(ready_at)


def _ready_at(history: History) -> float:
    """Return when the next call may be made after the newest one."""
    last = history.last
    if last is None or not history.came_to_nothing(last):
        return -math.inf
    if last.reply.kind is ReplyKind.UNAUTHENTICATED:
        return last.at
    asked = last.reply.retry_after
    if asked is not None and (
        last.reply.kind is not ReplyKind.AMBIGUOUS or last.at + asked <= history.deadline_at
    ):
        # Jitter only adds: a call before the end of Retry-After would be refused again.
        return last.at + asked + last.jitter * max(1.0, asked / 10)
    if last.action is Action.POST and last.reply.kind is ReplyKind.AMBIGUOUS:
        return last.at
    # The exponent is bounded, because a float is: 15 s are reached long before.
    backoff = min(2.0 ** min(history.trailing_failures - 1, 10), _LONGEST_BACKOFF)
    return last.at + backoff * (1 + last.jitter / 2)
