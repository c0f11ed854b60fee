"""What a task for a set says of a connection that leads elsewhere, and how soon."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from bulk_attempts import Attempt
from dag_runs import connect

from airflow_provider_oms.emulator.testing import EmulatorProcess


@pytest.fixture
def oms(emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> EmulatorProcess:
    """Give a native tenant with three orders, numbered from 1001."""
    emulator.clear()
    emulator.load_orders({"orderID": n, "native": {"orderNumber": 1000 + n}} for n in range(1, 4))
    monkeypatch.setenv("AIRFLOW_CTX_TRY_NUMBER", "1")
    return emulator


def test_a_wrong_tenant_is_named_at_once_and_as_a_fault_of_the_connection(
    oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, oms, extra={"api": "native", "tenant_id": "10002"})
    attempt = Attempt()
    failure = attempt.fail([1001, 1002, 1003], order_key="number", disposition_reason="Fraud")
    assert isinstance(failure, AirflowFailException)
    assert "another tenant; check the connection's tenant_id and host" in str(failure)
    assert str(failure).endswith(" Correct the connection, then clear the task.")
    # None is looked up again.
    assert len(oms.requests(call="search")) <= 3
    assert oms.requests(call="cancel") == []


def test_a_path_that_leads_nowhere_is_looked_for_in_the_host(
    oms: EmulatorProcess,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    connect(
        monkeypatch,
        oms,
        host=f"{oms.url}/shop",
        extra={"api": "native", "auth_url": oms.url, "deadline": 5, "settle_seconds": 1},
    )
    attempt = Attempt()
    failure = attempt.fail([1001, 1002], order_key="number", disposition_reason="Fraud")
    told = capfd.readouterr().out + caplog.text
    assert "2 refused" in str(failure)
    assert "no such order" not in told
    assert oms.requests(call="cancel") == []
    for what in ("list of reasons", "search for orders"):
        assert f"The OMS has no {what} at this address; check the connection's host" in told
