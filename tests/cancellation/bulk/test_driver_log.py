"""The log of a run over a set, and the thread that writes it."""

from __future__ import annotations

import logging
import re
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from bulk_runs import LOST, POLICY, Tenant, outcomes, run_of
from journal_store import Store

from airflow_provider_oms.cancellation.bulk import leasing, recovery
from airflow_provider_oms.cancellation.bulk.journal import Journal
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome

# A run that never hears of the failure goes on for a minute.
BUSY = 20.0


def test_its_lines_are_written_by_the_callers_thread() -> None:
    threads: set[int] = set()

    class Log:
        def info(*_: object) -> None:
            threads.add(threading.get_ident())

        warning = info

    tenant = Tenant(post=lambda order_id: LOST if order_id % 5 == 0 else None, acts=True)
    run = run_of(tenant, 30)
    run._log = Log()
    run.run()
    assert threads == {threading.get_ident()}


def test_a_line_with_a_percent_sign_is_a_line(caplog: pytest.LogCaptureFixture) -> None:
    lost = type(LOST)("100 %s of it")
    tenant = Tenant(post=lambda order_id: lost if order_id == 2 else None, acts=True)
    with caplog.at_level(logging.INFO):
        run_of(tenant, 3).run()
    (line, *_) = (one for one in caplog.records if "100 %s of it" in one.getMessage())
    assert line.levelname == "INFO"


@pytest.mark.parametrize(("count", "more"), [(2, ""), (10, ""), (11, ", …")])
def test_orphaned_records_are_named(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, count: int, more: str
) -> None:
    monkeypatch.setattr(recovery, "LEASE_SECONDS", 0.05)
    store, tenant, now = Store(), Tenant(), time.time()
    first, ended = Journal(store, now=now), CancellationResult(7001, Outcome.CANCELED)
    first.write(range(7001, 7001 + count), [ended], posted_by=now, now=now)
    run_of(tenant, 3, store=store, attempt=2).run()
    (line,) = (one.getMessage() for one in caplog.records if "7001" in one.getMessage())
    assert line.startswith(f"{count} orders ")
    named = re.findall(r"\b7\d{3}\b", line)
    assert len(set(named)) == min(count, 10)
    assert line.endswith(f"{named[-1]}{more}); {count - 1} of them are in doubt")
    assert {call.order_id for call in tenant.seen} == {1, 2, 3}


@pytest.mark.parametrize(
    ("attempt", "has_record", "dry_run", "says"),
    [
        (1, False, False, False),
        (1, True, False, True),
        (2, False, False, True),
        (2, True, False, True),
        (2, True, True, False),
    ],
)
def test_one_that_goes_on_says_what_is_left(
    caplog: pytest.LogCaptureFixture, attempt: int, *, has_record: bool, dry_run: bool, says: bool
) -> None:
    store = Store()
    if has_record:
        run_of(Tenant(), 3, store=store).run()
    with caplog.at_level(logging.INFO):
        run_of(Tenant(), 3, store=store, attempt=attempt, policy=replace(POLICY, dry_run=dry_run))
    canceled = 3 if has_record else 0
    line = f"Attempt {attempt} goes on: {canceled} are canceled already"
    assert (line in caplog.text) is says


def test_a_write_that_failed_is_made_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leasing, "_RETRY_AFTER", 0.05)

    class UnsteadyStore(Store):
        def set(self, key: str, value: Any) -> None:
            tried.append(key)
            if len(tried) == 2:  # the first write is the head of the record
                raise OSError("away")
            super().set(key, value)

    tried: list[str] = []
    tenant, store = Tenant(), UnsteadyStore()
    with caplog.at_level(logging.WARNING):
        run, began_at = run_of(tenant, 20, store=store), time.monotonic()
        run.run()
    assert time.monotonic() - began_at < BUSY
    assert outcomes(run) == {"canceled": 20}
    assert store.in_doubt(range(1, 21)) == set()
    assert "no cancel leaves until it can be: " in caplog.text
