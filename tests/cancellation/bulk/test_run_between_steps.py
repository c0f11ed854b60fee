"""What happens between the steps of a run: pauses, answers and ends that come at a bad moment."""

from __future__ import annotations

import itertools
import math
import threading
import time
from typing import Any

import pytest
from bulk_runs import LOST, POLICY, Tenant, outcomes, run_of
from interruption import interrupted_after
from journal_store import SlowStore, Store

from airflow_provider_oms.api.errors import (
    OmsError,
    OmsThrottledError,
)
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.validation import CancelRequest
from airflow_provider_oms.cancellation.bulk import run as bulk
from airflow_provider_oms.cancellation.bulk.desk import Case
from airflow_provider_oms.cancellation.bulk.tally import OrderEnd
from airflow_provider_oms.cancellation.history import (
    Action,
    Event,
    History,
    Policy,
    Reply,
)
from airflow_provider_oms.cancellation.outcomes import CancellationResult, ConfirmedBy, Outcome


def test_no_cancel_leaves_after_the_deadline_though_its_token_took_that_long() -> None:
    tenant = Tenant(fetch_token=lambda: time.sleep(0.8))
    run = run_of(tenant, 1, policy=Policy(settle_seconds=0.3, deadline=0.5))
    run.run()
    assert tenant.posts() == []
    assert outcomes(run) == {"not_attempted": 1}


def test_an_order_that_the_first_read_has_shown_canceled_is_not_posted() -> None:
    tenant = Tenant()
    tenant.canceled.add(1)
    run = run_of(tenant, 3)
    run.run()
    assert sorted(tenant.posts()) == [2, 3]
    assert [call.order_id for call in tenant.seen].count(1) == 1
    assert outcomes(run) == {"already_canceled": 1, "canceled": 2}


@pytest.mark.slow
@pytest.mark.parametrize("reads_first", [False, True])
def test_a_rate_at_which_every_permit_is_over_before_its_turn_lets_all_leave(
    *, reads_first: bool
) -> None:
    states = frozenset({"READY"}) if reads_first else None
    policy = Policy(settle_seconds=0.3, deadline=20, only_if_states=states)
    run = run_of(Tenant(), 2, policy=policy, requests_per_second=0.4)
    run.run()
    assert outcomes(run) == {"canceled": 2}


def test_a_cancel_follows_its_read_at_once_and_the_rate_is_kept_all_the_same() -> None:
    tenant = Tenant()
    policy = Policy(settle_seconds=0.3, deadline=20, only_if_states=frozenset({"READY"}))
    run_of(tenant, 3, policy=policy, requests_per_second=4).run()
    calls = {
        method: {call.order_id: call.at for call in tenant.seen if call.method == method}
        for method in ("GET", "POST")
    }
    assert max(calls["POST"][one] - calls["GET"][one] for one in (1, 2, 3)) < 0.2
    # Six requests, and the last two of them leave together: four turns of a quarter of a second.
    reads = sorted(calls["GET"].values())
    assert reads[-1] - reads[0] > 0.9


