"""A set of whole orders and of parts of orders, over sockets, on a tenant of either API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bulk_attempts import FIRST, Attempt, cancel_posts, rows
from dag_runs import connect
from emulator_client import SPLIT, SPLIT_ITEMS, SPLIT_SHIPMENTS
from journal_store import Store
from one_attempt import attempt as attempt_of_task
from persons import Person, answer, ask, go_on

from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import (
    OmsApprovalError,
    OmsBulkCancellationRefusedError,
    OmsInvalidInputError,
)

can_ask = pytest.mark.needs("a step that waits for a person")
ITEM = {"disposition_reason": "no_inventory"}
OPTIONS = {"send_notifications": False}
NATIVE = {"api": "native", "check_reasons": "off", "settle_seconds": 0.3}


@pytest.fixture
def tenant_with_parts(oms: EmulatorProcess) -> EmulatorProcess:
    oms.load_orders([{"orderID": 8, "parts": SPLIT}, {"orderID": 9, "parts": {"lines": [2, 4]}}])
    return oms


@pytest.fixture
def native(tenant_with_parts: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> EmulatorProcess:
    connect(monkeypatch, tenant_with_parts, extra=NATIVE)
    return tenant_with_parts


def canceled(oms: EmulatorProcess, order: int) -> dict[int, int]:
    return {number: line["canceled"] for number, line in oms.parts(order)["lines"].items()}


class TestTranslated:
    def test_whole_orders_and_lines_are_one_set(self, tenant_with_parts: EmulatorProcess) -> None:
        oms = tenant_with_parts
        attempt = Attempt(Store())
        orders = [FIRST, {"order_id": 8, "line": SPLIT_ITEMS[1], **ITEM}, FIRST + 1]
        summary = attempt.run(orders, part_options=OPTIONS)
        assert (summary["orders"], summary["outcomes"]) == (3, {"canceled": 3})
        assert cancel_posts(oms) == [FIRST, FIRST + 1]
        assert canceled(oms, 8) == {1: 0, 2: 2}
        whole, _, in_part = attempt.pushed["results"]
        assert "parts" not in whole
        assert in_part["order_id"] == 8
        assert [(part["lines"][0]["line"], part["outcome"]) for part in in_part["parts"]] == [
            (SPLIT_ITEMS[1], "canceled")
        ]

    def test_a_shipment_needs_no_word_about_the_shopper(
        self, tenant_with_parts: EmulatorProcess
    ) -> None:
        orders = [{"order_id": 8, "shipment": SPLIT_SHIPMENTS[0]}]
        assert Attempt(Store()).run(orders, part_options={})["outcomes"] == {"canceled": 1}
        assert canceled(tenant_with_parts, 8) == {1: 2, 2: 0}

    def test_lines_and_a_shipment_are_told_what_each_can_be_told(
        self, tenant_with_parts: EmulatorProcess
    ) -> None:
        other = tenant_with_parts.parts(9)["lines"][1]["orderItemID"]
        orders = [
            {"order_id": 8, "shipment": SPLIT_SHIPMENTS[0]},
            {"order_id": 9, "line": other, **ITEM},
        ]
        summary = Attempt(Store()).run(orders, part_options=json.dumps(OPTIONS))
        assert summary["outcomes"] == {"canceled": 2}


class TestBeforeAnythingIsSent:
    @pytest.mark.parametrize(
        ("entries", "options", "says"),
        [
            ([{"order_id": 8, "line": SPLIT_ITEMS[0]}], None, "part_options must be given"),
            ([{"order_id": 8, "line": SPLIT_ITEMS[0]}], {}, "send_notifications must be"),
            ([FIRST], {"send_notification": True}, "part_options must be a dict"),
            ([{"order_id": FIRST}], OPTIONS, "the entry has none of items, shipment and line"),
            ([FIRST], "no JSON", "part_options must be a dict"),
            ([FIRST], {"allow_whole_order": "perhaps"}, "allow_whole_order"),
            (
                [{"order_id": 8, "line": SPLIT_ITEMS[0]}],
                {**OPTIONS, "cancel_child_items": True},
                "allow_whole_order=True",
            ),
            ([{"order_id": 8, "line": SPLIT_ITEMS[0]}, 8], OPTIONS, "cannot be used"),
        ],
    )
    def test_what_is_missing_is_named(
        self, tenant_with_parts: EmulatorProcess, entries: Any, options: Any, says: str
    ) -> None:
        given = [{**one, **ITEM} if isinstance(one, dict) else one for one in entries]
        with pytest.raises(OmsInvalidInputError, match=says):
            Attempt(Store()).run(given, part_options=options)
        assert tenant_with_parts.requests() == []

    def test_one_order_too_many_refuses_the_set(self, tenant_with_parts: EmulatorProcess) -> None:
        entries = [FIRST, {"order_id": 8, "line": SPLIT_ITEMS[0], **ITEM}]
        with pytest.raises(OmsInvalidInputError, match="max_orders"):
            Attempt(Store()).run(entries, part_options=OPTIONS, max_orders=1)

    def test_a_column_that_is_almost_one_of_a_line_refuses_the_set(
        self, tenant_with_parts: EmulatorProcess, tmp_path: Path
    ) -> None:
        feed = tmp_path / "feed.csv"
        feed.write_text(f"Order,Line\n8,{SPLIT_ITEMS[0]}\n", encoding="utf-8")
        given: Any = {"orders_path": str(feed), "order_id_column": "Order"}
        with pytest.raises(OmsInvalidInputError, match="and line does"):
            Attempt(Store()).run(part_options=OPTIONS, **given)
        assert tenant_with_parts.requests() == []


class TestNative:
    @pytest.mark.slow
    def test_a_flat_feed_of_lines(self, native: EmulatorProcess, tmp_path: Path) -> None:
        feed, results = tmp_path / "feed.csv", tmp_path / "results.jsonl"
        eight, nine = native.native_id(8), native.native_id(9)
        feed.write_text(
            f"order_id,line,keep_quantity\n{eight},1,1\n{nine},1,0\n{eight},2,1\n",
            encoding="utf-8",
        )
        given: dict[str, Any] = {
            "orders_path": str(feed),
            "part_options": OPTIONS,
            "results_path": str(results),
        }
        for outcome in ("canceled", "already_canceled"):
            # The feed comes again.
            assert Attempt(Store()).run(**given)["outcomes"] == {outcome: 2}
            assert canceled(native, 8) == {1: 2, 2: 1}
            assert canceled(native, 9) == {1: 2, 2: 0}
        written = {row["order_id"]: row for row in rows(results)}
        assert [part["outcome"] for part in written[eight]["parts"]] == ["already_canceled"] * 2
        assert written[eight]["disposition_reason"] == "created_by_mistake"

    @pytest.mark.parametrize("is_in_a_folder", [False, True])
    def test_a_later_attempt_cancels_no_quantity_again(
        self, native: EmulatorProcess, tmp_path: Path, is_in_a_folder: bool
    ) -> None:
        store, entry = Store(), {"order_id": native.native_id(8), "line": 1, "quantity": 1}
        number = native.native_id(FIRST)
        given: dict[str, Any] = {"part_options": OPTIONS}
        if is_in_a_folder:
            given["journal_path"] = str(tmp_path)
        for each in (1, 2):
            task = attempt_of_task(each, None if is_in_a_folder else store)
            assert task.run([number, entry], **given)["outcomes"] == {"canceled": 2}
        assert canceled(native, 8)[1] == 1
        (_, row) = task.pushed["results"]
        assert row["parts"][0]["outcome"] == "canceled"

    def test_a_line_that_is_not_there_holds_back_those_of_its_order(
        self, native: EmulatorProcess
    ) -> None:
        name = native.native_id(8)
        attempt = Attempt(Store())
        items = [{"line": 1, "quantity": 1}, {"line": 9}]
        error = attempt.fail([{"order_id": name, "items": items}], part_options=OPTIONS)
        assert "not_found" in str(error)
        (row,) = attempt.pushed["results"]
        assert [part["outcome"] for part in row["parts"]] == ["not_attempted", "not_found"]
        page = attempt.pushed["oms_orders"]
        assert page["outcomes"] == {"not_found": 1}

    @pytest.mark.slow
    def test_what_is_canceled_in_part_fails_the_task_and_the_next_attempt_goes_on(
        self, native: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Other tokens are tried until then.
        connect(monkeypatch, native, extra={**NATIVE, "deadline": 6})
        store, entry = Store(), {"order_id": native.native_id(8), "line": 1, "quantity": 3}
        # The line is in two shipments, so that two calls cancel it.
        native.add_fault("status", call="cancel_items", status=401, skip=1)
        attempt = Attempt(store)
        error = attempt.fail([entry], part_options=OPTIONS)
        assert "1 partially_canceled" in str(error)
        assert attempt.pushed["return_value"]["outcomes"] == {"partially_canceled": 1}
        native.clear_faults()
        summary = Attempt(store, number=2).run([entry], part_options=OPTIONS)
        assert summary["outcomes"] == {"canceled": 1}
        assert canceled(native, 8) == {1: 3, 2: 0}

    def test_a_dry_run_shows_the_lines(self, native: EmulatorProcess) -> None:
        attempt = Attempt(Store())
        entry = {"order_id": native.native_id(8), "items": [{"line": 1, "keep_quantity": 0}]}
        summary = attempt.run([entry], part_options=OPTIONS, dry_run=True)
        assert summary["outcomes"] == {"would_cancel": 1}
        (row,) = attempt.pushed["results"]
        assert {part["outcome"] for part in row["parts"]} == {"would_cancel"}
        assert canceled(native, 8) == {1: 0, 2: 0}


@can_ask
class TestAPersonDecides:
    @pytest.fixture
    def person(self, monkeypatch: pytest.MonkeyPatch) -> Person:
        from airflow.sdk.execution_time import task_runner  # noqa: PLC0415 - Airflow 3 only

        person = Person()
        monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", person, raising=False)
        return person

    def test_the_lines_are_shown_and_an_answer_is_about_them(
        self, native: EmulatorProcess, person: Person
    ) -> None:
        name = native.native_id(8)
        attempt = Attempt(Store())
        given: dict[str, Any] = {"approve_above": 0, "part_options": OPTIONS}
        entry = {"order_id": name, "line": 1, "keep_quantity": 1}
        pause = ask(attempt, [entry], **given)
        assert "Of 1 of them, only parts are canceled" in person.body
        assert f"{name} (only line 1 but 1)" in person.body
        with pytest.raises(OmsApprovalError):
            go_on(attempt, pause, answer("Approve"), [{**entry, "keep_quantity": 0}], **given)
        assert canceled(native, 8) == {1: 0, 2: 0}
        summary = go_on(attempt, pause, answer("Approve"), [entry], **given)
        assert summary["outcomes"] == {"canceled": 1}
        assert canceled(native, 8) == {1: 2, 2: 0}


def test_outcomes_of_parts_are_not_accepted(tenant_with_parts: EmulatorProcess) -> None:
    orders = [{"order_id": 8, "line": SPLIT_ITEMS[0], **ITEM}]
    with pytest.raises(OmsInvalidInputError, match="accepted_outcomes must be left out"):
        Attempt(Store()).run(orders, part_options=OPTIONS, accepted_outcomes=["not_found"])
    assert canceled(tenant_with_parts, 8) == {1: 0, 2: 0}


def test_the_advice_about_parts_is_in_their_reasons(tenant_with_parts: EmulatorProcess) -> None:
    orders = [{"order_id": 8, "items": [*SPLIT_ITEMS], **ITEM}]
    with pytest.raises(OmsBulkCancellationRefusedError, match=r"Correct the cause of each"):
        (attempt := Attempt(Store())).run(orders, part_options=OPTIONS)
    text = attempt.pushed["return_value"]["text"]
    assert "not_cancelable, of parts: the reason of each part in the task's log" in text
    assert "return" not in text
