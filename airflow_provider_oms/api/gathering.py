"""Which of what waits leaves together, and when: what falls due within a short time."""

from __future__ import annotations

import heapq
from typing import Generic, TypeVar

__all__ = ["Gathering"]

_Item = TypeVar("_Item")


class Gathering(Generic[_Item]):
    """Collect items until the first has waited for as long as it may, or there are enough.

    :param most: how many leave together at most.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: list[tuple[float, int, _Item]] = []
        self._added = 0

    def add(self, item: _Item, *, now: float, within: float) -> None:
        """Let an item wait for others.

        :param item: the item.
        :param now: the present moment, in seconds.
        :param within: for how many seconds it may wait.
        """
        # The number keeps two items from being compared.
        heapq.heappush(self._waiting, (now + within, self._added, item))
        self._added += 1

    @property
    def due_at(self) -> float | None:
        """Return when the first item has waited for as long as it may; ``None`` if none waits."""
        return self._waiting[0][0] if self._waiting else None

    def take(self, now: float) -> list[_Item]:
        """Remove the items that leave now, the most urgent first.

        :param now: the present moment.
        :return: none as long as more may come; otherwise all, as far as they may leave together.
        """
        is_due = self.due_at is not None and self.due_at <= now
        if not is_due and len(self._waiting) < self._most:
            return []
        count = min(self._most, len(self._waiting))
        return [heapq.heappop(self._waiting)[2] for _ in range(count)]
