"""Parts of native orders that a set names by a number or an external id, over sockets."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from bulk_attempts import Attempt
from dag_runs import connect
from emulator_client import SPLIT
from journal_store import Store
from one_attempt import attempt as attempt_of_task
from persons import Person, answer, ask, go_on

from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import (
    OmsBulkCancellationError,
    OmsPartsCancellationRefusedError,
)
from airflow_provider_oms.hooks.oms import OmsHook

OPTIONS = {"send_notifications": False}
PARTS: dict[str, Any] = {"part_options": OPTIONS}
NUMBER = "number:1008"
NATIVE = {"api": "native", "check_reasons": "off", "settle_seconds": 0.3}


@pytest.fixture
def native(oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> EmulatorProcess:
    named = {"externalId": "SHOP-8", "orderNumber": 1008}
    oms.load_orders([{"orderID": 8, "parts": SPLIT, "native": named}])
    connect(monkeypatch, oms, extra=NATIVE)
    return oms


def canceled(oms: EmulatorProcess) -> dict[int, int]:
    return {number: line["canceled"] for number, line in oms.parts(8)["lines"].items()}


@pytest.mark.slow
@pytest.mark.parametrize("is_by_id_first", [True, False])
def test_of_two_names_of_an_order_the_second_cancels_no_part(
    native: EmulatorProcess, is_by_id_first: bool
) -> None:
    names = [native.native_id(8), NUMBER]
    first, second = names if is_by_id_first else names[::-1]
    wish = {"line": 1, "quantity": 1}
    attempt = Attempt(Store())
    attempt.fail([{"order_id": one, **wish} for one in (first, second)], **PARTS)
    outcomes = {row["order_id"]: row["outcome"] for row in attempt.pushed["results"]}
    assert outcomes == {first: "canceled", second: "refused"}
    assert canceled(native) == {1: 1, 2: 0}


@pytest.mark.slow
@pytest.mark.parametrize("is_by_id_first", [True, False])
@pytest.mark.parametrize("is_in_turn", [True, False])
def test_a_later_attempt_knows_the_first_name(
    native: EmulatorProcess, is_by_id_first: bool, is_in_turn: bool
) -> None:
    names = [native.native_id(8), NUMBER]
    first, second = names if is_by_id_first else names[::-1]
    wish = {"line": 1, "quantity": 1}
    store = Store()
    entries = [{"order_id": one, **wish} for one in (first, second)]
    attempt_of_task(1, store).fail(entries, **PARTS)
    later = attempt_of_task(2, store)
    later.fail(entries if is_in_turn else entries[::-1], **PARTS)
    outcomes = {row["order_id"]: row["outcome"] for row in later.pushed["results"]}
    assert outcomes == {first: "canceled", second: "refused"}
    assert canceled(native) == {1: 1, 2: 0}


def test_of_an_order_that_is_canceled_by_another_name_no_part_is(native: EmulatorProcess) -> None:
    # Such an order may be open for a time.
    native.add_fault("status", call="cancel", status=400, order_id=8)
    attempt = Attempt(Store())
    attempt.fail([{"order_id": native.native_id(8), "line": 1}, NUMBER], **PARTS)
    outcomes = [row["outcome"] for row in attempt.pushed["results"]]
    assert outcomes == ["refused", "refused"]
    assert native.requests(call="cancel_items") == []


def test_a_dry_run_counts_the_parts_of_an_order_under_its_first_name_alone(
    native: EmulatorProcess,
) -> None:
    entries = [{"order_id": one, "line": 1} for one in (NUMBER, native.native_id(8))]
    attempt = Attempt(Store())
    attempt.fail(entries, dry_run=True, **PARTS)
    (row, other) = attempt.pushed["results"]
    assert (row["outcome"], other["outcome"]) == ("would_cancel", "refused")


def test_what_a_dry_run_has_shown_by_one_name_may_be_canceled_by_another(
    native: EmulatorProcess,
) -> None:
    hook = OmsHook()
    given: dict[str, Any] = {**OPTIONS, "attempt": 1}
    shown = hook.cancel_items(NUMBER, [1], "no_inventory", dry_run=True, **given)
    assert shown.looked_up_id == native.native_id(8)
    hook.cancel_items(shown.looked_up_id, [1], "no_inventory", **given)
    assert canceled(native) == {1: 3, 2: 0}
    with pytest.raises(OmsPartsCancellationRefusedError) as error:
        hook.cancel_items(NUMBER, [2], "no_inventory", allow_whole_order=True, **given)
    says = f"It is the same order as {shown.looked_up_id}, and is canceled under that name"
    assert f"{says}. Name the order once." in str(error.value)
    assert canceled(native) == {1: 3, 2: 0}


@pytest.mark.parametrize(
    ("entry", "given", "outcome"),
    [
        ({"line": 1}, {"dry_run": True}, "would_cancel"),
        ({"line": 9}, {}, "not_found"),
        ({"line": 1}, {"only_if_states": ["Pending"]}, "not_cancelable"),
        ({"line": 1, "keep_quantity": 3}, {}, "already_canceled"),
    ],
)
def test_where_no_cancel_is_sent_the_read_is_named(
    native: EmulatorProcess, entry: Any, given: Any, outcome: str
) -> None:
    attempt = Attempt(Store())
    with contextlib.suppress(OmsBulkCancellationError):
        attempt.run([{"order_id": NUMBER, **entry}], **PARTS, **given)
    (row,) = attempt.pushed["results"]
    assert (row["outcome"], row["looked_up_id"]) == (outcome, native.native_id(8))
    assert all(part["correlation_id"] for part in row["parts"])


@pytest.mark.slow
def test_an_order_that_was_found_and_cannot_be_read_has_its_id(
    native: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other tokens are tried until then.
    connect(monkeypatch, native, extra={**NATIVE, "deadline": 6})
    native.add_fault("status", call="get", status=403, order_id=8)
    attempt = Attempt(Store())
    attempt.fail([{"order_id": NUMBER, "line": 1}], **PARTS)
    (row,) = attempt.pushed["results"]
    assert (row["outcome"], row["looked_up_id"]) == ("forbidden", native.native_id(8))
    assert row["parts"][0]["correlation_id"]


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Person:
    from airflow.sdk.execution_time import task_runner  # noqa: PLC0415 - Airflow 3 only

    person = Person()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", person, raising=False)
    return person


@pytest.mark.slow
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
