"""The benchmark's stub: it tells the truth, and its faults are the same in every round."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from bench.rounds import Tenant, running
from bench.stub import CANCEL_PATH, DROPPED, FAILED, OK, UNAVAILABLE, Stub

ORDER = 5_000_001


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    with running(tmp_path_factory.mktemp("stub")) as tenant:
        yield tenant


@pytest.fixture
def tenant(started: Tenant) -> Tenant:
    started.reset(latency=0)
    return started


def call(tenant: Tenant, method: str, path: str, body: object = None) -> requests.Response:
    headers = {"Authorization": "Bearer token"}
    return requests.request(method, tenant.url + path, json=body, headers=headers, timeout=30)


def cancel(tenant: Tenant, order_id: int) -> requests.Response:
    return call(tenant, "POST", CANCEL_PATH, {"orderID": order_id})


def state(tenant: Tenant, order_id: int) -> object:
    return call(tenant, "GET", f"/api/v2/order/{order_id}").json()["orderState"]


def test_an_order_is_open_until_it_is_canceled(tenant: Tenant) -> None:
    assert state(tenant, ORDER) == "READY"
    assert cancel(tenant, ORDER).json()["orderState"] == "CANCELED"
    assert state(tenant, ORDER) == "CANCELED"
    assert tenant.check(1) == {"posts": 1, "reposted": 0, "reads": 2, "faulted": 0}


def test_a_cancel_of_a_canceled_order_is_counted(tenant: Tenant) -> None:
    cancel(tenant, ORDER)
    cancel(tenant, ORDER)
    assert tenant.facts() == {
        "canceled": {ORDER},
        "posts": 2,
        "reposted": 1,
        "reads": 0,
        "faulted": 0,
    }


def test_a_fault_hits_the_first_cancel_only_and_the_state_is_the_truth(tenant: Tenant) -> None:
    tenant.reset(latency=0, faults=1)
    dropped = 0
    for order_id in range(ORDER, ORDER + 20):
        try:
            answer = cancel(tenant, order_id)
        except requests.ConnectionError:
            dropped += 1
            assert state(tenant, order_id) == "CANCELED"
        else:
            assert answer.status_code == FAILED
            assert state(tenant, order_id) == "READY"
            assert cancel(tenant, order_id).ok
    assert 0 < dropped < 20


def test_the_same_orders_meet_the_same_faults_and_about_as_many_as_asked_for() -> None:
    def statuses() -> list[int]:
        stub = Stub()
        stub.reset(faults=0.05, unavailable=0.025)
        return [stub.cancel(order_id) for order_id in range(ORDER, ORDER + 10_000)]

    found = statuses()
    assert found == statuses()
    for kind in (DROPPED, FAILED, UNAVAILABLE):
        assert 200 < found.count(kind) < 300
    assert found.count(OK) > 9_000


def test_an_answer_of_503_can_come_from_the_oms_that_acted(tenant: Tenant) -> None:
    tenant.reset(latency=0, unavailable=1)
    assert cancel(tenant, ORDER).status_code == UNAVAILABLE
    assert state(tenant, ORDER) == "CANCELED"


def test_who_shows_no_token_is_refused(tenant: Tenant) -> None:
    answer = requests.get(f"{tenant.url}/api/v2/order/1", timeout=30)
    assert answer.status_code == requests.codes.unauthorized
