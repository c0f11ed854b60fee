"""A note whose own request the OMS turns away: it is sent again when the cancels are done."""

from __future__ import annotations

from typing import Any

import pytest
from bulk_attempts import Attempt
from dag_runs import connect

from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome
from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.hooks.oms import OmsHook

NUMBERS = (1001, 1002, 1003)


@pytest.fixture
def oms(emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> EmulatorProcess:
    """Give a native tenant with three orders, numbered from 1001."""
    emulator.clear()
    emulator.load_orders(
        {"orderID": number - 1000, "native": {"orderNumber": number}} for number in NUMBERS
    )
    connect(monkeypatch, emulator, extra={"api": "native", "settle_seconds": 0.5, "deadline": 10})
    monkeypatch.setenv("AIRFLOW_CTX_TRY_NUMBER", "1")
    return emulator


def cancel(**more: Any) -> CancellationResult:
    return OmsHook().cancel_order(
        1001, "NoInventory", order_key="number", note="Canceled by run 7", **more
    )


def sent(oms: EmulatorProcess) -> int:
    return len(oms.requests(call="notes", method="POST"))


def kept(oms: EmulatorProcess, order_id: int) -> list[str]:
    return [note["text"] for note in oms.order(order_id)["native"]["notes"]]


@pytest.mark.slow
@pytest.mark.parametrize("fault", [{"kind": "throttle"}, {"kind": "unauthorized"}])
def test_that_of_one_order_is_sent_again(oms: EmulatorProcess, fault: dict[str, Any]) -> None:
    oms.add_fault(**fault, call="notes", times=1)
    assert cancel().outcome is Outcome.CANCELED
    assert sent(oms) == 2
    assert kept(oms, 1) == ["Canceled by run 7"]


@pytest.mark.slow
def test_those_of_a_set_are_sent_again_too(oms: EmulatorProcess) -> None:
    oms.add_fault("unauthorized", call="notes", times=1)
    arguments: dict[str, Any] = {"order_key": "number", "disposition_reason": "NoInventory"}
    summary = Attempt().run(list(NUMBERS), note="Batch 1", max_workers=1, **arguments)
    assert summary["outcomes"] == {"canceled": 3}
    assert [kept(oms, order_id) for order_id in (1, 2, 3)] == [["Batch 1"]] * 3
    assert sent(oms) == 4


@pytest.mark.parametrize("fault", [{"kind": "drop"}, {"kind": "status", "status": 503}])
def test_one_that_may_be_there_is_not(oms: EmulatorProcess, fault: dict[str, Any]) -> None:
    oms.add_fault(**fault, call="notes", times=1)
    assert cancel().outcome is Outcome.CANCELED
    assert sent(oms) == 1


class Timeout(BaseException):
    """As Airflow's execution_timeout raises it: no Exception."""


def test_a_timeout_while_it_is_waited_for_leaves_the_result(
    oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise Timeout

    oms.add_fault("throttle", call="notes", retry_after=5)
    monkeypatch.setattr("airflow_provider_oms.cancellation.runner.sleep_until", interrupt)
    seen: list[CancellationResult] = []
    with pytest.raises(Timeout):
        cancel(on_interrupt=seen.append)
    assert [result.outcome for result in seen] == [Outcome.CANCELED]
