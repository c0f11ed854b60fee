"""What goes on record next, and which cancels may leave because their intent is there.

How it is written is decided in ``journal.py``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from airflow_provider_oms.cancellation.bulk.commands import Write
from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd
from airflow_provider_oms.cancellation.bulk.work_item import (
    LEASE_SECONDS,
    ItemState,
    Lease,
    WorkItem,
)
from airflow_provider_oms.cancellation.store import JournalError

__all__ = ["Leasing"]

_LONGEST_UNRECORDED = 0.75
_RETRY_AFTER = 1.0
# How long a run that cannot write the journal goes on.
_LONGEST_WITHOUT_JOURNAL = 60.0


class Leasing:
    """Collect intents and ends for one write at a time, and grant leases for the intents written.

    :param is_kept: whether records outlive the attempt; leases have no end where they do not.
    :param leeway: seconds that a cancel which has begun can still take to leave.
    :param now: the present moment.
    """

    def __init__(self, *, is_kept: bool, leeway: float, now: float) -> None:
        self._is_kept = is_kept
        self._leeway = leeway
        self._asking: list[WorkItem] = []
        self._unrecorded: list[OrderEnd] = []
        self._last_write_at = now
        self._write: Write | None = None
        #: Since when nothing could be recorded in time; ``None`` while it can.
        self.failing_since: float | None = None
        self._is_final = False
        #: Why, in a few words.
        self.failure = ""

    @property
    def is_usable(self) -> bool:
        """Return whether the last write went well; no cancel leaves otherwise."""
        return self.failing_since is None

    @property
    def gives_up_at(self) -> float:
        """Return until when a run waits for a write that goes well."""
        if self.failing_since is None:
            return math.inf
        return self.failing_since + (0 if self._is_final else _LONGEST_WITHOUT_JOURNAL)

    @property
    def is_writing(self) -> bool:
        """Return whether a write is in flight."""
        return self._write is not None

    @property
    def waiting(self) -> int:
        """Return how many orders wait for a lease."""
        return len(self._asking) + (len(self._write.intents) if self._write else 0)

    @property
    def slots(self) -> int:
        """Return how many of the orders that wait for a lease keep a slot of the rate limiter."""
        in_write = self._write.intents if self._write else ()
        return sum(item.has_slot for items in (self._asking, in_write) for item in items)

    @property
    def has_unrecorded(self) -> bool:
        """Return whether an end is not on record yet."""
        return bool(self._unrecorded)

    def ask(self, item: WorkItem) -> None:
        """Let an order wait for a lease.

        :param item: the order.
        """
        item.state = ItemState.LEASING
        item.lease = None
        self._asking.append(item)

    def note(self, end: OrderEnd) -> None:
        """Keep an end for the next write.

        :param end: how an order ended.
        """
        self._unrecorded.append(end)

    def take_asking(self) -> list[WorkItem]:
        """Return the orders that wait for a lease and are in no write, and forget them."""
        asking, self._asking = self._asking, []
        return asking

    def take_all(self) -> list[WorkItem]:
        """Return every order that waits for a lease, and forget those that are in no write."""
        in_write = self._write.intents if self._write else ()
        still = (item for item in in_write if item.state is ItemState.LEASING)
        return [*self.take_asking(), *still]

    def due_at(self) -> float:
        """Return when the next write is due, or the one in flight late."""
        if self._write is not None:
            return math.inf if self.failing_since is not None else self._begin_by(self._write)
        if self.failing_since is not None:
            return self._last_write_at + _RETRY_AFTER
        if self._asking:
            return -math.inf
        return self._last_write_at + _LONGEST_UNRECORDED if self._unrecorded else math.inf

    def next_write(self, now: float, *, is_last: bool = False) -> Write | None:
        """Return what to write now, if anything.

        :param now: the present moment.
        :param is_last: whether every end is to be on record now.
        """
        is_due = now >= self.due_at() or (is_last and self.is_usable and self._unrecorded)
        if self._write is not None or not is_due:
            return None
        longest = LEASE_SECONDS + self._leeway
        self._write = Write(tuple(self.take_asking()), tuple(self._unrecorded), now, longest)
        return self._write

    def on_written(self, write: Write, now: float) -> Iterable[WorkItem]:
        """Grant the leases of a write that went well.

        :param write: the write.
        :param now: the present moment.
        :return: the orders that may go on.
        """
        self._write = None
        self._last_write_at = write.asked_at
        # Ends are appended only, so that those of the write are the first ones.
        del self._unrecorded[: len(write.ended)]
        begin_by = self._begin_by(write)
        if now >= begin_by:
            self._fail(f"a write takes {now - write.asked_at:.1f} s", now)
            self._ask_again(write)
            return ()
        self.failing_since = None
        lease = Lease(begin_by, begin_by + self._leeway)
        for item in write.intents:
            item.lease = lease
        return write.intents

    def on_failed(self, write: Write, error: JournalError, now: float) -> bool:
        """Let the orders of a write that failed ask again.

        :param write: the write.
        :param error: why it failed.
        :param now: the present moment.
        :return: whether this is the first failure in a row, and a later write may go well.
        """
        self._write = None
        self._last_write_at = now
        self._ask_again(write)
        is_first = self._fail(str(error), now)
        self._is_final = error.is_final
        return is_first and not error.is_final

    def note_if_late(self, now: float) -> bool:
        """Return whether the write in flight has just turned out to take longer than a lease lasts.

        :param now: the present moment.
        """
        if self._write is None or now < self._begin_by(self._write):
            return False
        return self._fail("a write does not come to its end", now)

    def _begin_by(self, write: Write) -> float:
        return write.asked_at + LEASE_SECONDS if self._is_kept else math.inf

    def _fail(self, error: str, now: float) -> bool:
        self.failure = error
        if self.failing_since is not None:
            return False
        # Not since the write was asked for: the machine may have been suspended since.
        self.failing_since = now
        return True

    def _ask_again(self, write: Write) -> None:
        self._asking[:0] = [item for item in write.intents if item.state is ItemState.LEASING]
