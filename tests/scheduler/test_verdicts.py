"""Verdicts that come as events, under a real scheduler that loses some and is killed at times.

Every order that was rejected last is canceled once, and none that was accepted last.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from patience import wait_until
from standalone import SECONDS_TO_READ_A_DAG, Standalone, TaskInRun

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = [
    pytest.mark.airflow_db,
    pytest.mark.slow,
    pytest.mark.needs("a scheduler that is driven over its REST API"),
]

DAG_FILE = Path(__file__).parent / "dags" / "take_verdicts.py"
DAG_ID = "take_verdicts"
VARIABLE = "held_task"
HELD = "A test holds this task"
ORDERS = count(36_000_001)


@dataclass
class Inbox:
    """Publish verdicts, and see their results.

    :param airflow: the Airflow that runs the DAG.
    :param tenant: the tenant.
    :param asset_id: the asset's id.
    """

    airflow: Standalone
    tenant: EmulatorProcess
    asset_id: int

    def orders(self, number: int) -> list[int]:
        """Return new open orders.

        :param number: how many.
        """
        found = [next(ORDERS) for _ in range(number)]
        self.tenant.load_orders([{"orderID": order_id} for order_id in found])
        return found

    def publish(self, *verdicts: tuple[int, str]) -> None:
        """Publish verdicts one after the other, as fast as they can be.

        :param verdicts: order and word of each.
        """
        for order_id, word in verdicts:
            extra = {"order_id": order_id, "verdict": word}
            body = {"asset_id": self.asset_id, "extra": extra}
            self.airflow.api.ask("POST", "/api/v2/assets/events", body)

    def pause(self, paused: bool, dag_id: str = DAG_ID) -> None:
        """Pause or unpause the DAG.

        :param paused: which of the two.
        :param dag_id: the DAG.
        """
        self.airflow.api.ask("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": paused})

    def hold(self, task_id: str) -> None:
        """Hold a task before it begins, in every run from now on.

        :param task_id: the task; none for "".
        """
        value = {"key": VARIABLE, "value": task_id}
        self.airflow.api.ask("PATCH", f"/api/v2/variables/{VARIABLE}", value)

    def runs(self) -> list[dict[str, Any]]:
        """Return the runs of the DAG, the newest first."""
        path = f"/api/v2/dags/{DAG_ID}/dagRuns?order_by=-run_after&limit=50"
        runs: list[dict[str, Any]] = self.airflow.api.ask("GET", path)["dag_runs"]
        return runs

    def events_of_runs(self) -> dict[str, int]:
        """Return how many events have started each run."""
        found = {}
        for run in self.runs():
            path = f"/api/v2/dags/{DAG_ID}/dagRuns/{run['dag_run_id']}/upstreamAssetEvents"
            answer = self.airflow.api.ask("GET", path)
            found[run["dag_run_id"]] = int(answer["total_entries"])
        return found

    def how_it_stands(self) -> str:
        """Return the runs with their states, for a test that fails."""
        return f"runs: {[(run['dag_run_id'], run['state']) for run in self.runs()]}"

    def task_that_waits(self, task_id: str) -> TaskInRun:
        """Return a task that is held, once it runs.

        :param task_id: the task.
        """
        found: list[TaskInRun] = []

        def is_held() -> bool:
            for run in self.runs():
                task = TaskInRun(self.airflow, DAG_ID, run["dag_run_id"], task_id)
                if run["state"] == "running" and task.now()["state"] == "running":
                    # One that runs may have begun before it could be held.
                    found.extend([task] if HELD in "\n".join(task.log_of(1)) else [])
            return bool(found)

        wait_until(is_held, describe=self.how_it_stands)
        return found[0]

    def wait_for_another_run(self) -> str:
        """Wait until a run has ended that began from now on, and return its state."""
        known = {run["dag_run_id"] for run in self.runs()}
        ended: list[str] = []

        def has_ended() -> bool:
            new = [run["state"] for run in self.runs() if run["dag_run_id"] not in known]
            ended.extend(state for state in new if state in ("success", "failed"))
            return bool(ended)

        wait_until(has_ended, describe=self.how_it_stands)
        return ended[0]

    def wait_for_cancellation(self, order_ids: Iterable[int]) -> None:
        """Wait until the OMS has canceled orders, and see that each was canceled by one cancel.

        :param order_ids: the orders.
        """
        wanted = set(order_ids)
        wait_until(
            lambda: all(self.tenant.order(order_id)["times_canceled"] for order_id in wanted),
            describe=self.how_it_stands,
        )
        posts = {order_id: self.tenant.cancel_posts(order_id) for order_id in wanted}
        assert posts == dict.fromkeys(wanted, 1)


@pytest.fixture(scope="module")
def airflow(
    an_airflow: Callable[..., AbstractContextManager[Standalone]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Standalone]:
    dags = tmp_path_factory.mktemp("dags")
    shutil.copy(DAG_FILE, dags)
    # Airflow 3.2 and later may start no run of a DAG with `max_active_runs=1` until its file is
    # parsed again (https://github.com/apache/airflow/pull/73032). Here that takes seconds.
    parse_often = {"AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "5"}
    with an_airflow(dags, **parse_often) as standalone:
        yield standalone


@pytest.fixture(scope="module")
def an_inbox(airflow: Standalone, tenant: EmulatorProcess) -> Iterator[Inbox]:
    path = f"/api/v2/dags/{DAG_ID}"
    airflow.api.ask("GET", path, patience=SECONDS_TO_READ_A_DAG)
    name = "scheduler-verdicts"
    (asset,) = airflow.api.ask("GET", f"/api/v2/assets?name_pattern={name}")["assets"]
    airflow.api.ask("POST", "/api/v2/variables", {"key": VARIABLE, "value": ""})
    inbox = Inbox(airflow, tenant, asset["id"])
    inbox.pause(False)
    inbox.wait_for_another_run()
    yield inbox
    inbox.pause(True)


@pytest.fixture
def inbox(an_inbox: Inbox) -> Iterator[Inbox]:
    yield an_inbox
    an_inbox.hold("")


def test_a_burst_on_an_idle_dag_loses_nothing(inbox: Inbox) -> None:
    inbox.wait_for_another_run()
    orders = inbox.orders(5)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda order_id: inbox.publish((order_id, "rejected")), orders[:4]))
    inbox.publish((orders[4], "accepted"))
    inbox.wait_for_cancellation(orders[:4])
    assert inbox.wait_for_another_run() == "success"
    assert inbox.tenant.cancel_posts(orders[4]) == 0


def test_one_while_a_run_is_under_way_loses_nothing(inbox: Inbox) -> None:
    first, *others = inbox.orders(4)
    inbox.hold("cancel")
    inbox.publish((first, "rejected"))
    inbox.task_that_waits("cancel")
    inbox.publish(*((order_id, "rejected") for order_id in others))
    inbox.hold("")
    inbox.wait_for_cancellation([first, *others])
    # They have come together, so that they start one run, which may have more to read by then.
    wait_until(lambda: max(inbox.events_of_runs().values()) >= len(others))


def test_what_came_while_the_dag_was_paused_is_read_when_it_is_not(inbox: Inbox) -> None:
    rejected, revised, accepted = inbox.orders(3)
    inbox.pause(True)
    inbox.publish((rejected, "rejected"), (rejected, "rejected"))
    inbox.publish((revised, "accepted"), (revised, "rejected"))
    inbox.publish((accepted, "rejected"), (accepted, "accepted"))
    inbox.pause(False)
    inbox.wait_for_cancellation([rejected, revised])
    inbox.wait_for_another_run()
    assert inbox.tenant.cancel_posts(accepted) == 0


def test_a_verdict_that_was_revised_between_runs_counts(inbox: Inbox) -> None:
    late, early = inbox.orders(2)
    inbox.publish((late, "accepted"), (early, "rejected"))
    inbox.wait_for_cancellation([early])
    inbox.wait_for_another_run()
    assert inbox.tenant.cancel_posts(late) == 0
    inbox.publish((late, "rejected"), (early, "rejected"))
    # The second verdict on an order that is canceled costs a read.
    inbox.wait_for_cancellation([late, early])
    inbox.wait_for_another_run()
    assert inbox.tenant.cancel_posts(early) == 1


@pytest.mark.parametrize("task_id", ["take", "cancel", "settle"])
def test_a_kill_before_any_task_loses_nothing_and_cancels_once(inbox: Inbox, task_id: str) -> None:
    orders = inbox.orders(3)
    # The run that takes them is the one that is killed, and none that is under way already.
    inbox.hold("take")
    run = inbox.task_that_waits("take")
    inbox.publish(*((order_id, "rejected") for order_id in orders))
    inbox.hold(task_id)
    task = inbox.task_that_waits(task_id)
    assert task.run_id == run.run_id
    # Before it is let go, for it would soon end by itself.
    task.kill()
    inbox.hold("")
    assert task.wait_for_run() == "failed"
    inbox.wait_for_cancellation(orders)


def test_a_payload_that_is_no_verdict_turns_one_run_red_and_stops_no_order(inbox: Inbox) -> None:
    order, odd = inbox.orders(2)
    inbox.publish((odd, "perhaps"), (order, "rejected"))
    inbox.wait_for_cancellation([order])
    inbox.wait_for_another_run()
    inbox.wait_for_another_run()
    assert inbox.tenant.cancel_posts(odd) == 0
    red = [run for run in inbox.runs() if run["state"] == "failed"]
    settles = [TaskInRun(inbox.airflow, DAG_ID, run["dag_run_id"], "settle") for run in red]
    told = [each for each in settles if "perhaps" in "\n".join(each.log_of(1))]
    assert len(told) == 1


@pytest.mark.needs("events of an asset in pages")
def test_a_thousand_events_cancel_what_was_rejected_last(inbox: Inbox) -> None:
    orders = inbox.orders(500)
    for word in ("accepted", "rejected"):
        inbox.publish(*((order_id, word) for order_id in orders))
    inbox.wait_for_cancellation(orders)


def test_two_dags_have_an_inbox_each(inbox: Inbox) -> None:
    (order,) = inbox.orders(1)
    inbox.publish((order, "rejected"))
    inbox.wait_for_cancellation([order])
    inbox.pause(True)
    other = f"{DAG_ID}_too"
    inbox.pause(False, other)

    def ended() -> list[str]:
        runs = inbox.airflow.api.ask("GET", f"/api/v2/dags/{other}/dagRuns")["dag_runs"]
        return [run["state"] for run in runs if run["state"] in ("success", "failed")]

    # Its first run reports events that are no verdicts to it either.
    wait_until(lambda: "success" in ended())
    inbox.pause(True, other)
    # It has read the same events, and has asked the OMS because it had no state yet.
    assert inbox.tenant.cancel_posts(order) == 1
