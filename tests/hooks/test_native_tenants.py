"""The hook, the operators and the sensor on a native tenant: the same tasks, other names."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from bulk_attempts import Attempt, rows
from dag_runs import connect

from airflow_provider_oms.cancellation.bulk.driver import BulkRun
from airflow_provider_oms.cancellation.bulk.limits import Limits
from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import (
    OmsCancellationRefusedError,
    OmsInvalidInputError,
)
from airflow_provider_oms.hooks.oms import OmsHook
from airflow_provider_oms.operators.oms import OmsCancelOrderOperator
from airflow_provider_oms.sensors.oms import OmsOrderStateSensor

NUMBER, EXTERNAL = "number", "external_id"


@pytest.fixture
def oms(emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> EmulatorProcess:
    """Give a native tenant with ten orders, numbered from 1001 and from SO-1."""
    emulator.clear()
    emulator.load_orders(
        {"orderID": n, "native": {"orderNumber": 1000 + n, "externalId": f"SO-{n}"}}
        for n in range(1, 11)
    )
    to_native(emulator, monkeypatch)
    monkeypatch.setenv("AIRFLOW_CTX_TRY_NUMBER", "1")
    return emulator


def to_native(tenant: EmulatorProcess, monkeypatch: pytest.MonkeyPatch, **extra: Any) -> None:
    fields = {"api": "native", "settle_seconds": 0.5, "deadline": 10, **extra}
    connect(monkeypatch, tenant, extra=fields)


def cancel(hook: OmsHook, order_id: Any, reason: str = "NoInventory", **more: Any) -> Any:
    return hook.cancel_order(order_id, reason, **more)


def notes(oms: EmulatorProcess) -> list[int]:
    return [one["order_id"] for one in oms.requests(call="notes", method="POST")]


class TestNames:
    @pytest.mark.parametrize("write", [str, str.upper, lambda one: f"{one[:8]}-{one[8:]}"])
    def test_an_id_in_any_form(self, oms: EmulatorProcess, write: Any) -> None:
        result = cancel(OmsHook(), write(oms.native_id(1)))
        assert (result.outcome, result.order_id) == ("canceled", oms.native_id(1))
        assert result.looked_up_id is None
        assert oms.cancels(1) == 1

    @pytest.mark.parametrize(
        ("key", "value"), [(NUMBER, 1002), (NUMBER, "1002"), (EXTERNAL, "SO-2")]
    )
    def test_another_key_is_looked_up(self, oms: EmulatorProcess, key: str, value: Any) -> None:
        result = cancel(OmsHook(), value, order_key=key)
        assert (result.outcome, result.order_id) == ("canceled", f"{key}:{value}")
        assert result.looked_up_id == oms.native_id(2)
        assert OmsHook().get_order(str(result.order_id)).order_id == oms.native_id(2)
        assert [oms.cancels(n) for n in range(1, 11)] == [0, 1, *[0] * 8]

    @pytest.mark.parametrize(
        ("given", "key"),
        [(1002, None), ("1002", None), ("SO 2", EXTERNAL), ("SO-2' or 1 eq 1", EXTERNAL),
         (-1, NUMBER), (2**31, NUMBER), ("SO-2", "sku"), (1002, EXTERNAL), (None, EXTERNAL),
         ("None", EXTERNAL)],
    )  # fmt: skip
    def test_what_is_no_name_is_refused_before_anything_is_sent(
        self, oms: EmulatorProcess, given: Any, key: str | None
    ) -> None:
        with pytest.raises(OmsInvalidInputError, match="Nothing was sent"):
            cancel(OmsHook(), given, order_key=key)
        assert oms.requests() == []

    @pytest.mark.slow
    @pytest.mark.parametrize("key", [NUMBER, EXTERNAL])
    def test_a_name_that_no_order_has_is_not_found(self, oms: EmulatorProcess, key: str) -> None:
        with pytest.raises(OmsCancellationRefusedError, match="not_found"):
            cancel(OmsHook(), "999", order_key=key)
        assert oms.requests(call="cancel") == []

    @pytest.mark.slow
    def test_an_order_that_was_placed_a_moment_ago_is_found_when_the_search_shows_it(
        self, oms: EmulatorProcess
    ) -> None:
        oms.settings(search_lag=0.3)
        oms.load_orders([{"orderID": 12, "native": {"externalId": "SO-12"}}])
        assert cancel(OmsHook(), "SO-12", order_key=EXTERNAL).outcome == "canceled"
        assert oms.cancels(12) == 1

    def test_a_name_that_several_have_is_refused(self, oms: EmulatorProcess) -> None:
        oms.load_orders([{"orderID": 11, "native": {"externalId": "SO-1"}}])
        with pytest.raises(OmsCancellationRefusedError, match="2 orders have externalId SO-1"):
            cancel(OmsHook(), "SO-1", order_key=EXTERNAL)
        assert oms.requests(call="cancel") == []

    def test_another_key_has_no_meaning_on_a_translated_tenant(
        self, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        to_native(oms, monkeypatch, api="translated")
        with pytest.raises(OmsInvalidInputError, match="order_key must be id"):
            OmsHook().cancel_order(1, "created_by_mistake", order_key=NUMBER)
        with pytest.raises(OmsInvalidInputError, match="note must be left out"):
            OmsHook().cancel_order(1, "created_by_mistake", note="by run 1")
        assert oms.requests() == []


class TestOneOrderWithTwoNames:
    def test_it_is_canceled_once_and_the_other_name_is_refused(self, oms: EmulatorProcess) -> None:
        attempt = Attempt()
        entries = [
            {"order_id": oms.native_id(1), "order_key": "id"},
            1001,
            {"order_id": "SO-1", "order_key": EXTERNAL},
        ]
        failure = attempt.fail(entries, order_key=NUMBER, disposition_reason="Fraud")
        assert "2 refused" in str(failure)
        assert oms.cancels(1) == 1


class TestReasons:
    def test_a_list_that_the_tenant_will_not_show_ends_the_task_where_it_is_needed(
        self, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        to_native(oms, monkeypatch, check_reasons="refuse")
        oms.add_fault("status", call="reasons", status=403)
        try:
            with pytest.raises(OmsInvalidInputError, match=r"\S\. Nothing was sent\.$"):
                cancel(OmsHook(), oms.native_id(1))
        finally:
            oms.clear_faults()
        assert oms.requests(call="cancel") == []

    @pytest.mark.parametrize(
        ("reason", "explanation", "said"),
        [("Lost", None, "'Lost' is not a reason"), ("Other", None, "'Other' needs a")],
    )
    def test_what_the_tenant_does_not_list_is_refused_where_that_is_wanted(
        self,
        oms: EmulatorProcess,
        monkeypatch: pytest.MonkeyPatch,
        reason: str,
        explanation: str | None,
        said: str,
    ) -> None:
        to_native(oms, monkeypatch, check_reasons="refuse")
        with pytest.raises(OmsInvalidInputError, match=said):
            cancel(OmsHook(), oms.native_id(1), reason, disposition_other_reason=explanation)
        assert oms.requests(call="cancel") == []

    def test_by_default_it_is_said_and_sent(
        self,
        oms: EmulatorProcess,
        caplog: pytest.LogCaptureFixture,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        with caplog.at_level(logging.WARNING):
            assert cancel(OmsHook(), oms.native_id(1), "Lost").outcome == "canceled"
        # Where Airflow's logging ends up differs by its version.
        said = caplog.text + capsys.readouterr().out
        assert "'Lost' is not a reason that the tenant lists" in said

    @pytest.mark.parametrize("mode", ["warn", "off"])
    def test_a_list_that_cannot_be_read_is_needed_only_to_refuse(
        self, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch, mode: str
    ) -> None:
        to_native(oms, monkeypatch, check_reasons=mode)
        oms.add_fault("status", call="reasons", status=500)
        try:
            assert cancel(OmsHook(), oms.native_id(1)).outcome == "canceled"
        finally:
            oms.clear_faults()
        assert len(oms.requests(call="reasons")) == (mode == "warn")

    def test_a_word_of_the_tasks_is_sent_as_the_tenants_code(
        self, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        to_native(oms, monkeypatch, reason_codes={"fraud": "Fraud"}, check_reasons="refuse")
        oms.settings(native_unlisted_reason=409)
        assert cancel(OmsHook(), oms.native_id(1), "fraud").outcome == "canceled"


class TestNotes:
    def test_one_is_left_on_an_order_that_was_canceled(self, oms: EmulatorProcess) -> None:
        cancel(OmsHook(), 1003, order_key=NUMBER, note=" Canceled by run 7 ")
        assert notes(oms) == [3]
        assert cancel(OmsHook(), 1003, order_key=NUMBER, note="again").outcome == "already_canceled"
        assert notes(oms) == [3]

    def test_that_it_cannot_be_left_fails_nothing(self, oms: EmulatorProcess) -> None:
        oms.settings(native_note_on_canceled=409)
        result = cancel(OmsHook(), oms.native_id(1), note="Canceled by run 7")
        assert result.outcome == "canceled"
        assert notes(oms) == [1]

    def test_a_longer_one_is_refused_before_anything_is_sent(self, oms: EmulatorProcess) -> None:
        with pytest.raises(OmsInvalidInputError, match="at most 250 characters"):
            cancel(OmsHook(), oms.native_id(1), note="n" * 251)
        assert oms.requests() == []
        assert cancel(OmsHook(), oms.native_id(1), note="n" * 250).outcome == "canceled"
        assert notes(oms) == [1]


class TestTasks:
    def test_the_operator_names_an_order_by_what_it_is_told(self, oms: EmulatorProcess) -> None:
        task = OmsCancelOrderOperator(
            task_id="cancel",
            order_id="SO-4",
            order_key=EXTERNAL,
            disposition_reason="Fraud",
            note="Flagged",
        )
        result = task.execute({"ti": MagicMock(try_number=1)})
        assert (result["order_id"], result["looked_up_id"]) == (
            "external_id:SO-4",
            oms.native_id(4),
        )
        assert (result["outcome"], result["order_state"]) == ("canceled", "Cancelled")
        assert notes(oms) == [4]

    @pytest.mark.slow
    def test_a_set_may_name_each_order_in_its_own_way(
        self, oms: EmulatorProcess, tmp_path: Path
    ) -> None:
        results = tmp_path / "results.jsonl"
        attempt = Attempt()
        entries = [
            1001,
            {"order_id": "SO-2", "order_key": EXTERNAL, "disposition_reason": "Fraud"},
            {"order_id": oms.native_id(3), "order_key": "id"},
            4711,
        ]
        failure = attempt.fail(
            entries, order_key=NUMBER, disposition_reason="NoInventory", note="Batch 1",
            results_path=str(results),
        )  # fmt: skip
        assert "1 not_found" in str(failure)
        assert [oms.cancels(n) for n in (1, 2, 3, 4)] == [1, 1, 1, 0]
        assert sorted(notes(oms)) == [1, 2, 3]
        ended = {
            "number:1001": ("canceled", oms.native_id(1)),
            "external_id:SO-2": ("canceled", oms.native_id(2)),
            oms.native_id(3): ("canceled", None),
            "number:4711": ("not_found", None),
        }
        for kept in (rows(results), attempt.pushed["results"]):
            found = {one["order_id"]: (one["outcome"], one["looked_up_id"]) for one in kept}
            assert found == ended

    def test_a_csv_file_has_a_column_for_it(self, oms: EmulatorProcess, tmp_path: Path) -> None:
        path = tmp_path / "orders.csv"
        path.write_text("order_id,order_key\nSO-5,external_id\n1006,\n", encoding="utf-8")
        summary = Attempt().run(orders_path=str(path), order_key=NUMBER, disposition_reason="Fraud")
        assert summary["outcomes"] == {"canceled": 2}
        assert [oms.cancels(n) for n in (5, 6)] == [1, 1]

    def test_an_export_names_orders_by_the_shops_number(
        self, oms: EmulatorProcess, tmp_path: Path
    ) -> None:
        path = tmp_path / "export.csv"
        path.write_text("Order Number;Decision\nSO-5;Rejected\nSO-6;Approved\n", "utf-8")
        where = {"Decision": {"cancel": ["Rejected"], "ignore": ["Approved"]}}
        summary = Attempt().run(
            orders_path=str(path), order_id_column="Order Number", where=where,
            order_key=EXTERNAL, disposition_reason="Fraud",
        )  # fmt: skip
        assert summary["outcomes"] == {"canceled": 1}
        assert [oms.cancels(n) for n in (5, 6)] == [1, 0]

    def test_a_set_is_looked_up_in_chunks_where_the_connection_admits_that(
        self, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        to_native(oms, monkeypatch, search_with_or=True)
        oms.settings(native_filter_or=True)
        numbers = list(range(1001, 1011))
        summary = Attempt().run(numbers, order_key=NUMBER, disposition_reason="Fraud")
        assert summary["outcomes"] == {"canceled": 10}
        assert len(oms.requests(call="search")) == 1

    def test_a_tenant_that_takes_no_such_search_costs_one_request(
        self, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        to_native(oms, monkeypatch, search_with_or=True)
        numbers = list(range(1001, 1011))
        summary = Attempt().run(numbers, order_key=NUMBER, disposition_reason="Fraud")
        assert summary["outcomes"] == {"canceled": 10}
        assert len(oms.requests(call="search")) == 1 + 10
        assert len(oms.requests(call="cancel")) == 10

    @pytest.mark.slow
    def test_a_later_attempt_reads_one_by_one_what_the_first_may_have_canceled(
        self, oms: EmulatorProcess
    ) -> None:
        numbers = list(range(1001, 1011))
        oms.cancel_by_system(3)
        arguments: dict[str, Any] = {"order_key": NUMBER, "disposition_reason": "Fraud"}
        summary = Attempt(number=2).run(numbers, **arguments)
        assert summary["outcomes"] == {"canceled": 10}
        assert [oms.cancels(n) for n in range(1, 11)] == [1, 1, 0, *[1] * 7]

    def test_the_reasons_of_a_set_are_checked_before_anything_is_sent(
        self, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        to_native(oms, monkeypatch, check_reasons="refuse")
        orders = [{"order_id": 1001, "disposition_reason": "Lost"}, 1002]
        with pytest.raises(OmsInvalidInputError, match="'Lost' is not a reason"):
            Attempt().run(orders, order_key=NUMBER, disposition_reason="Fraud")
        assert oms.requests(call="cancel") == []

    def test_one_id_is_a_set_of_one(self, oms: EmulatorProcess) -> None:
        for orders in (oms.native_id(7), json.dumps([oms.native_id(8)])):
            summary = Attempt().run(orders, disposition_reason="Fraud")
            assert summary["outcomes"] == {"canceled": 1}

    def test_the_sensor_waits_for_an_order_by_its_number(self, oms: EmulatorProcess) -> None:
        sensor = OmsOrderStateSensor(task_id="wait", order_id="1009", order_key=NUMBER)
        context: Any = {"ti": MagicMock()}
        assert not sensor.poke(context).is_done
        oms.cancel_by_system(9)
        look = sensor.poke(context)
        assert look.is_done
        assert look.xcom_value == {
            "order_id": "number:1009",
            "order_state": "Cancelled",
            "order_status": "Cancelled",
        }


def test_the_button_finds_the_host_and_names_it(
    oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"api": "native", "discover_host": True, "auth_url": oms.url}
    connect(monkeypatch, oms, host=None, extra=extra)
    works, sentence = OmsHook().test_connection()
    assert works, sentence
    # And not the address that named it, which here is the same one.
    assert sentence.startswith(f"It works: the OMS answers at {oms.url} (environment sandbox, ")
    assert cancel(OmsHook(), oms.native_id(10)).outcome == "canceled"


def test_look_ups_and_notes_count_against_the_rate_that_was_given(
    oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[Any] = []

    def spy(calls: Any, orders: Any, policy: Any, journal: Any, given: Limits, **more: Any) -> Any:
        limits.append(given.requests_per_second)
        return BulkRun(calls, orders, policy, journal, given, **more)

    monkeypatch.setattr("airflow_provider_oms.bulk_work.BulkRun", spy)
    more: dict[str, Any] = {"requests_per_second": 60, "disposition_reason": "Fraud"}
    Attempt().run([oms.native_id(1)], **more)
    Attempt().run([1002], order_key=NUMBER, **more)
    Attempt().run([1003], order_key=NUMBER, note="Batch 1", **more)
    to_native(oms, monkeypatch, search_with_or=True)
    Attempt().run([1004], order_key=NUMBER, **more)
    assert limits == [60, 30, 20, pytest.approx(60 / 1.02)]


def test_the_button_says_what_to_do_where_the_host_is_not_kibos(
    oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    oms.settings(native_tenant_domain="evil.example")
    extra = {"api": "native", "discover_host": True, "auth_url": oms.url}
    connect(monkeypatch, oms, host=None, extra=extra)
    works, sentence = OmsHook().test_connection()
    assert not works
    assert "does not say where tenant" in sentence
    assert "discover_host" in sentence