class TestARunThatIsCutShort:
    def test_a_fault_of_ours_is_not_called_a_wish_to_end(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def start(*_: Any) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr("threading.Thread.start", start)
        run = run_of(Tenant(), 2)
        with pytest.raises(RuntimeError):
            run.run()
        assert run.stopped == "RuntimeError in the task"
        assert outcomes(run) == {"not_attempted": 2}

    def test_an_answer_that_comes_at_the_very_moment_is_not_taken_for_no_cancel(self) -> None:
        run = run_of(Tenant(), 1)
        read = Reply(Evidence.CANCELED, "canceled", order_state="CANCELED")
        posted = Event(Action.POST, 1.0, 2.0, read)

        class AnsweredMeanwhile(Case):
            """Let the worker write its answer between the keeper's two looks."""

            @property
            def calling(self) -> Any:
                self.history = History(POLICY, 0.0).with_event(posted)
                return None

            @calling.setter
            def calling(self, _: Any) -> None:
                pass

        case = AnsweredMeanwhile(CancelRequest(1, "other", "x"), POLICY)
        case.history = History(POLICY, 0.0)
        run._abandon(lambda: [case])
        assert outcomes(run) == {"canceled": 1}

    def test_what_the_keeper_has_in_hand_is_not_called_untouched(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = run_of(Tenant(), 1)
        result = CancellationResult(1, Outcome.CANCELED, ConfirmedBy.ANSWER)
        ends, taken = [OrderEnd(result, 1, 1)], threading.Event()

        def take_ended() -> list[OrderEnd]:
            in_hand = [ends.pop()] if ends else []
            if in_hand:
                taken.set()
                time.sleep(0.2)
            return in_hand

        monkeypatch.setattr(run._desk, "take_ended", take_ended)
        monkeypatch.setattr(run, "_is_admitted", lambda: False)
        keeper = threading.Thread(target=run._note_ended)
        keeper.start()
        taken.wait()
        run.run()
        keeper.join()
        assert outcomes(run) == {"canceled": 1}

    def test_no_cancel_leaves_once_the_task_was_told_to_end_though_the_store_is_slow(self) -> None:
        tenant = Tenant()

        class ToldMeanwhile(Store):
            """Tell the task to end while the keeper writes, which takes a while."""

            told_at = math.inf

            def set(self, key: str, value: Any) -> None:
                if math.isinf(self.told_at) and len(tenant.posts()) > 1000:
                    self.told_at = time.monotonic()
                    time.sleep(0.7)
                super().set(key, value)

        store = ToldMeanwhile()
        run = run_of(
            tenant,
            5000,
            workers=16,
            store=store,
            is_stopping=lambda: time.monotonic() > store.told_at,
        )
        run.run()
        assert run.stopped == "the task was told to end"
        late = [call for call in tenant.seen if call.at > store.told_at + 0.02]
        assert [call for call in late if call.method == "POST"] == []
        assert outcomes(run)["canceled"] == len(tenant.posts())

    def test_a_worker_asks_by_itself_whether_the_task_was_told_to_end(self) -> None:
        tenant, is_told = Tenant(), threading.Event()
        run = run_of(tenant, 1, is_stopping=is_told.is_set)
        case = Case(CancelRequest(1, "other", "x"), POLICY, permit_until=math.inf)
        is_told.set()
        run._workers._advance(case)
        assert tenant.posts() == []
        assert run._desk.take_asking() == [case]

    @pytest.mark.slow
    def test_what_was_posted_is_not_called_untouched_while_the_store_hangs(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bulk, "_GRACE", 0.2)
        store, tenant = SlowStore(), Tenant(post=lambda _: LOST)
        tenant.look = lambda _: setattr(store, "seconds", 4.0)
        run = run_of(tenant, 20, store=store, policy=Policy(settle_seconds=5, deadline=10))

        with interrupted_after(1.5, KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
            run.run()
        posted = set(tenant.posts())
        assert posted
        assert {order_id for order_id, end in run.ends.items() if end.result.posts} == posted
        assert {run.ends[order_id].result.outcome for order_id in posted} == {Outcome.UNKNOWN}
        time.sleep(5)  # the keeper comes back, and changes nothing any more
        assert run.tally.total == len(run.ends) == 20


@pytest.mark.slow
class TestWhatACancelRestsOn:
    def test_it_is_read_again_after_a_pause_that_the_oms_asked_for(self) -> None:
        reads = itertools.count()

        def read(order_id: int) -> OmsError | None:
            if order_id == 2 and next(reads) == 0:
                return OmsThrottledError("later", http_status=429, retry_after=1.5)
            return None

        # The other order's read is under way when the pause is asked for.
        tenant = Tenant(read=read, latency_of={1: 0.3})
        policy = Policy(settle_seconds=0.3, deadline=10, only_if_states=frozenset({"READY"}))
        run = run_of(tenant, 2, policy=policy)
        run.run()
        calls = [(call.method, call.at) for call in tenant.seen if call.order_id == 1]
        (post,) = (at for method, at in calls if method == "POST")
        assert post - max(at for method, at in calls if method == "GET") < 1
        assert outcomes(run) == {"canceled": 2}

    def test_it_is_read_again_when_the_store_was_away_meanwhile(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bulk, "_JOURNAL_RETRY", 0.1)
        store, tenant = Store(), Tenant(latency=0.6)
        # Its permit is over when its read is answered, and there is no new one for a while.
        monkeypatch.setattr(bulk, "PERMIT_SECONDS", 0.5)
        policy = Policy(settle_seconds=0.3, deadline=20, only_if_states=frozenset({"READY"}))

        def away(_: int) -> None:
            store.writes_left = 0
            threading.Timer(3.5, setattr, (store, "writes_left", None)).start()

        tenant.read = lambda order_id: away(order_id) if len(tenant.seen) == 1 else None
        run = run_of(tenant, 1, policy=policy, store=store)
        run.run()
        assert [call.method for call in tenant.seen] == ["GET", "GET", "GET", "POST"]
        assert outcomes(run) == {"canceled": 1}
