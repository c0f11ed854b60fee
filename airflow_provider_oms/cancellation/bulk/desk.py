"""Where the orders of a run lie while nobody works on them, and from where workers take them.

It knows which order may be taken up when; what is done with it is decided in ``workers.py``.
"""

from __future__ import annotations

import heapq
import itertools
import math
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from airflow_provider_oms.api.validation import CancelRequest
from airflow_provider_oms.cancellation.bulk.gate import Gate
from airflow_provider_oms.cancellation.bulk.journal import PERMIT_SECONDS
from airflow_provider_oms.cancellation.bulk.tally import OrderEnd
from airflow_provider_oms.cancellation.history import Action, History, Policy

__all__ = ["Case", "Desk"]

_LONGEST_NAP = 1.0


@dataclass(slots=True, eq=False)
class Case:
    """Hold one order on its way; in one pair of hands at a time.

    :param request: the cancellation.
    :param policy: how long to try and how to read.
    :param doubt_since: when an earlier cancel can have left at the latest; ``None`` if none did.
    :param history: what has happened; ``None`` before the first call.
    :param begun_at: when work on it began, in seconds since the epoch.
    :param calling: the call that is under way.
    :param permit_until: a cancel may be begun before this moment, because its intent is on record.
    :param leaves_by: until when it may leave then, for it takes time to connect.
    :param asked_at: since when it asks for a new permit; ``None`` if it does not.
    :param has_slot: whether it has passed the gate and made no request yet.
    :param was_held: whether it had to ask for so long that what was read of it is old.
    """

    request: CancelRequest
    policy: Policy
    doubt_since: float | None = None
    history: History | None = None
    begun_at: float | None = None
    calling: Action | None = None
    permit_until: float = -math.inf
    leaves_by: float = -math.inf
    asked_at: float | None = None
    has_slot: bool = False
    was_held: bool = False


