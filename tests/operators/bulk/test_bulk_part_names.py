"""Parts of native orders that a set names by a number or an external id, over sockets."""

from __future__ import annotations

from typing import Any

import pytest
from bulk_attempts import Attempt
from dag_runs import connect
from emulator_client import SPLIT
from journal_store import Store
from persons import Person, answer, ask, go_on

from airflow_provider_oms.emulator.testing import EmulatorProcess

OPTIONS = {"send_notifications": False}
PARTS: dict[str, Any] = {"part_options": OPTIONS}
NUMBER = "number:1008"


@pytest.fixture
def native(oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> EmulatorProcess:
    named = {"externalId": "SHOP-8", "orderNumber": 1008}
    oms.load_orders([{"orderID": 8, "parts": SPLIT, "native": named}])
    extra = {"api": "native", "check_reasons": "off", "settle_seconds": 0.3}
    connect(monkeypatch, oms, extra=extra)
    return oms


def canceled(oms: EmulatorProcess) -> dict[int, int]:
    return {number: line["canceled"] for number, line in oms.parts(8)["lines"].items()}


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Person:
    from airflow.sdk.execution_time import task_runner  # noqa: PLC0415 - Airflow 3 only

    person = Person()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", person, raising=False)
    return person


@pytest.mark.needs("a step that waits for a person")
@pytest.mark.parametrize("name", [NUMBER, "external_id:SHOP-8"])
def test_the_parts_of_an_order_may_be_approved_by_another_name_of_it(
    native: EmulatorProcess, person: Person, name: str
) -> None:
    attempt = Attempt(Store())
    given: dict[str, Any] = {"approve_above": 0, **PARTS}
    # In two shipments, so that two calls cancel it.
    entry = {"order_id": name, "line": 1, "keep_quantity": 0}
    pause = ask(attempt, [entry], **given)
    assert native.native_id(8) in person.body
    summary = go_on(attempt, pause, answer("Approve"), [entry], **given)
    assert summary["outcomes"] == {"canceled": 1}
    assert canceled(native) == {1: 3, 2: 0}
    (row,) = attempt.pushed["results"]
    assert row["looked_up_id"] == native.native_id(8)
