"""A bulk task that is killed again and again under a real scheduler, with orders that meet faults.

The small one runs with all tests, the large one with `make soak`.
"""

from __future__ import annotations

import json
import logging
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from patience import wait_until
from standalone import Standalone, TaskInRun

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = [
    pytest.mark.airflow_db,
    pytest.mark.slow,
    pytest.mark.needs("task_state_store"),
]

log = logging.getLogger(__name__)

DAG_ID, BY_NUMBER = "cancel_in_bulk", "cancel_in_bulk_by_number"
# Its attempts have ten seconds.
IN_TIME, TIMEOUT = "cancel_in_bulk_in_time", 10
# 5 % of the cancels in all. Those named here as acted on nevertheless cancel the order.
ACTED_ON = {"drop": 0.015, "answer": 0.01}
NOT_ACTED_ON = {"status": 0.015, "throttle": 0.01}
PARAMETERS: dict[str, dict[str, Any]] = {
    "answer": {"body": "empty"},
    "status": {"status": 502, "body": "html"},
    "throttle": {"retry_after": 1},
}
WORKERS = 8
# The duration of every other cancel, so that there is time to break in.
LATENCY = 0.04


@pytest.fixture(autouse=True)
def no_faults_left(tenant: EmulatorProcess) -> Iterator[None]:
    yield
    tenant.clear_faults()


def moment(text: str) -> datetime:
    """Return a time out of an answer, of Airflow's or of the emulator's."""
    return datetime.fromisoformat(text)


class Tail:
    """Follow the cancels that a tenant receives.

    :param tenant: the tenant.
    """

    def __init__(self, tenant: EmulatorProcess) -> None:
        self._tenant = tenant
        self._since = 0
        self.posts: list[dict[str, Any]] = []

    def look(self) -> int:
        """Return how many cancels there were so far."""
        new = self._tenant.requests(call="cancel", since=self._since)
        self.posts += new
        if new:
            self._since = new[-1]["seq"]
        return len(self.posts)


def kill_when(task: TaskInRun, tail: Tail, posts: int) -> None:
    """Kill the task's process once so many cancels have been sent."""
    wait_until(
        lambda: tail.look() >= posts or task.now()["state"] in ("success", "failed"),
        300,
        lambda: f"{tail.look()} cancels, not {posts}",
    )
    task.kill()


def begin(
    airflow: Standalone,
    tenant: EmulatorProcess,
    order_ids: range,
    directory: Path,
    latency: float = LATENCY,
    dag_id: str = DAG_ID,
) -> tuple[TaskInRun, Path]:
    """Start a task on a set of orders, and return it and where it writes its results."""
    tenant.clear_requests()
    tenant.load_orders(
        [{"orderID": one, "native": {"externalId": f"SHOP-{one}"}} for one in order_ids]
    )
    tenant.add_fault("slow", seconds=latency)
    orders, results = directory / "orders.jsonl", directory / "results.jsonl"
    line = '"SHOP-{}"\n' if dag_id == BY_NUMBER else "{}\n"
    orders.write_text("".join(map(line.format, order_ids)), encoding="utf-8")
    conf = {"orders_path": str(orders), "results_path": str(results)}
    return airflow.trigger(dag_id, conf, task_id="cancel"), results


def number_of(order_id: int | str) -> int:
    """Return the translated id of an order as a result names it."""
    return int(str(order_id).removeprefix("external_id:SHOP-"))


def assert_report_is_true(
    results: Path, task: TaskInRun, tenant: EmulatorProcess, order_ids: range
) -> None:
    """Compare the task's report with the OMS: each order is there once, and canceled once."""
    at_the_oms = tenant.orders()
    rows = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    assert sorted(number_of(row["order_id"]) for row in rows) == list(order_ids)
    for row in rows:
        assert row["outcome"] == "canceled"
        assert at_the_oms[number_of(row["order_id"])]["orderState"] == "CANCELED"
        assert at_the_oms[number_of(row["order_id"])]["times_canceled"] == 1
    assert task.result()["outcomes"] == {"canceled": len(order_ids)}


@pytest.mark.parametrize(
    ("dag_id", "first", "count", "shares"),
    [
        pytest.param(DAG_ID, 21_000_001, 600, (0.2, 0.6), id="600"),
        pytest.param(BY_NUMBER, 28_000_001, 600, (0.2, 0.6), id="600 on a native tenant"),
        pytest.param(
            DAG_ID,
            22_000_001,
            10_000,
            (0.1, 0.25, 0.4, 0.6, 0.8),
            id="10000",
            marks=[pytest.mark.soak, pytest.mark.timeout(1200)],
        ),
    ],
)
def test_whatever_kills_it_every_order_is_canceled_once_and_reported_once(
    dag_id: str,
    first: int,
    count: int,
    shares: tuple[float, ...],
    airflow: Standalone,
    tenant: EmulatorProcess,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, log.name)
    order_ids = range(first, first + count)
    for seed, (kind, share) in enumerate((ACTED_ON | NOT_ACTED_ON).items()):
        tenant.add_fault(kind, share=share, seed=seed, **PARAMETERS.get(kind, {}))
    task, results = begin(airflow, tenant, order_ids, tmp_path, dag_id=dag_id)
    tail = Tail(tenant)
    for share in shares:
        kill_when(task, tail, int(share * count))
    state = task.wait_for_end(timeout=600)["state"]
    tenant.clear_faults()
    tail.look()

    assert state == "success"
    assert task.tries() == [
        *((number + 1, "failed") for number in range(len(shares))),
        (len(shares) + 1, "success"),
    ]
    assert_report_is_true(results, task, tenant, order_ids)
    # No cancel follows one that had canceled the order.
    by_order: dict[int, list[str | None]] = defaultdict(list)
    for post in tail.posts:
        by_order[post["order_id"]].append(post["fault"])
    for order_id, faults in by_order.items():
        assert all(fault in NOT_ACTED_ON for fault in faults[:-1]), (order_id, faults)
    # The orders read are those in doubt: by their faults, or by a kill.
    read = {request["order_id"] for request in tenant.requests(call="get")}
    faulted = {post["order_id"] for post in tail.posts if post["fault"] != "slow"}
    by_kills = read - faulted
    seconds = _seconds_between(tail.posts[0], tail.posts[-1])
    # The rate while it sent, not the mean: between two attempts, on a busy machine for long,
    # nothing is sent.
    allowed = len(shares) * (_most_within(2, tail.posts) + 2 * WORKERS) + len(shares) + 1
    log.info(
        "%d orders, killed %d times: %d cancels in %.0f s, %d orders with faults, %d others read "
        "(at most %d)",
        *(count, len(shares), len(tail.posts), seconds, len(faulted), len(by_kills), allowed),
    )
    assert len(by_kills) <= allowed


