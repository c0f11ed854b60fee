"""A set of orders in pods that are evicted, killed, wiped and cut off: `make kubernetes-proof`.

A pod is a directory with a process in it that is started as KubernetesExecutor starts one. Each
has a separate home, so that every attempt after the first is elsewhere.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from shutil import copy, rmtree

import pytest
from patience import wait_until
from pod_executor import IMAGE, PODS
from pods import Pod
from standalone import Standalone, TaskInRun

from airflow_provider_oms.emulator.testing import EmulatorProcess
from bench.paper import Paper, machine_facts
from demo.workplace import oms_connection

pytestmark = [
    pytest.mark.airflow_db,
    pytest.mark.slow,
    pytest.mark.soak,
    pytest.mark.needs("task_state_store"),
]

TESTS = Path(__file__).parent.parent
DOCUMENT = TESTS.parent / "docs" / "kubernetes.md"
MARKER = "<!-- made by make kubernetes-proof: {} -->"
ORDERS = 600
WORKERS = 8  # of the DAG
LATENCY = 0.05
HANGS = 20.0
EVENTS = (
    *("SIGTERM, and SIGKILL after 5 s", "SIGTERM, and SIGKILL after 30 s"),
    *("SIGKILL", "SIGKILL, and its disk is wiped", "its node hangs, and comes back"),
)


@dataclass
class Proof:
    """Run sets of orders in pods, and keep their results.

    :param airflow: starts the pods.
    :param tenant: the OMS.
    :param pods: the directory of the pods.
    """

    airflow: Standalone
    tenant: EmulatorProcess
    pods: Path
    rows: list[tuple[str, ...]] = field(default_factory=list)
    costs: list[tuple[str, ...]] = field(default_factory=list)
    _next_order: int = 31_000_001

    def begin(self, orders: int, directory: Path, latency: float = LATENCY) -> OneSet:
        """Start a task on a set, and return it and its first pod.

        :param orders: how many.
        :param directory: a directory that every pod reaches, like an object store.
        :param latency: seconds that a cancel takes.
        """
        order_ids = range(self._next_order, self._next_order + orders)
        self._next_order += orders
        self.tenant.clear_requests()
        self.tenant.load_orders([{"orderID": order_id} for order_id in order_ids])
        if latency:
            self.tenant.add_fault("slow", seconds=latency)
        source, results = directory / "orders.jsonl", directory / "results.jsonl"
        source.write_text("".join(f"{order_id}\n" for order_id in order_ids), encoding="utf-8")
        conf = {"orders_path": str(source), "results_path": str(results)}
        task = self.airflow.trigger("cancel_in_bulk", conf, task_id="cancel")
        return OneSet(self, order_ids, task, Pod(self.pods / f"{task.run_id}-1"), results)


@dataclass
class OneSet:
    """Look after a set of orders, in whichever pod it is.

    :param proof: where it belongs.
    :param order_ids: the orders.
    :param task: the task.
    :param pod: its first pod.
    :param results: where its results go.
    """

    proof: Proof
    order_ids: range
    task: TaskInRun
    pod: Pod
    results: Path

    def posts(self) -> int:
        """Return how many cancels the OMS has received."""
        return len(self.proof.tenant.requests(call="cancel"))

    def canceled(self) -> int:
        """Return how many orders the OMS has canceled."""
        states = self.proof.tenant.orders()
        return sum(states[one]["orderState"] == "CANCELED" for one in self.order_ids)

    def assert_all_is_well(self, *, caught: int = 0) -> tuple[str, ...]:
        """Hold the report and the requests against the OMS's own state, and return the figures.

        :param caught: orders at most for which one cancel may have followed another one blindly.
        """
        at_the_oms = self.proof.tenant.orders()
        lines = self.results.read_text(encoding="utf-8").splitlines()
        reported = {row["order_id"]: row["outcome"] for row in map(json.loads, lines)}
        assert len(lines) == len(self.order_ids)
        assert reported == dict.fromkeys(self.order_ids, "canceled")
        assert self.task.result()["outcomes"] == {"canceled": len(self.order_ids)}
        lost = [one for one in self.order_ids if at_the_oms[one]["orderState"] != "CANCELED"]
        twice = [one for one in self.order_ids if at_the_oms[one]["times_canceled"] > 1]
        calls: dict[int, list[str]] = {one: [] for one in self.order_ids}
        for request in self.proof.tenant.requests():
            calls.get(request["order_id"], []).append(request["method"])
        blind = [one for one, made in calls.items() if ("POST", "POST") in [*pairwise(made)]]
        assert (lost, twice) == ([], [])
        assert len(blind) <= caught
        read = sum("GET" in made for made in calls.values())
        figures = (read, self.posts(), len(lost), len(twice), len(blind))
        return tuple(f"{number:,}" for number in figures)


@pytest.fixture(scope="module")
def proof(
    an_airflow: Callable[..., AbstractContextManager[Standalone]],
    tenant: EmulatorProcess,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Proof]:
    dags, pods = tmp_path_factory.mktemp("dags"), tmp_path_factory.mktemp("pods")
    copy(Path(__file__).parent / "dags" / "cancel_in_bulk.py", dags)
    found = filter(None, [str(TESTS / "support"), os.environ.get("PYTHONPATH")])
    settings = {
        "AIRFLOW__CORE__EXECUTOR": "pod_executor.PodExecutor",
        "PYTHONPATH": os.pathsep.join(found),
        PODS: str(pods),
    }
    with an_airflow(dags, **settings) as airflow:
        made = Proof(airflow, tenant, pods)
        yield made
    show(made)


def show(proof: Proof) -> None:
    """Print the results, and write them into the docs where that is wanted."""
    paper = Paper()
    paper.table(("fact", "value"), machine_facts("apache-airflow-task-sdk"))
    paper.say(f"{ORDERS} orders each, {WORKERS} requests at a time.")
    headings = (
        *("what happens to the pod", "canceled by then", "report after", "ended after"),
        *("orders read", "cancels sent", "lost", "canceled twice", "sent twice blindly"),
    )
    paper.table(headings, proof.rows)
    paper.table(("orders", "seconds of the run", "memory", "processor time"), proof.costs)
    if os.environ.get("WRITE_DOCS") and len(proof.rows) == len(EVENTS):
        paper.write(DOCUMENT, MARKER.format("begin"), MARKER.format("end"))


@pytest.fixture(autouse=True)
def no_faults_left(tenant: EmulatorProcess) -> Iterator[None]:
    yield
    tenant.clear_faults()


def seconds(number: float | None) -> str:
    return "killed before" if number is None else f"{number:.1f} s"


def happen(event: str, a_set: OneSet) -> tuple[str, str]:
    """Let something happen to a pod, and return when it had reported and when it had ended."""
    pod, tenant = a_set.pod, a_set.proof.tenant
    if event.startswith("SIGTERM"):
        # It takes longest to end where the OMS acts, and does not respond.
        tenant.set_faults([{"kind": "hang", "seconds": HANGS}])
        sent = a_set.posts()
        wait_until(lambda: a_set.posts() >= sent + WORKERS)
        reported, ended = pod.terminate(float(event.split()[-2]), a_set.results)
        tenant.clear_faults()
        return seconds(reported), seconds(ended)
    pod.kill()
    if "wiped" in event:
        rmtree(pod.home)
    return "", ""


@pytest.mark.parametrize("event", EVENTS[:-1])
def test_whatever_ends_a_pod_the_next_one_cancels_the_rest_and_nothing_twice(
    event: str, proof: Proof, tmp_path: Path
) -> None:
    a_set = proof.begin(ORDERS, tmp_path)
    wait_until(lambda: a_set.posts() >= 0.4 * ORDERS)
    ended = happen(event, a_set)
    before = a_set.canceled()
    assert 0 < before < ORDERS
    assert a_set.task.wait_for_end(300)["state"] == "success"
    assert a_set.task.tries() == [(1, "failed"), (2, "success")]
    proof.rows.append((event, f"{before}", *ended, *a_set.assert_all_is_well()))


def test_a_pod_whose_node_hangs_sends_nothing_more_when_it_comes_back(
    proof: Proof, tmp_path: Path
) -> None:
    a_set = proof.begin(ORDERS, tmp_path)
    wait_until(lambda: a_set.posts() >= 0.4 * ORDERS)
    a_set.pod.send(signal.SIGSTOP)
    before = a_set.canceled()
    try:
        assert a_set.task.wait_for_end(300)["state"] == "success"
        written, sent = a_set.results.read_bytes(), a_set.posts()
    finally:
        a_set.pod.send(signal.SIGCONT)
    wait_until(lambda: not a_set.pod.is_running)
    assert a_set.task.tries() == [(1, "failed"), (2, "success")]
    assert a_set.results.read_bytes() == written
    # A cancel that the pause caught between the last look at the clock and the socket leaves later.
    assert a_set.posts() <= sent + WORKERS
    found = a_set.assert_all_is_well(caught=WORKERS)
    proof.rows.append((EVENTS[-1], f"{before}", "", "", *found))


@pytest.mark.parametrize("orders", [600, 10_000])
def test_a_pod_that_is_left_alone_ends_in_order(orders: int, proof: Proof, tmp_path: Path) -> None:
    a_set = proof.begin(orders, tmp_path, latency=0)
    while a_set.pod.is_running:
        a_set.pod.weigh()
        time.sleep(0.1)
    assert a_set.task.wait_for_end()["state"] == "success"
    ended = a_set.pod.ended()
    assert ended["status"] == 0
    a_set.assert_all_is_well()
    duration = a_set.task.result()["duration"]
    cost = (f"{a_set.pod.peak_mib:.0f} MiB", f"{ended['cpu_seconds']:.1f} s")
    proof.costs.append((f"{orders:,}", f"{duration:.1f}", *cost))


def test_in_a_container_without_context_the_order_is_read_with_time_to_settle(
    tenant: EmulatorProcess, tmp_path: Path
) -> None:
    """A program in a KubernetesPodOperator or a `@task.kubernetes` has no task around it."""
    order_id = 34_000_001
    tenant.clear_requests()
    tenant.load_orders([{"orderID": order_id}])
    connection = oms_connection(tenant, settle_seconds=2)
    environment = {name: os.environ[name] for name in IMAGE if name in os.environ}
    environment |= {"HOME": str(tmp_path), "AIRFLOW_CONN_OMS_DEFAULT": json.dumps(connection)}
    code = (
        "from airflow_provider_oms.hooks.oms import OmsHook; "
        f"OmsHook().cancel_order({order_id}, 'created_by_mistake')"
    )
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, check=True)
    # The cancel of an earlier attempt could have left just now, and show two seconds later.
    methods = [request["method"] for request in tenant.requests(order_id=order_id)]
    assert methods == ["GET", "GET", "POST"]
