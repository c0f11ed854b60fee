"""Decide the next step for one order: one pure function over its history.

It knows no HTTP library, no clock and no sleep; ``runner.py`` carries out its steps.
"""

from __future__ import annotations

import math
from dataclasses import replace

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.patience import TOKEN_PATIENCE, TOKEN_REFUSED
from airflow_provider_oms.cancellation.history import Action, Event, History, Reply
from airflow_provider_oms.cancellation.outcomes import (
    OF_APPROVAL,
    OF_STATES,
    ConfirmedBy,
    Outcome,
)
from airflow_provider_oms.cancellation.pauses import ready_at
from airflow_provider_oms.cancellation.steps import Call, Done, Step, Wait

__all__ = [
    "Call",
    "Done",
    "Step",
    "Wait",
    "step",
    "when_interrupted",
    "when_posting_is_over",
    "when_stopped",
]

_SHORTEST_READ_PERIOD = 5.0

_VERDICTS = {
    Evidence.NOT_FOUND: Outcome.NOT_FOUND,
    Evidence.REFUSED: Outcome.REFUSED,
    # A read that conflicts with the order's state; a cancel that does is looked up instead.
    Evidence.CONFLICT: Outcome.REFUSED,
    Evidence.FORBIDDEN: Outcome.FORBIDDEN,
    Evidence.WRONG_SERVER: Outcome.FORBIDDEN,
    # Over a new connection too, or it would have been sent again.
    Evidence.MISDIRECTED: Outcome.REFUSED,
}


# Reading again would bring the same.
_FINAL_FOR_READS = frozenset({Evidence.REFUSED, Evidence.FORBIDDEN, Evidence.WRONG_SERVER})


