"""What concerns a whole run: when it has to stop, why, and until when it may settle what it began.

What becomes of a single order then is decided in ``decision.py``.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.patience import TOKEN_REFUSED
from airflow_provider_oms.cancellation.history import Policy, Reply
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome

__all__ = ["REFUSALS", "Watch"]

REFUSALS = TOKEN_REFUSED | {Evidence.FORBIDDEN, Evidence.WRONG_SERVER}
_SILENT = frozenset({Evidence.AMBIGUOUS, Evidence.NEVER_SENT})
_SILENT_ORDERS = 20
_LONGEST_SETTLING = 30.0


class Watch:
    """Look at every reply and every end of a run, and stop it when something is wrong with it.

    :param policy: how long to try and how to read.
    :param stop_after_failures: failed orders after which no cancel is begun; ``None`` for any.
    :param clock: monotonic seconds.
    :param ring: called when the run is to stop.
    """

    def __init__(
        self,
        policy: Policy,
        stop_after_failures: int | None,
        clock: Callable[[], float],
        ring: Callable[[], object],
    ) -> None:
        self._policy = policy
        self._limit = stop_after_failures
        self._clock = clock
        self._ring = ring
        self._lock = threading.Lock()
        self._silent: set[int] = set()
        self._failed: set[int] = set()
        self._unheard = 0
        #: Why no cancel is begun any more; ``None`` while nothing is wrong.
        self.stopped: str | None = None
        #: Until when orders that were begun may be settled, in seconds of the clock.
        self.settle_by = math.inf

    def stop(self, why: str, *, settle: float | None = None) -> None:
        """Begin no cancel any more, and settle what is under way for a bounded time.

        :param why: in a few words; the first reason stays.
        :param settle: seconds for that; by default as long as a cancel takes to show.
        """
        if settle is None:
            settle = min(self._policy.settle_seconds, _LONGEST_SETTLING)
        with self._lock:
            self.settle_by = min(self.settle_by, self._clock() + settle)
            if self.stopped is None:
                self.stopped = why
        self._ring()

    def heed_reply(self, reply: Reply, order_id: int, *, is_refused: bool = False) -> None:
        """Stop when the OMS does not answer any more, asks to wait for too long, or refuses much.

        :param reply: what came back from a call.
        :param order_id: the order it was about.
        :param is_refused: whether the order's newest cancel was refused in its present state.
        """
        if reply.says_open and is_refused:
            # Its end comes only when it has settled, and many cancels could leave until then.
            self._count_failure(order_id)
        if (reply.retry_after or 0) > self._policy.deadline:
            self.stop(f"the OMS asks to wait {reply.retry_after:.0f} s, longer than deadline")
        with self._lock:
            if reply.evidence not in _SILENT:
                self._silent.clear()
                return
            self._silent.add(order_id)
            is_silent = len(self._silent) >= _SILENT_ORDERS
        if is_silent:
            self.stop(f"{_SILENT_ORDERS} orders in a row got no answer; last: {reply.message}")

    def heed_end(self, result: CancellationResult, reply: Reply | None) -> None:
        """Stop when too many orders fail, or when none can succeed.

        :param result: how an order ended.
        :param reply: the reply that decided, if one did.
        """
        with self._lock:
            if result.outcome.is_success:
                self._unheard = 0
                self._failed.discard(result.order_id)
                return
            is_unheard = result.outcome in (Outcome.NOT_ATTEMPTED, Outcome.UNKNOWN)
            self._unheard = self._unheard + 1 if is_unheard else 0
            unheard = self._unheard
        if reply is not None and reply.evidence in REFUSALS:
            self.stop(f"the OMS refuses the connection: {reply.message}")
        if unheard >= _SILENT_ORDERS:
            self.stop(f"{unheard} orders in a row came to nothing; last: {result.reason}")
        self._count_failure(result.order_id)

    def _count_failure(self, order_id: int) -> None:
        with self._lock:
            self._failed.add(order_id)
            failures = len(self._failed)
        if self._limit is not None and failures >= self._limit:
            self.stop(f"{failures} orders have failed, and stop_after_failures is {self._limit}")
