"""An emulator for all these tests, as new for each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_oms.emulator.testing import EmulatorProcess


@pytest.fixture(scope="session")
def running_emulator() -> Iterator[EmulatorProcess]:
    with EmulatorProcess(open_access=True) as process:
        yield process


@pytest.fixture
def emulator(running_emulator: EmulatorProcess) -> EmulatorProcess:
    running_emulator.clear()
    return running_emulator
