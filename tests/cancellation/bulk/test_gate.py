"""The gate of a run: a rate without bursts, and a pause that nothing shortens."""

from __future__ import annotations

import math

from airflow_provider_oms.cancellation.bulk.gate import Gate


def test_without_a_rate_it_is_open() -> None:
    gate = Gate()
    for _ in range(3):
        gate.pass_through(10.0)
    assert gate.opens_at <= 10.0


def test_requests_leave_at_the_rate() -> None:
    gate, now, left = Gate(4), 10.0, []
    for _ in range(5):
        now = max(now, gate.opens_at)
        left.append(now)
        gate.pass_through(now)
    assert left == [10.0, 10.25, 10.5, 10.75, 11.0]


def test_what_was_not_used_does_not_add_up_to_a_burst() -> None:
    gate = Gate(4)
    gate.pass_through(10.0)
    gate.pass_through(60.0)
    assert gate.opens_at == 60.25


def test_of_two_pauses_the_longer_counts() -> None:
    gate = Gate()
    assert gate.opens_at == -math.inf
    gate.pause_until(20.0, 10.0)
    gate.pause_until(15.0, 11.0)
    assert gate.opens_at == 20.0
    assert gate.paused_at == 11.0
