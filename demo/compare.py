"""Compare the DAG's report with the emulator's own state, and show both in a table.

Nothing here makes a call: it works on the values read before and after the run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from demo.data import DemoOrder

_CANCELED = ("CANCELED", "CANCELLED")
_TO_CANCEL = "rejected"
REPORTED_CANCELED = ("canceled", "already_canceled")
HEADINGS = ("order", "verdicts", "state before", "state after", "cancels", "reported")


@dataclass(frozen=True)
class Seen:
    """Hold the facts about one order after the run.

    :param order: the order as the demo made it.
    :param before: the order's state at the emulator before the run.
    :param after: the same after the run.
    :param posts: cancels that the emulator saw for it.
    :param reported: the outcome that the DAG wrote back; ``None`` for none.
    """

    order: DemoOrder
    before: str
    after: str
    posts: int
    reported: str | None

    @property
    def was_canceled(self) -> bool:
        """Return whether it was canceled before the run."""
        return is_canceled(self.before)

    @property
    def is_canceled(self) -> bool:
        """Return whether it is canceled after the run."""
        return is_canceled(self.after)


def is_canceled(state: str) -> bool:
    """Return whether a state says that an order is canceled, in the words of either API.

    :param state: the state.
    """
    return state.upper() in _CANCELED


def disagreements(seen: Iterable[Seen], stray_posts: Mapping[int, int]) -> list[str]:
    """Return one sentence for everything that is not as it ought to be.

    :param seen: all orders of the demo.
    :param stray_posts: cancels for orders that the demo does not know.
    """
    found = [
        f"order {order_id}: it is unknown, and the emulator saw {posts} cancels for it"
        for order_id, posts in stray_posts.items()
    ]
    for one in seen:
        faults = _faults_if_flagged(one) if one.order.to_cancel else _faults_if_not(one)
        if one.reported in REPORTED_CANCELED and not one.is_canceled:
            faults.append(f"reported {one.reported}, and the emulator says {one.after}")
        found += [f"order {one.order.name}: {fault}" for fault in faults]
    return found


def _faults_if_flagged(one: Seen) -> list[str]:
    """Return the faults of an order that ought to be canceled."""
    faults = []
    if not one.is_canceled:
        faults.append(f"it was rejected, and its state is {one.after}")
    if one.reported not in REPORTED_CANCELED:
        faults.append(f"it was rejected, and the DAG reported {one.reported or 'nothing'}")
    # An order that was canceled before the run may be found so by a read, without any cancel.
    allowed = (0, 1) if one.was_canceled else (1,)
    if one.posts not in allowed:
        faults.append(f"the emulator saw {one.posts} cancels")
    return faults


def _faults_if_not(one: Seen) -> list[str]:
    """Return the faults of an order that must not be touched."""
    faults = []
    if one.after != one.before:
        faults.append(f"it was not flagged, and went from {one.before} to {one.after}")
    if one.posts:
        faults.append(f"it was not flagged, and the emulator saw {one.posts} cancels")
    if one.reported is not None:
        faults.append(f"it was not flagged, and the DAG reported {one.reported}")
    return faults


def table(seen: list[Seen]) -> str:
    """Return the table for people: each flagged or changed order, and the others by verdicts.

    :param seen: all orders of the demo.
    """
    rows: list[tuple[str, ...]] = []
    alike: dict[str, list[Seen]] = defaultdict(list)
    for one in seen:
        if one.order.to_cancel or _faults_if_not(one):
            rows.append(_row(one))
        else:
            alike[one.order.verdicts].append(one)
    for verdicts, group in alike.items():
        states = {one.before for one in group}
        told = states.pop() if len(states) == 1 else f"{len(states)} states"
        posts = str(sum(one.posts for one in group))
        rows.append((f"{len(group)} orders", verdicts, told, "unchanged", posts, "-"))
    return _aligned([HEADINGS, *rows])


def notes(seen: list[Seen]) -> str:
    """Return a sentence on each thing in the table that may puzzle who sees it first.

    :param seen: all orders of the demo.
    :return: a line for each; empty for none.
    """
    lines = []
    again = [one for one in seen if one.order.to_cancel and one.was_canceled and one.posts]
    refused = [one for one in again if one.reported == "already_canceled"]
    answered = [one for one in again if one not in refused]
    if answered:
        named, verb = _named(answered, "was", "were")
        lines.append(
            f"{named} {verb} canceled before, and one more cancel changes nothing: the OMS answers "
            f"it with the canceled order."
        )
    if refused:
        named, verb = _named(refused, "was", "were")
        lines.append(
            f"{named} {verb} canceled before, and one more cancel changes nothing: the OMS refuses "
            f"it, and a read shows why."
        )
    other_case = [
        one
        for one in seen
        if not one.order.to_cancel
        and one.order.story != _TO_CANCEL
        and one.order.story.lower() == _TO_CANCEL
    ]
    if other_case:
        named, verb = _named(other_case, "has", "have")
        lines.append(
            f'{named} {verb} the verdict "{other_case[0].order.story}", which is not '
            f'"{_TO_CANCEL}": letter case counts, and an order is left alone unless its verdict '
            f"says exactly that it is to be canceled."
        )
    return "\n".join(lines)


def _named(seen: list[Seen], one: str, many: str) -> tuple[str, str]:
    numbers = [each.order.name for each in seen]
    if len(numbers) == 1:
        return f"Order {numbers[0]}", one
    return f"Orders {', '.join(numbers[:-1])} and {numbers[-1]}", many


def totals(seen: list[Seen]) -> str:
    """Return the totals of all orders, one number to a line.

    :param seen: all orders of the demo.
    """
    outcomes = Counter(one.reported for one in seen if one.reported)
    numbers = [
        ("orders", len(seen)),
        ("canceled in this run", sum(one.is_canceled and not one.was_canceled for one in seen)),
        ("canceled before it", sum(one.was_canceled for one in seen)),
        ("left as they were", sum(one.before == one.after for one in seen)),
        ("nothing sent for", sum(one.posts == 0 for one in seen)),
        ("cancels seen", sum(one.posts for one in seen)),
        ("orders with more than one", sum(one.posts > 1 for one in seen)),
        *((f"reported {outcome}", count) for outcome, count in sorted(outcomes.items())),
    ]
    return "\n".join(f"{name:<26} {number:>5}" for name, number in numbers)


def _row(one: Seen) -> tuple[str, ...]:
    order = one.order
    told = (order.name, order.verdicts, one.before, one.after)
    return (*told, str(one.posts), one.reported or "-")


def _aligned(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join([lines[0], rule, *lines[1:]])
