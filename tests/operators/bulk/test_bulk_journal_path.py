"""The journal at journal_path: the next attempt goes on as with Airflow's own store."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import one_attempt
import pytest
from bulk_attempts import FIRST, cancel_posts
from journal_store import Store
from memory_storage import attach_memory
from one_attempt import attempt
from patience import wait_until

from airflow_provider_oms.cancellation.bulk.driver import BulkRun
from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import OmsBulkCancellationError, OmsInvalidInputError
from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator
from airflow_provider_oms.version_compat import NO_TASK_STATE_STORE


def test_the_next_attempt_takes_what_is_canceled_for_final(
    oms: EmulatorProcess, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    attempt(1).run([FIRST, FIRST + 1], journal_path=str(tmp_path))
    oms.clear_requests()
    summary = attempt(2).run([FIRST, FIRST + 1], journal_path=str(tmp_path))
    assert summary["outcomes"] == {"canceled": 2}
    assert oms.requests(call="get") == oms.requests(call="cancel") == []
    assert NO_TASK_STATE_STORE not in caplog.text


@pytest.mark.slow
def test_it_reads_what_is_in_doubt_and_cancels_what_was_never_sent(
    oms: EmulatorProcess, tmp_path: Path
) -> None:
    canceled, in_doubt, never_sent = orders = [FIRST, FIRST + 1, FIRST + 2]
    oms.add_fault("slow", order_id=in_doubt, seconds=30)
    words = [one_attempt.__file__, str(tmp_path), *map(str, orders)]
    process = subprocess.Popen([sys.executable, *words])
    try:
        wait_until(lambda: oms.cancels(in_doubt) == 1, 60, lambda: str(cancel_posts(oms)))
        # The end of the one before is on record within a second.
        wait_until(
            lambda: any(b"canceled:" in one.read_bytes() for one in tmp_path.glob("*/*.json"))
        )
    finally:
        process.kill()
        process.wait()
    assert cancel_posts(oms) == [canceled, in_doubt]
    oms.clear_faults()
    oms.clear_requests()
    summary = attempt(2).run(orders, journal_path=str(tmp_path), max_workers=1)
    assert summary["outcomes"]["canceled"] >= 2
    assert cancel_posts(oms) == [never_sent]
    reads = {request["order_id"] for request in oms.requests(call="get")}
    assert in_doubt in reads
    assert canceled not in reads


@pytest.mark.slow
def test_an_attempt_that_another_one_has_taken_over_from_ends_by_itself(
    oms: EmulatorProcess, tmp_path: Path
) -> None:
    orders = [FIRST + number for number in range(8)]
    oms.add_fault("slow", call="cancel", seconds=1)
    words = [one_attempt.__file__, str(tmp_path), *map(str, orders)]
    with subprocess.Popen([sys.executable, *words], stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: oms.cancels(FIRST) == 1, 60, lambda: str(cancel_posts(oms)))
        attempt(2).run(orders, journal_path=str(tmp_path))
        # Where the journal only fails, a run waits a minute for it.
        _, said = process.communicate(timeout=45)
    assert process.returncode == 1
    assert "another one has taken over" in said
    assert sorted(cancel_posts(oms)) == orders


def test_an_attempt_that_was_taken_over_from_reports_nothing(
    oms: EmulatorProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain_run = BulkRun.run

    def run_and_lose_the_task(run: BulkRun) -> None:
        plain_run(run)
        monkeypatch.setattr(BulkRun, "run", plain_run)
        attempt(2).run([FIRST], journal_path=str(tmp_path))

    monkeypatch.setattr(BulkRun, "run", run_and_lose_the_task)
    first = attempt(1)
    failure = first.fail([FIRST], journal_path=str(tmp_path))
    assert "another one has taken over" in str(failure)
    assert "return_value" not in first.pushed
    assert cancel_posts(oms) == [FIRST]


def test_it_is_kept_there_on_every_airflow(oms: EmulatorProcess, tmp_path: Path) -> None:
    store = Store()
    attempt(1, store=store).run([FIRST], journal_path=str(tmp_path))
    assert store == {}
    assert len([*tmp_path.iterdir()]) == 1


def test_a_dry_run_keeps_none(oms: EmulatorProcess, tmp_path: Path) -> None:
    attempt(1).run([FIRST], journal_path=str(tmp_path), dry_run=True)
    assert [*tmp_path.iterdir()] == []


def test_a_storage_that_cannot_fence_off_an_older_attempt_is_refused(
    oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach_memory(monkeypatch)
    with pytest.raises(OmsInvalidInputError, match="journal_path must be in S3"):
        attempt(1).run([FIRST], journal_path="memory://journals")
    assert cancel_posts(oms) == []


def test_a_storage_that_fails_sends_nothing_and_is_tried_again(
    oms: EmulatorProcess, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "journals"
    with pytest.raises(OmsBulkCancellationError, match=f"The journal in {path} cannot be opened"):
        attempt(1).run([FIRST], journal_path=str(path))
    assert oms.requests(call="cancel") == []


def test_the_claim_names_the_task(oms: EmulatorProcess, tmp_path: Path) -> None:
    attempt(1).run([FIRST], journal_path=str(tmp_path))
    (folder,) = tmp_path.iterdir()
    claim = json.loads((folder / "00000001.json").read_text(encoding="utf-8"))
    assert json.loads(claim["task"]) == ["dag", "run", "cancel", -1]
    assert claim["attempt"] == 1


def test_it_is_a_template() -> None:
    assert "journal_path" in OmsBulkCancelOrdersOperator.template_fields
