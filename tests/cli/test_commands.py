"""The commands as a person types them: `python -m airflow_provider_oms …`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow_record import TOKEN, AirflowRecord, row
from dag_runs import connect
from journal_store import Store

from airflow_provider_oms.__main__ import main
from airflow_provider_oms.cancellation.bulk.journal import Journal
from airflow_provider_oms.cli.periods import since
from airflow_provider_oms.emulator.testing import EmulatorProcess

OPEN, SHIPPED, UNKNOWN = 4200001, 4200002, 4200003


@dataclass
class Said:
    """The output of a command, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.out)
        return found


Say = Callable[..., Said]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Say:
    """Run a command, by default with JSON as its output."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")

    def run(*words: object, output: str = "json") -> Said:
        capsys.readouterr()
        code = 0
        try:
            main([*map(str, words), "--output", output])
        except SystemExit as end:
            code = int(end.code or 0)
        return Said(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def tenant() -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as emulator:
        yield emulator


@pytest.fixture
def oms(tenant: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> EmulatorProcess:
    tenant.clear_requests()
    shipped = {"orderID": SHIPPED, "orderState": "SHIPPED", "orderStatus": "SHIPPED"}
    tenant.load_orders([{"orderID": OPEN}, shipped])
    connect(monkeypatch, tenant)
    return tenant


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[AirflowRecord]:
    """Give an Airflow in which one run has dealt with three orders and one with another."""
    with AirflowRecord() as record:
        monkeypatch.setenv("AIRFLOW__API__BASE_URL", record.url)
        monkeypatch.setenv("AIRFLOW_CLI_TOKEN", TOKEN)
        store = Store()
        journal = Journal(store, now=1_790_000_000.0, order_ids=[OPEN, SHIPPED, UNKNOWN])
        journal.write([UNKNOWN], (), posted_by=1_790_000_002.0, now=1_790_000_000.0)
        results = [row(OPEN, "canceled", "CANCELED"), row(SHIPPED, "not_cancelable", "SHIPPED")]
        record.add("find", "PythonOperator")
        record.add("cancel", return_value={"orders": 3}, results=results, store=store)
        one = {**row(OPEN, "canceled", "CANCELED"), "confirmed_by": "read", "correlation_id": None}
        record.add(
            "one", "OmsCancelOrderOperator", run_id="manual__2", state="success", return_value=one
        )
        yield record


class TestCheck:
    def test_a_connection_that_works(self, oms: EmulatorProcess, say: Say) -> None:
        said = say("check")
        assert said.code == 0
        (found,) = said.rows
        assert (found["conn_id"], found["works"]) == ("oms_default", True)
        assert found["message"].startswith("It works: the OMS answers at ")

    def test_one_that_does_not(
        self, oms: EmulatorProcess, say: Say, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect(monkeypatch, oms, password="wrong")
        said = say("check")
        assert said.code == 1
        assert said.rows[0]["works"] is False
        assert "refuses the client id or its secret" in said.rows[0]["message"]
        assert "wrong" not in said.out + said.err

    def test_a_warning_of_the_connection_is_not_in_the_output(
        self, oms: EmulatorProcess, say: Say, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        elsewhere = "http://oms.invalid:8787"
        connect(monkeypatch, oms, host=elsewhere, extra={"allow_http": True, "auth_url": elsewhere})
        said = say("check")
        assert [one["works"] for one in said.rows] == [False]
        assert "are sent unencrypted to" in said.rows[0]["message"]

    @pytest.mark.airflow_db
    def test_one_that_is_not_there(self, airflow_db: None, say: Say) -> None:
        said = say("check", "--conn-id", "oms_nowhere")
        assert (said.code, said.out) == (3, "")
        assert "oms_nowhere" in said.err


class TestOrder:
    def test_the_oms_and_every_task_that_dealt_with_it(
        self, oms: EmulatorProcess, airflow: AirflowRecord, say: Say
    ) -> None:
        said = say("order", OPEN)
        assert said.code == 0
        shown = [
            (one["seen_by"], one["order_state"], one["outcome"], one["run_id"], one["task_id"])
            for one in said.rows
        ]
        assert shown == [
            ("OMS", oms.order(OPEN)["orderState"], None, None, None),
            ("Airflow", "CANCELED", "canceled", "manual__1", "cancel"),
            ("Airflow", "CANCELED", "canceled", "manual__2", "one"),
        ]

    def test_one_that_is_in_doubt(
        self, oms: EmulatorProcess, airflow: AirflowRecord, say: Say
    ) -> None:
        said = say("order", UNKNOWN)
        assert said.code == 1
        assert "The OMS knows no such order" in said.err
        (found,) = said.rows
        assert (found["outcome"], found["in_doubt"]) == ("unknown", True)

    def test_nothing_is_changed(
        self, oms: EmulatorProcess, airflow: AirflowRecord, say: Say
    ) -> None:
        say("order", OPEN)
        assert {request["method"] for request in oms.requests(path=f"/api/v2/order/{OPEN}")} == {
            "GET"
        }
        assert {method for method, *_ in airflow.seen} == {"GET"}

    def test_without_a_token_the_oms_is_asked_all_the_same(
        self, oms: EmulatorProcess, say: Say
    ) -> None:
        said = say("order", OPEN)
        assert said.code == 3
        assert [one["seen_by"] for one in said.rows] == ["OMS"]
        assert "put one into AIRFLOW_CLI_TOKEN" in said.err

    def test_what_is_no_order_is_refused(self, oms: EmulatorProcess, say: Say) -> None:
        said = say("order", "ten")
        assert (said.code, said.out) == (3, "")
        assert "ORDER must be an integer from 1 to " in said.err
        assert "the connection's api is translated, the default" in said.err
        assert "sent" not in said.err
        assert oms.requests(path="/api/v2/order/ten") == []

    def test_a_number_without_its_option_is_told_which(
        self, oms: EmulatorProcess, say: Say, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect(monkeypatch, oms, extra={"api": "native"})
        said = say("order", OPEN)
        assert (said.code, said.out) == (3, "")
        assert "ORDER must be Kibo's id of the order: 32 hexadecimal digits" in said.err
        assert "give --order-key number or external_id, or write it as number:…" in said.err
        assert "sent" not in said.err
        said = say("order", OPEN, "--order-key", "nr")
        assert "--order-key must be one of id, number, external_id; got " in said.err

    @pytest.mark.parametrize("period", ["yesterday", "0d", "99999999d", "30"])
    def test_what_is_no_period_is_refused(
        self, oms: EmulatorProcess, say: Say, period: str
    ) -> None:
        said = say("order", OPEN, "--since", period)
        assert (said.code, said.out) == (2, "")
        assert "--since must be a time" in said.err
        assert oms.requests() == []


class TestRun:
    def test_orders_that_need_attention_come_first(self, airflow: AirflowRecord, say: Say) -> None:
        said = say("run", "cancel", "manual__1")
        assert said.code == 1
        assert [(one["order_id"], one["outcome"], one["in_doubt"]) for one in said.rows] == [
            (str(UNKNOWN), "unknown", True),
            (str(SHIPPED), "not_cancelable", False),
            (str(OPEN), "canceled", False),
        ]

    def test_those_that_are_canceled_can_be_left_out(
        self, airflow: AirflowRecord, say: Say
    ) -> None:
        said = say("run", "cancel", "manual__1", "--deviating")
        assert [one["order_id"] for one in said.rows] == [str(UNKNOWN), str(SHIPPED)]

    def test_a_run_that_is_fine(self, airflow: AirflowRecord, say: Say) -> None:
        said = say("run", "cancel", "manual__2")
        assert (said.code, [one["order_id"] for one in said.rows]) == (0, [str(OPEN)])

    def test_a_table_has_the_counts_and_every_order(self, airflow: AirflowRecord, say: Say) -> None:
        said = say("run", "cancel", "manual__1", output="table")
        counts, _, orders = said.out.partition("order_id")
        assert [line.split() for line in counts.splitlines() if "not_cancelable" in line] == [
            ["not_cancelable", "|", "no", "|", "1"]
        ]
        assert f"{SHIPPED}" in orders
        assert "SHIPPED" in orders

    def test_csv_is_one_table(self, airflow: AirflowRecord, say: Say) -> None:
        said = say("run", "cancel", "manual__1", output="csv")
        rows = list(csv.DictReader(io.StringIO(said.out)))
        assert [one["order_id"] for one in rows] == [str(UNKNOWN), str(SHIPPED), str(OPEN)]

    def test_the_instances_of_a_mapped_task_are_told_apart(
        self, airflow: AirflowRecord, say: Say
    ) -> None:
        for index in (0, 1):
            airflow.add(
                "mapped",
                "OmsCancelDecoratedOperator",
                run_id="manual__3",
                map_index=index,
                return_value={"orders": 1},
                results=[row(OPEN + index, "canceled")],
            )
        said = say("run", "cancel", "manual__3", "--task-id", "mapped")
        assert [(one["order_id"], one["map_index"]) for one in said.rows] == [
            (str(OPEN), 0),
            (str(OPEN + 1), 1),
        ]

    def test_a_set_without_a_list_of_orders_is_said(self, airflow: AirflowRecord, say: Say) -> None:
        airflow.keeps_state = False
        airflow.add("large", run_id="manual__4", return_value={"orders": 12_000})
        said = say("run", "cancel", "manual__4")
        assert "cancel, manual__4, large: 12000 orders, and no list of them" in said.err

    def test_a_run_without_a_task_of_ours(self, airflow: AirflowRecord, say: Say) -> None:
        said = say("run", "cancel", "manual__9")
        assert (said.code, said.out) == (3, "")
        assert "has no task of this provider" in said.err


class TestJournal:
    def test_the_orders_in_doubt(self, airflow: AirflowRecord, say: Say) -> None:
        said = say("journal")
        assert said.code == 1
        assert said.rows == [
            {
                "order_id": str(UNKNOWN),
                "outcome": "unknown",
                "posted_by": "2026-09-21T14:13:22+00:00",
                "of_parts": False,
                "dag_id": "cancel",
                "run_id": "manual__1",
                "task_id": "cancel",
                "map_index": None,
                "task_state": "failed",
            }
        ]

    def test_none_is_well(self, airflow: AirflowRecord, say: Say) -> None:
        airflow.stores.clear()
        airflow.instances = airflow.instances[:1]
        said = say("journal", output="table")
        assert (said.code, said.out.strip()) == (0, "No order is in doubt.")

    def test_a_run_without_deviations_says_so(self, airflow: AirflowRecord, say: Say) -> None:
        said = say("run", "cancel", "manual__2", "--deviating", output="table")
        assert said.out.rstrip().endswith(
            "No order that is listed here ended otherwise than canceled."
        )

    def test_an_airflow_without_journals_is_said(self, airflow: AirflowRecord, say: Say) -> None:
        airflow.keeps_state = False
        said = say("journal")
        assert (said.code, said.out) == (3, "")
        assert "keeps no journal" in said.err

    def test_no_command_shows_the_token(self, airflow: AirflowRecord, say: Say) -> None:
        airflow.status = 401
        for words in (("journal",), ("run", "cancel", "manual__1")):
            said = say(*words)
            assert said.code == 3
            assert TOKEN not in said.out + said.err


@pytest.mark.parametrize("words", [[], ["cancel"], ["order"], ["run", "cancel"]])
def test_a_command_that_is_not_whole_ends_with_two(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert "usage: python -m airflow_provider_oms" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("30d", datetime(2026, 10, 29, 12, tzinfo=UTC)),
        ("12h", datetime(2026, 11, 28, 0, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T08:00+01:00", datetime(2026, 11, 1, 7, tzinfo=UTC)),
    ],
)
def test_a_period_is_a_time_or_how_long_ago(text: str, meant: datetime) -> None:
    assert since(text, datetime(2026, 11, 28, 12, tzinfo=UTC)) == meant
