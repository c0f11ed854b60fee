"""An inbox of verdicts for each of these tests, and the connection that it needs."""

from __future__ import annotations

import json

import pytest
from inboxes import Airflow


@pytest.fixture(autouse=True)
def connection(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"tenant_id": "10001", "environment": "sandbox"}
    monkeypatch.setenv("AIRFLOW_CONN_OMS_DEFAULT", json.dumps({"conn_type": "oms", "extra": extra}))


@pytest.fixture
def airflow() -> Airflow:
    """Return an Airflow whose inbox has a state, so that nothing in it is in doubt."""
    airflow = Airflow(explanation="Case {case_id} of {order}")
    assert airflow.take() == []
    return airflow
