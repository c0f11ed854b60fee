"""Changes by another client between the plan and a cancel, anywhere in the order."""

from __future__ import annotations

from typing import Any

import pytest
from part_tasks import FIRST, FIRST_SHIPMENT, SECOND, SECOND_SHIPMENT, Store, Task, failure

from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.cancellation.parts import run
from airflow_provider_oms.exceptions import OmsInvalidInputError

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a later attempt wait a second for the cancels of an earlier one, and not 15."""
    monkeypatch.setattr(run, "LEASE", 1.0)


def lines_of(task: Task) -> list[int]:
    return [1, 2] if task.is_native else [FIRST, SECOND]


def turn_away(task: Task, call: str, attempt: Any) -> None:
    """Let a first attempt plan, and end without a cancel that was acted on."""
    task.tenant.add_fault("throttle", call=call, retry_after=600)
    assert failure(attempt).outcome is Outcome.NOT_ATTEMPTED
    task.tenant.clear_faults()


def as_another(task: Task) -> Task:
    """Forget the record, as a task of another DAG has none of this one."""
    task.store = Store()
    return task


class TestTheLastOpenLine:
    def test_a_later_attempt_looks_again_at_what_is_left(self, task: Task) -> None:
        first, second = lines_of(task)
        turn_away(task, "cancel_items", lambda: task.items([first]))
        store = task.store
        as_another(task).items([second])
        task.store = store
        result = failure(lambda: task.items([first], attempt=2))
        assert task.open == {1: 3, 2: 0}
        assert (result.outcome, result.may_be_retried) == (Outcome.NOT_CANCELABLE, False)
        assert "Nothing else of the order is open" in result.describe()

    def test_so_does_one_for_a_shipment(self, task: Task) -> None:
        turn_away(task, "cancel_shipment", lambda: task.shipment(FIRST_SHIPMENT))
        store = task.store
        as_another(task).shipment(SECOND_SHIPMENT)
        task.store = store
        result = failure(lambda: task.shipment(FIRST_SHIPMENT, attempt=2))
        assert (result.outcome, task.open[1]) == (Outcome.NOT_CANCELABLE, 2)

    def test_a_search_that_lags_is_not_believed(self, task: Task) -> None:
        first, second = lines_of(task)
        task.tenant.settings(search_lag=5)
        task.items([second])
        result = failure(lambda: as_another(task).items([first]))
        assert (result.outcome, task.open) == (Outcome.NOT_CANCELABLE, {1: 3, 2: 0})

    def test_nor_is_one_for_shipments(self, task: Task) -> None:
        task.tenant.settings(search_lag=5)
        task.shipment(SECOND_SHIPMENT)
        result = failure(lambda: as_another(task).shipment(FIRST_SHIPMENT))
        assert (result.outcome, task.open[1]) == (Outcome.NOT_CANCELABLE, 2)

    def test_with_children_it_needs_a_word_in_any_case(self, translated: Task) -> None:
        with pytest.raises(OmsInvalidInputError, match="cancel_child_items"):
            translated.items([FIRST], cancel_child_items=True)
        result = translated.items([FIRST], cancel_child_items=True, allow_whole_order=True)
        assert result.outcome is Outcome.CANCELED


class TestHowManyAreLeft:
    ITEMS = ({"line": 1, "keep_quantity": 1},)

    def test_a_later_attempt_counts_those_in_other_shipments(self, native: Task) -> None:
        items = list(self.ITEMS)
        turn_away(native, "cancel_items", lambda: native.items(items))
        store = native.store
        as_another(native).shipment(SECOND_SHIPMENT)
        native.store = store
        native.connect(deadline=4)
        assert not failure(lambda: native.items(items, attempt=2)).outcome.is_success
        assert native.open == {1: 2, 2: 0}

    def test_a_run_of_its_own_cancels_those_that_are_too_many(self, native: Task) -> None:
        native.tenant.settings(search_lag=5)
        native.shipment(SECOND_SHIPMENT)
        assert as_another(native).items(list(self.ITEMS)).outcome is Outcome.CANCELED
        assert native.open == {1: 1, 2: 0}


def test_as_many_that_another_client_has_canceled_are_not_those_that_were_wanted(
    native: Task,
) -> None:
    items = [{"line": 2, "quantity": 1}]
    # The plan is read from both shipments; the read before the cancel fails.
    native.tenant.add_fault("status", call="get_shipment", status=503, skip=2)
    native.connect(deadline=3)
    assert failure(lambda: native.items(items)).outcome is Outcome.NOT_ATTEMPTED
    native.connect(deadline=60)
    native.tenant.clear_faults()
    store = native.store
    as_another(native).items(items)
    native.store = store
    result = failure(lambda: native.items(items, attempt=2))
    assert (result.outcome, native.line(2)["canceled"]) == (Outcome.NOT_CANCELABLE, 1)
    assert "Another client has canceled as many" in result.describe()


def test_a_line_that_is_not_there_is_named_and_the_others_are_not_attempted(task: Task) -> None:
    first, _ = lines_of(task)
    result = failure(lambda: task.items([first, 77]))
    assert [part.outcome for part in result.parts] == [Outcome.NOT_ATTEMPTED, Outcome.NOT_FOUND]
    assert task.open == {1: 3, 2: 2}
