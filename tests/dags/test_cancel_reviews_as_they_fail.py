"""The snippet that watches a native tenant, in real Airflow: from the trigger to the cancel.

The triggerer's part is played here: it runs the trigger that Airflow has stored for the asset, and
hands each event to Airflow's own code.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from dag_runs import DagFolder, Run, connect
from sqlalchemy import select

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = [pytest.mark.airflow_db, pytest.mark.needs("asset watchers")]

SNIPPET = Path(__file__).resolve().parents[2] / "docs/snippets/cancel_reviews_as_they_fail.py"
DAG_ID = SNIPPET.stem
TRIGGER = "airflow_provider_oms.triggers.review.OmsOrdersInReviewTrigger"
FIRST = 6_950_001
FAILED = {"status": "PendingReview", "validationResults": [{"status": "Fail"}]}


@pytest.fixture
def run(
    oms: EmulatorProcess,
    monkeypatch: pytest.MonkeyPatch,
    airflow_db: None,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> Callable[[], Run]:
    connect(monkeypatch, oms, extra={"api": "native"})
    oms.clear_orders()
    (tmp_path / SNIPPET.name).write_text(SNIPPET.read_text(encoding="utf-8"), encoding="utf-8")
    DagFolder(tmp_path)
    # Airflow 3.0 stores a watcher when it reads the file a second time, as all of them do in turn.
    folder = DagFolder(tmp_path)
    assert folder.import_errors == {}
    return lambda: folder.run(DAG_ID, None, lambda: capfd.readouterr().out)


def watch(number: int) -> list[dict[str, Any]]:
    """Take events of the stored trigger, as the triggerer does, and return their payloads."""
    model = import_module("airflow.models.trigger").Trigger
    with import_module("airflow.settings").Session() as session:
        (stored,) = session.scalars(select(model).where(model.classpath == TRIGGER))
        module, _, name = stored.classpath.rpartition(".")
        trigger = getattr(import_module(module), name)(**stored.kwargs)
        taken = asyncio.run(take(trigger, number))
        for event in taken:
            model.submit_event(stored.id, event, session=session)
        session.commit()
    return [event.payload for event in taken]


async def take(trigger: Any, number: int) -> list[Any]:
    events = trigger.run()
    taken = [await asyncio.wait_for(anext(events), 30) for _ in range(number)]
    await events.aclose()
    return taken


def test_orders_that_are_held_for_a_failed_check_are_canceled_once(
    oms: EmulatorProcess, run: Callable[[], Run]
) -> None:
    assert run().state == "success"
    passed = {**FAILED, "validationResults": [{"status": "Pass"}]}
    natives = [FAILED, FAILED, passed]
    oms.load_orders({"orderID": FIRST + at, "native": one} for at, one in enumerate(natives))
    payloads = watch(3)
    assert sorted(one["orderNumber"] - FIRST for one in payloads) == [0, 1, 2]
    assert "email" not in json.dumps(payloads)
    # It is accepted while its event is on the way.
    oms.load_orders([{"orderID": FIRST + 1, "native": {"status": "Accepted"}}])
    # Its end is reported once, for a person to see.
    assert run().state == "failed"
    assert [oms.cancels(FIRST + at) for at in range(3)] == [1, 0, 0]
    again = run()
    assert again.state == "success"
    assert again.results["cancel"][0]["orders"] == 0
    assert [oms.cancels(FIRST + at) for at in range(3)] == [1, 0, 0]