def _most_within(seconds: float, posts: list[dict[str, Any]]) -> int:
    """Return the largest number of cancels that arrived within so many seconds."""
    times = sorted(moment(post["time"]).timestamp() for post in posts)
    return max(bisect_right(times, at + seconds) - n for n, at in enumerate(times))


def _seconds_between(first: dict[str, Any], last: dict[str, Any]) -> float:
    return (moment(last["time"]) - moment(first["time"])).total_seconds()


@pytest.mark.parametrize(
    ("order_ids", "keep_state"),
    [
        pytest.param(range(23_000_001, 23_000_801), True, id="and its state is kept"),
        pytest.param(
            range(30_000_001, 30_000_801),
            False,
            id="and its state is discarded",
            marks=pytest.mark.needs("clears that discard a task's state"),
        ),
    ],
)
def test_a_task_that_is_marked_failed_ends_in_order_and_goes_on_when_it_is_cleared(
    order_ids: range,
    keep_state: bool,
    airflow: Standalone,
    tenant: EmulatorProcess,
    tmp_path: Path,
) -> None:
    # Airflow says that it is to end within seconds; the set takes at least forty.
    task, results = begin(airflow, tenant, order_ids, tmp_path, latency=0.4)
    tail = Tail(tenant)
    wait_until(lambda: tail.look() >= len(order_ids) // 20)
    process = task.process()
    task.mark_failed()
    process.wait(120)
    tenant.clear_faults()
    sent = tail.look()
    assert sent < len(order_ids)
    # It had the time to write the result of every order, and its report is true.
    rows = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    outcomes = {row["order_id"]: row["outcome"] for row in rows}
    assert sorted(outcomes) == list(order_ids)
    canceled = {order_id for order_id, outcome in outcomes.items() if outcome == "canceled"}
    assert len(canceled) == sent
    assert set(outcomes.values()) == {"canceled", "not_attempted"}
    first = {row["order_id"]: row for row in rows if row["outcome"] == "canceled"}

    task.clear(keep_state=keep_state)
    assert task.wait_for_end(timeout=300)["state"] == "success"
    assert tail.look() == len(order_ids)
    assert_report_is_true(results, task, tenant, order_ids)
    said = task.wait_for_log("Attempt 2 goes on: ", try_number=2)
    if not keep_state:
        assert f"{len(order_ids)} are in doubt and read first" in said
        return
    assert f"{len(canceled)} are canceled already, 0 are in doubt" in said
    # The first attempt's facts about its orders are in the last one's results, too.
    rows = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    assert {row["order_id"]: row for row in rows if row["order_id"] in first} == first


def test_a_task_whose_time_is_up_sends_nothing_more_and_the_next_attempt_goes_on(
    airflow: Standalone, tenant: EmulatorProcess, tmp_path: Path
) -> None:
    order_ids = range(29_000_001, 29_000_501)
    tenant.add_fault("hang", order_id=order_ids[50], times=1, seconds=60)
    task, results = begin(airflow, tenant, order_ids, tmp_path, latency=0.4, dag_id=IN_TIME)
    wait_until(lambda: task.now()["try_number"] == 2 and task.now()["state"] == "running", 150)
    tenant.clear_faults()
    assert task.wait_for_end(timeout=300)["state"] == "success"
    assert task.tries() == [(1, "failed"), (2, "success")]
    first, second = task.attempts()
    posts = tenant.requests(call="cancel")
    sent = [post for post in posts if moment(post["time"]) < moment(second["start_date"])]
    assert 50 < len(sent) < len(order_ids)
    assert _seconds_between(sent[0], sent[-1]) < TIMEOUT + 1
    # No supervisor had to end it: from Airflow 3.4 on, one does so a minute after the timeout.
    assert moment(first["end_date"]) - moment(sent[-1]["time"]) < timedelta(seconds=30)
    # The one that hung was read, and no other was sent twice.
    assert sorted(post["order_id"] for post in posts) == list(order_ids)
    assert order_ids[50] in {request["order_id"] for request in tenant.requests(call="get")}
    assert_report_is_true(results, task, tenant, order_ids)
