"""How a whole set of orders is refused: the error, and the problems that it names.

Which entries have one is decided in ``entries.py`` and its readers, and in ``order_set.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from airflow_provider_oms.api.errors import OmsError

__all__ = ["MOST_PROBLEMS", "OmsOrderSetError", "Problems", "Unusable", "usable"]

# What names this many is read no further: the source is wrong, and not an entry or two of it.
MOST_PROBLEMS = 100
_PROBLEMS_IN_MESSAGE = 20


class OmsOrderSetError(OmsError, ValueError):
    """Refuse a whole set of orders before anything is sent.

    :param summary: the error in the set, in one clause.
    :param problems: the errors of the entries that cannot be used, each with its position.
    """

    def __init__(self, summary: str, problems: Iterable[str] = ()) -> None:
        self.summary = summary
        self.problems = tuple(problems)
        shown = "; ".join(self.problems[:_PROBLEMS_IN_MESSAGE])
        more = len(self.problems) - _PROBLEMS_IN_MESSAGE
        parts = [summary, f": {shown}" if shown else "", f"; and {more} more" if more > 0 else ""]
        super().__init__(f"{''.join(parts)}. Nothing was sent.")


@dataclass(frozen=True, slots=True)
class Unusable:
    """Stand for an entry that is not even one id or one object.

    :param problem: the finding, and the remedy.
    """

    problem: str


class Problems:
    """Collect the errors of a set's entries, up to :data:`MOST_PROBLEMS`."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, problem: str, *, count: int) -> None:
        """Keep the error of one entry.

        :param problem: position, finding and remedy.
        :param count: how many entries have been read, this one included.
        :raises OmsOrderSetError: when there are so many that no more entries are to be read.
        """
        self.found.append(problem)
        if len(self.found) >= MOST_PROBLEMS:
            summary = f"{len(self.found)} of the first {count} entries cannot be used"
            raise OmsOrderSetError(f"{summary}, and the rest was not read", self.found)

    def refuse_if_any(self, *, count: int) -> None:
        """Refuse the set if an entry of it cannot be used.

        :param count: how many entries there are.
        :raises OmsOrderSetError: naming each problem.
        """
        if self.found:
            summary = f"{len(self.found)} of {count} entries cannot be used"
            raise OmsOrderSetError(summary, self.found)


def usable(entries: Iterable[tuple[str, Any]]) -> list[Any]:
    """Return entries without their positions, if each of them is one.

    :param entries: each entry with its position.
    :return: ids and objects; nothing else about them is checked yet.
    :raises OmsOrderSetError: naming each that is neither.
    """
    kept: list[Any] = []
    problems = Problems()
    for count, (position, entry) in enumerate(entries, 1):
        if isinstance(entry, Unusable):
            problems.add(f"{position}: {entry.problem}", count=count)
        kept.append(entry)
    problems.refuse_if_any(count=len(kept))
    return kept
