"""`approve_above` in `dags test`, where no person can answer: it is refused, and never ignored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from dag_runs import DagFolder

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = [
    pytest.mark.airflow_db,
    pytest.mark.needs("a step that waits for a person"),
]

FIRST = 39_200_001
DAGS = Path(__file__).parent / "dags"


@pytest.mark.parametrize(("count", "state"), [(1, "success"), (2, "failed")])
def test_a_set_that_needs_a_person_is_refused_and_nothing_is_read(
    airflow_db: None,
    oms: EmulatorProcess,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    count: int,
    state: str,
) -> None:
    order_ids = list(range(FIRST, FIRST + count))
    oms.load_orders([{"orderID": order_id} for order_id in order_ids])
    logged: Callable[[], str] = lambda: capfd.readouterr().out + caplog.text  # noqa: E731
    run = DagFolder(DAGS).run("asks_a_person", {"orders": order_ids}, logged)
    assert run.state == state
    if state == "failed":
        assert "more orders than approve_above (2)" in run.log
        assert "no one can answer; trigger a run of the DAG instead" in run.log
        assert oms.requests() == []
    else:
        assert run.results["cancel"][0]["outcomes"] == {"canceled": 1}
