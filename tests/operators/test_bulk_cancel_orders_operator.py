"""The bulk operator against the emulator: what it takes, what it sends, what it leaves behind."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, Asset, Stats
from dag_runs import connect
from raw_server import RawServer

from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import OmsBulkCancellationError, OmsUnsendableError
from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

FIRST = 4000001
SHIPPED = FIRST + 50


@pytest.fixture(scope="module")
def tenant() -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as emulator:
        yield emulator


@pytest.fixture
def oms(tenant: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> EmulatorProcess:
    """Give a tenant with fifty open orders and a shipped one."""
    tenant.clear_faults()
    tenant.clear_requests()
    shipped = {"orderID": SHIPPED, "orderState": "SHIPPED", "orderStatus": "SHIPPED"}
    tenant.load_orders([*({"orderID": FIRST + number} for number in range(50)), shipped])
    connect(monkeypatch, tenant, extra={"settle_seconds": 0.3})
    return tenant


class Store(dict[str, Any]):
    """What Airflow 3.3 gives as `task_state_store`, with values as JSON and back."""

    is_broken = False
    #: Takes so many values more, as it does for an attempt that is given up meanwhile.
    remaining: int | None = None

    def set(self, key: str, value: Any) -> None:
        if self.is_broken:
            raise OSError("the API server is away")
        if self.remaining is not None:
            if not self.remaining:
                raise OSError("there is no such task instance")
            self.remaining -= 1
        self[key] = json.loads(json.dumps(value))


class EventsOf(dict[str, MagicMock]):
    """Hold the event of each asset; not every Airflow's assets can be keys by themselves."""

    def __getitem__(self, asset: Any) -> MagicMock:
        return super().__getitem__(asset.uri)


class Attempt:
    """Run the operator as one attempt of a task, and keep what it left."""

    def __init__(
        self,
        store: Store | None = None,
        *,
        number: int = 1,
        map_index: int = -1,
        events: Any = None,
    ) -> None:
        self.events = events or {}
        self.pushed: dict[str, Any] = {}
        self.failure: BaseException | None = None
        self.store = store
        self.ti = MagicMock(try_number=number, map_index=map_index)
        self.ti.xcom_push.side_effect = self._push

    def _push(self, key: str, value: Any) -> None:
        self.pushed[key] = json.loads(json.dumps(value))

    def run(self, orders: Any = None, **arguments: Any) -> Any:
        given = {"disposition_reason": "created_by_mistake", "orders": orders, **arguments}
        context: Any = {"ti": self.ti, "outlet_events": self.events}
        if self.store is not None:
            context["task_state_store"] = self.store
        summary = OmsBulkCancelOrdersOperator(task_id="cancel", **given).execute(context)
        assert self.pushed.get("return_value", summary) == summary
        return summary

    def fail(self, *arguments: Any, **named: Any) -> OmsBulkCancellationError:
        with pytest.raises(OmsBulkCancellationError) as failure:
            self.run(*arguments, **named)
        return failure.value


def cancel_posts(oms: EmulatorProcess) -> list[int]:
    requests = oms.requests(method="POST", path="/api/v2/order/action/cancel")
    return sorted(request["order_id"] for request in requests)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


