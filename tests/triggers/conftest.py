"""A connection for triggers, and that they leave no client behind."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from looking import SECRET, Connect
from raw_server import RawServer

from airflow_provider_oms.triggers import clients


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    def set_connection(server: RawServer, password: str = SECRET) -> None:
        connection = {
            "conn_type": "oms",
            "host": server.url,
            "login": "KIBO.1",
            "password": password,
            "extra": {"tenant_id": "10001"},
        }
        monkeypatch.setenv("AIRFLOW_CONN_OMS_DEFAULT", json.dumps(connection))

    return set_connection


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Any:
    yield
    assert clients._clients == {}


@pytest.fixture
def logged(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Callable[[], str]:
    """Return the log, through structlog or logging."""
    caplog.set_level(logging.INFO)
    return lambda: capfd.readouterr().out or caplog.text
