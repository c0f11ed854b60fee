"""`cancel_fraud_flagged_orders` in real Airflow: the orders canceled, the others, and the log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from dag_runs import DagFolder, Run, RunDag, connect
from emulator_client import Caller
from verdicts import Verdicts

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.airflow_db

DAG_ID = "cancel_fraud_flagged_orders"
FIRST = 1010101


@dataclass(frozen=True)
class Dialect:
    """What differs between the two kinds of tenants.

    :param extra: of the connection.
    :param conf: of the run.
    :param prefix: the prefix of the shop's own numbers; empty where orders go by their ids.
    :param shown: how an order is named in the log.
    :param reason: the tenant's code for the reason `other`.
    :param unusable: ids that no order can have, and an explanation that no cancel can have.
    """

    extra: dict[str, Any]
    conf: dict[str, Any]
    prefix: str
    shown: str
    reason: str
    unusable: tuple[Any, ...]
    explanation: str


TRANSLATED = Dialect({}, {}, "", "{}", "other", (0, "A-7"), "x" * 255)
NATIVE = Dialect(
    {"api": "native", "reason_codes": {"other": "Other"}},
    {"order_key": "external_id"},
    "SHOP-",
    "external_id:SHOP-{}",
    "Other",
    ("A 7", "number:A-7"),
    "one\nline and another",
)


# What the kind of tenant has no part in, with one of them.
with_translated = pytest.mark.parametrize("dialect", [TRANSLATED], ids=["translated"])
with_native = pytest.mark.parametrize("dialect", [NATIVE], ids=["native"])


@pytest.fixture(params=[TRANSLATED, NATIVE], ids=["translated", "native"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """Give each kind of tenant in turn."""
    found: Dialect = request.param
    return found


@pytest.fixture
def run_dag(dialect: Dialect, run_dag: RunDag) -> RunDag:
    """Run a DAG with the configuration for a tenant of this kind."""
    return partial(run_dag, **dialect.conf)


@pytest.fixture
def verdicts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    example_dags: DagFolder,
    dialect: Dialect,
) -> Verdicts:
    """Give an empty table behind the connection `fraud_db`."""
    database = tmp_path / "fraud.db"
    connection = {"conn_type": "sqlite", "host": str(database)}
    monkeypatch.setenv("AIRFLOW_CONN_FRAUD_DB", json.dumps(connection))
    table = Verdicts(database, example_dags.dags[DAG_ID].doc_md, dialect.prefix)
    table.create()
    return table


@pytest.fixture(autouse=True)
def orders(
    oms: EmulatorProcess, dialect: Dialect, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Give ten open orders and a shipped one, FIRST + 10."""
    connect(monkeypatch, oms, extra=dialect.extra)
    load(oms, *(FIRST + number for number in range(10)))
    load(oms, FIRST + 10, orderState="SHIPPED")
    yield
    for order_id in range(FIRST, FIRST + 11):
        order = oms.order(order_id)
        # In every test: each canceled order was asked for, and just once.
        assert order["times_canceled"] == (order["orderState"] == "CANCELED"), order_id
        assert order["cancels"] <= 1, order_id


def load(oms: EmulatorProcess, *order_ids: int, **fields: Any) -> None:
    """Load orders, which the shop has its own numbers for."""
    oms.load_orders(
        {"orderID": one, "native": {"externalId": f"SHOP-{one}"}, **fields} for one in order_ids
    )


def canceled(oms: EmulatorProcess) -> set[int]:
    # Other tests leave orders at the same tenant.
    return {
        order_id
        for order_id, order in oms.orders().items()
        if order_id <= FIRST + 10 and order["orderState"] == "CANCELED"
    }


def posts(oms: EmulatorProcess) -> list[int]:
    return sorted(request["order_id"] for request in oms.requests(call="cancel"))


def calls(oms: EmulatorProcess, order_id: int) -> list[str]:
    """Return the calls about an order; to look a native one up is to read it."""
    found = [
        one["call"].replace("search", "get")
        for one in oms.requests()
        if one["order_id"] == order_id or str(order_id) in one["query"]
    ]
    return [call for call, _ in groupby(found)]


