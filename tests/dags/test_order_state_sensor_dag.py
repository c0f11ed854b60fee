"""The sensor in real Airflow: each way to wait, and the link that is left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import backends
import pytest
from airflow.providers.common.compat.sdk import DAG
from dag_runs import connect, store_one
from features import IS_AIRFLOW_2

from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.sensors.oms import OmsOrderStateSensor

pytestmark = [pytest.mark.airflow_db, pytest.mark.slow, pytest.mark.backends]

PAGE = "https://admin.example.com/orders/7"
RunInline = Callable[[DAG], Any]


@pytest.fixture
def connection(oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> EmulatorProcess:
    # A trigger that dag.test() runs asks no database.
    backends.prefer_the_file(monkeypatch)
    connect(monkeypatch, oms, extra={"admin_url": "https://admin.example.com/orders/{order_id}"})
    oms.load_orders([{"orderID": 7, "orderState": "READY", "orderStatus": "READY"}])
    return oms


@pytest.fixture
def shipped_soon(connection: EmulatorProcess) -> Iterator[EmulatorProcess]:
    """Ship order 7 once it has been looked at."""
    shipped = {"orderID": 7, "orderState": "SHIPPED", "orderStatus": "SHIPPED"}
    is_over = threading.Event()

    def ship() -> None:
        while not connection.requests(order_id=7):
            if is_over.wait(0.1):
                return
        connection.load_orders([shipped])

    thread = threading.Thread(target=ship)
    thread.start()
    yield connection
    is_over.set()
    thread.join()


@pytest.fixture
def run_inline(airflow_db: None, monkeypatch: pytest.MonkeyPatch) -> RunInline:
    if IS_AIRFLOW_2:
        # It looks into the executor's settings for a sensor, and wants this one with SQLite.
        monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "SequentialExecutor")

    def run(dag: DAG) -> Any:
        if not IS_AIRFLOW_2:
            store_one(dag)
        return dag.test()

    return run


@pytest.mark.parametrize(
    "arguments",
    [{"mode": "poke"}, {"mode": "reschedule"}, {"deferrable": True}],
    ids=str,
)
def test_it_waits_until_the_order_is_there(
    arguments: dict[str, Any], shipped_soon: EmulatorProcess, run_inline: RunInline
) -> None:
    name = "_".join(str(one) for pair in arguments.items() for one in pair)
    with DAG(dag_id=f"wait_by_{name}", schedule=None) as dag:
        OmsOrderStateSensor(
            task_id="wait",
            order_id="7",
            target_states="SHIPPED",
            poke_interval=1,
            timeout=60,
            **arguments,
        )
    dag_run = run_inline(dag)
    assert str(dag_run.state) == "success"
    (instance,) = dag_run.get_task_instances()
    assert backends.pulled(instance.xcom_pull(task_ids="wait")) == {
        "order_id": 7,
        "order_state": "SHIPPED",
        "order_status": "SHIPPED",
    }
    link = instance.xcom_pull(task_ids="wait", key="oms_order_link")
    assert backends.pulled(link) == PAGE
    assert {request["method"] for request in shipped_soon.requests(order_id=7)} == {"GET"}


def test_an_order_that_is_canceled_instead_fails_it(
    connection: EmulatorProcess, run_inline: RunInline
) -> None:
    connection.load_orders([{"orderID": 7, "orderState": "CANCELED", "orderStatus": "CANCELED"}])
    with DAG(dag_id="wait_in_vain", schedule=None) as dag:
        OmsOrderStateSensor(
            task_id="wait",
            order_id="7",
            target_states="SHIPPED",
            failure_states="CANCELED",
            deferrable=True,
            retries=3,
        )
    dag_run = run_inline(dag)
    (instance,) = dag_run.get_task_instances()
    assert str(instance.state) == "failed"
    link = instance.xcom_pull(task_ids="wait", key="oms_order_link")
    assert backends.pulled(link) == PAGE
    assert len(connection.requests(order_id=7)) == 1
