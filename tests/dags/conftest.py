"""A tenant, its connection and the example DAGs, for tests that run them in real Airflow."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from dag_runs import EXAMPLE_DAGS, DagFolder, Run, RunDag, connect, log_plainly
from features import IS_AIRFLOW_2
from fsspec.implementations.memory import (  # type: ignore[import-untyped]  # it has no types
    MemoryFileSystem,
)

from airflow_provider_oms.emulator.testing import EmulatorProcess


@pytest.fixture(scope="session")
def example_dags(airflow_db: None) -> DagFolder:
    """Load every DAG file of `example_dags/`."""
    return DagFolder(EXAMPLE_DAGS)


@pytest.fixture(scope="session")
def tenant() -> Iterator[EmulatorProcess]:
    """Keep one emulator for all tests; use `oms`, which restarts it for each of them."""
    with EmulatorProcess() as emulator:
        yield emulator


@pytest.fixture
def oms(tenant: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> EmulatorProcess:
    """Give a tenant without requests, and the connection `oms_default` that leads to it."""
    tenant.clear_requests()
    tenant.reset_settings()
    connect(monkeypatch, tenant)
    return tenant


@pytest.fixture
def run_dag(
    example_dags: DagFolder,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> RunDag:
    """Run an example DAG to its end."""
    caplog.set_level(logging.INFO)
    log_plainly()

    def logged() -> str:
        # Airflow 2 logs through logging, Airflow 3 through structlog to standard output.
        text = capfd.readouterr().out + caplog.text
        caplog.clear()
        return text

    def run(dag_id: str, **conf: Any) -> Run:
        return example_dags.run(dag_id, conf or None, logged)

    return run


@pytest.fixture
def memory_storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep in memory the files behind `s3://`, as long as the test lasts."""
    store = import_module("airflow.io.store" if IS_AIRFLOW_2 else "airflow.sdk.io.store")
    monkeypatch.setattr(store, "_STORE_CACHE", {})
    store.attach("s3", fs=MemoryFileSystem())
    yield
    MemoryFileSystem.store.clear()