def errors(run: Run) -> str:
    """Return the error lines that the DAG itself logged."""
    found = [
        line for line in run.log.splitlines() if re.search(r"Order \S+ is not|Nothing was", line)
    ]
    return "\n".join(dict.fromkeys(found))


def test_it_cancels_the_rejected_orders_once_however_often_it_runs(
    oms: EmulatorProcess, verdicts: Verdicts, run_dag: RunDag, dialect: Dialect
) -> None:
    verdicts.add(FIRST, "rejected", case_id="C-17/b")
    verdicts.add(FIRST + 1, "accepted", "2026-11-01 08:00")
    verdicts.add(FIRST + 1, "rejected", "2026-11-01 09:00")
    verdicts.add(FIRST + 2, "rejected", "2026-11-01 08:00")
    verdicts.add(FIRST + 2, "accepted", "2026-11-01 09:00")
    verdicts.add(FIRST + 3, "review")
    verdicts.add(FIRST + 4, "accepted")
    rejected = [FIRST, FIRST + 1]

    first = run_dag(DAG_ID)
    assert first.state == "success"
    assert canceled(oms) == set(rejected)
    assert posts(oms) == rejected
    assert oms.order(FIRST)["dispositionReason"] == dialect.reason
    assert oms.order(FIRST)["dispositionOtherReason"] == "Rejected by fraud screening, case C-17/b"
    written = verdicts.written()
    assert {key for key, outcome in written.items() if outcome} == {
        (FIRST, "rejected"),
        (FIRST + 1, "rejected"),
    }
    assert written[FIRST, "rejected"] == "canceled"

    second = run_dag(DAG_ID)
    assert second.state == "success"
    assert posts(oms) == rejected
    assert verdicts.written() == written
    assert second.states["cancel"] == ["success"]


def test_an_order_that_cannot_be_canceled_fails_the_run_and_not_the_others(
    oms: EmulatorProcess, verdicts: Verdicts, run_dag: RunDag, dialect: Dialect
) -> None:
    for order_id in (FIRST, FIRST + 10, 5):
        verdicts.add(order_id, "rejected")
    run = run_dag(DAG_ID)
    assert run.state == "failed"
    assert run.states["cancel"] == ["failed"]
    assert (run.states["write_back"], run.states["report"]) == (["success"], ["success"])
    assert canceled(oms) == {FIRST}
    assert verdicts.written() == {
        (FIRST, "rejected"): "canceled",
        (FIRST + 10, "rejected"): "not_cancelable",
        (5, "rejected"): "not_found",
    }
    shipped, unknown = dialect.shown.format(FIRST + 10), dialect.shown.format(5)
    assert f"Order {shipped} is not canceled: not_cancelable" in errors(run)
    assert f"Order {unknown} is not canceled: not_found" in errors(run)
    assert str(FIRST) + " is" not in errors(run)

    # Both are settled, so the next run has nothing to do and nothing to report …
    oms.clear_requests()
    assert run_dag(DAG_ID).state == "success"
    assert posts(oms) == []
    # … until the fraud check speaks again.
    load(oms, FIRST + 10, orderState="READY")
    verdicts.add(FIRST + 10, "rejected", "2026-11-02 08:00", case_id="again")
    assert run_dag(DAG_ID).state == "success"
    assert posts(oms) == [FIRST + 10]
    assert oms.order(FIRST + 10)["dispositionOtherReason"].endswith("case again")


@with_native
def test_what_was_left_open_by_an_earlier_run_is_taken_up_again(
    oms: EmulatorProcess, verdicts: Verdicts, run_dag: RunDag
) -> None:
    open_ends = ("unknown", "not_canceled", "not_attempted", "forbidden")
    for number, outcome in enumerate(open_ends):
        verdicts.add(FIRST + number, "rejected", cancel_outcome=outcome)
    for number, outcome in enumerate(("canceled", "already_canceled", "refused")):
        verdicts.add(FIRST + 5 + number, "rejected", cancel_outcome=outcome)
    assert run_dag(DAG_ID).state == "success"
    assert posts(oms) == [FIRST, FIRST + 1, FIRST + 2, FIRST + 3]
    assert set(verdicts.written().values()) == {"canceled", "already_canceled", "refused"}


