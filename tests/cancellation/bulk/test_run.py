"""The run through a set: what leaves when, what is on record by then, and what stops it."""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any

import pytest
from bulk_runs import LOST, Tenant, outcomes, run_of
from interruption import interrupted_after
from journal_store import Store

from airflow_provider_oms.api.errors import (
    OmsConflictError,
    OmsError,
    OmsForbiddenError,
    OmsNotFoundError,
    OmsNotSentError,
    OmsServerError,
    OmsThrottledError,
)
from airflow_provider_oms.cancellation.bulk import run as bulk
from airflow_provider_oms.cancellation.bulk.journal import Journal
from airflow_provider_oms.cancellation.bulk.workers import Workers
from airflow_provider_oms.cancellation.decision import Step
from airflow_provider_oms.cancellation.history import History, Policy
from airflow_provider_oms.cancellation.outcomes import Outcome


def test_every_order_is_canceled_once_and_never_more_at_a_time_than_there_are_workers() -> None:
    tenant = Tenant()
    run = run_of(tenant, 200, workers=8)
    run.run()
    assert outcomes(run) == {"canceled": 200}
    assert sorted(tenant.posts()) == list(range(1, 201))
    assert 2 <= tenant.most_at_once <= 8


def test_an_order_that_waits_occupies_no_worker() -> None:
    # More orders wait to settle than there are workers, and the others are done meanwhile.
    tenant = Tenant(post=lambda order_id: LOST if order_id <= 10 else None, acts=True)
    run = run_of(tenant, 60, workers=4)
    run.run()
    assert outcomes(run) == {"canceled": 60}
    first_settled = min(s.at for s in tenant.seen[1:] if s.method == "GET")
    plain = [s.at for s in tenant.seen if s.method == "POST" and s.order_id > 10]
    assert sum(at < first_settled for at in plain) == 50


def test_nothing_leaves_faster_than_the_rate_allows() -> None:
    tenant = Tenant()
    run_of(tenant, 15, workers=8, requests_per_second=50.0).run()
    times = sorted(call.at for call in tenant.seen[1:])
    assert times[-1] - times[0] >= 13 / 50
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert min(gaps) > 0.005


@pytest.mark.slow
def test_a_retry_after_pauses_all() -> None:
    throttled = iter([OmsThrottledError("slow down", http_status=429, retry_after=1)])
    tenant = Tenant(post=lambda order_id: next(throttled, None) if order_id == 3 else None)
    run = run_of(tenant, 200, workers=4)
    run.run()
    assert outcomes(run) == {"canceled": 200}
    times = sorted(call.at for call in tenant.seen)
    longest = max(later - earlier for earlier, later in itertools.pairwise(times))
    # Calls that were under way when the answer came are all that may lie in between.
    assert longest > 0.9


