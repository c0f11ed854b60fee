"""The requests and results of a run of the bulk operator, whatever the tenant's state."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, Asset
from bulk_attempts import FIRST, SHIPPED, Attempt, EventsOf, cancel_posts, rows
from dag_runs import connect
from interruption import interruptible
from journal_store import Store
from measured import record_metrics
from raw_server import RawServer

from airflow_provider_oms.bulk_work import work_through
from airflow_provider_oms.cancellation.bulk import circuit_breaker
from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import OmsBulkCancellationError
from airflow_provider_oms.operators import bulk
from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

Logs = pytest.LogCaptureFixture


def outcomes_of(attempt: Attempt) -> dict[int, str]:
    return {row["order_id"]: row["outcome"] for row in attempt.pushed["results"]}


class TestWhatComesOut:
    def test_failures_are_told_by_outcome_and_the_rest_is_canceled_all_the_same(
        self, oms: EmulatorProcess
    ) -> None:
        attempt = Attempt()
        failure = attempt.fail([SHIPPED, 5, *range(FIRST, FIRST + 10)])
        assert isinstance(failure, AirflowFailException)
        message = str(failure)
        assert "2 of 12 orders" in message
        assert f"1 not_cancelable ({SHIPPED} SHIPPED)" in message
        assert "1 not_found (5)" in message
        assert cancel_posts(oms) == sorted([5, SHIPPED, *range(FIRST, FIRST + 10)])
        summary = attempt.pushed["return_value"]
        assert summary["outcomes"] == {"canceled": 10, "not_cancelable": 1, "not_found": 1}
        assert summary["failed"] == {"not_cancelable": [SHIPPED], "not_found": [5]}
        assert outcomes_of(attempt)[SHIPPED] == "not_cancelable"
        assert summary["states"] == {"not_cancelable": {"SHIPPED": 1}}

    def test_tolerated_failures_do_not_fail_the_task(self, oms: EmulatorProcess) -> None:
        summary = Attempt().run([SHIPPED, FIRST], tolerated_failures=1)
        assert summary["outcomes"] == {"canceled": 1, "not_cancelable": 1}

    def test_but_a_run_that_could_not_begin_does(
        self, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect(monkeypatch, oms, password="wrong")
        failure = Attempt().fail([FIRST, SHIPPED], tolerated_failures=5)
        assert "tolerated_failures does not apply to a run that stopped early" in str(failure)
        assert cancel_posts(oms) == []

    def test_and_so_does_one_in_which_no_order_was_confirmed(self, oms: EmulatorProcess) -> None:
        oms.add_fault("throttle", retry_after=3600, order_id=FIRST)
        failure = Attempt().fail([FIRST], tolerated_failures=5)
        assert not isinstance(failure, AirflowFailException)
        assert "1 not_attempted" in str(failure)

    def test_a_failure_that_another_attempt_can_mend_is_retried(self, oms: EmulatorProcess) -> None:
        oms.add_fault("throttle", retry_after=3600, order_id=FIRST + 1)
        failure = Attempt().fail([FIRST, FIRST + 1, SHIPPED])
        assert not isinstance(failure, AirflowFailException)

    def test_the_results_hold_every_order_once(self, oms: EmulatorProcess, tmp_path: Path) -> None:
        path = tmp_path / "deep" / "results.jsonl"
        summary = Attempt(map_index=3).run(
            [FIRST, SHIPPED], tolerated_failures=1, results_path=str(path)
        )
        assert summary["results_path"] == str(tmp_path / "deep" / "results-3.jsonl")
        canceled, shipped = sorted(rows(Path(summary["results_path"])), key=lambda r: r["order_id"])
        assert list(canceled) == [
            "order_id", "looked_up_id", "outcome", "confirmed_by", "order_state", "order_status",
            "disposition_reason", "attempts", "posts", "http_status", "oms_code",
            "correlation_id", "started_at", "finished_at",
        ]  # fmt: skip
        assert canceled["order_id"] == FIRST
        assert (canceled["outcome"], canceled["confirmed_by"]) == ("canceled", "answer")
        assert (canceled["attempts"], canceled["posts"], canceled["http_status"]) == (1, 1, 200)
        assert canceled["disposition_reason"] == "created_by_mistake"
        assert (shipped["outcome"], shipped["order_state"]) == ("not_cancelable", "SHIPPED")
        assert [entry.name for entry in path.parent.iterdir()] == ["results-3.jsonl"]

    def test_results_that_cannot_be_written_are_an_error_before_anything_is_sent(
        self, oms: EmulatorProcess, tmp_path: Path
    ) -> None:
        (tmp_path / "file").touch()
        failure = Attempt().fail([FIRST], results_path=str(tmp_path / "file" / "results.jsonl"))
        assert re.search(
            r"results\.jsonl cannot be written \(\w+: .*Nothing was sent", str(failure)
        )
        assert not isinstance(failure, AirflowFailException)
        assert oms.requests() == []

    def test_results_where_nothing_can_keep_them_are_an_error_likewise(
        self, oms: EmulatorProcess
    ) -> None:
        failure = Attempt().fail([FIRST], results_path="nosuch://bucket/results.jsonl")
        assert re.search(r"nosuch.* cannot be written \(\w+: .*Nothing was sent", str(failure))
        assert oms.requests() == []

    @pytest.mark.slow
    @pytest.mark.parametrize("is_pushed", [False, True])
    def test_where_nothing_else_keeps_them_every_failed_order_is_in_the_log(
        self,
        oms: EmulatorProcess,
        capfd: pytest.CaptureFixture[str],
        caplog: Logs,
        is_pushed: bool,
    ) -> None:
        attempt = Attempt()
        attempt.ti.xcom_push.side_effect = RuntimeError("the API server is away")
        failure = attempt.fail(list(range(1, 131)), do_xcom_push=is_pushed)
        log = capfd.readouterr().out + caplog.text
        assert all(
            re.search(rf"Order [\d, ]*\b{n}\b[\d, ]*: not_found", log) for n in range(1, 131)
        )
        assert "Every failed order is in the log." in str(failure)
        assert "XCom" not in str(failure)

    @pytest.mark.slow
    def test_a_timeout_while_xcom_is_written_leaves_every_failed_order_in_the_log(
        self, oms: EmulatorProcess, capfd: pytest.CaptureFixture[str], caplog: Logs
    ) -> None:
        class Timeout(BaseException):
            """As Airflow's execution_timeout raises it: no Exception."""

        attempt = Attempt()

        def takes_too_long(key: str, value: Any) -> None:
            if key == "return_value":
                raise Timeout

        attempt.ti.xcom_push.side_effect = takes_too_long
        with pytest.raises(Timeout):
            attempt.run(list(range(1, 131)))
        log = capfd.readouterr().out + caplog.text
        assert all(
            re.search(rf"Order [\d, ]*\b{n}\b[\d, ]*: not_found", log) for n in range(1, 131)
        )

    def test_an_xcom_that_takes_the_summary_alone_is_named_for_no_more(
        self, oms: EmulatorProcess
    ) -> None:
        attempt = Attempt()

        def takes_little(key: str, value: Any) -> None:
            if key == "results":
                raise ValueError("too large")

        attempt.ti.xcom_push.side_effect = takes_little
        message = str(attempt.fail([5]))
        assert "in the log; the counts are in the XCom value return_value. Set" in message

    def test_an_xcom_that_cannot_be_written_hides_no_order_and_no_verdict(
        self,
        oms: EmulatorProcess,
        capfd: pytest.CaptureFixture[str],
        caplog: Logs,
    ) -> None:
        attempt = Attempt()
        attempt.ti.xcom_push.side_effect = RuntimeError("the API server is away")
        failure = attempt.fail([FIRST, SHIPPED])
        assert isinstance(failure, AirflowFailException)
        # Airflow 2 logs through logging, Airflow 3 through structlog to standard output.
        log = capfd.readouterr().out + caplog.text
        assert f"Order {SHIPPED} is SHIPPED: not_cancelable" in log
        assert "The report could not be kept as a whole" in log

    def test_a_task_that_is_told_to_end_when_all_is_done_has_done_it(
        self, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[OmsBulkCancelOrdersOperator] = []

        def told_meanwhile(task: OmsBulkCancelOrdersOperator, *arguments: Any) -> Any:
            worked = work_through(task, *arguments)
            task.on_kill()
            told.append(task)
            return worked

        monkeypatch.setattr(bulk, "work_through", told_meanwhile)
        assert Attempt().run([FIRST])["outcomes"] == {"canceled": 1}
        assert len(told) == 1

    def test_a_timeout_while_the_results_are_written_leaves_the_summary(
        self, oms: EmulatorProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Timeout(BaseException):
            """As Airflow's execution_timeout raises it: no Exception."""

        def write(*_: Any) -> None:
            raise Timeout

        monkeypatch.setattr("airflow_provider_oms.storage.ResultsFile.write", write)
        attempt = Attempt()
        with pytest.raises(Timeout):
            attempt.run([FIRST], results_path=str(tmp_path / "results.jsonl"))
        assert attempt.pushed["return_value"]["outcomes"] == {"canceled": 1}
        assert attempt.pushed["return_value"]["results_path"] is None
        assert outcomes_of(attempt) == {FIRST: "canceled"}

    def test_a_file_of_orders_that_cannot_be_read_may_be_there_later(
        self, oms: EmulatorProcess, tmp_path: Path
    ) -> None:
        failure = Attempt().fail(orders_path=str(tmp_path / "orders.csv"))
        assert re.search(r"orders\.csv cannot be read \(\w+: .*Nothing was sent", str(failure))
        assert not isinstance(failure, AirflowFailException)
        assert oms.requests() == []

    @pytest.mark.slow
    def test_a_large_set_leaves_a_small_summary_and_no_pairs(self, oms: EmulatorProcess) -> None:
        attempt = Attempt()
        attempt.fail(list(range(10**18, 10**18 + 1001)), max_orders=2000, max_workers=16)
        assert set(attempt.pushed) == {"return_value", "oms_orders", "oms_orders_link"}
        assert len(json.dumps(attempt.pushed["return_value"])) < 16 * 1024
        assert len(json.dumps(attempt.pushed["oms_orders"])) < 400 * 1024
        assert len(attempt.pushed["oms_orders"]["rows"]) == 1000
        assert len(attempt.pushed["return_value"]["failed"]["not_found"]) == 20

    def test_a_dry_run_reads_and_posts_nothing(self, oms: EmulatorProcess) -> None:
        attempt = Attempt(Store())
        attempt.fail([FIRST, SHIPPED, 5], dry_run=True, only_if_states=["READY"])
        assert outcomes_of(attempt) == {
            FIRST: "would_cancel", SHIPPED: "not_cancelable", 5: "not_found",
        }  # fmt: skip
        assert cancel_posts(oms) == []
        assert attempt.store == {}

    def test_a_dry_run_tells_the_states_and_warns_of_those_that_are_refused(
        self, oms: EmulatorProcess, capfd: pytest.CaptureFixture[str], caplog: Logs
    ) -> None:
        caplog.set_level("INFO")
        oms.load_orders([{"orderID": FIRST, "orderState": "HELD", "orderStatus": "HELD"}])
        attempt = Attempt()
        summary = attempt.run([FIRST, FIRST + 1, SHIPPED], dry_run=True)
        assert summary["outcomes"] == {"would_cancel": 3}
        assert summary["states"] == {"would_cancel": {"HELD": 1, "READY": 1, "SHIPPED": 1}}
        warning = "1 of 3 would_cancel orders are in a state from which"
        assert summary["warning"].startswith(warning)
        log = capfd.readouterr().out + caplog.text
        assert "3 would_cancel: " in log
        assert warning in log
        assert {
            "order_id": SHIPPED,
            "looked_up_id": None,
            "outcome": "would_cancel",
            "order_state": "SHIPPED",
            "order_status": "SHIPPED",
        } in attempt.pushed["results"]

    def test_which_states_are_refused_is_for_the_connection_to_say(
        self, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect(monkeypatch, oms, extra={"not_cancelable_states": "ready, held"})
        summary = Attempt().run([FIRST, SHIPPED], dry_run=True)
        assert ": 1 READY. " in summary["warning"]

    def test_results_that_cannot_be_written_in_the_end_fail_the_task_and_are_written_by_the_next(
        self, oms: EmulatorProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store, path = Store(), tmp_path / "results.jsonl"

        def away(*_: Any) -> None:
            # Some storages raise errors other than OSError.
            raise RuntimeError("no space left")

        with monkeypatch.context() as full:
            full.setattr("fsspec.implementations.local.LocalFileSystem.mv", away)
            failure = Attempt(store).fail([FIRST], results_path=str(path))
        assert not isinstance(failure, AirflowFailException)
        assert "1 canceled, but the results could not be written" in str(failure)
        Attempt(store, number=2).run([FIRST], results_path=str(path))
        assert [row["outcome"] for row in rows(path)] == ["canceled"]
        assert cancel_posts(oms) == [FIRST]

    def test_counts_go_to_metrics_and_to_the_events_of_outlets(
        self, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        metrics = record_metrics(monkeypatch)
        asset = Asset("oms-canceled-orders")
        event = MagicMock()
        attempt = Attempt(events=EventsOf({asset.uri: event}))
        attempt.run([FIRST, SHIPPED], tolerated_failures=1, outlets=[asset])
        took = {metric.name: metric for metric in metrics if "duration" in metric.name}
        assert 0 < took["oms.order.duration"].value < took["oms.run.duration"].value < 60_000
        assert {metric.name: metric.value for metric in metrics if metric.name not in took} == {
            "oms.orders.canceled": 1,
            "oms.orders.not_cancelable": 1,
            "oms.orders.in_doubt": 0,
            "oms.requests.turned_away": 0,
            "oms.requests.paused": 0,
        }
        assert {metric.tags["tenant"] for metric in metrics} == {"10001"}
        assert event.extra == {"canceled": 1, "not_cancelable": 1}

    @pytest.mark.slow
    def test_a_timeout_of_airflows_leaves_results_and_a_summary(
        self, oms: EmulatorProcess, tmp_path: Path
    ) -> None:
        class TimedOutError(BaseException):
            """What Airflow raises at execution_timeout is no Exception either."""

        path = tmp_path / "results.jsonl"
        oms.add_fault("hang", order_id=FIRST + 1, seconds=30, acts=True)
        attempt = Attempt(Store())

        def time_out() -> None:
            oms.wait_for_cancel_post(FIRST + 1)
            interrupt()

        watcher = threading.Thread(target=time_out)
        with interruptible(TimedOutError) as interrupt:
            watcher.start()
            with pytest.raises(TimedOutError):
                # One worker: the first order has its end when the second one's cancel arrives.
                attempt.run([FIRST, FIRST + 1], results_path=str(path), max_workers=1)
        assert attempt.pushed["return_value"]["outcomes"] == {"canceled": 1, "unknown": 1}
        assert {row["order_id"]: row["outcome"] for row in rows(path)} == {
            FIRST: "canceled",
            FIRST + 1: "unknown",
        }


@pytest.mark.slow
class TestATenantThatIsInNoStateToCancel:
    """How long each takes is held in virtual time: tests/cancellation/bulk/test_engine_stops.py."""

    @pytest.fixture(autouse=True)
    def short_pauses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(circuit_breaker, "_FIRST_ANSWER_WITHIN", 2.0)
        pauses = [seconds / 20 for seconds in circuit_breaker._PROBE_PAUSES]
        monkeypatch.setattr(circuit_breaker, "_PROBE_PAUSES", pauses)

    def fail(self, orders: Any, **arguments: Any) -> OmsBulkCancellationError:
        return Attempt(Store()).fail(orders, max_orders=2000, **arguments)

    def test_one_that_is_down(self, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> None:
        with RawServer([]) as nobody:
            pass
        connect(monkeypatch, oms, host=nobody.url)
        failure = self.fail(list(range(FIRST, FIRST + 50)))
        assert "a first read did not get through" in str(failure)
        assert "connection refused" in str(failure)
        assert not isinstance(failure, AirflowFailException)
        assert oms.requests() == []

    def test_one_that_answers_503_to_everything_from_some_moment_on(
        self, oms: EmulatorProcess
    ) -> None:
        oms.add_fault("status", status=503, call="any", skip=10)
        failure = self.fail(list(range(FIRST, FIRST + 50)))
        assert "orders in a row got no answer" in str(failure)
        assert "5 requests one at a time" in str(failure)
        assert "HTTP 503" in str(failure)
        outcomes = {order_id: order["orderState"] for order_id, order in oms.orders().items()}
        assert len(cancel_posts(oms)) < 50
        assert outcomes[FIRST] == "CANCELED"

    def test_one_that_answers_503_to_everything(self, oms: EmulatorProcess) -> None:
        oms.add_fault("status", status=503, call="any")
        failure = self.fail(list(range(FIRST, FIRST + 50)))
        assert "503" in str(failure)
        assert cancel_posts(oms) == []

    def test_one_that_revokes_the_permission(
        self, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect(monkeypatch, oms, extra={"settle_seconds": 0.3, "deadline": 8})
        oms.add_fault("status", status=403, skip=10)
        oms.load_orders([{"orderID": FIRST + number} for number in range(100)])
        failure = self.fail(list(range(FIRST, FIRST + 100)))
        assert "the OMS refuses the connection" in str(failure)
        # Each is tried with other tokens for some time, and those that have a lease are tried.
        assert len(set(cancel_posts(oms))) <= 80

    def test_wrong_credentials_are_not_tried_again(
        self, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect(monkeypatch, oms, password="wrong")
        failure = self.fail([FIRST])
        assert isinstance(failure, AirflowFailException)
        assert "check the connection's login" in str(failure)
        assert cancel_posts(oms) == []
