"""A tenant for all these tests, as new for each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from emulator_client import SPLIT, Caller, NativeCaller

from airflow_provider_oms.emulator.testing import EmulatorProcess


@pytest.fixture(scope="session")
def emulator() -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as process:
        yield process


@pytest.fixture
def tenant(emulator: EmulatorProcess) -> EmulatorProcess:
    emulator.clear()
    emulator.load_orders([{"orderID": 1010101}])
    return emulator


@pytest.fixture
def oms(tenant: EmulatorProcess) -> Caller:
    return Caller(tenant)


@pytest.fixture
def native(tenant: EmulatorProcess) -> NativeCaller:
    return NativeCaller(tenant)


@pytest.fixture
def split_order(tenant: EmulatorProcess) -> EmulatorProcess:
    """The tenant with order 8, whose first line is in two shipments."""
    tenant.load_orders([{"orderID": 8, "parts": SPLIT}])
    return tenant
