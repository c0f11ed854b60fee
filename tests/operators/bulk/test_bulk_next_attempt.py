"""The next attempt of the bulk operator's task, and its use of the last one's records."""

from __future__ import annotations

from pathlib import Path

import pytest
from bulk_attempts import FIRST, SHIPPED, Attempt, cancel_posts, rows
from dag_runs import connect
from journal_store import Store

from airflow_provider_oms.cancellation.bulk import engine, recovery
from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import OmsBulkCancellationError


@pytest.fixture
def no_older_attempt_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a lost record be as old as it is: its last cancel cannot leave seconds from now."""
    longest = property(lambda _: 0.0)
    monkeypatch.setattr(recovery.Record, "longest_lease", longest)


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
        seen = [(request["method"], request["order_id"]) for request in oms.requests()
                if request["order_id"]]  # fmt: skip
        calls = [method for method, order_id in seen if order_id == SHIPPED]
        assert calls == ["GET", "POST"]
        assert [method for method, order_id in seen if order_id == 5] == ["GET"]
        assert {order_id for _, order_id in seen} == {SHIPPED, 5}
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

    @pytest.mark.usefixtures("no_older_attempt_runs")
    def test_a_journal_that_is_gone_makes_every_order_one_in_doubt(
        self, oms: EmulatorProcess
    ) -> None:
        Attempt(Store()).run([FIRST])
        summary = Attempt(Store(), number=2).run([FIRST, FIRST + 1])
        assert cancel_posts(oms) == [FIRST, FIRST + 1]
        assert summary["outcomes"] == {"canceled": 2}

    @pytest.mark.slow
    @pytest.mark.usefixtures("no_older_attempt_runs")
    @pytest.mark.parametrize("has_store", [True, False])
    def test_an_attempt_without_a_number_reads_every_order_before_it_is_canceled(
        self,
        oms: EmulatorProcess,
        capfd: pytest.CaptureFixture[str],
        caplog: pytest.LogCaptureFixture,
        has_store: bool,
    ) -> None:
        # As `airflow tasks test` has it.
        Attempt().run([FIRST])
        oms.clear_requests()
        Attempt(Store() if has_store else None, number=0).run([FIRST, FIRST + 1])
        assert cancel_posts(oms) == [FIRST + 1]
        said = "The attempt number of this task is unknown, so every order is read"
        assert said in capfd.readouterr().out + caplog.text

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
        store = Store(writes_left=0)
        with pytest.raises(OmsBulkCancellationError, match="Nothing was sent"):
            Attempt(store).run([FIRST])
        assert cancel_posts(oms) == []

    def test_an_attempt_that_was_given_up_leaves_the_results_of_the_next_one_alone(
        self, oms: EmulatorProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engine, "_LAST_WRITE_WITHIN", 0.2)
        path = tmp_path / "results.jsonl"
        path.write_text("the next attempt's lines\n", encoding="utf-8")
        # The head, the intents and the head again are kept, and no outcome any more.
        given_up = Attempt(Store(writes_left=3))
        failure = given_up.fail([FIRST, FIRST + 1], results_path=str(path))
        assert cancel_posts(oms) == [FIRST, FIRST + 1]
        assert "as for an attempt that another one has taken over from" in str(failure)
        assert path.read_text(encoding="utf-8") == "the next attempt's lines\n"
        assert "return_value" not in given_up.pushed
        assert given_up.pushed["oms_orders"]["outcomes"] is None

    def test_an_attempt_that_was_given_up_fails_though_all_its_orders_are_canceled(
        self, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engine, "_LAST_WRITE_WITHIN", 0.2)
        given_up = Attempt(Store(writes_left=3))
        assert "left to the next attempt" in str(given_up.fail([FIRST]))
        assert "return_value" not in given_up.pushed
        assert given_up.pushed["oms_orders"]["outcomes"] is None

    @pytest.mark.usefixtures("no_older_attempt_runs")
    def test_what_was_canceled_on_another_tenant_is_not_taken_for_canceled_on_this_one(
        self, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = Store()
        Attempt(store).run([FIRST])
        oms.load_orders([{"orderID": FIRST}])
        oms.clear_requests()
        # As when a person corrects the connection and clears the task.
        connect(monkeypatch, oms, extra={"settle_seconds": 0.3, "site_id": "7"})
        assert Attempt(store, number=2).run([FIRST])["outcomes"] == {"canceled": 1}
        assert oms.order(FIRST)["orderState"] == "CANCELED"

    @pytest.mark.usefixtures("no_older_attempt_runs")
    def test_an_order_that_was_in_another_chunk_is_read_before_anything_is_sent(
        self, oms: EmulatorProcess
    ) -> None:
        store = Store()
        Attempt(store).run([FIRST])
        Attempt(Store(), map_index=1).run([FIRST + 1, FIRST + 2])
        # The set was split again, and both come to a task that knows nothing of them.
        Attempt(store, number=2).run([FIRST, FIRST + 1, FIRST + 2])
        assert cancel_posts(oms) == [FIRST, FIRST + 1, FIRST + 2]

    def test_an_attempt_that_can_write_its_record_at_the_end_replaces_what_is_there(
        self, oms: EmulatorProcess, tmp_path: Path
    ) -> None:
        path = tmp_path / "results.jsonl"
        path.write_text("another run's lines\n", encoding="utf-8")
        Attempt(Store()).run([FIRST], results_path=str(path))
        assert [row["order_id"] for row in rows(path)] == [FIRST]
