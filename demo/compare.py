"""Compare reported outcomes with the emulator's own state, and name the differences.

Nothing here makes a call: it works on the values read before and after a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

CANCELED = ("canceled", "already_canceled")
REFUSED = ("not_cancelable",)


@dataclass(frozen=True)
class Seen:
    """Hold the facts about one order after a run.

    :param expected: the outcomes that may be reported about it: ``CANCELED``, ``REFUSED``, or none
        for an order that is to be left alone.
    :param posts: for each cancel that the OMS received, whether it acted on it, oldest first.
    """

    name: str
    expected: tuple[str, ...]
    before: str
    after: str
    posts: tuple[bool, ...]
    reported: tuple[str, ...]

    @property
    def needless_posts(self) -> int:
        if is_canceled(self.before):
            # The first one may find that.
            return max(0, len(self.posts) - 1)
        return len(self.posts) - 1 - self.posts.index(True) if True in self.posts else 0


def is_canceled(state: str) -> bool:
    return state.upper() in ("CANCELED", "CANCELLED")


def totals(seen: list[Seen]) -> list[tuple[str, int]]:
    outcomes = Counter(outcome for one in seen for outcome in one.reported)
    canceled_before = sum(is_canceled(one.before) for one in seen)
    return [
        ("orders", len(seen)),
        ("canceled before the run", canceled_before),
        ("canceled in the run", sum(is_canceled(one.after) for one in seen) - canceled_before),
        ("left as they were", sum(one.before == one.after for one in seen)),
        ("orders without a cancel", sum(not one.posts for one in seen)),
        ("orders with more than one cancel", sum(len(one.posts) > 1 for one in seen)),
        ("cancels that the OMS received", sum(len(one.posts) for one in seen)),
        ("cancels after one that had canceled", sum(one.needless_posts for one in seen)),
        *((f"reported {outcome}", count) for outcome, count in sorted(outcomes.items())),
    ]


def disagreements(seen: Iterable[Seen], stray_posts: Mapping[int, int]) -> list[str]:
    """Return one sentence for everything that is not as it ought to be.

    :param stray_posts: how many cancels the OMS received for each other order.
    """
    found = [
        f"order {order_id}: it is not in the set, and the OMS received {posts} cancels for it"
        for order_id, posts in stray_posts.items()
    ]
    for one in seen:
        found += [f"order {one.name}: {fault}" for fault in _faults(one)]
    return found


def _faults(one: Seen) -> Iterator[str]:
    to_cancel = one.expected == CANCELED
    if to_cancel and not is_canceled(one.after):
        yield f"it ought to be canceled and is {one.after}"
    if not to_cancel and one.after != one.before:
        yield f"it ought to stay {one.before} and is {one.after}"
    if not one.expected and one.posts:
        yield f"it ought to be left alone, and the OMS received {len(one.posts)} cancels"
    if one.needless_posts:
        yield f"{one.needless_posts} cancels followed one that had canceled it"
    if is_canceled(one.after) and not is_canceled(one.before) and True not in one.posts:
        yield "it is canceled, and no cancel had that effect"
    if one.expected and len(one.reported) != 1:
        yield f"it ought to be reported once and is reported {len(one.reported)} times"
    for outcome in one.reported:
        claims_canceled = outcome in CANCELED
        if outcome not in one.expected or claims_canceled != is_canceled(one.after):
            yield f"reported {outcome}, and the OMS says {one.after}"
