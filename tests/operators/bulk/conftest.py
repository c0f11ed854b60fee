"""A tenant for the bulk operator, and the connection that leads to it."""

from __future__ import annotations

import pytest
from bulk_attempts import FIRST, SHIPPED
from dag_runs import connect

from airflow_provider_oms.emulator.testing import EmulatorProcess


@pytest.fixture
def oms(emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> EmulatorProcess:
    """Give a tenant with fifty open orders and a shipped one."""
    emulator.clear_faults()
    emulator.clear_requests()
    shipped = {"orderID": SHIPPED, "orderState": "SHIPPED", "orderStatus": "SHIPPED"}
    emulator.load_orders([*({"orderID": FIRST + number} for number in range(50)), shipped])
    connect(monkeypatch, emulator, extra={"settle_seconds": 0.3})
    return emulator
