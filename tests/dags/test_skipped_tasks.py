"""What Airflow makes of a task that `skip_on_outcomes` skips, and of the tasks after it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from dag_runs import DagFolder

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.airflow_db

FIRST = 6350001


def test_it_is_skipped_and_not_retried_and_its_result_is_there(
    airflow_db: None,
    oms: EmulatorProcess,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    # The last of the four is one that the OMS does not know.
    oms.clear_orders()
    shipped = {"orderState": "SHIPPED", "orderStatus": "SHIPPED"}
    oms.load_orders(
        [{"orderID": FIRST, **shipped}, {"orderID": FIRST + 1}, {"orderID": FIRST + 2, **shipped}]
    )
    logged: Callable[[], str] = lambda: capfd.readouterr().out + caplog.text  # noqa: E731
    run = DagFolder(Path(__file__).parent / "dags").run("skips_what_is_too_late", None, logged)
    assert run.state == "success"
    assert run.states == {
        "one": ["skipped"],
        "each": ["success", "skipped", "skipped"],
        "by_default": ["skipped"],
        "read": ["success"],
    }
    assert run.results["read"] == [["not_cancelable", "canceled", "not_cancelable", "not_found"]]
    assert oms.cancel_posts(FIRST) == 1
    assert f"Order {FIRST} is SHIPPED: not_cancelable, " in run.log
    assert "Airflow told of one" in run.log