def test_an_order_that_an_earlier_run_left_in_doubt_is_read_before_anything_is_sent(
    oms: EmulatorProcess, verdicts: Verdicts, run_dag: RunDag
) -> None:
    assert Caller(oms).cancel(orderID=FIRST).ok
    oms.clear_requests()
    verdicts.add(FIRST, "rejected", cancel_outcome="unknown")
    verdicts.add(FIRST + 1, "rejected", cancel_outcome="not_canceled")
    assert run_dag(DAG_ID).state == "success"
    assert (calls(oms, FIRST), calls(oms, FIRST + 1)) == (["get"], ["get", "cancel"])
    assert set(verdicts.written().values()) == {"canceled"}


@with_translated
def test_a_newer_rejection_does_not_hide_that_an_earlier_one_left_the_order_in_doubt(
    oms: EmulatorProcess, verdicts: Verdicts, run_dag: RunDag
) -> None:
    assert Caller(oms).cancel(orderID=FIRST).ok
    oms.clear_requests()
    verdicts.add(FIRST, "rejected", cancel_outcome="unknown")
    verdicts.add(FIRST, "rejected", "2026-11-02 08:00", case_id="again")
    assert run_dag(DAG_ID).state == "success"
    assert posts(oms) == []


@with_translated
def test_more_orders_than_ever_expected_are_refused_as_a_whole(
    oms: EmulatorProcess, verdicts: Verdicts, run_dag: RunDag
) -> None:
    for number in range(1001):
        verdicts.add(FIRST + number, "rejected")
    run = run_dag(DAG_ID)
    assert run.state == "failed"
    assert "1001 orders are flagged, MAX_ORDERS is 1000" in run.log
    assert oms.requests() == []
    assert set(verdicts.written().values()) == {None}


@with_native
def test_a_run_that_dies_leaves_its_orders_in_doubt(
    oms: EmulatorProcess, verdicts: Verdicts, run_dag: RunDag, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[tuple[Any, str], str | None]] = []

    def die(*_: object, **__: object) -> None:
        seen.append(verdicts.written())
        raise AirflowFailException("the worker is gone")

    verdicts.add(FIRST, "rejected")
    with monkeypatch.context() as broken:
        broken.setattr("airflow_provider_oms.bulk_work.BulkRun.run", die)
        assert run_dag(DAG_ID).state == "failed"
    assert seen[0] == {(FIRST, "rejected"): "unknown"}
    assert verdicts.written() == {(FIRST, "rejected"): "unknown"}
    assert run_dag(DAG_ID).state == "success"
    assert calls(oms, FIRST) == ["get", "cancel"]


def test_rows_that_cannot_be_used_fail_the_run_and_touch_nothing(
    oms: EmulatorProcess, verdicts: Verdicts, run_dag: RunDag, dialect: Dialect
) -> None:
    verdicts.add(FIRST, "rejected")
    verdicts.add(FIRST + 1, "rejected", case_id=" ")
    verdicts.add(FIRST + 2, "rejected", case_id=dialect.explanation)
    for order_id in dialect.unusable:
        verdicts.add(order_id, "rejected")
    # The same instant, written in two ways, with two verdicts: there is no way to tell which one
    # counts.
    verdicts.add(FIRST + 3, "rejected", "2026-11-01 08:00")
    verdicts.add(FIRST + 3, "accepted", "2026-11-01T09:00:00+01:00")
    run = run_dag(DAG_ID)
    assert run.state == "failed"
    assert posts(oms) == [FIRST]
    assert canceled(oms) == {FIRST}
    numbers = [f"{dialect.prefix}{FIRST + number}" for number in (1, 2, 3)]
    for order_id in (*numbers, *dialect.unusable):
        assert f"Nothing was sent for order {order_id}: " in errors(run)
    assert "disagree" in errors(run)
    assert (run.states["cancel"], run.states["report"]) == (["success"], ["failed"])
    assert verdicts.written()[FIRST, "rejected"] == "canceled"