class TestWhatItTakes:
    @pytest.mark.parametrize(
        "make",
        [
            lambda ids: ids,
            lambda ids: [str(number) for number in ids],
            lambda ids: [{"order_id": number} for number in ids],
            json.dumps,
            lambda ids: [ids[:2], ids[2:]],
            tuple,
            lambda ids: [*ids, *ids],
        ],
    )
    def test_a_set_in_any_of_its_forms_is_canceled_with_one_post_each(
        self, oms: EmulatorProcess, make: Callable[[list[int]], Any]
    ) -> None:
        ids = [FIRST, FIRST + 1, FIRST + 2]
        summary = Attempt().run(make(ids))
        assert cancel_posts(oms) == ids
        assert summary["outcomes"] == {"canceled": 3}

    @pytest.mark.parametrize("suffix", ["jsonl", "ndjson", "csv"])
    def test_a_file_of_orders(self, oms: EmulatorProcess, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"orders.{suffix}"
        entries = [
            {"order_id": FIRST, "disposition_reason": "", "disposition_other_reason": ""},
            {
                "order_id": FIRST + 1,
                "disposition_reason": "other",
                "disposition_other_reason": "Case 7, closed",
            },
        ]
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            if suffix == "csv":
                writer = csv.DictWriter(file, list(entries[0]))
                writer.writeheader()
                writer.writerows(entries)
            else:
                file.writelines(json.dumps(entry) + "\n" for entry in entries)
        Attempt().run(orders_path=f"file://{path}")
        assert cancel_posts(oms) == [FIRST, FIRST + 1]
        assert oms.order(FIRST)["dispositionReason"] == "created_by_mistake"
        assert oms.order(FIRST + 1)["dispositionOtherReason"] == "Case 7, closed"

    def test_an_empty_list_is_a_success(self, oms: EmulatorProcess) -> None:
        assert Attempt().run([])["outcomes"] == {}
        assert oms.requests() == []

    def test_its_own_reasons_are_those_of_orders_that_name_none(self, oms: EmulatorProcess) -> None:
        Attempt().run(
            [FIRST, {"order_id": FIRST + 1, "disposition_reason": "created_by_mistake"}],
            disposition_reason="other",
            disposition_other_reason="Rejected",
        )
        assert oms.order(FIRST)["dispositionOtherReason"] == "Rejected"
        assert oms.order(FIRST + 1)["dispositionReason"] == "created_by_mistake"
        assert oms.order(FIRST + 1)["dispositionOtherReason"] is None

    def test_every_setting_is_templated(self) -> None:
        with DAG("templates", schedule=None):
            task = OmsBulkCancelOrdersOperator(
                task_id="cancel", orders="{{ params.ids | tojson }}", dry_run="{{ params.dry }}"
            )
        task.render_template_fields({"params": {"ids": [1, 2], "dry": True}})
        assert (task.orders, task.is_dry_run) == ("[1, 2]", "True")


class TestGuardrails:
    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ({"orders": None}, "orders_path"),
            ({"orders": ""}, "orders must be a list"),
            ({"orders": "None"}, "orders must be a list"),
            ({"orders": "[1, "}, "orders must be a list"),
            ({"orders": 5}, "orders must be a list"),
            ({"orders": {"order_id": 5}}, "orders must be a list"),
            ({"orders": [1], "orders_path": "/x.csv"}, "both"),
            ({"orders_path": "/x.txt"}, "must end in"),
            ({"orders": [FIRST, 0, FIRST + 1, True]}, "2 of 4 entries cannot be used: entry 2: "),
            ({"orders": [FIRST, "1e3"]}, "entry 2: order_id must be"),
            ({"orders": [[FIRST], [FIRST + 1, None]]}, "entry 2, item 2: order_id"),
            ({"orders": [{"order_id": FIRST, "verdict": "accepted"}]}, "unknown key 'verdict'"),
            ({"orders": [{"order_id": FIRST, "in_doubt": "maybe"}]}, "in_doubt must be"),
            ({"orders": [FIRST], "disposition_reason": "fraud"}, "disposition_reason must be"),
            ({"orders": [FIRST], "disposition_reason": None}, "disposition_reason must be"),
            ({"orders": [FIRST], "disposition_reason": "other"}, "disposition_other_reason"),
            (
                {"orders": [FIRST, {"order_id": str(FIRST), "disposition_reason": "other",
                                    "disposition_other_reason": "x"}]},
                f"order {FIRST} is there with another reason",
            ),
            ({"orders": [FIRST, FIRST + 1, FIRST + 2], "max_orders": 2}, "has 3 orders, and max"),
            ({"orders": [FIRST], "max_orders": 0}, "max_orders must be"),
            ({"orders": [FIRST], "max_workers": 0}, "max_workers must be"),
            ({"orders": [FIRST], "max_workers": 129}, "max_workers must be at most"),
            ({"orders": [FIRST], "tolerated_failures": "some"}, "tolerated_failures must be"),
            ({"orders": [FIRST], "stop_after_failures": 0}, "stop_after_failures must be"),
            ({"orders": [FIRST], "requests_per_second": "0"}, "requests_per_second must be"),
            ({"orders": [FIRST], "dry_run": "None"}, "dry_run must be"),
            ({"orders": [FIRST], "only_if_states": []}, "only_if_states must be"),
        ],
    )  # fmt: skip
    def test_a_set_that_cannot_be_used_is_refused_whole(
        self, oms: EmulatorProcess, arguments: dict[str, Any], says: str
    ) -> None:
        with pytest.raises(OmsUnsendableError) as refusal:
            Attempt().run(**arguments)
        assert says in str(refusal.value)
        assert "Nothing was sent" in str(refusal.value)
        assert oms.requests() == []

    @pytest.mark.parametrize("guard", ["only_if_states", "stop_after_failures"])
    def test_a_guard_that_renders_to_none_does_not_vanish(
        self, oms: EmulatorProcess, guard: str
    ) -> None:
        guards: dict[str, Any] = {guard: "{{ none }}"}
        task = OmsBulkCancelOrdersOperator(
            task_id="cancel", orders=[FIRST], disposition_reason="created_by_mistake", **guards
        )
        setattr(task, guard, None)
        with pytest.raises(OmsUnsendableError, match=f"{guard} must be"):
            task.execute({"ti": Attempt().ti})
        assert oms.requests() == []

    def test_every_bad_line_of_a_file_is_named(self, oms: EmulatorProcess, tmp_path: Path) -> None:
        path = tmp_path / "orders.jsonl"
        path.write_text(f'{FIRST}\n\n"x"\n{{"order_id": {FIRST + 1}}}\nnot json\n', "utf-8")
        with pytest.raises(OmsUnsendableError, match=r"2 of 4 .* line 3: .* line 5: "):
            Attempt().run(orders_path=str(path))
        path = tmp_path / "orders.csv"
        path.write_text(f"order_id,verdict\n{FIRST},accepted\n", "utf-8")
        with pytest.raises(OmsUnsendableError, match="must name its columns"):
            Attempt().run(orders_path=str(path))
        assert oms.requests() == []

    def test_the_cap_counts_each_order_once(self, oms: EmulatorProcess) -> None:
        assert Attempt().run([FIRST, FIRST, str(FIRST)], max_orders=1)["duplicates"] == 2


