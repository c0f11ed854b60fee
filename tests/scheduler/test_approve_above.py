"""`approve_above` under a real scheduler: exactly the orders shown are canceled, or none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from patience import wait_until
from standalone import Standalone, TaskInRun

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = [
    pytest.mark.airflow_db,
    pytest.mark.slow,
    pytest.mark.needs("a step that waits for a person"),
]

_numbers = count(39_000_001)
_OF_A_SET = 5
SHIPPED = {"orderState": "SHIPPED", "orderStatus": "SHIPPED"}
CANCELED = {"orderState": "CANCELED", "orderStatus": "CANCELED"}
UNANSWERED = "No one answered within approval_timeout"


@dataclass(frozen=True)
class Orders:
    """Hold a file of orders that no other test has, and one order beside them.

    :param tenant: where they are.
    :param ids: those in the file; all are open.
    :param bystander: an open one that is not in the file.
    :param path: the file.
    """

    tenant: EmulatorProcess
    ids: list[int]
    bystander: int
    path: Path

    @property
    def results_path(self) -> Path:
        return self.path.with_name("results.jsonl")

    def write(self, ids: list[int]) -> None:
        self.path.write_text("".join(f"{order_id}\n" for order_id in ids), "utf-8")

    def ask(self, airflow: Standalone, **params: Any) -> TaskInRun:
        conf = {"orders_path": str(self.path), "results_path": str(self.results_path), **params}
        return airflow.trigger("cancel_when_approved", conf, task_id="cancel")

    def posts(self) -> list[int]:
        return [self.tenant.cancel_posts(order_id) for order_id in self.ids]

    def outcomes(self) -> dict[int, str]:
        lines = self.results_path.read_text("utf-8").splitlines()
        return {row["order_id"]: row["outcome"] for row in map(json.loads, lines)}


def log_of(task: TaskInRun, words: str, try_number: int = 1) -> str:
    """Return all that an attempt logged, errors and reasons too, once these words are there."""
    path = f"/api/v2/dags/{task.dag_id}/dagRuns/{task.run_id}/taskInstances/{task.task_id}"

    def text() -> str:
        return json.dumps(task.airflow.api.ask("GET", f"{path}/logs/{try_number}")["content"])

    wait_until(lambda: words in text(), 150, text)
    return text()


@pytest.fixture
def orders(tenant: EmulatorProcess, tmp_path: Path) -> Iterator[Orders]:
    *ids, bystander = [next(_numbers) for _ in range(_OF_A_SET + 1)]
    tenant.load_orders([{"orderID": order_id} for order_id in (*ids, bystander)])
    orders = Orders(tenant, ids, bystander, tmp_path / "orders.jsonl")
    orders.write(ids)
    yield orders
    tenant.clear_faults()
    assert tenant.requests(order_id=bystander) == []


def test_exactly_what_was_shown_is_canceled_and_what_changed_is_named(
    airflow: Standalone, tenant: EmulatorProcess, orders: Orders
) -> None:
    canceled, shipped, changed, *unchanged = orders.ids
    tenant.load_orders([{"orderID": canceled, **CANCELED}, {"orderID": shipped, **SHIPPED}])
    task = orders.ask(airflow)
    question = task.question()
    assert question["subject"] == "Cancel 3 orders?"
    assert question["options"] == ["Approve", "Reject"]
    assert ": **3 of 5 orders**." in question["body"]
    assert "1 already\\_canceled, 1 not\\_cancelable" in question["body"]
    for order_id in (changed, *unchanged):
        assert str(order_id) in question["body"]
    for order_id in (canceled, shipped, orders.bystander):
        assert str(order_id) not in question["body"]
    assert orders.posts() == [0] * _OF_A_SET
    assert orders.outcomes()[changed] == "would_cancel"
    tenant.load_orders([{"orderID": changed, **SHIPPED}])
    task.respond("Approve")
    assert task.wait_for_end()["state"] == "failed"
    assert orders.posts() == [0, 0, 0, 1, 1]
    assert orders.outcomes() == {
        canceled: "already_canceled",
        shipped: "not_cancelable",
        changed: "not_cancelable",
        **dict.fromkeys(unchanged, "canceled"),
    }
    log = log_of(task, "orders did not end as they should")
    assert f"Order {changed} is SHIPPED: not_cancelable" in log
    assert "when its cancel was approved, and is SHIPPED now" in log
    assert "Approved by admin" in log


def test_nothing_is_sent_when_a_person_rejects(airflow: Standalone, orders: Orders) -> None:
    task = orders.ask(airflow)
    task.question()
    task.respond("Reject")
    assert task.wait_for_run() == "success"
    assert task.now()["state"] == "skipped"
    assert "Rejected by admin" in log_of(task, "Nothing was sent")
    assert orders.posts() == [0] * _OF_A_SET


def test_nothing_is_sent_when_nobody_answers_in_time(airflow: Standalone, orders: Orders) -> None:
    task = orders.ask(airflow, seconds=4)
    assert task.wait_for_run(timeout=300) == "failed"
    # On a busy machine, Airflow may lose the attempt that asks, and begin another.
    last = task.now()["try_number"]
    assert "which counts as a rejection" in log_of(task, UNANSWERED, last)
    earlier = [number for number, _ in task.tries() if number < last]
    assert [one for one in earlier if UNANSWERED in "".join(task.log_of(one))] == []
    assert orders.posts() == [0] * _OF_A_SET


def test_another_set_than_the_one_shown_is_refused_by_name(
    airflow: Standalone, orders: Orders
) -> None:
    task = orders.ask(airflow)
    task.question()
    orders.write([*orders.ids[1:], orders.bystander])
    task.respond("Approve")
    assert task.wait_for_end()["state"] == "failed"
    log = log_of(task, "The set is not the one that was shown")
    assert f"New in it: {orders.bystander}. Not in it any more: {orders.ids[0]}." in log
    assert task.now()["try_number"] == 1
    assert orders.posts() == [0] * _OF_A_SET


def test_a_later_attempt_asks_about_the_orders_as_they_are_now_or_not_at_all(
    airflow: Standalone, tenant: EmulatorProcess, orders: Orders
) -> None:
    task = orders.ask(airflow)
    task.question()
    task.respond("Reject")
    assert task.wait_for_run() == "success"
    tenant.load_orders([{"orderID": orders.ids[0], **SHIPPED}])
    task.clear()
    at_rest = ("failed", "awaiting_input", "deferred")
    wait_until(lambda: task.now()["try_number"] > 1 and task.now()["state"] in at_rest, 150)
    if task.now()["state"] == "failed":
        # Before Airflow 3.4.
        log_of(task, "Airflow still shows the question of an earlier attempt", try_number=2)
    else:
        assert ": **4 of 5 orders**." in task.question()["body"]
        task.respond("Reject")
        assert task.wait_for_end()["state"] == "skipped"
    assert orders.posts() == [0] * _OF_A_SET


@pytest.mark.needs("task_state_store")
def test_a_retry_goes_on_with_what_was_approved_and_asks_nobody(
    airflow: Standalone, tenant: EmulatorProcess, orders: Orders
) -> None:
    task = orders.ask(airflow)
    task.question()
    tenant.add_fault("slow", order_id=orders.ids, seconds=3)
    task.respond("Approve")
    wait_until(lambda: sum(orders.posts()) > 0, 150)
    task.kill()
    tenant.clear_faults()
    assert task.wait_for_end(timeout=300)["state"] == "success"
    assert task.tries() == [(1, "failed"), (2, "success")]
    assert set(orders.outcomes().values()) <= {"canceled", "already_canceled"}
    assert orders.posts() == [1] * _OF_A_SET
    log_of(task, "Approved before, and not asked again: 5 orders", try_number=2)
