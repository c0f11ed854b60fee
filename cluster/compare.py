"""Compare the chunks' reports with the OMS's own state, and name the differences.

Nothing here makes a call: it works on the values read at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

CANCELED = "CANCELED"
REPORTED_CANCELED = ("canceled", "already_canceled")
_REFUSED = "not_cancelable"


@dataclass(frozen=True)
class Seen:
    """Hold the facts about one order at the end.

    :param order_id: the order.
    :param before: its state at the OMS before the run.
    :param after: its state there after it.
    :param posts: for each cancel that the OMS received, whether it acted on it, oldest first.
    :param reported: chunk and outcome, for each line of a results file about it.
    """

    order_id: int
    before: str
    after: str
    posts: tuple[bool, ...]
    reported: tuple[tuple[int, str], ...]

    @property
    def needless_posts(self) -> int:
        """Return how many cancels were sent after one that had canceled the order."""
        return len(self.posts) - 1 - self.posts.index(True) if True in self.posts else 0


def disagreements(seen: Iterable[Seen], stray_posts: Mapping[int, int]) -> list[str]:
    """Return one sentence for everything that is not as it ought to be with an order.

    :param seen: all orders of the set.
    :param stray_posts: cancels that the OMS received for other orders.
    """
    found = [
        f"order {order_id}: it is not in the set, and the OMS received {posts} cancels for it"
        for order_id, posts in stray_posts.items()
    ]
    for one in seen:
        found += [f"order {one.order_id}: {fault}" for fault in _faults(one)]
    return found


def _faults(one: Seen) -> Iterator[str]:
    is_open = one.before == "READY"
    expected = CANCELED if is_open else one.before
    if one.after != expected:
        yield f"it was {one.before}, ought to be {expected} and is {one.after}"
    if one.needless_posts:
        yield f"{one.needless_posts} cancels followed one that had canceled it"
    if is_open and one.after == CANCELED and True not in one.posts:
        yield "it is canceled, and no cancel had that effect"
    if len(one.reported) != 1:
        chunks = [chunk for chunk, _ in one.reported]
        yield f"it ought to be in the results of one chunk and is in {chunks or 'none'}"
    for _, outcome in one.reported:
        truth = REPORTED_CANCELED if one.after == CANCELED else (_REFUSED,)
        if outcome not in truth:
            yield f"reported {outcome}, and the OMS says {one.after}"


def chunk_disagreements(
    files: Mapping[int, Counter[str]],
    summaries: Mapping[int, Mapping[str, int]],
    states: Mapping[int, str],
) -> list[str]:
    """Return one sentence for each chunk whose results, summary and state do not agree.

    :param files: the outcomes in each chunk's results file.
    :param summaries: the outcomes in each chunk's summary, as XCom has it.
    :param states: each chunk's state in Airflow.
    """
    found = []
    for chunk in sorted({*files, *summaries, *states}):
        lines, summary = dict(files.get(chunk, {})), dict(summaries.get(chunk, {}))
        if lines != summary:
            found.append(f"chunk {chunk}: its file says {lines}, its summary {summary}")
        is_good = bool(lines) and set(lines) <= set(REPORTED_CANCELED)
        expected = "success" if is_good else "failed"
        if states.get(chunk) != expected:
            found.append(
                f"chunk {chunk}: with {lines} it ought to have ended {expected}, and Airflow says "
                f"{states.get(chunk)}"
            )
    return found


def totals(seen: Iterable[Seen]) -> list[tuple[str, str]]:
    """Return the totals of all orders, as rows of a table.

    :param seen: all orders of the set.
    """
    seen = list(seen)
    outcomes = Counter(outcome for one in seen for _, outcome in one.reported)
    numbers = [
        ("orders", len(seen)),
        *((f"reported `{outcome}`", count) for outcome, count in outcomes.most_common()),
        ("canceled, as the OMS has it", sum(one.after == CANCELED for one in seen)),
        ("in the results of exactly one chunk", sum(len(one.reported) == 1 for one in seen)),
        ("cancels that the OMS received", sum(len(one.posts) for one in seen)),
        ("orders with more than one", sum(len(one.posts) > 1 for one in seen)),
        ("cancels after one that had canceled", sum(one.needless_posts for one in seen)),
    ]
    return [(name, f"{number:,}") for name, number in numbers]
