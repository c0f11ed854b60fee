"""What follows a run over whole orders: its threads end, its journal is free, ends can be added."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
from bulk_runs import Tenant, outcomes, run_of
from journal_store import Store

from airflow_provider_oms.cancellation.bulk import driver
from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome

# On a busy machine, threads end late.
BUSY = 20.0


def threads_of_runs() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("oms-")]


def test_no_thread_that_hangs_keeps_the_process() -> None:
    found: dict[str, bool] = {}
    tenant = Tenant(look=lambda _: found.update({t.name: t.daemon for t in threading.enumerate()}))
    run_of(tenant, 5, workers=2).run()
    of_run = {name: is_daemon for name, is_daemon in found.items() if name.startswith("oms-")}
    assert {"oms-0", "oms-1", "oms-engine", "oms-journal"} <= of_run.keys()
    assert all(of_run.values())


def test_no_thread_is_left_when_it_has_ended() -> None:
    before = threads_of_runs()
    run_of(Tenant(), 20).run()
    until = time.monotonic() + BUSY
    while len(threads_of_runs()) > len(before) and time.monotonic() < until:
        time.sleep(0.01)
    assert len(threads_of_runs()) <= len(before)


def test_it_may_write_the_journal() -> None:
    run = run_of(Tenant(), 3, store=Store())
    run.run()
    run.wait_for_journal()
    assert run.stopped is None
    assert run._journal_is_free


def test_it_does_not_begin_beside_a_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "_GRACE", 0.1)
    run = run_of(Tenant(), 3, store=Store())
    run.run()
    run.wait_for_journal()
    run._journal_is_free = False
    run.wait_for_journal()
    assert run.stopped == "the journal cannot be written: a write does not come to its end"


def test_its_ends_count_with_those_of_the_run() -> None:
    run = run_of(Tenant(), 3, store=Store())
    run.run()
    result = CancellationResult(7, Outcome.UNKNOWN)
    run.note(OrderEnd(result, 1, is_final=True))
    assert outcomes(run) == {"canceled": 3, "unknown": 1}
    assert run.ends[7].result is result
    assert not run.tally.may_be_retried
    run.note(OrderEnd(replace(result, order_id=8), 1))
    assert run.tally.may_be_retried
