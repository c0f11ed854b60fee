"""The verdict on a finished run: whether the task fails, whether a retry can help, and why.

The report of the orders is built in ``report.py``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd, OutcomeCounts
from airflow_provider_oms.cancellation.bulk.report import LONGEST_CAUSE, FinishedRun, Kept
from airflow_provider_oms.cancellation.outcomes import OF_APPROVAL, OF_STATES, Outcome

__all__ = ["Failure", "failure_of", "not_owned"]

# Some of its parts are canceled, as the OMS itself has said.
_PARTIAL = Outcome.PARTIALLY_CANCELED
_TOLD_TO_END = "the task was told to end"
_GO_ON = "Retry or clear the task to go on: orders that may have been canceled are read first."
_CORRECT = "Correct the cause of each, and clear the task."
_HANDLE = (
    "Handle these orders by hand, such as by a return: clearing the task helps only when their "
    "states have changed."
)
_HANDLE_OTHERS = (
    "Handle the others by hand, such as by a return: clearing the task helps only when their "
    "states have changed."
)
_CONNECT = "Correct the connection, then clear the task."
_KNOWS_NONE = (
    "accepted_outcomes does not apply to not_found, because the OMS knows none of these orders. "
    "Check the connection's tenant and environment, and where the order numbers come from."
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Hold why a task fails.

    :param message: the counts, the cause, where the outcomes are, and what to do.
    :param can_retry: whether another attempt can help without a person's intervention.
    """

    message: str
    can_retry: bool


def not_owned(why: str) -> Failure:
    """Return why the task of an attempt fails that may not own it any more.

    :param why: the failure of the journal's last write, in a few words.
    """
    return Failure(
        f"The journal cannot be written at the end ({why[:LONGEST_CAUSE]}), as for an attempt that "
        f"another one has taken over from: summary and results are left to the next attempt.",
        can_retry=True,
    )


def failure_of(
    run: FinishedRun,
    kept: Kept,
    *,
    tolerated_failures: int = 0,
    results_wanted_at: str | None = None,
    was_told_to_end: bool = False,
) -> Failure | None:
    """Return why the task of a finished run fails; ``None`` if it succeeds.

    ``tolerated_failures`` allows single orders to fail. It does not apply to a run that stopped
    before it was done with every order, nor to one in which the OMS neither confirmed nor
    definitely refused any cancellation. Outcomes that the run's tally accepts are no failures.

    :param run: the finished run.
    :param kept: where its outcomes were stored.
    :param tolerated_failures: number of orders that may end otherwise than canceled.
    :param results_wanted_at: the file that results were to be written to, if any.
    :param was_told_to_end: whether the task was told to end, during the run or after it.
    """
    tally = run.tally
    is_lost = results_wanted_at is not None and kept.results_path is None
    stopped = run.stopped or (_TOLD_TO_END if was_told_to_end else None)
    accepted = tally.accepted
    is_cut_off = stopped is not None and any(_is_left(end, accepted) for end in run.ends.values())
    is_too_many = tally.failures > tolerated_failures
    objection = "" if is_too_many or not tally.failures else _beyond_tolerance(tally, is_cut_off)
    if is_too_many or objection:
        can_retry = (tally.may_be_retried or is_cut_off) and not run.is_shut_out
        failed = (
            f"{tally.failures} of {tally.total} orders did not end as they should: "
            f"{tally.describe_failures(run.ends)}."
        )
        cause = stopped if run.stopped or is_cut_off else None
        why = f"The run stopped: {cause[:LONGEST_CAUSE]}." if cause else ""
        lost = f"The results could not be written to {results_wanted_at}." if is_lost else ""
        advice = "" if kept.has_every_order or is_lost else "Set results_path to keep all outcomes."
        upcoming = _GO_ON if can_retry else _CONNECT if run.is_shut_out else _advice(run)
        doubt = _KNOWS_NONE if tally.is_tenant_doubtful else ""
        parts = (failed, objection, doubt, why, lost, _where(kept), advice, upcoming)
        return Failure(" ".join(filter(None, parts)), can_retry)
    if is_lost:
        return Failure(
            f"{tally.as_text()}, but the results could not be written to {results_wanted_at}. When "
            f"they can be, clear the task: no order that is canceled is canceled again.",
            can_retry=True,
        )
    return None


def _is_left(end: OrderEnd, accepted: frozenset[Outcome]) -> bool:
    """Return whether a run that stopped was not done with an order that failed.

    An end without an attempt was recorded by an earlier attempt; this one did not reach the order.
    """
    outcome = end.result.outcome
    if outcome.is_success or outcome in accepted:
        return False
    return end.may_be_retried or end.attempt is None


def _advice(run: FinishedRun) -> str:
    if set(run.tally.failed) != {Outcome.NOT_CANCELABLE}:
        return _CORRECT
    # A part also ends so where the set asks for what is not allowed.
    of_parts = any(not one.result.outcome.is_success and one.parts for one in run.ends.values())
    return _CORRECT if of_parts else _advice_on_states(run)


def _advice_on_states(run: FinishedRun) -> str:
    """Return what to do about orders none of which may be canceled in its present state."""
    results = (end.result for end in run.ends.values())
    held_back = Counter(
        one.held_back_by for one in results if one.outcome is Outcome.NOT_CANCELABLE
    )
    of_oms, total = held_back.pop("", 0), run.tally.failures
    named = {by: f"{n} of these orders" if n < total else "them" for by, n in held_back.items()}
    sentences = []
    if some := named.get(OF_STATES):
        sentences.append(
            f"only_if_states, and not the OMS, has held {some} back: if it should name their "
            f"states, correct it and clear the task, and if not, handle them by hand."
        )
    if some := named.get(OF_APPROVAL):
        sentences.append(
            f"The approval does not cover {some} as they are now: look at them, and clear the task "
            f"to be asked about their present states."
        )
    if of_oms:
        sentences.append(_HANDLE_OTHERS if sentences else _HANDLE)
    return " ".join(sentences)


def _beyond_tolerance(tally: OutcomeCounts, is_cut_off: bool) -> str:
    """Return why ``tolerated_failures`` does not apply; empty if it does."""
    if is_cut_off:
        return "tolerated_failures does not apply to a run that stopped early."
    if not any(outcome.is_definite or outcome is _PARTIAL for outcome in tally.counts):
        return (
            "tolerated_failures does not apply, because the OMS neither confirmed nor definitely "
            "refused any cancellation."
        )
    return ""


def _where(kept: Kept) -> str:
    places = ["the XCom value results"] if kept.rows else []
    if kept.results_path:
        places.append(kept.results_path)
    if places:
        return f"Every order's outcome is in {' and in '.join(places)}."
    counts = "; the counts are in the XCom value return_value" if kept.summary else ""
    return f"Every failed order is in the log{counts}."
