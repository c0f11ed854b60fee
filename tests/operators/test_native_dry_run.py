"""A dry run on a native tenant: an order that says that it cannot be canceled is shown as such."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bulk_attempts import Attempt, rows
from dag_runs import connect

from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import OmsInvalidInputError

# Obstacles to a cancel, by the number of the order.
IN_THE_WAY: dict[int, dict[str, Any]] = {
    1001: {"restrictCancellation": True},
    1002: {"fulfillmentStatus": "PartiallyFulfilled"},
    1003: {"fulfillmentStatus": "Fulfilled", "status": "Completed"},
    1004: {"totalCollected": 20.5},
}
OPEN = range(1005, 1011)


@pytest.fixture
def oms(emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> EmulatorProcess:
    emulator.clear()
    emulator.load_orders(
        {"orderID": number, "native": {"orderNumber": number, **IN_THE_WAY.get(number, {})}}
        for number in (*IN_THE_WAY, *OPEN)
    )
    connect(monkeypatch, emulator, extra={"api": "native", "settle_seconds": 0.2, "deadline": 5})
    return emulator


def ends(oms: EmulatorProcess, path: Path, *, dry_run: bool) -> dict[str, str]:
    attempt = Attempt()
    attempt.fail(
        [*IN_THE_WAY, *OPEN],
        order_key="number",
        disposition_reason="Fraud",
        dry_run=dry_run,
        results_path=str(path),
    )
    return {row["order_id"]: row["outcome"] for row in rows(path)}


@pytest.mark.slow
@pytest.mark.parametrize("search_with_or", [False, True])
def test_it_ends_as_the_real_run_does(
    oms: EmulatorProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    *,
    search_with_or: bool,
) -> None:
    extra = {"api": "native", "settle_seconds": 0.2, "search_with_or": search_with_or}
    connect(monkeypatch, oms, extra=extra)
    oms.settings(native_filter_or=search_with_or)
    dry = ends(oms, tmp_path / "dry.jsonl", dry_run=True)
    assert oms.requests(call="cancel") == []
    said = capfd.readouterr().out + caplog.text
    assert "would probably refuse the cancel: restrictCancellation is set" in said
    real = ends(oms, tmp_path / "real.jsonl", dry_run=False)
    assert dry == {
        name: "would_cancel" if outcome == "canceled" else outcome for name, outcome in real.items()
    }
    assert [dry[f"number:{number}"] for number in IN_THE_WAY] == ["not_cancelable"] * 4


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_reason_that_the_tenant_does_not_list_is_refused_alike(
    oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch, *, dry_run: bool
) -> None:
    connect(monkeypatch, oms, extra={"api": "native", "check_reasons": "refuse"})
    with pytest.raises(OmsInvalidInputError, match="fraudulent"):
        Attempt().run(
            list(OPEN), order_key="number", disposition_reason="fraudulent", dry_run=dry_run
        )
    assert {one["call"] for one in oms.requests()} <= {"token", "reasons"}


def test_a_dry_run_warns_of_it_as_the_real_run_does(
    oms: EmulatorProcess,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    summary = Attempt().run(
        list(OPEN), order_key="number", disposition_reason="fraudulent", dry_run=True
    )
    assert summary["outcomes"] == {"would_cancel": len(OPEN)}
    assert "the OMS may refuse it" in caplog.text + "".join(capfd.readouterr())
