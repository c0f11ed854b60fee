"""A deadline under a real scheduler and triggerer: who is told of a run that is late."""

from __future__ import annotations

from pathlib import Path

import pytest
from mail_server import MailServer, text_of
from patience import wait_until
from standalone import Standalone, TaskInRun

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = [pytest.mark.airflow_db, pytest.mark.slow, pytest.mark.needs("deadline alerts")]

FIRST = 35_000_001


def start(airflow: Standalone, directory: Path, order_id: int) -> TaskInRun:
    """Let `cancel_before_it_ships` cancel an order."""
    orders = directory / f"{order_id}.csv"
    orders.write_text(f"order_id\n{order_id}\n", encoding="utf-8")
    conf = {"orders_path": str(orders)}
    return airflow.trigger("cancel_before_it_ships", conf, task_id="cancel")


def test_a_mail_comes_for_runs_that_are_not_green_in_time_and_for_no_other(
    airflow: Standalone, tenant: EmulatorProcess, mail_server: MailServer, tmp_path: Path
) -> None:
    mail_server.mails.clear()
    shipped = {"orderID": FIRST + 2, "orderState": "SHIPPED", "orderStatus": "SHIPPED"}
    tenant.load_orders([{"orderID": FIRST}, {"orderID": FIRST + 1}, shipped])
    in_time = start(airflow, tmp_path, FIRST)
    assert in_time.wait_for_end()["state"] == "success"
    tenant.add_fault("hang", order_id=FIRST + 1, seconds=180, acts=True)
    hangs, fails = start(airflow, tmp_path, FIRST + 1), start(airflow, tmp_path, FIRST + 2)
    # In the copy of the DAG that is run here, the deadline is a minute after a run was queued.
    wait_until(lambda: len(mail_server.mails) >= 2)
    # The run that hangs is still under way; the one that failed is told of at its deadline, too.
    assert hangs.now()["state"] == "running"
    assert fails.now()["state"] == "failed"
    tenant.clear_faults()
    told = sorted(text_of(mail) for mail in mail_server.mails)
    assert len(told) == 2
    for run, state in ((hangs, "running"), (fails, "failed")):
        (text,) = [one for one in told if run.run_id in one]
        assert f"and is {state}." in text
    assert not any(in_time.run_id in one for one in told)
