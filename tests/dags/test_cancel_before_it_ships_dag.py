"""`cancel_before_it_ships`: the orders it cancels, and Airflow's part when a deadline is missed.

`dag.test()` makes runs that are never queued, and so have no deadline; it fails for a DAG that has
one (apache/airflow#73428). So the run that cancels is one of the DAG without its deadline. Others
are only queued, as the REST API does it, and Airflow's own code handles the miss and sends the
mail. That the scheduler notices by itself is in `tests/scheduler/test_deadline.py`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from dag_runs import DagFolder, RunDag
from mail_server import MailServer, text_of

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.airflow_db

DAG_ID = "cancel_before_it_ships"
FIRST = 6750001


@pytest.fixture
def orders(oms: EmulatorProcess, tmp_path: Path) -> str:
    """Give a file of two open orders."""
    oms.load_orders([{"orderID": FIRST}, {"orderID": FIRST + 1}])
    path = tmp_path / "orders.csv"
    path.write_text(f"order_id\n{FIRST}\n{FIRST + 1}\n", encoding="utf-8")
    return str(path)


@pytest.mark.needs("no deadline alerts")
def test_without_deadline_alerts_it_cancels_and_says_what_is_missing(
    oms: EmulatorProcess, run_dag: RunDag, orders: str
) -> None:
    run = run_dag(DAG_ID, orders_path=orders)
    assert run.state == "success"
    assert run.states == {"cancel": ["success"], "deadline_alert": ["skipped"]}
    assert run.results["cancel"][0]["outcomes"] == {"canceled": 2}
    assert "This Airflow has no deadline alerts (3.1 has)" in run.log


@pytest.mark.needs("deadline alerts")
def test_with_them_it_cancels_the_same(
    oms: EmulatorProcess,
    run_dag: RunDag,
    example_dags: DagFolder,
    orders: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dag = example_dags.read(DAG_ID)
    dag.deadline = None
    monkeypatch.setattr(example_dags, "read", lambda dag_id: {DAG_ID: dag}[dag_id])
    run = run_dag(DAG_ID, orders_path=orders)
    assert run.state == "success"
    assert run.states == {"cancel": ["success"]}
    assert run.results["cancel"][0]["outcomes"] == {"canceled": 2}


@pytest.mark.needs("deadline alerts")
def test_every_run_has_half_an_hour_from_when_it_is_queued(example_dags: DagFolder) -> None:
    (alert,) = example_dags.read(DAG_ID).deadline
    assert type(alert.reference).__name__ == "DagRunQueuedAtDeadline"
    assert alert.interval == timedelta(minutes=30)


@pytest.mark.needs("deadlines whose callback is a separate row")
class TestAMissedDeadline:
    @pytest.fixture
    def mails(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
        """Give the mail server behind the connection `smtp_default`."""
        with MailServer() as server:
            monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(server.connection))
            yield server

    @pytest.fixture
    def session(self, example_dags: DagFolder) -> Iterator[Any]:
        """Give a session with Airflow's database."""
        with import_module("airflow.utils.session").create_session() as session:
            yield session
            session.rollback()

    def queue(self, session: Any, run_id: str) -> Any:
        """Queue a run, as the REST API does it, and return it."""
        serialized = import_module("airflow.models.serialized_dag").SerializedDagModel
        types = import_module("airflow.utils.types")
        run = serialized.get_dag(DAG_ID, session=session).create_dagrun(
            run_id=run_id,
            run_after=datetime.now(UTC),
            run_type=types.DagRunType.MANUAL,
            triggered_by=types.DagRunTriggeredByType.TEST,
            state=import_module("airflow.utils.state").DagRunState.QUEUED,
            conf={"orders_path": "/orders.csv"},
            session=session,
        )
        session.flush()
        return run

    def deadlines(self, session: Any, run: Any) -> list[Any]:
        kind = import_module("airflow.models.deadline").Deadline
        return list(session.query(kind).filter(kind.dagrun_id == run.id))

    def test_the_mail_names_the_run_and_the_time(self, session: Any, mails: MailServer) -> None:
        run = self.queue(session, "late")
        (deadline,) = self.deadlines(session, run)
        assert deadline.deadline_time - run.queued_at == timedelta(minutes=30)
        deadline.handle_miss(session)
        kind = import_module("airflow.triggers.callback").CallbackTrigger
        trigger = kind(**deadline.callback.trigger.kwargs)

        async def events() -> list[Any]:
            return [event.payload async for event in trigger.run()]

        assert [event["state"] for event in asyncio.run(events())] == ["running", "success"]
        (mail,) = mails.mails
        assert mail["To"] == "oms-on-call@example.com"
        assert mail["Subject"] == f"Orders are not canceled in time ({DAG_ID})"
        text = text_of(mail)
        assert f"The run late of {DAG_ID} was to be done by" in text
        assert "and is queued." in text

    def test_a_run_that_was_green_in_time_has_none_any_more(self, session: Any) -> None:
        run, other = self.queue(session, "in-time"), self.queue(session, "waits")
        run.end_date = datetime.now(UTC)
        model = import_module("airflow.models.dagrun").DagRun
        kind = import_module("airflow.models.deadline").Deadline
        kind.prune_deadlines(session=session, conditions={model.id: run.id})
        assert self.deadlines(session, run) == []
        assert len(self.deadlines(session, other)) == 1