class Desk:
    """Share the cases of a run between its workers; a case that waits occupies none of them.

    :param gate: every request passes through it.
    :param clock: monotonic seconds.
    :param ring: called, with the desk locked, when the keeper is needed.
    """

    def __init__(self, gate: Gate, clock: Callable[[], float], ring: Callable[[], object]) -> None:
        self._gate = gate
        self._clock = clock
        self._ring = ring
        self._changed = threading.Condition()
        self._fresh: deque[Case] = deque()
        self._asking: list[Case] = []
        self._ready: deque[Case] = deque()
        self._waiting: list[tuple[float, int, Case]] = []
        self._turns = itertools.count()
        self._in_hand: set[Case] = set()
        # Handed out once and not ended, wherever they lie now.
        self._begun: dict[Case, None] = {}
        self._ended: list[OrderEnd] = []
        self._is_closed = False
        #: The keeper is called when fewer cases than this have a permit and were not begun.
        self.low_water = 0
        #: How many cancels were let go.
        self.sent = 0
        #: Whether permits count; not while the record cannot be written.
        self.permits_hold = True

    def take(self) -> Case | None:
        """Return the next case that a request may be made for now; wait for one.

        :return: the case, now in the caller's hands; ``None`` when the run is over.
        """
        with self._changed:
            while not self._is_closed:
                now = self._clock()
                # What has passed the gate does not wait for it again: at a low rate its permit
                # would be over each time.
                if self._ready and self._gate.paused_until <= now:
                    return self._hand_over(self._ready.popleft())
                due = self._due_at(now)
                at = max(due, self._gate.opens_at)
                if at <= now:
                    return self._hand_out(now)
                # Not for longer: whom a notification wakes may take up something else.
                self._changed.wait(min(at - now, _LONGEST_NAP))
            return None

    def _due_at(self, now: float) -> float:
        while self._fresh and self._fresh[0].permit_until <= now:
            self._asking.append(self._fresh.popleft())
            self._ring()
        if self._fresh and self.permits_hold:
            return now
        return self._waiting[0][0] if self._waiting else math.inf

    def _hand_out(self, now: float) -> Case:
        self._gate.pass_through(now)
        if self._waiting and self._waiting[0][0] <= now:
            _, _, case = heapq.heappop(self._waiting)
        else:
            case = self._fresh.popleft()
            if len(self._fresh) < self.low_water:
                self._ring()
        return self._hand_over(case)

    def _hand_over(self, case: Case) -> Case:
        case.has_slot = True
        self._in_hand.add(case)
        self._begun[case] = None
        return case

    def let_go(self, case: Case) -> bool:
        """Tell whether a cancel may leave for a case now, and count it if so.

        :param case: the case in hand.
        """
        with self._changed:
            may_leave = self.permits_hold and self._clock() < case.permit_until
            self.sent += may_leave
            return may_leave

    def go_on(self) -> bool:
        """Tell whether a cancel may follow its read at once, and count its request if so.

        At a low rate its own turn would come when the read is old. It uses up a turn all the same,
        so that the next request waits for that much longer.
        """
        with self._changed:
            now = self._clock()
            may_follow = not self._is_closed and self._gate.paused_until <= now
            if may_follow:
                self._gate.pass_through(now)
            return may_follow

    def wait(self, case: Case, until: float) -> None:
        """Put a case aside until a moment.

        :param case: the case in hand.
        :param until: when it may be taken again, in seconds of the clock.
        """
        with self._changed:
            self._in_hand.discard(case)
            case.has_slot = False
            if not self._is_closed:
                heapq.heappush(self._waiting, (until, next(self._turns), case))
                self._changed.notify()

    def ask(self, case: Case) -> None:
        """Put a case aside until its intent to cancel is on record.

        :param case: the case in hand.
        """
        with self._changed:
            self._in_hand.discard(case)
            case.asked_at = self._clock()
            if not self._is_closed:
                self._asking.append(case)
                self._ring()

    def finish(self, case: Case, end: OrderEnd) -> None:
        """Put a case away for good.

        :param case: the case in hand; after the run is over its end is known already.
        :param end: how it ended.
        """
        with self._changed:
            if case not in self._in_hand:
                return
            self._in_hand.remove(case)
            del self._begun[case]
            self._ended.append(end)
            if not (self._in_hand or self._fresh or self.waiting):
                self._ring()

    def take_ended(self) -> list[OrderEnd]:
        """Return how cases have ended since this was last asked."""
        with self._changed:
            ended, self._ended = self._ended, []
            return ended

    def pause_until(self, moment: float) -> None:
        """Let no request leave before a moment.

        :param moment: when the next one may.
        """
        with self._changed:
            self._gate.pause_until(moment, self._clock())

    def add_fresh(self, cases: Iterable[Case]) -> None:
        """Lay out cases that have a permit.

        :param cases: the cases.
        """
        with self._changed:
            self._fresh.extend(cases)
            self._changed.notify_all()

    def resume(self, cases: Iterable[Case]) -> None:
        """Lay out cases that go on now, before any fresh one.

        :param cases: the cases.
        """
        now = self._clock()
        with self._changed:
            for case in cases:
                if case.asked_at is not None:
                    case.was_held = case.was_held or now - case.asked_at > PERMIT_SECONDS
                    case.asked_at = None
                if case.has_slot:
                    self._ready.append(case)
                else:
                    heapq.heappush(self._waiting, (now, next(self._turns), case))
            self._changed.notify_all()

    def take_asking(self) -> list[Case]:
        """Return the cases that ask for a permit, and forget them."""
        with self._changed:
            asking, self._asking = self._asking, []
            return asking

    def ask_again(self, cases: Iterable[Case]) -> None:
        """Let cases that got no permit go on asking, without calling the keeper.

        :param cases: the cases.
        """
        with self._changed:
            self._asking.extend(cases)

    def clear_fresh(self) -> list[Case]:
        """Return the cases that were not begun, and forget them."""
        with self._changed:
            fresh, self._fresh = list(self._fresh), deque()
            return fresh

    def wake_waiting(self) -> None:
        """Let every case that waits be looked at now."""
        with self._changed:
            self._waiting = [(-math.inf, turn, case) for _, turn, case in self._waiting]
            heapq.heapify(self._waiting)
            self._changed.notify_all()

    def close(self) -> list[Case]:
        """Send the workers home, and return every case that is left, in hand or not; once."""
        with self._changed:
            self._is_closed = True
            left = [*self._begun, *self._fresh, *self._asking]
            left += (case for _, _, case in self._waiting)
            self._begun, self._in_hand = {}, set()
            self._fresh, self._ready, self._asking, self._waiting = deque(), deque(), [], []
            self._changed.notify_all()
            return list(dict.fromkeys(left))

    def was_held_since(self, case: Case, moment: float) -> bool:
        """Tell whether something held a case up for long, since a read of it began.

        :param case: the case in hand.
        :param moment: when the read began.
        """
        with self._changed:
            return case.was_held or self._gate.paused_at >= moment

    @property
    def fresh(self) -> int:
        """Return how many cases have a permit and were not begun."""
        return len(self._fresh)

    @property
    def waiting(self) -> int:
        """Return how many cases wait, for a moment or for a permit."""
        return len(self._waiting) + len(self._asking) + len(self._ready)

    @property
    def load(self) -> int:
        """Return how many cases there are, in hand or not."""
        with self._changed:
            return len(self._fresh) + self.waiting + len(self._in_hand)
