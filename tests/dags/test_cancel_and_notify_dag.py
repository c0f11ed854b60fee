"""`cancel_and_notify` in Airflow 2, with a real mail server: who is told what, and when.

`dag.test` of Airflow 3 calls no callback of a DAG: `tests/scheduler` has the same for Airflow 3.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from dag_runs import EXAMPLE_DAGS, DagFolder, RunDag
from mail_server import MailServer, text_of

from airflow_provider_oms.emulator.testing import EmulatorProcess
from demo.processes import free_port

pytestmark = [
    pytest.mark.airflow_db,
    pytest.mark.needs("a dag.test() that calls a DAG's callbacks"),
]

DAG_ID = "cancel_and_notify"
FIRST = 6400001
SHIPPED = FIRST + 9
NO_SUCH_ORDER = 5
SHOPPER = {"firstName": "Wilhelmina", "email": "wilhelmina@shopper.example"}


@pytest.fixture
def example_dags(airflow_db: None) -> DagFolder:
    """Load the DAG files again for each test: a notifier renders its templates once, in place.

    Airflow runs each task in a separate process, so only tests see that.
    """
    return DagFolder(EXAMPLE_DAGS)


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    """Give the mail server behind the connection `smtp_default`."""
    with MailServer() as server:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(server.connection))
        yield server


def file_of(directory: Path, *order_ids: int) -> str:
    path = directory / "orders.jsonl"
    path.write_text("".join(f"{order_id}\n" for order_id in order_ids), encoding="utf-8")
    return str(path)


def test_a_mail_names_the_counts_and_the_failed_orders_and_nothing_of_a_shopper(
    oms: EmulatorProcess, run_dag: RunDag, mails: MailServer, tmp_path: Path
) -> None:
    shipped = {"orderID": SHIPPED, "orderState": "SHIPPED", "customer": SHOPPER}
    oms.load_orders([{"orderID": FIRST}, {"orderID": FIRST + 1}, shipped])
    path = file_of(tmp_path, FIRST, FIRST + 1, SHIPPED, NO_SUCH_ORDER)
    run = run_dag(DAG_ID, orders_path=path)
    assert run.state == "failed"
    (mail,) = mails.mails
    assert mail["To"] == "oms-on-call@example.com"
    assert mail["Subject"] == "Orders are not canceled (cancel_and_notify)"
    text = text_of(mail)
    assert "<p>manual__" in text
    assert "<pre>2 of 4 orders did not end as they should.\n2 canceled, 1 " in text
    assert f"\nOrder {SHIPPED} is SHIPPED: not_cancelable\n" in text
    assert f"\nOrder {NO_SUCH_ORDER}: not_found\n" in text
    assert "; a shipped order needs a return" in text
    assert "/dags/cancel_and_notify/" in text or "dag_id=cancel_and_notify" in text
    assert [value for value in SHOPPER.values() if value in mail.as_string()] == []


def test_no_mail_is_sent_when_all_is_canceled(
    oms: EmulatorProcess, run_dag: RunDag, mails: MailServer, tmp_path: Path
) -> None:
    oms.load_orders([{"orderID": FIRST}])
    run = run_dag(DAG_ID, orders_path=file_of(tmp_path, FIRST))
    assert run.state == "success"
    assert mails.mails == []


def test_a_task_that_sent_nothing_is_told_of_without_numbers(
    oms: EmulatorProcess, run_dag: RunDag, mails: MailServer, tmp_path: Path
) -> None:
    run = run_dag(DAG_ID, orders_path=file_of(tmp_path, FIRST, -1))
    assert run.state == "failed"
    (mail,) = mails.mails
    assert "left no summary" in text_of(mail)
    assert oms.requests() == []


def test_a_mail_server_that_is_down_changes_nothing_else(
    oms: EmulatorProcess, run_dag: RunDag, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nobody = {**MailServer().connection, "port": free_port()}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(nobody))
    run = run_dag(DAG_ID, orders_path=file_of(tmp_path, NO_SUCH_ORDER))
    assert run.states["cancel"] == ["failed"]
    assert run.results["cancel"][0]["outcomes"] == {"not_found": 1}
    assert "ConnectionRefusedError" in run.log