class TestTheRecord:
    @pytest.mark.slow
    def test_no_cancel_leaves_without_an_intent_on_record(self) -> None:
        store, missing = Store(), []

        def look(order_id: int) -> None:
            if order_id not in store.in_doubt():
                missing.append(order_id)

        tenant = Tenant(look=look, post=lambda order_id: LOST if order_id % 9 == 0 else None)
        run = run_of(tenant, 100, workers=8, store=store)
        run.run()
        assert missing == []
        assert outcomes(run) == {"canceled": 89, "not_canceled": 11}
        assert {s.order_id for s in tenant.seen if tenant.posts().count(s.order_id) > 1} == {
            order_id for order_id in range(1, 101) if order_id % 9 == 0
        }

    @pytest.mark.parametrize("most_are_lost", [False, True])
    def test_few_orders_are_in_doubt_at_any_moment(self, *, most_are_lost: bool) -> None:
        store = Store()
        excess: list[tuple[int, int]] = []
        workers = 4

        def look(_: int) -> None:
            lately = sum(time.monotonic() - call.at < 2.2 for call in list(tenant.seen))
            # Each other worker may have a cancel on its way that the tenant has not seen yet.
            if len(store.in_doubt()) > lately + 2 * workers + workers:
                excess.append((len(store.in_doubt()), lately))

        tenant = Tenant(look=look, acts=True)
        tenant.post = lambda order_id: LOST if most_are_lost and order_id % 4 else None
        policy = Policy(settle_seconds=3, deadline=10)
        run = run_of(tenant, 150, workers=workers, store=store, policy=policy)
        run.run()
        assert excess == []
        assert outcomes(run) == {"canceled": 150}

    @pytest.mark.slow
    def test_no_cancel_leaves_while_the_store_cannot_be_written(self) -> None:
        store = Store()
        state = {"posts": 0}

        def look(_: int) -> None:
            state["posts"] += 1
            if state["posts"] == 50:
                store.writes_left = 0
                threading.Timer(1.5, setattr, (store, "writes_left", None)).start()

        tenant = Tenant(look=look)
        run = run_of(tenant, 400, workers=4, store=store)
        run.run()
        assert outcomes(run) == {"canceled": 400}
        assert len(tenant.posts()) == 400
        times = sorted(call.at for call in tenant.seen)
        assert max(later - earlier for earlier, later in itertools.pairwise(times)) > 1

    @pytest.mark.slow
    @pytest.mark.slow
    def test_a_token_that_takes_longer_than_a_permit_lets_no_cancel_leave_without_a_new_one(
        self,
    ) -> None:
        store, missing = Store(), []
        slow = iter([2.5])

        def look(order_id: int) -> None:
            posted_by = Journal(store, attempt=2).earlier[order_id].posted_by
            if posted_by is None or time.time() > posted_by:
                missing.append(order_id)

        tenant = Tenant(look=look, fetch_token=lambda: time.sleep(next(slow, 0.0)))
        run = run_of(tenant, 20, store=store)
        run.run()
        assert missing == []
        assert outcomes(run) == {"canceled": 20}
        assert len(tenant.posts()) == 20

    def test_a_store_that_stays_away_stops_the_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bulk, "_LONGEST_WITHOUT_JOURNAL", 1.0)
        store = Store()
        tenant = Tenant(look=lambda _: setattr(store, "writes_left", 0))
        run = run_of(tenant, 400, store=store)
        run.run()
        assert run.stopped is not None
        assert run.stopped.startswith("the journal cannot be written")
        assert outcomes(run)["not_attempted"] > 300
        assert run.tally.total == 400


