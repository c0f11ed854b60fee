"""`cancel_flagged_in_postgres` in real Airflow, at a real Postgres."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from dag_runs import DagFolder, RunDag

from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.emulator.testing import EmulatorProcess
from demo.postgres import Postgres

pytestmark = pytest.mark.airflow_db

DAG_ID = "cancel_flagged_in_postgres"
FIRST = 6200001
SHIPPED = FIRST + 8
UNKNOWN_TO_THE_OMS = 5
MORNING, NOON = "2026-11-24 08:00+00", "2026-11-24 12:00+00"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres("-F") as server:
        yield server


class Verdicts:
    """The fraud check's table, made by the statement in the DAG's own documentation.

    :param server: the Postgres server.
    :param documentation: the DAG's documentation.
    """

    def __init__(self, server: Postgres, documentation: str) -> None:
        self._server = server
        (create,) = re.findall(r"```sql\n(.*?)```", documentation, re.DOTALL)
        server.execute(f"DROP TABLE IF EXISTS fraud_verdicts; {create}")

    def add(
        self, order_id: int, verdict: str, at: str = MORNING, *, outcome: str | None = None
    ) -> None:
        self._server.execute(
            "INSERT INTO fraud_verdicts (order_id, verdict, decided_at, cancel_outcome) "
            "VALUES (%s, %s, %s, %s)",
            *(order_id, verdict, at, outcome),
        )

    def written(self) -> list[tuple[int, str, str | None]]:
        """Return order, verdict and outcome of each row, in the order in which they were added."""
        rows = self._server.execute(
            "SELECT order_id - %s, verdict, cancel_outcome FROM fraud_verdicts ORDER BY verdict_id",
            FIRST,
        )
        return [(number, verdict, outcome) for number, verdict, outcome in rows]


@pytest.fixture
def verdicts(
    postgres: Postgres,
    oms: EmulatorProcess,
    example_dags: DagFolder,
    monkeypatch: pytest.MonkeyPatch,
) -> Verdicts:
    """Give an empty table, eight open orders from FIRST on, and a shipped one."""
    monkeypatch.setenv("AIRFLOW_CONN_FRAUD_POSTGRES", json.dumps(postgres.connection))
    shipped = {"orderID": SHIPPED, "orderState": "SHIPPED", "orderStatus": "SHIPPED"}
    oms.load_orders([*({"orderID": FIRST + number} for number in range(8)), shipped])
    return Verdicts(postgres, example_dags.dags[DAG_ID].doc_md)


def posts(oms: EmulatorProcess) -> list[int]:
    """Return the orders that a cancel was sent for, in ascending order, counted from FIRST."""
    path = "/api/v2/order/action/cancel"
    return sorted(each["order_id"] - FIRST for each in oms.requests(method="POST", path=path))


def let_somebody_cancel(oms: EmulatorProcess, *order_ids: int) -> None:
    """Let orders be canceled at the OMS, so that a task that reads them first sends nothing."""
    state = {"orderState": "CANCELED", "orderStatus": "CANCELED"}
    oms.load_orders([{"orderID": order_id, **state} for order_id in order_ids])


def test_the_latest_verdict_of_each_order_decides_and_what_is_done_is_not_done_again(
    oms: EmulatorProcess, verdicts: Verdicts, run_dag: RunDag
) -> None:
    verdicts.add(FIRST, "rejected")
    verdicts.add(FIRST + 1, "accepted", MORNING)
    verdicts.add(FIRST + 1, "rejected", NOON)
    verdicts.add(FIRST + 2, "rejected", NOON)
    verdicts.add(FIRST + 2, "accepted", MORNING)
    verdicts.add(FIRST + 3, "accepted", NOON)
    verdicts.add(FIRST + 3, "rejected", MORNING)
    # Of the same instant, and in doubt means no.
    verdicts.add(FIRST + 4, "accepted")
    verdicts.add(FIRST + 4, "rejected")
    verdicts.add(FIRST + 5, "Rejected")
    verdicts.add(FIRST + 6, "rejected", outcome="refused")
    verdicts.add(FIRST + 7, "rejected", MORNING, outcome="not_cancelable")
    verdicts.add(FIRST + 7, "rejected", NOON)

    assert run_dag(DAG_ID).state == "success"
    written = verdicts.written()
    assert [row for row in written if row[2]] == [
        (0, "rejected", "canceled"),
        (1, "rejected", "canceled"),
        (2, "rejected", "canceled"),
        (6, "rejected", "refused"),
        (7, "rejected", "not_cancelable"),
        (7, "rejected", "canceled"),
    ]
    assert posts(oms) == [0, 1, 2, 7]

    oms.clear_requests()
    again = run_dag(DAG_ID)
    assert again.state == "success"
    assert again.results["cancel"][0]["orders"] == 0
    assert oms.requests() == []
    assert verdicts.written() == written


def test_an_order_that_a_run_left_open_is_read_before_anything_is_sent(
    oms: EmulatorProcess, verdicts: Verdicts, run_dag: RunDag
) -> None:
    let_somebody_cancel(oms, FIRST, FIRST + 1)
    verdicts.add(FIRST, "rejected", outcome="unknown")
    verdicts.add(FIRST + 1, "rejected", MORNING, outcome="not_canceled")
    verdicts.add(FIRST + 1, "rejected", NOON)
    verdicts.add(FIRST + 2, "rejected", outcome="not_attempted")

    assert run_dag(DAG_ID).state == "success"
    assert posts(oms) == [2]
    assert [outcome for *_, outcome in verdicts.written()] == ["canceled"] * 4


def test_a_run_with_an_order_that_is_not_canceled_records_all_and_is_red(
    oms: EmulatorProcess, verdicts: Verdicts, run_dag: RunDag
) -> None:
    verdicts.add(FIRST, "rejected")
    verdicts.add(SHIPPED, "rejected")
    verdicts.add(UNKNOWN_TO_THE_OMS, "rejected")
    run = run_dag(DAG_ID)
    assert run.state == "failed"
    assert (run.states["cancel"], run.states["record"]) == (["failed"], ["success"])
    assert [outcome for *_, outcome in verdicts.written()] == [
        "canceled",
        "not_cancelable",
        "not_found",
    ]
    # A refusal is final: the next run has nothing to do.
    assert run_dag(DAG_ID).state == "success"


def test_a_claim_that_nothing_came_of_leaves_its_orders_unknown(
    oms: EmulatorProcess,
    verdicts: Verdicts,
    run_dag: RunDag,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    verdicts.add(FIRST, "rejected")
    with monkeypatch.context() as without_connection:
        without_connection.setenv("AIRFLOW_CONN_OMS_DEFAULT", json.dumps({"conn_type": "oms"}))
        assert run_dag(DAG_ID).state == "failed"
    assert verdicts.written() == [(0, "rejected", "unknown")]
    assert oms.requests() == []

    let_somebody_cancel(oms, FIRST)
    assert run_dag(DAG_ID).state == "success"
    assert posts(oms) == []
    assert verdicts.written() == [(0, "rejected", "canceled")]


def test_more_orders_than_max_orders_are_refused_as_a_whole(
    oms: EmulatorProcess, postgres: Postgres, verdicts: Verdicts, run_dag: RunDag
) -> None:
    postgres.execute(
        "INSERT INTO fraud_verdicts (order_id, verdict, decided_at) "
        "SELECT %s + number, 'rejected', now() FROM generate_series(1, 1001) AS number",
        FIRST,
    )
    run = run_dag(DAG_ID)
    assert run.state == "failed"
    assert "The set has more orders than the 1000 that max_orders allows" in run.log
    assert oms.requests() == []


def test_what_is_final_is_what_the_provider_calls_so(example_dags: DagFolder) -> None:
    final: Any = example_dags.dags[DAG_ID].get_task("claim").parameters["final"]
    assert set(final) == {
        outcome.value
        for outcome in Outcome
        if outcome not in (Outcome.WOULD_CANCEL, Outcome.FORBIDDEN) and not outcome.may_be_retried
    }