@with_translated
def test_an_order_whose_latest_verdict_is_a_word_that_is_not_known_is_reported(
    oms: EmulatorProcess, verdicts: Verdicts, run_dag: RunDag
) -> None:
    verdicts.add(FIRST, "rejected")
    verdicts.add(FIRST + 1, "Rejected")
    verdicts.add(FIRST + 2, "rejected", "2026-11-01 08:00")
    verdicts.add(FIRST + 2, "manual", "2026-11-01 09:00")
    verdicts.add(FIRST + 3, "manual", "2026-11-01 08:00")
    verdicts.add(FIRST + 3, "rejected", "2026-11-01 09:00")
    verdicts.add(FIRST + 4, "manual", "2026-11-01 08:00")
    verdicts.add(FIRST + 4, "accepted", "2026-11-01 09:00")
    run = run_dag(DAG_ID)
    assert run.state == "failed"
    assert posts(oms) == [FIRST, FIRST + 3]
    assert (run.states["cancel"], run.states["report"]) == (["success"], ["failed"])
    # What is written may come by two ways.
    refused = r"order (\d+): the word of its verdict (\d+) is none of accepted, rejected, review"
    assert set(re.findall(refused, errors(run))) == {(f"{FIRST + 1}", "2"), (f"{FIRST + 2}", "4")}


@with_native
def test_two_alike_verdicts_of_the_same_instant_are_one(
    oms: EmulatorProcess, verdicts: Verdicts, run_dag: RunDag
) -> None:
    verdicts.add(FIRST, "rejected")
    verdicts.add(FIRST, "rejected")
    assert run_dag(DAG_ID).state == "success"
    assert posts(oms) == [FIRST]
    assert run_dag(DAG_ID).state == "success"
    assert posts(oms) == [FIRST]


@with_translated
def test_without_a_table_the_run_fails_and_nothing_is_sent(
    oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run_dag: RunDag
) -> None:
    connection = {"conn_type": "sqlite", "host": str(tmp_path / "empty.db")}
    monkeypatch.setenv("AIRFLOW_CONN_FRAUD_DB", json.dumps(connection))
    run = run_dag(DAG_ID)
    assert run.state == "failed"
    assert [name for name in run.states if run.states[name] == ["failed"]] == ["read_verdicts"]
    assert "The verdicts could not be used; nothing was canceled." in run.log
    assert oms.requests() == []


@with_translated
def test_wrong_credentials_fail_the_run_and_the_orders_wait_for_the_next(
    oms: EmulatorProcess,
    verdicts: Verdicts,
    run_dag: RunDag,
    monkeypatch: pytest.MonkeyPatch,
    dialect: Dialect,
) -> None:
    verdicts.add(FIRST, "rejected")
    with monkeypatch.context() as wrong:
        connect(wrong, oms, password="not-the-secret", extra=dialect.extra)
        assert run_dag(DAG_ID).state == "failed"
    assert verdicts.written() == {(FIRST, "rejected"): "forbidden"}
    assert posts(oms) == []
    assert run_dag(DAG_ID).state == "success"
    assert verdicts.written() == {(FIRST, "rejected"): "canceled"}


class TestItsDeclaration:
    @pytest.fixture
    def dialect(self) -> Dialect:
        return TRANSLATED

    def test_the_folder_imports_without_errors(self, example_dags: DagFolder) -> None:
        assert example_dags.import_errors == {}
        assert {"cancel_order", DAG_ID} <= set(example_dags.dags)

    def test_one_run_at_a_time_every_hour_and_none_for_the_past(
        self, example_dags: DagFolder
    ) -> None:
        dag = example_dags.dags[DAG_ID]
        assert (dag.catchup, dag.max_active_runs) == (False, 1)
        # Airflow 2 keeps it under its older name.
        assert (getattr(dag, "schedule_interval", None) or dag.schedule) == "@hourly"
