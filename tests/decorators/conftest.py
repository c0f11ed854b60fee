"""A tenant for the decorator, and the connection that leads to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bulk_attempts import FIRST
from dag_runs import connect

from airflow_provider_oms.emulator.testing import EmulatorProcess


@pytest.fixture(scope="module")
def tenant() -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as emulator:
        yield emulator


@pytest.fixture
def oms(tenant: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> EmulatorProcess:
    """Give a tenant with ten open orders."""
    tenant.clear_faults()
    tenant.clear_requests()
    tenant.load_orders([{"orderID": FIRST + number} for number in range(10)])
    connect(monkeypatch, tenant, extra={"settle_seconds": 0.3})
    return tenant
