"""The cluster test's facts about the OMS: its troubles, its record, its orders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from emulator_client import Caller, NativeCaller

from airflow_provider_oms.emulator.testing import EmulatorProcess
from cluster.oms import TROUBLES, OrderSet, Record, Trouble, set_faults
from cluster.runs import ChunksRun

pytestmark = pytest.mark.slow

ORDER_ID = 1010101


@pytest.fixture(scope="module")
def emulator() -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as process:
        yield process


@pytest.fixture
def oms(emulator: EmulatorProcess) -> EmulatorProcess:
    emulator.clear_faults()
    emulator.load_orders([{"orderID": ORDER_ID}])
    return emulator


@pytest.mark.parametrize("trouble", TROUBLES, ids=[trouble.words for trouble in TROUBLES])
def test_each_trouble_does_to_the_order_what_the_record_says(
    trouble: Trouble, oms: EmulatorProcess
) -> None:
    caller, record = Caller(oms), Record(oms)
    oms.add_fault(trouble.kind, times=1, **trouble.parameters)
    with suppress(requests.ConnectionError):
        assert not caller.cancel().content or trouble.kind in ("late", "status")
    assert oms.order(ORDER_ID)["times_canceled"] == int(trouble.acts)
    record.look()
    assert record.posts[ORDER_ID] == [trouble.acts]
    assert caller.cancel().ok
    record.look()
    assert record.posts[ORDER_ID] == [trouble.acts, True]
    assert oms.order(ORDER_ID)["times_canceled"] == 1


def test_the_kinds_of_trouble_can_be_told_apart() -> None:
    assert len({trouble.kind for trouble in TROUBLES}) == len(TROUBLES)
    assert {trouble.acts for trouble in TROUBLES} == {True, False}


def test_a_few_percent_of_the_cancels_meet_trouble_and_the_rest_take_their_time(
    oms: EmulatorProcess,
) -> None:
    set_faults(oms, TROUBLES)
    rules = oms.faults()
    assert [rule["fault"]["kind"] for rule in rules] == [*(one.kind for one in TROUBLES), "slow"]
    assert 0.02 < sum(rule["share"] for rule in rules[:-1]) < 0.10
    assert rules[-1]["share"] == 1


def test_the_record_counts_reads_and_sent_orders(oms: EmulatorProcess) -> None:
    caller, record = Caller(oms), Record(oms)
    caller.get(ORDER_ID)
    caller.cancel()
    record.look()
    caller.cancel()
    record.look()
    assert dict(record.reads) == {ORDER_ID: 1}
    assert record.posts == {ORDER_ID: [True, True]}
    assert record.sent(range(ORDER_ID, ORDER_ID + 5)) == 1
    assert record.sent(range(ORDER_ID + 1, ORDER_ID + 5)) == 0


def test_the_last_orders_of_a_set_have_shipped() -> None:
    states = OrderSet(range(1, 2001), refused=2).states()
    assert [id_ for id_, state in states.items() if state != "READY"] == [1999, 2000]
    assert set(OrderSet(range(1, 5)).states().values()) == {"READY"}


def test_orders_with_native_names_are_found_in_record_and_results(
    oms: EmulatorProcess, tmp_path: Path
) -> None:
    orders = OrderSet(range(ORDER_ID, ORDER_ID + 2), refused=1, native=True)
    api: Any = SimpleNamespace(start_run=lambda *_, **__: "run")
    run = ChunksRun(api, oms, orders, tmp_path)
    path = tmp_path / f"orders-{ORDER_ID}.jsonl"
    names = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    caller, record = NativeCaller(oms), Record(oms)
    caller.get(names[0])
    assert [caller.cancel(name, reasonCode="Fraud").status_code for name in names] == [200, 409]
    record.look()
    assert dict(record.reads) == {ORDER_ID: 1}
    assert record.sent(orders.orders) == 2
    states = {id_: order["orderState"] for id_, order in oms.orders().items()}
    assert states == {ORDER_ID: "CANCELED", ORDER_ID + 1: "SHIPPED"}

    line = json.dumps({"order_id": names[0], "outcome": "canceled"})
    (tmp_path / f"results-{ORDER_ID}-0.jsonl").write_text(f"{line}\n", encoding="utf-8")
    assert run.results(0) == [(ORDER_ID, "canceled")]