class TestWhatStopsIt:
    def test_twenty_orders_in_a_row_without_an_answer(self) -> None:
        tenant = Tenant(post=lambda order_id: LOST if order_id > 30 else None)
        tenant.read = lambda order_id: LOST if order_id > 30 else None
        run = run_of(tenant, 1000, workers=4)
        began_at = time.monotonic()
        run.run()
        assert time.monotonic() - began_at < 5
        assert "20 orders in a row got no answer" in (run.stopped or "")
        # An answer that comes late begins the row anew; and some are on their way when it ends.
        assert 20 <= sum(order_id > 30 for order_id in tenant.posts()) <= 20 + 2 * 4
        counts = outcomes(run)
        assert counts["canceled"] == 30
        assert counts["unknown"] == len(set(tenant.posts())) - 30
        assert sum(counts.values()) == 1000

    def test_refused_credentials_or_permission(self) -> None:
        forbidden = OmsForbiddenError("no permission", http_status=403)
        tenant = Tenant(post=lambda order_id: forbidden if order_id > 10 else None)
        run = run_of(tenant, 1000, workers=4)
        run.run()
        assert "refuses the connection: no permission" in (run.stopped or "")
        assert len(tenant.posts()) <= 10 + 4
        assert outcomes(run)["not_attempted"] >= 1000 - 14

    def test_as_many_failures_as_were_said(self) -> None:
        not_found = OmsNotFoundError("none", http_status=404)

        def answer(order_id: int) -> OmsNotFoundError | None:
            return not_found if order_id % 2 else None

        tenant = Tenant(post=answer, read=answer)
        run = run_of(tenant, 1000, workers=4, stop_after_failures=5)
        run.run()
        assert "stop_after_failures is 5" in (run.stopped or "")
        assert 5 <= outcomes(run)["not_found"] <= 5 + 3
        assert len(tenant.posts()) <= 20
        assert run.tally.may_be_retried

    def test_a_refused_order_that_is_open_counts_before_it_has_settled(self) -> None:
        shipped = OmsConflictError("shipped", http_status=409)
        tenant = Tenant(post=lambda order_id: shipped if order_id % 2 else None)
        run = run_of(tenant, 1000, stop_after_failures=5, policy=Policy(settle_seconds=1.5))
        run.run()
        assert "5 orders have failed, and stop_after_failures is 5" in (run.stopped or "")
        assert len(tenant.posts()) <= 20
        # One that was still on its way when the run stopped may not get the time to settle.
        ended = outcomes(run)
        assert 5 <= ended["not_cancelable"] + ended.get("unknown", 0) <= 5 + 3

    def test_a_refused_order_that_somebody_else_has_canceled_does_not_count(self) -> None:
        done = OmsConflictError("canceled already", http_status=409)
        tenant = Tenant(post=lambda _: done, acts=True)
        run = run_of(tenant, 50, stop_after_failures=1)
        run.run()
        assert run.stopped is None
        assert outcomes(run) == {"already_canceled": 50}

    def test_another_attempt_does_not_get_around_it(self) -> None:
        store, shipped = Store(), OmsConflictError("shipped", http_status=409)
        tenant = Tenant(post=lambda order_id: shipped if order_id % 2 else None)
        settings: dict[str, Any] = {"store": store, "stop_after_failures": 5}
        run_of(tenant, 1000, **settings).run()
        before = len(tenant.posts())
        for attempt in (2, 3, 4):
            run = run_of(tenant, 1000, attempt=attempt, **settings)
            run.run()
            assert run.stopped is not None
        # What was refused is tried again first, for somebody may have mended it; little else is:
        # a refusal takes a cancel and a read, and meanwhile each of the other workers gets on.
        assert len(set(tenant.posts())) <= before + 3 * 4 * 2

    @pytest.mark.parametrize(
        "error",
        [
            OmsThrottledError("slow down", http_status=429, retry_after=3600),
            OmsNotSentError("no token", retry_after=3600),
            OmsServerError("down", http_status=503, retry_after=3600),
        ],
    )
    def test_a_wait_that_is_longer_than_the_deadline(self, error: OmsError) -> None:
        tenant = Tenant(post=lambda order_id: error if order_id == 20 else None)
        run = run_of(tenant, 1000)
        run.run()
        assert "asks to wait 3600 s" in (run.stopped or "")
        assert len(tenant.posts()) <= 24

    @pytest.mark.parametrize("status", [403, 404, 503])
    def test_a_first_read_that_does_not_get_through(
        self, status: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("airflow_provider_oms.cancellation.bulk.preflight._PATIENCE", 2.0)
        kinds = {403: OmsForbiddenError, 404: OmsNotFoundError, 503: OmsServerError}
        error = kinds[status]("refused", http_status=status)
        tenant = Tenant(read=lambda _: error)
        run = run_of(tenant, 5)
        run.run()
        # That it knows no such order is what an OMS says that is there.
        assert (run.stopped is None) == (status == 404)
        assert len(tenant.posts()) == (5 if status == 404 else 0)
        assert run.is_shut_out == (status == 403)

    def test_a_fault_in_the_calls_of_one_order_leaves_that_one_unknown_and_no_other(self) -> None:
        def break_down(order_id: int) -> None:
            if order_id == 50:
                raise ZeroDivisionError

        tenant = Tenant(look=break_down, read=break_down)
        run = run_of(tenant, 200, policy=Policy(settle_seconds=0.2, deadline=1))
        run.run()
        assert outcomes(run) == {"canceled": 199, "unknown": 1}
        assert "ZeroDivisionError" in run.ends[50].result.reason
        assert run.stopped is None

    def test_a_fault_of_the_program_is_raised_and_leaves_no_order_out(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def break_down(workers: Workers, history: History) -> Step:
            if any(event.reply.correlation_id == "c50" for event in history.events):
                raise ZeroDivisionError
            return decide(workers, history)

        decide = Workers._decide
        monkeypatch.setattr(Workers, "_decide", break_down)
        lost = OmsServerError("failed", http_status=503, correlation_id="c50")
        run = run_of(Tenant(post={50: lost}.get), 200)
        with pytest.raises(ZeroDivisionError):
            run.run()
        assert run.tally.total == 200
        assert run.ends[50].result.outcome is Outcome.UNKNOWN


class TestBeingToldToEnd:
    @pytest.mark.slow
    def test_what_is_under_way_gets_some_seconds_and_the_rest_is_not_attempted(self) -> None:
        tenant = Tenant(latency=0.5)
        told = threading.Timer(1.2, lambda: None)
        told.start()
        store = Store()
        run = run_of(tenant, 200, store=store, is_stopping=lambda: not told.is_alive())
        run.run()
        counts = outcomes(run)
        assert set(counts) == {"canceled", "not_attempted"}
        assert counts["canceled"] == len(tenant.posts())
        assert run.stopped == "the task was told to end"
        assert store.in_doubt() == set()

    def test_an_answer_that_does_not_come_leaves_the_order_unknown_and_on_record(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bulk, "_GRACE", 0.5)
        hanging = threading.Event()

        def hang(order_id: int) -> None:
            if order_id == 10:
                hanging.set()
                time.sleep(3)

        store = Store()
        run = run_of(Tenant(look=hang), 500, store=store, is_stopping=hanging.is_set)
        began_at = time.monotonic()
        run.run()
        assert time.monotonic() - began_at < 2.5
        assert run.ends[10].result.outcome is Outcome.UNKNOWN
        assert "may or may not" in run.ends[10].result.describe()
        assert store.in_doubt() == {10}

    def test_an_exception_in_the_callers_thread_ends_it_alike(self) -> None:
        class TimedOutError(BaseException):
            pass

        tenant = Tenant(latency=0.5)
        run = run_of(tenant, 500)
        with interrupted_after(0.8, TimedOutError), pytest.raises(TimedOutError):
            run.run()
        assert set(outcomes(run)) == {"canceled", "not_attempted"}
        assert run.tally.total == 500
        assert len(tenant.canceled) == outcomes(run)["canceled"] >= 4


class TestTheNextAttempt:
    @pytest.mark.slow
    def test_it_goes_on_where_the_last_one_died(self) -> None:
        store, tenant = Store(), Tenant(acts=True)
        first = run_of(tenant, 100, store=store, stop_after_failures=1)
        # It dies with one cancel that was acted on and one that was not, both unseen.
        tenant.canceled.add(1)
        first._journal.write([1, 2], [])
        run = run_of(tenant, 100, store=store, attempt=2, policy=Policy(settle_seconds=2.5))
        run.run()
        assert outcomes(run) == {"canceled": 100}
        assert sorted(tenant.posts()) == list(range(2, 101))
        assert run.ends[1].result.confirmed_by == "read"

    def test_a_doubt_is_settled_from_the_moment_that_is_on_record(self) -> None:
        store, tenant = Store(), Tenant()
        clock = time.time() - 3600
        Journal(store, attempt=1, clock=lambda: clock).write([1], [])
        began_at = time.monotonic()
        run = run_of(tenant, 1, store=store, attempt=2, policy=Policy(settle_seconds=15))
        run.run()
        assert time.monotonic() - began_at < 2
        assert [call.method for call in tenant.seen] == ["GET", "GET", "POST"]

    def test_orders_that_are_not_in_the_set_any_more_are_named(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        store, tenant = Store(), Tenant()
        Journal(store).write([7001, 7002], [])
        run_of(tenant, 3, store=store, attempt=2).run()
        assert "(7001, 7002); 2 of them are in doubt" in caplog.text
        assert {call.order_id for call in tenant.seen} == {1, 2, 3}

    def test_what_was_done_already_needs_no_request_at_all(self) -> None:
        store, tenant = Store(), Tenant()
        run_of(tenant, 20, store=store).run()
        tenant.seen.clear()
        run = run_of(tenant, 20, store=store, attempt=2)
        run.run()
        assert tenant.seen == []
        assert outcomes(run) == {"canceled": 20}
