"""`python -m demo` succeeds only if the emulator's own state agrees with the report."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from pages import blocks, text_of

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.emulator.testing import EmulatorProcess
from demo import __main__ as demo
from demo import processes
from demo.data import OPEN_STATES, demo_orders
from demo.terminal import INTERRUPTED, DemoError, exit_status
from demo.workplace import Workplace, oms_connection

TO_CANCEL = [order.order_id for order in demo_orders() if order.to_cancel]
FLAGGED = TO_CANCEL[1]
BYSTANDER = next(
    order.order_id for order in demo_orders() if not order.to_cancel and order.state in OPEN_STATES
)


class Airflow:
    """Do the DAG's work without Airflow.

    :param directory: where the demo works.
    :param emulator: the tenant.
    :param native: whether it is a native one.
    """

    def __init__(self, directory: Path, emulator: EmulatorProcess, *, native: bool) -> None:
        self._verdicts = directory / "fraud.db"
        self._order_key = "external_id" if native else None
        self._names = {order.order_id: order.name for order in demo_orders(native=native)}
        codes = {"api": "native", "reason_codes": {"other": "Other"}} if native else {}
        fields = oms_connection(emulator, **codes)
        del fields["conn_type"]
        self._client = OmsClient(TenantSettings.from_connection(name="oms_default", **fields))

    def cancel(self, order_id: int) -> None:
        rules, name = self._client.dialect, self._names[order_id]
        self._client.post_cancel(rules.cancel_request(name, "other", "a test", self._order_key))

    def report(self, order_id: int, outcome: str) -> None:
        with closing(sqlite3.connect(self._verdicts)) as database:
            database.execute(
                "UPDATE fraud_verdicts SET cancel_outcome = ? WHERE order_id = ?",
                (outcome, self._names[order_id]),
            )
            database.commit()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("also_canceled", "status", "said"),
    [
        ([], 0, ["The local OMS agrees"]),
        (
            [FLAGGED, BYSTANDER],
            1,
            [
                f"order {FLAGGED}: 1 cancels followed one that had canceled it",
                f"order {BYSTANDER}: it ought to stay",
                "FAILED: 3 disagreements",
            ],
        ),
    ],
    ids=["agreement", "disagreement"],
)
@pytest.mark.parametrize("native", [False, True], ids=["translated", "native"])
def test_the_exit_status_tells_whether_the_emulator_agrees(
    also_canceled: list[int],
    status: int,
    said: list[str],
    native: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run_dag(directory: Path, emulator: EmulatorProcess, *, native: bool) -> None:
        airflow = Airflow(directory, emulator, native=native)
        # A native tenant refuses to cancel an order that is canceled already.
        emulator.settings(native_canceled_order_status=200)
        for order_id in TO_CANCEL:
            airflow.cancel(order_id)
            airflow.report(order_id, "canceled")
        for order_id in also_canceled:
            airflow.cancel(order_id)

    monkeypatch.setattr(demo, "run_dag", run_dag)
    assert demo.demo(Workplace(tmp_path / "demo"), native=native) == status
    out = capsys.readouterr().out
    prefix = "SHOP-" if native else ""
    said = [words.replace("order 3", f"order {prefix}3") for words in said]
    assert [words for words in said if words not in out] == []


@pytest.mark.slow
def test_it_ends_as_the_readme_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run_dag(directory: Path, emulator: EmulatorProcess, *, native: bool) -> None:
        airflow = Airflow(directory, emulator, native=native)
        for order_id in TO_CANCEL:
            airflow.cancel(order_id)
            airflow.report(order_id, "canceled")

    monkeypatch.setattr(demo, "run_dag", run_dag)
    demo.demo(Workplace(tmp_path / "demo"))
    ((_, shown),) = blocks(text_of("README.md"), "text")
    # How long it takes is the machine's affair.
    out, shown = (
        re.sub(r"took \d+ s", "took some time", text) for text in (capsys.readouterr().out, shown)
    )
    assert "took some time" in shown
    assert shown in out


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (DemoError("No port is free on this machine."), 1, "No port is free on this machine."),
        (KeyboardInterrupt(), INTERRUPTED, "Stopped; nothing is left running."),
    ],
    ids=["error", "interruption"],
)
def test_an_early_end_is_a_failure_with_one_line(
    error: BaseException,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> int:
        raise error

    monkeypatch.setattr("demo.terminal.let_signals_interrupt", lambda: None)
    assert exit_status(fail) == status
    assert capsys.readouterr().err == f"{said}\n"


def test_a_command_that_fails_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    command = ["sh", "-c", "echo no such table; exit 3"]
    with pytest.raises(DemoError, match=r"(?s)no such table.*ended with 3: sh -c 'echo no such"):
        processes.run(command, {}, tmp_path / "log")