def step(history: History, now: float) -> Step:
    """Decide the next step for one order.

    A cancel is posted only when no earlier one can have been acted on, or when a read that is
    late enough to be believed has shown the order still open.

    :param history: the requests and replies so far.
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
    if reply.says_open:
        return _after_acceptance(history, now, post)
    if reply.is_of_another_tenant:
        return _after_misrouting(history, now, post)
    if reply.evidence is Evidence.AMBIGUOUS:
        return _after_doubt(history, now, post.at)
    return _after_refusal(history, now, post)


def when_stopped(history: History, why: str) -> Done:
    """Return how an order ends for which nothing more may be done.

    :param history: the requests and replies so far.
    :param why: the cause of the stop, in one sentence.
    :return: the outcome of a definite refusal, ``unknown`` if a cancel may have been acted on, or
        else ``not_attempted``.
    """
    post = history.last_decisive_post
    if post is not None and post.reply.evidence in _VERDICTS and not _is_looked_up(history, post):
        return _as_it_says(post)
    is_open_question = history.doubt_since is not None or post is not None
    outcome = Outcome.UNKNOWN if is_open_question else Outcome.NOT_ATTEMPTED
    return Done(outcome, None, Reply(Evidence.NEVER_SENT, why))


def when_posting_is_over(history: History, why: str) -> Done:
    """Return how an order ends that would be posted now, when no more cancels may be sent.

    :param history: the requests and replies so far; its next step is a POST.
    :param why: why no further cancel is sent, in one sentence.
    :return: ``not_canceled`` if a settled read has shown an order open that may have been canceled,
        or else ``not_attempted``.
    """
    last = history.last
    was_sent = history.doubt_since is not None or history.ambiguous_posts > 0
    if was_sent and last is not None and last.reply.says_open:
        return Done(Outcome.NOT_CANCELED, ConfirmedBy.READ, last.reply)
    return when_stopped(history, why)


def when_interrupted(history: History, calling: Action | None, now: float, why: str) -> Done:
    """Return how an order ends when something breaks in, whatever was under way.

    :param history: the requests and replies so far.
    :param calling: the call whose response has not come; ``None`` if none is under way.
    :param now: the present moment, in seconds of the history's clock.
    :param why: what broke in, in one sentence.
    :return: the end that the history itself proves; or else ``unknown`` if a cancel may have been
        acted on, the one under way included, and ``not_attempted`` if none was sent.
    """
    lost = None
    if calling is Action.POST:
        lost = Event(Action.POST, now, now, Reply(Evidence.AMBIGUOUS))
        history = history.with_event(lost)
    decision = step(history, now)
    done = decision if isinstance(decision, Done) else when_stopped(history, why)
    return replace(done, lost=lost)


def _before_any_post(history: History, now: float) -> Step:
    """Decide while nothing can have been canceled by us."""
    # What held the order may have changed it.
    reads_first = history.policy.reads_first or history.was_locked
    first = Action.READ if reads_first else Action.POST
    last = history.last
    if last is None:
        return Call(first)
    reply = last.reply
    if len(history.events) > 1 and all(e.reply.is_of_another_tenant for e in history.events[-2:]):
        # Two answers agree on whose order this id leads to.
        return Done(Outcome.REFUSED, ConfirmedBy.READ, reply)
    if history.came_to_nothing(last):
        # An order that must be read first is read again: its state may have changed since.
        return _again(history, now, first, Done(Outcome.NOT_ATTEMPTED, None, reply))
    if reply.says_canceled:
        return Done(Outcome.ALREADY_CANCELED, ConfirmedBy.READ, reply)
    if reply.says_open:
        return _post_if_admitted(history, now, last)
    if _may_lag(history, last):
        return _at_settled(history, now, Action.READ)
    return Done(_VERDICTS[reply.evidence], ConfirmedBy.READ if reply.left else None, reply)


def _after_doubt(history: History, now: float, asked_at: float) -> Step:
    """Decide after a cancel that may have been acted on: read, and post again only if open."""
    settled_at = asked_at + history.policy.settle_seconds
    found = _find_out(history, now, asked_at, settled_at)
    if not isinstance(found, Event):
        return found
    reply = found.reply
    if reply.says_canceled:
        return Done(Outcome.CANCELED, ConfirmedBy.READ, reply)
    if reply.evidence is Evidence.NOT_FOUND:
        return Done(Outcome.NOT_FOUND, ConfirmedBy.READ, reply)
    still_open = Done(Outcome.NOT_CANCELED, ConfirmedBy.READ, reply)
    if history.ambiguous_posts >= history.policy.max_posts:
        return still_open
    if history.last is not found:
        # A post that came to nothing, or a read that failed, lies in between: the order is read
        # once more, because an earlier cancel may have become visible late.
        return _again(history, now, Action.READ, still_open)
    return _post_if_admitted(history, now, found)


def _after_misrouting(history: History, now: float, post: Event) -> Step:
    """Decide after another tenant's order answered the cancel: read, and never post again.

    Another cancel with this id could act on another tenant's order again.
    """
    message = (
        f"The cancel may have canceled an order of another tenant; look at that order. "
        f"{post.reply.message}"
    )
    reads = history.reads_since(post.at)
    if reads and reads[-1].reply.is_of_another_tenant:
        # Two answers agree on whose order this id leads to.
        return Done(Outcome.UNKNOWN, None, replace(post.reply, message=message))
    found = _find_out(history, now, post.at, post.at + history.policy.settle_seconds)
    if isinstance(found, Done):
        return replace(found, reply=replace(post.reply, message=message))
    if not isinstance(found, Event):
        return found
    if found.reply.says_canceled:
        return Done(Outcome.CANCELED, ConfirmedBy.READ, found.reply)
    is_gone = found.reply.evidence is Evidence.NOT_FOUND
    outcome = Outcome.NOT_FOUND if is_gone else Outcome.NOT_CANCELED
    return Done(outcome, ConfirmedBy.READ, replace(found.reply, message=message))


def _after_acceptance(history: History, now: float, post: Event) -> Step:
    """Decide after the OMS took the cancel without showing it done: read, never post again."""
    policy = history.policy
    settled_at = post.at + policy.settle_seconds if policy.settles_after_acceptance else math.inf
    found = _find_out(history, now, post.at, settled_at)
    if not isinstance(found, Event):
        return found
    if found.reply.says_canceled:
        return Done(Outcome.CANCELED, ConfirmedBy.READ, found.reply)
    if found.reply.evidence is Evidence.NOT_FOUND:
        return Done(Outcome.NOT_FOUND, ConfirmedBy.READ, found.reply)
    # What follows a cancel, such as to void a payment, may have failed.
    message = f"The OMS took the cancel and has not carried it out. {found.reply.message}"
    return Done(Outcome.NOT_CANCELED, ConfirmedBy.READ, replace(found.reply, message=message))


def _after_refusal(history: History, now: float, post: Event) -> Step:
    """Decide after the OMS refused: a read shows whether the order is canceled nevertheless."""
    said = _as_it_says(post)
    is_ours = _has_doubt(history)
    is_conflict = post.reply.evidence is Evidence.CONFLICT
    can_be_read = post.reply.left and post.reply.evidence is not Evidence.WRONG_SERVER
    if not is_ours and not can_be_read:
        may_lag = _may_lag(history, post)
        return _at_settled(history, now, Action.POST) if may_lag else said
    # An earlier cancel may be the cause of the refusal, whatever its text, and may show only after
    # a while.
    settled_at = post.at + history.policy.settle_seconds
    found = _find_out(history, now, post.at, settled_at if is_ours else post.at)
    if isinstance(found, Event) and is_conflict and found.reply.says_open:
        # Another client's cancel may be the reason too.
        if now < settled_at:
            return Wait(settled_at)
        found = _find_out(history, now, post.at, settled_at)
    if isinstance(found, Done) and not _is_looked_up(history, post):
        return said
    if not isinstance(found, Event):
        return found
    if found.reply.says_canceled:
        outcome = Outcome.CANCELED if is_ours else Outcome.ALREADY_CANCELED
        return Done(outcome, ConfirmedBy.READ, found.reply)
    is_gone = found.reply.evidence is Evidence.NOT_FOUND
    if is_gone and post.reply.evidence is not Evidence.FORBIDDEN:
        return Done(Outcome.NOT_FOUND, ConfirmedBy.READ, found.reply)
    if is_conflict:
        # Where the order itself says that it can be canceled, it is the request that is wrong.
        refused = found.reply.is_cancelable is True
        outcome = Outcome.REFUSED if refused else Outcome.NOT_CANCELABLE
        # If the read shows whether the order is cancelable, the refusal has the reason.
        decisive = found.reply if found.reply.is_cancelable is None else post.reply
        return Done(outcome, ConfirmedBy.READ, decisive)
    if said.outcome is Outcome.NOT_FOUND:
        # A read shows the order, so that it is the request that was not found.
        return replace(said, outcome=Outcome.REFUSED)
    return said


def _may_lag(history: History, event: Event) -> bool:
    """Return whether an order that a search has not found may have been placed a moment ago."""
    is_search = event.reply.evidence is Evidence.NOT_FOUND and not event.reply.left
    return is_search and event.sent_at < history.started_at + history.policy.settle_seconds


def _at_settled(history: History, now: float, action: Action) -> Step:
    """Make a call once a search has had time to show the order."""
    settled_at = history.started_at + history.policy.settle_seconds
    return Call(action) if now >= settled_at else Wait(settled_at)


def _as_it_says(post: Event) -> Done:
    """Return the end that a refusal means when no read refutes it."""
    by = ConfirmedBy.ANSWER if post.reply.left else None
    return Done(_VERDICTS[post.reply.evidence], by, post.reply)


def _is_looked_up(history: History, post: Event) -> bool:
    """Return whether a refusal proves nothing by itself, so that only a read can end the order."""
    return _has_doubt(history) or post.reply.evidence is Evidence.CONFLICT


def _has_doubt(history: History) -> bool:
    """Return whether a cancel may have taken effect unseen."""
    return history.ambiguous_posts > 0 or history.doubt_since is not None


def _post_if_admitted(history: History, now: float, read: Event) -> Step:
    """Decide after a read has shown the order open."""
    if objection := history.policy.objection(read.reply):
        message = f"{objection}. {read.reply.message}"
        reply = replace(read.reply, message=message)
        is_of_state = bool(history.policy.not_admitted(read.reply))
        held_back_by = OF_STATES if is_of_state else OF_APPROVAL
        return Done(Outcome.NOT_CANCELABLE, ConfirmedBy.READ, reply, held_back_by=held_back_by)
    if history.policy.dry_run:
        return _of_dry_run(read.reply)
    if now >= history.deadline_at:
        return Done(Outcome.NOT_CANCELED, ConfirmedBy.READ, read.reply)
    return Call(Action.POST)


def _of_dry_run(reply: Reply) -> Done:
    """Return the end that a real run would come to, as far as the order itself tells."""
    if reply.is_cancelable is not False:
        return Done(Outcome.WOULD_CANCEL, ConfirmedBy.READ, reply)
    message = f"The OMS would probably refuse the cancel: {reply.obstacle}. {reply.message}"
    return Done(Outcome.NOT_CANCELABLE, ConfirmedBy.READ, replace(reply, message=message))


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
        is_verdict = read.reply.says_open or read.reply.evidence is Evidence.NOT_FOUND
        if is_verdict and read.as_of >= settled_at:
            return read
    unknown = Done(Outcome.UNKNOWN, None, history.last.reply if history.last else None)
    limit = history.deadline_at
    if math.isfinite(settled_at):
        limit = max(limit, settled_at)
    evidence = reads[-1].reply.evidence if reads else None
    if evidence in _FINAL_FOR_READS:
        return unknown
    if evidence in TOKEN_REFUSED or evidence is Evidence.MISDIRECTED:
        return _again(history, now, Action.READ, unknown, limit)
    due = _next_read_due(history, asked_at, settled_at, limit)
    if due is None:
        return unknown
    due = max(due, ready_at(history))
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


def _again(
    history: History, now: float, action: Action, give_up: Done, limit: float | None = None
) -> Step:
    """Repeat after a call that came to nothing, or give up when the time or the tokens are up."""
    last = history.last
    limit = history.deadline_at if limit is None else limit
    if last is not None and last.reply.evidence in TOKEN_REFUSED:
        return _with_another_token(history, last, now, action, give_up, limit)
    if last is not None and last.reply.evidence is Evidence.MISDIRECTED:
        over_a_new_connection = len(history.in_a_row(last.action, {Evidence.MISDIRECTED})) > 1
        if over_a_new_connection:
            never_posted = give_up.outcome is Outcome.NOT_ATTEMPTED
            return Done(Outcome.REFUSED, None, last.reply) if never_posted else give_up
    return _at(ready_at(history), now, action, give_up, limit)


def _with_another_token(
    history: History, last: Event, now: float, action: Action, give_up: Done, limit: float
) -> Step:
    """Repeat with other tokens for some time: only then are the credentials themselves refused."""
    row = history.in_a_row(last.action, TOKEN_REFUSED)
    # An attempt may have less time than that.
    is_all = len(row) == sum(event.action is last.action for event in history.events) > 1
    by = ConfirmedBy.ANSWER if last.action is Action.POST else ConfirmedBy.READ
    forbidden = Done(
        Outcome.FORBIDDEN, by if last.reply.evidence is Evidence.DENIED else None, last.reply
    )
    if give_up.outcome is not Outcome.NOT_ATTEMPTED:
        forbidden = give_up
    if last.at - row[0].at >= TOKEN_PATIENCE:
        return forbidden
    if action is Action.READ and len(row) == 1:
        # A token that has expired is replaced at once, and a read harms nothing.
        return Call(Action.READ)
    return _at(ready_at(history), now, action, forbidden if is_all else give_up, limit)


def _at(earliest: float, now: float, action: Action, give_up: Done, limit: float) -> Step:
    """Make a call when it may be made, unless that is too late."""
    if max(now, earliest) >= limit:
        return give_up
    return Call(action) if now >= earliest else Wait(earliest)
