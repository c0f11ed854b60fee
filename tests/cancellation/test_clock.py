"""The clock of permits and deadlines: it does not stand still while a machine is suspended."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from bulk_runs import Tenant, outcomes, run_of
from journal_store import Store

from airflow_provider_oms.cancellation.clock import seconds

needs_boottime = pytest.mark.skipif(
    not hasattr(time, "CLOCK_BOOTTIME"), reason="only Linux has a clock that counts a suspension"
)
SUSPENDED_FOR = 600
ORDERS = 400
BUSY = 0.5  # seconds that the journal's store then takes for one value


@dataclass
class Machine:
    """Can be suspended, as far as this process can tell: one of its clocks is ahead afterwards."""

    was_suspended: bool = False

    def __post_init__(self) -> None:
        self._read = time.clock_gettime

    def clock_gettime(self, clock: int) -> float:
        ahead = clock == time.CLOCK_BOOTTIME and self.was_suspended
        return self._read(clock) + (SUSPENDED_FOR if ahead else 0)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(time, "clock_gettime", machine.clock_gettime)
    return machine


@needs_boottime
def test_the_time_of_a_suspension_counts(machine: Machine) -> None:
    before = seconds()
    machine.was_suspended = True
    assert seconds() - before >= SUSPENDED_FOR


@pytest.mark.slow
@needs_boottime
def test_a_run_that_was_suspended_sends_nothing_before_it_is_on_record_again(
    machine: Machine,
) -> None:
    class BusyAfterwards(Store):
        was_busy = False

        def set(self, key: str, value: Any) -> None:
            if machine.was_suspended and not self.was_busy:
                self.was_busy = True
                time.sleep(BUSY)
            super().set(key, value)

    def suspend_at(order_id: int) -> None:
        machine.was_suspended = machine.was_suspended or order_id == ORDERS // 2

    tenant = Tenant(latency=0.001, look=suspend_at)
    run = run_of(tenant, ORDERS, workers=1, store=BusyAfterwards())
    run.run()
    assert outcomes(run) == {"canceled": ORDERS}
    posts = [call for call in tenant.seen if call.method == "POST"]
    pauses = {first.order_id: second.at - first.at for first, second in pairwise(posts)}
    assert pauses[ORDERS // 2] >= BUSY
