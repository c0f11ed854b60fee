"""One Airflow with its scheduler, and one tenant, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from standalone import Standalone

from airflow_provider_oms.emulator.testing import EmulatorProcess
from demo.workplace import oms_connection

DAGS = Path(__file__).parent / "dags"
# How long Airflow waits for a sign of life from a task before it is tried again; 300 s by default.
SETTINGS = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    # And for one from a triggerer, until another one takes its triggers over; 30 s by default.
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
}


@pytest.fixture(scope="session")
def tenant() -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as emulator:
        yield emulator


@pytest.fixture(scope="session")
def airflow(
    tenant: EmulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Standalone]:
    def connection(**extra: object) -> dict[str, str]:
        return oms_connection(
            tenant.url,
            tenant.tenant,
            tenant.client_id,
            tenant.client_secret,
            settle_seconds=3,
            admin_url="https://admin.example.com/orders/{order_id}",
            **extra,
        )

    # A cancel that hangs in a test of a single order gets no answer before the test is over.
    connections = {"oms_default": connection(read_timeout=90), "oms_bulk": connection()}
    home = tmp_path_factory.mktemp("airflow")
    with Standalone(home, DAGS, connections, SETTINGS) as standalone:
        yield standalone