class TestWhatComesOut:
    def test_failures_are_told_by_outcome_and_the_rest_is_canceled_all_the_same(
        self, oms: EmulatorProcess
    ) -> None:
        attempt = Attempt()
        failure = attempt.fail([SHIPPED, 5, *range(FIRST, FIRST + 10)])
        assert isinstance(failure, AirflowFailException)
        message = str(failure)
        assert "2 of 12 orders" in message
        assert f"1 not_cancelable ({SHIPPED})" in message
        assert "1 not_found (5)" in message
        assert cancel_posts(oms) == sorted([5, SHIPPED, *range(FIRST, FIRST + 10)])
        summary = attempt.pushed["return_value"]
        assert summary["outcomes"] == {"canceled": 10, "not_cancelable": 1, "not_found": 1}
        assert summary["failed"] == {"not_cancelable": [SHIPPED], "not_found": [5]}
        assert dict(attempt.pushed["results"])[SHIPPED] == "not_cancelable"

    def test_tolerated_failures_do_not_fail_the_task(self, oms: EmulatorProcess) -> None:
        summary = Attempt().run([SHIPPED, FIRST], tolerated_failures=1)
        assert summary["outcomes"] == {"canceled": 1, "not_cancelable": 1}

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
            "order_id", "outcome", "confirmed_by", "order_state", "order_status",
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
        assert set(attempt.pushed) == {"return_value"}
        assert len(json.dumps(attempt.pushed["return_value"])) < 16 * 1024
        assert len(attempt.pushed["return_value"]["failed"]["not_found"]) == 20

    def test_a_dry_run_reads_and_posts_nothing(self, oms: EmulatorProcess) -> None:
        attempt = Attempt(Store())
        attempt.fail([FIRST, SHIPPED, 5], dry_run=True, only_if_states=["READY"])
        assert dict(attempt.pushed["results"]) == {
            FIRST: "would_cancel", SHIPPED: "not_cancelable", 5: "not_found",
        }  # fmt: skip
        assert cancel_posts(oms) == []
        assert attempt.store == {}

    def test_results_that_cannot_be_written_in_the_end_fail_the_task_and_are_written_by_the_next(
        self, oms: EmulatorProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store, path = Store(), tmp_path / "results.jsonl"

        def away(*_: Any) -> None:
            # Some storages raise what is no OSError.
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
        counted: dict[str, int] = {}
        monkeypatch.setattr(Stats, "incr", counted.__setitem__)
        asset = Asset("oms-canceled-orders")
        event = MagicMock()
        attempt = Attempt(events=EventsOf({asset.uri: event}))
        attempt.run([FIRST, SHIPPED], tolerated_failures=1, outlets=[asset])
        assert counted == {"oms.orders.canceled": 1, "oms.orders.not_cancelable": 1}
        assert event.extra == {"canceled": 1, "not_cancelable": 1}

    @pytest.mark.slow
    def test_a_timeout_of_airflows_leaves_results_and_a_summary(
        self, oms: EmulatorProcess, tmp_path: Path
    ) -> None:
        class TimedOutError(BaseException):
            """What Airflow raises at execution_timeout is no Exception either."""

        def time_out(*_: Any) -> None:
            raise TimedOutError

        path = tmp_path / "results.jsonl"
        oms.add_fault("hang", order_id=FIRST + 1, seconds=30, acts=True)
        attempt = Attempt(Store())
        previous = signal.signal(signal.SIGUSR1, time_out)
        threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        try:
            with pytest.raises(TimedOutError):
                attempt.run([FIRST, FIRST + 1], results_path=str(path))
        finally:
            signal.signal(signal.SIGUSR1, previous)
        assert attempt.pushed["return_value"]["outcomes"] == {"canceled": 1, "unknown": 1}
        assert {row["order_id"]: row["outcome"] for row in rows(path)} == {
            FIRST: "canceled",
            FIRST + 1: "unknown",
        }


@pytest.mark.slow
class TestATenantThatIsInNoStateToCancel:
    def fail_within_a_minute(self, orders: Any, **arguments: Any) -> OmsBulkCancellationError:
        began_at = time.monotonic()
        failure = Attempt(Store()).fail(orders, max_orders=2000, **arguments)
        assert time.monotonic() - began_at < 60
        return failure

    def test_one_that_is_down(self, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> None:
        with RawServer([]) as nobody:
            pass
        connect(monkeypatch, oms, host=nobody.url)
        failure = self.fail_within_a_minute(list(range(FIRST, FIRST + 50)))
        assert "a first read did not get through" in str(failure)
        assert "connection refused" in str(failure)
        assert not isinstance(failure, AirflowFailException)
        assert oms.requests() == []

    def test_one_that_answers_503_to_everything_from_some_moment_on(
        self, oms: EmulatorProcess
    ) -> None:
        oms.add_fault("status", status=503, call="any", skip=25)
        failure = self.fail_within_a_minute(list(range(FIRST, FIRST + 50)))
        assert "20 orders in a row got no answer" in str(failure)
        assert "HTTP 503" in str(failure)
        outcomes = {order_id: order["orderState"] for order_id, order in oms.orders().items()}
        assert len(cancel_posts(oms)) < 50
        assert outcomes[FIRST] == "CANCELED"

    def test_one_that_answers_503_to_everything(self, oms: EmulatorProcess) -> None:
        oms.add_fault("status", status=503, call="any")
        failure = self.fail_within_a_minute(list(range(FIRST, FIRST + 50)))
        assert "503" in str(failure)
        assert cancel_posts(oms) == []

    def test_one_that_revokes_the_permission(self, oms: EmulatorProcess) -> None:
        oms.add_fault("status", status=403, skip=10)
        failure = self.fail_within_a_minute(list(range(FIRST, FIRST + 50)))
        assert "the OMS refuses the connection" in str(failure)
        assert len(cancel_posts(oms)) <= 10 + 2 * 4

    def test_wrong_credentials_are_not_tried_again(
        self, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect(monkeypatch, oms, password="wrong")
        failure = self.fail_within_a_minute([FIRST])
        assert isinstance(failure, AirflowFailException)
        assert "check the connection's login" in str(failure)
        assert cancel_posts(oms) == []


class TestTheNextAttempt:
    def test_it_reads_nothing_of_what_was_canceled_and_looks_first_at_what_was_refused(
        self, oms: EmulatorProcess, tmp_path: Path
    ) -> None:
        store, path = Store(), tmp_path / "results.jsonl"
        orders = [FIRST, FIRST + 1, SHIPPED, 5]
        Attempt(store).fail(orders, results_path=str(path))
        first = {row["order_id"]: row for row in rows(path)}
        oms.clear_requests()
        oms.load_orders([{"orderID": SHIPPED, "orderState": "READY", "orderStatus": "READY"}])
        attempt = Attempt(store, number=2)
        attempt.fail(orders, results_path=str(path))
        # The preflight's read of the first order comes before.
        seen = [(request["method"], request["order_id"]) for request in oms.requests()
                if request["order_id"]]  # fmt: skip
        assert seen[0] == ("GET", FIRST)
        assert [method for method, order_id in seen if order_id == SHIPPED] == ["GET", "POST"]
        assert [method for method, order_id in seen if order_id == 5] == ["GET"]
        assert {order_id for _, order_id in seen[1:]} == {SHIPPED, 5}
        assert attempt.pushed["return_value"]["outcomes"] == {"canceled": 3, "not_found": 1}
        second = {row["order_id"]: row for row in rows(path)}
        assert second[FIRST] == first[FIRST]
        assert second[SHIPPED]["outcome"] == "canceled"
        assert second[SHIPPED]["attempts"] == 2
        assert len(rows(path)) == 4

    def test_without_a_store_every_order_is_read_before_it_is_canceled(
        self, oms: EmulatorProcess
    ) -> None:
        Attempt().run([FIRST])
        oms.clear_requests()
        Attempt(number=2).run([FIRST, FIRST + 1])
        assert cancel_posts(oms) == [FIRST + 1]
        reads = [request["order_id"] for request in oms.requests(method="GET")]
        assert {FIRST, FIRST + 1} <= set(reads)

    def test_a_journal_that_is_gone_makes_every_order_one_in_doubt(
        self, oms: EmulatorProcess
    ) -> None:
        Attempt(Store()).run([FIRST])
        summary = Attempt(Store(), number=2).run([FIRST, FIRST + 1])
        assert cancel_posts(oms) == [FIRST, FIRST + 1]
        assert summary["outcomes"] == {"canceled": 2}

    def test_orders_that_are_not_in_the_set_any_more_are_left_alone(
        self, oms: EmulatorProcess
    ) -> None:
        store = Store()
        Attempt(store).run([FIRST, FIRST + 1])
        oms.clear_requests()
        assert Attempt(store, number=2).run([FIRST])["outcomes"] == {"canceled": 1}
        assert oms.requests() == []

    def test_a_store_that_cannot_be_written_lets_nothing_be_sent(
        self, oms: EmulatorProcess
    ) -> None:
        store = Store()
        store.is_broken = True
        with pytest.raises(OmsBulkCancellationError, match="Nothing was sent"):
            Attempt(store).run([FIRST])
        assert cancel_posts(oms) == []

    def test_an_attempt_that_was_given_up_leaves_the_results_of_the_next_one_alone(
        self, oms: EmulatorProcess, tmp_path: Path
    ) -> None:
        path, store = tmp_path / "results.jsonl", Store()
        path.write_text("what the next attempt wrote\n", encoding="utf-8")
        # The head, the intents and the head again are kept, and no outcome any more.
        store.remaining = 3
        given_up = Attempt(store)
        failure = given_up.fail([FIRST, FIRST + 1], results_path=str(path))
        assert cancel_posts(oms) == [FIRST, FIRST + 1]
        assert "the results could not be written" in str(failure)
        assert path.read_text(encoding="utf-8") == "what the next attempt wrote\n"
        assert given_up.pushed == {}

    def test_an_attempt_that_can_write_its_record_at_the_end_replaces_what_is_there(
        self, oms: EmulatorProcess, tmp_path: Path
    ) -> None:
        path = tmp_path / "results.jsonl"
        path.write_text("what another run wrote\n", encoding="utf-8")
        Attempt(Store()).run([FIRST], results_path=str(path))
        assert [row["order_id"] for row in rows(path)] == [FIRST]
