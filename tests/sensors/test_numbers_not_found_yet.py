"""A number that the search does not show: the sensor waits for as long as a search may lag."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import MagicMock

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred
from dag_runs import connect
from looking import run, trigger

from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import OmsOrderStateError
from airflow_provider_oms.sensors.oms import OmsOrderStateSensor

NEW, NOBODYS = "SO-21", "SO-404"
SETTLE, LONG = 0.4, 30


@pytest.fixture
def oms(emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> EmulatorProcess:
    """Give a native tenant without orders."""
    emulator.clear()
    settle(emulator, monkeypatch, SETTLE)
    return emulator


def settle(tenant: EmulatorProcess, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    connect(monkeypatch, tenant, extra={"api": "native", "settle_seconds": seconds})


def place(oms: EmulatorProcess) -> None:
    oms.load_orders([{"orderID": 21, "native": {"externalId": NEW, "status": "Completed"}}])


def place_once_it_was_looked_up(oms: EmulatorProcess) -> None:
    until = time.monotonic() + LONG
    while not oms.requests(call="search") and time.monotonic() < until:
        time.sleep(0.01)
    place(oms)


def sensor(order_id: str, **arguments: Any) -> OmsOrderStateSensor:
    given = {"poke_interval": 0.05, "target_states": ["Completed"], **arguments}
    return OmsOrderStateSensor(task_id="wait", order_id=order_id, order_key="external_id", **given)


def context(first_look: datetime | None = None) -> Any:
    ti = MagicMock(start_date=first_look)
    ti.get_first_reschedule_date.return_value = first_look
    return {"ti": ti}


def waiting_in_triggerer(order_id: str) -> dict[str, Any]:
    name = f"external_id:{order_id}"
    return run(trigger(name, target_states=["Completed"], failure_states=[]))


@pytest.mark.slow
def test_it_waits_until_the_search_shows_the_order(
    oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(oms, monkeypatch, LONG)
    waiting = sensor(NEW)
    assert not waiting.poke(context()).is_done
    place(oms)
    assert waiting.execute(context())["order_state"] == "Completed"


@pytest.mark.slow
def test_a_number_that_no_order_has_fails_it_when_the_search_has_settled(
    oms: EmulatorProcess,
) -> None:
    began = time.monotonic()
    with pytest.raises(OmsOrderStateError, match="external_id:SO-404: The OMS knows no order"):
        sensor(NOBODYS).execute(context())
    assert time.monotonic() - began >= SETTLE


def test_where_a_search_never_lags_it_fails_at_once(
    oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(oms, monkeypatch, 0)
    with pytest.raises(OmsOrderStateError):
        sensor(NOBODYS).execute(context())
    assert len(oms.requests(call="search")) == 1


def test_looks_of_several_processes_count_from_the_first(
    oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(oms, monkeypatch, LONG)
    for first_look in (None, datetime.now(UTC) - timedelta(seconds=LONG / 2)):
        look = sensor(NOBODYS, mode="reschedule").poke(context(first_look))
        assert not look.is_done
    with pytest.raises(OmsOrderStateError):
        sensor(NOBODYS, mode="reschedule").poke(
            context(datetime.now(UTC) - timedelta(seconds=LONG + 1))
        )


def test_it_is_handed_over_to_the_triggerer(
    oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(oms, monkeypatch, LONG)
    with pytest.raises(TaskDeferred):
        sensor(NOBODYS, deferrable=True).execute(context())


def test_an_id_that_get_order_does_not_know_fails_it_at_once(oms: EmulatorProcess) -> None:
    wait = OmsOrderStateSensor(task_id="wait", order_id="a" * 32)
    with pytest.raises(OmsOrderStateError, match="knows no such order"):
        wait.execute(context())


class TestInTheTriggerer:
    def test_it_waits_until_the_search_shows_the_order(
        self, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settle(oms, monkeypatch, LONG)
        placing = threading.Thread(target=place_once_it_was_looked_up, args=(oms,))
        placing.start()
        assert waiting_in_triggerer(NEW)["status"] == "reached"
        placing.join()

    @pytest.mark.slow
    def test_a_number_that_no_order_has_is_given_up_when_the_search_has_settled(
        self, oms: EmulatorProcess
    ) -> None:
        began = time.monotonic()
        ended = waiting_in_triggerer(NOBODYS)
        assert time.monotonic() - began >= SETTLE
        assert ended["status"] == "given_up"
        assert "The OMS knows no order with externalId SO-404" in ended["message"]
