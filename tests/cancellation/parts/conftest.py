"""A tenant with an order in two shipments, and a task over it in each dialect."""

from __future__ import annotations

import pytest
from emulator_client import SPLIT
from part_tasks import Task

from airflow_provider_oms.emulator.testing import EmulatorProcess


@pytest.fixture
def tenant(emulator: EmulatorProcess) -> EmulatorProcess:
    emulator.clear()
    emulator.load_orders([{"orderID": 8, "parts": SPLIT}, {"orderID": 9, "parts": {"lines": [2]}}])
    return emulator


@pytest.fixture
def translated(tenant: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> Task:
    return Task(tenant, "translated", monkeypatch)


@pytest.fixture
def native(tenant: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> Task:
    return Task(tenant, "native", monkeypatch)


@pytest.fixture(params=["translated", "native"])
def task(
    tenant: EmulatorProcess, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Task:
    return Task(tenant, request.param, monkeypatch)
