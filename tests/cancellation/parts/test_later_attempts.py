"""Later attempts over real sockets, with and without a journal; shipments; edits of the order."""

from __future__ import annotations

from typing import Any

import pytest
from part_tasks import FIRST_SHIPMENT, SECOND, SECOND_SHIPMENT, Store, Task, failure

from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.cancellation.parts import run
from airflow_provider_oms.cancellation.parts.results import PartsResult
from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import (
    OmsInvalidInputError,
    OmsPartsCancellationRefusedError,
)
from airflow_provider_oms.hooks.oms import OmsHook

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a later attempt wait a second for the cancels of an earlier one, and not 15."""
    monkeypatch.setattr(run, "LEASE", 1.0)


class TestLaterAttempts:
    def break_off(self, task: Task, items: Any, *, acted: bool) -> PartsResult:
        """Let a first attempt end after its cancel, whose answer and reads are lost."""
        when = "after" if acted else "before"
        task.tenant.add_fault("drop", call="cancel_items", when=when, times=1)
        read = "get_shipment" if task.is_native else "get_item"
        task.tenant.add_fault("status", call=read, status=503, skip=4)
        task.connect(deadline=4)
        result = failure(lambda: task.items(items))
        task.connect(deadline=60)
        task.tenant.clear_faults()
        assert (result.outcome, result.may_be_retried) == (Outcome.UNKNOWN, True)
        return result

    @pytest.mark.parametrize("acted", [True, False])
    def test_with_a_journal_a_quantity_is_canceled_once(self, native: Task, acted: bool) -> None:
        items = [{"line": 2, "quantity": 1}]
        self.break_off(native, items, acted=acted)
        assert native.items(items, attempt=2).outcome is Outcome.CANCELED
        line = native.line(2)
        assert (line["canceled"], line["cancels"]) == (1, 1 if acted else 2)

    @pytest.mark.parametrize("acted", [True, False])
    def test_a_whole_line_needs_no_journal(self, task: Task, acted: bool) -> None:
        items = [2 if task.is_native else SECOND]
        self.break_off(task, items, acted=acted)
        task.store = None
        assert task.items(items, attempt=2).outcome is Outcome.CANCELED
        line = task.line(2)
        assert (line["canceled"], line["times_canceled"]) == (2, 1)

    def test_a_quantity_without_a_journal_is_not_sent_again(self, native: Task) -> None:
        items = [{"line": 2, "quantity": 1}]
        self.break_off(native, items, acted=True)
        native.store = None
        result = failure(lambda: native.items(items, attempt=2))
        assert (result.outcome, result.may_be_retried) == (Outcome.UNKNOWN, False)
        assert "give keep_quantity" in result.describe()
        assert native.line(2)["cancels"] == 1

    def test_one_with_other_items_is_refused(self, native: Task) -> None:
        native.items([{"line": 2, "quantity": 1}])
        with pytest.raises(OmsInvalidInputError, match="an earlier attempt of this task"):
            native.items([{"line": 2, "quantity": 2}], attempt=2)

    def test_one_that_was_cleared_after_a_success_sends_nothing(self, native: Task) -> None:
        items = [{"line": 2, "quantity": 1}]
        native.items(items)
        assert native.items(items, attempt=2).outcome is Outcome.CANCELED
        assert native.line(2)["cancels"] == 1


class TestAnotherNameOfTheOrder:
    def cancel(self, number: int) -> PartsResult:
        return OmsHook().cancel_items(
            number,
            [2],
            "no_inventory",
            order_key="number",
            send_notifications=False,
            attempt=1,
            journal=Store(),
        )

    def test_its_number_is_looked_up(self, native: Task) -> None:
        number = native.tenant.order(8)["native"]["orderNumber"]
        result = self.cancel(number)
        assert (result.order_id, result.looked_up_id) == (f"number:{number}", native.order_id)
        assert (result.outcome, native.open) == (Outcome.CANCELED, {1: 3, 2: 0})

    def test_one_that_no_order_has_is_not_found(self, native: Task) -> None:
        result = failure(lambda: self.cancel(77))
        assert (result.outcome, native.open) == (Outcome.NOT_FOUND, {1: 3, 2: 2})


class TestTheOrderItself:
    @pytest.fixture
    def bare(self, native: Task) -> Task:
        native.tenant.load_orders([{"orderID": 8, "parts": {"lines": [3, 2], "shipments": []}}])
        return native

    def test_it_is_edited_only_where_that_is_allowed(self, bare: Task) -> None:
        with pytest.raises(OmsPartsCancellationRefusedError, match="allow_order_edit=True"):
            bare.items([{"line": 1, "quantity": 1}])
        bare.store = Store()
        items = [{"line": 1, "quantity": 1}, 2]
        assert bare.items(items, allow_order_edit=True).outcome is Outcome.CANCELED
        assert bare.open == {1: 2, 2: 0}

    @pytest.mark.parametrize("when", ["after", "before"])
    def test_an_edit_that_is_repeated_leaves_the_same(self, bare: Task, when: str) -> None:
        bare.tenant.add_fault("drop", call="edit_items", when=when, times=1)
        result = bare.items([{"line": 1, "quantity": 1}], allow_order_edit=True)
        assert (result.outcome, bare.open) == (Outcome.CANCELED, {1: 2, 2: 2})


class TestShipments:
    def test_one_of_two(self, task: Task) -> None:
        result = task.shipment(FIRST_SHIPMENT)
        assert result.outcome is Outcome.CANCELED
        assert task.open == {1: 1, 2: 2}
        assert result.as_dict()["parts"][0]["shipment"] == FIRST_SHIPMENT

    def test_the_last_open_one_needs_a_word(self, task: Task) -> None:
        task.shipment(FIRST_SHIPMENT)
        task.store = Store()
        assert failure(lambda: task.shipment(SECOND_SHIPMENT)).outcome is Outcome.NOT_CANCELABLE
        task.store = Store()
        result = task.shipment(SECOND_SHIPMENT, allow_whole_order=True)
        assert (result.outcome, task.open) == (Outcome.CANCELED, {1: 0, 2: 0})

    def test_one_of_another_order_is_refused(self, task: Task) -> None:
        (number,) = task.tenant.parts(9)["shipments"]
        result = failure(lambda: task.shipment(number))
        assert result.outcome is Outcome.NOT_FOUND
        assert task.tenant.parts(9)["lines"][1]["canceled"] == 0

    def test_one_that_has_left_is_refused(self, task: Task) -> None:
        task.tenant.change_shipment(FIRST_SHIPMENT, "FULFILLED")
        result = failure(lambda: task.shipment(FIRST_SHIPMENT))
        assert result.outcome is Outcome.NOT_CANCELABLE
        assert task.open[2] == 2

    @pytest.mark.parametrize(
        ("api", "said"), [("translated", {"send_notifications": True}), ("native", {})]
    )
    def test_what_cannot_be_said_and_what_must_be(
        self,
        tenant: EmulatorProcess,
        monkeypatch: pytest.MonkeyPatch,
        api: str,
        said: dict[str, Any],
    ) -> None:
        Task(tenant, api, monkeypatch)
        with pytest.raises(OmsInvalidInputError, match="send_notifications must be"):
            OmsHook().cancel_shipment(
                8 if api == "translated" else tenant.native_id(8),
                FIRST_SHIPMENT,
                "other",
                "A reason",
                attempt=1,
                **said,
            )
