"""Whether a call can be made now: what takes a slot of the rate, and what waits for a lease."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from breakers import item_of

from airflow_provider_oms.cancellation.bulk.leasing import Leasing
from airflow_provider_oms.cancellation.bulk.rate_limiter import RateLimiter
from airflow_provider_oms.cancellation.bulk.schedule import Schedule
from airflow_provider_oms.cancellation.bulk.sending import Sending
from airflow_provider_oms.cancellation.history import Action

NOW = 100.0
HISTORY: Any = SimpleNamespace(deadline_at=NOW + 60)


class Run:
    """Send the cancels of four orders.

    :param rate: the most in a second; ``None`` for any number.
    """

    def __init__(self, rate: float | None) -> None:
        self.limiter = RateLimiter(rate)
        self.leasing = Leasing(is_kept=True, leeway=5.0, now=NOW)
        self.left = 0
        others: Any = SimpleNamespace(in_flight=0)
        progress: Any = SimpleNamespace(count_sent=self._count)
        self._sending = Sending(
            Schedule(self.limiter), others, self.leasing, progress, max_workers=2
        )
        self.items = [item_of(number) for number in range(4)]

    def send(self) -> list[bool]:
        """Return for each order whether its cancel leaves."""
        return [
            self._sending.send(item, HISTORY, Action.POST, NOW) is not None for item in self.items
        ]

    def _count(self) -> None:
        self.left += 1


@pytest.mark.parametrize(
    ("rate", "slots"), [(10.0, [True, True, False, False]), (None, [True] * 4)]
)
def test_at_a_rate_no_more_orders_keep_a_slot_while_they_wait_than_there_are_workers(
    rate: float | None, slots: list[bool]
) -> None:
    run = Run(rate)
    assert run.send() == [False] * 4
    assert [item.has_slot for item in run.items] == slots
    write = run.leasing.next_write(NOW)
    assert write is not None
    assert list(run.leasing.on_written(write, NOW)) == run.items
    assert run.send() == [True] * 4
    assert run.left == 4
    # Each has taken one slot, before its lease or with its cancel.
    assert run.limiter.opens_at == pytest.approx(NOW + 4 / rate if rate else NOW)
    assert not any(item.has_slot for item in run.items)
