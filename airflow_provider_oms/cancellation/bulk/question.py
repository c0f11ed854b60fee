"""The question that a person is asked about a set: counts by state and the orders, as Markdown.

``approval.py`` decides which orders the answer covers.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from airflow_provider_oms.api.values import CancelRequest, OrderId
from airflow_provider_oms.cancellation.approval import Approval
from airflow_provider_oms.cancellation.bulk.approval import Shown
from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd
from airflow_provider_oms.cancellation.bulk.part_entries import PartsRequest
from airflow_provider_oms.cancellation.outcomes import Outcome

__all__ = ["MOST_BYTES", "Question", "question_about"]

# MySQL cuts a text at 64 KiB, and no person reads more.
MOST_BYTES = 30_000
# Of these bytes, what stands around the orders never takes more.
_MOST_LINES = 20
_LONGEST_TEXT = 100
_MARKS = re.compile(r"[!-/:-@\[-`{-~]")


@dataclass(frozen=True, slots=True)
class Question:
    """Hold a question as Airflow shows it.

    :param subject: its headline.
    :param body: Markdown of at most :data:`MOST_BYTES` bytes in UTF-8.
    :param names_all: whether it names every order to be canceled.
    """

    subject: str
    body: str
    names_all: bool


def question_about(
    shown: Shown,
    requests: Mapping[OrderId, CancelRequest],
    ends: Mapping[OrderId, OrderEnd],
    *,
    tenant: str,
    places: str = "",
) -> Question:
    """Return what to ask about a set that was read.

    It is the same text for the same orders, states and reasons.

    :param shown: the orders to be canceled, with their states.
    :param requests: the request for each order of the set.
    :param ends: how the dry run of each order ended.
    :param tenant: where the orders are, in a phrase.
    :param places: where all the orders are, if anywhere.
    """
    to_cancel = len(shown.approvals)
    states = Counter(map(_name_of, shown.approvals.values()))
    reasons = Counter(_reason_of(requests[order_id]) for order_id in shown.approvals)
    left = Counter(
        _outcome_of(end) for order_id, end in ends.items() if order_id not in shown.approvals
    )
    what = f"To be canceled at {_plain(tenant)}: **{to_cancel} of {len(requests)} orders**."
    parts = sum(isinstance(requests[order_id], PartsRequest) for order_id in shown.approvals)
    said = [what, f"Of {parts} of them, only parts are canceled."] if parts else [what]
    above = [
        f"{' '.join(said)} A canceled order cannot be brought back.",
        "",
        *_table("State", states),
        "",
        *_table("Reason", reasons),
        "",
    ]
    if left:
        counts = ", ".join(f"{count} {_plain(outcome)}" for outcome, count in left.most_common())
        above += [f"No cancel is sent for the others, whatever you answer: {counts}.", ""]
    below = ["", f"Digest of orders, states and reasons: {shown.digest}"]
    where = f" All of them are in {_plain(places, longest=1000)}." if places else ""
    cut = ["", f"More orders than fit in here are to be canceled.{where}"]
    room = MOST_BYTES - _size(above) - _size(cut) - _size(below)
    lines, names_all = _fitting(_lines_of(shown.approvals, requests), room)
    body = "\n".join([*above, *lines, *([] if names_all else cut), *below])
    noun = "order" if to_cancel == 1 else "orders"
    return Question(f"Cancel {to_cancel} {noun}?", body, names_all)


def _reason_of(request: CancelRequest) -> str:
    parts = (request.disposition_reason, request.disposition_other_reason)
    return ": ".join(part for part in parts if part)


def _outcome_of(end: OrderEnd) -> Outcome:
    """Return how an order that is not asked about will end; an open one cannot be canceled."""
    outcome = end.result.outcome
    return Outcome.NOT_CANCELABLE if outcome is Outcome.WOULD_CANCEL else outcome


def _lines_of(
    approvals: Mapping[OrderId, Approval], requests: Mapping[OrderId, CancelRequest]
) -> Iterator[tuple[str, list[str]]]:
    """Return each state with the orders in it, the most frequent state first."""
    by_state: dict[str, list[str]] = defaultdict(list)
    for order_id, seen in approvals.items():
        text = _plain(str(order_id), longest=None)
        if seen.looked_up_id is not None:
            text += f" (id {_plain(str(seen.looked_up_id), longest=None)})"
        if isinstance(request := requests[order_id], PartsRequest):
            text += f" (only {_plain(request.parts, longest=None)})"
        by_state[_name_of(seen)].append(text)
    for state, texts in sorted(by_state.items(), key=lambda one: (-len(one[1]), one[0])):
        yield f"**{_plain(state)}**: ", texts


def _fitting(parts: Iterator[tuple[str, list[str]]], room: int) -> tuple[list[str], bool]:
    lines: list[str] = []
    for title, texts in parts:
        room -= _size(["", title])
        kept: list[str] = []
        for text in texts:
            room -= len(text.encode()) + 2
            if room < 0:
                return [*lines, *(["", title + ", ".join(kept)] if kept else [])], False
            kept.append(text)
        lines += ["", title + ", ".join(kept)]
    return lines, True


def _table(title: str, counts: Counter[str]) -> list[str]:
    first = counts.most_common(_MOST_LINES)
    others = counts.total() - sum(count for _, count in first)
    rows = [*((_plain(name), count) for name, count in first)]
    if others:
        rows.append(("others", others))
    return [
        f"| {title} | Orders |",
        "|---|---|",
        *(f"| {name} | {count} |" for name, count in rows),
    ]


def _name_of(seen: Approval) -> str:
    states = [state for state in (seen.order_state, seen.order_status) if state]
    return "/".join(dict.fromkeys(states)) or "state not known"


def _plain(text: str, *, longest: int | None = _LONGEST_TEXT) -> str:
    """Return a text that Markdown shows as it is, in one line: it may come from anywhere."""
    # No database takes every character that a JSON text can hold.
    line = "".join(char if char.isprintable() else " " for char in text)
    line = " ".join(line.split())
    if longest is not None and len(line) > longest:
        line = f"{line[:longest]}…"
    return _MARKS.sub(r"\\\g<0>", line)


def _size(lines: list[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)
