"""A connection that a test sets, and a task's first attempt."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def set_connection(value: object, conn_id: str = "oms_default") -> None:
        text = value if isinstance(value, str) else json.dumps(value)
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", text)

    return set_connection


@pytest.fixture(autouse=True)
def first_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CTX_TRY_NUMBER", "1")
