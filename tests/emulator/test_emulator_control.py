"""The control API: settings, orders, the access log and tokens, while the emulator runs."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from emulator_client import CANCEL_PATH, TOKEN_PATH, Caller

from airflow_provider_oms.emulator.testing import EmulatorError, EmulatorProcess


def control(tenant: EmulatorProcess, method: str, path: str, body: object = None) -> Any:
    url = f"{tenant.url}/_emulator/{path}"
    return requests.request(method, url, json=body, timeout=30)


def test_health_names_the_tenant(tenant: EmulatorProcess) -> None:
    assert control(tenant, "GET", "health").json() == {"status": "ok", "tenant": "10001"}


def test_settings_are_changed_one_by_one_or_all_at_once(tenant: EmulatorProcess) -> None:
    assert tenant.settings()["canceled_order_status"] == 200
    assert tenant.settings(canceled_order_status=409)["canceled_order_status"] == 409
    assert tenant.settings(reasons="lenient")["canceled_order_status"] == 409
    assert tenant.reset_settings()["canceled_order_status"] == 200


@pytest.mark.parametrize(
    "changes", [{"no_such_setting": 1}, {"canceled_order_status": 201}, {"token_lifetime": -1}]
)
def test_a_setting_that_makes_no_sense_changes_nothing(
    tenant: EmulatorProcess, changes: dict[str, Any]
) -> None:
    before = tenant.settings()
    with pytest.raises(EmulatorError, match=next(iter(changes))):
        tenant.settings(reasons="lenient", **changes)
    assert tenant.settings() == before


def test_orders_are_loaded_all_or_none(tenant: EmulatorProcess) -> None:
    with pytest.raises(EmulatorError, match="orderID"):
        tenant.load_orders([{"orderID": 70}, {"orderID": 0}])
    assert 70 not in tenant.orders()
    assert control(tenant, "GET", "orders/70").status_code == 404


def test_an_order_that_is_loaded_again_is_reset(oms: Caller) -> None:
    oms.cancel()
    oms.tenant.load_orders([{"orderID": 1010101}])
    known = oms.tenant.order(1010101)
    assert (known["orderState"], known["times_canceled"]) == ("READY", 0)


def test_the_orders_can_be_removed(oms: Caller) -> None:
    oms.tenant.load_orders([{"orderID": 70}])
    assert oms.tenant.clear_orders() == 2
    assert oms.tenant.orders() == {}
    assert oms.get(70).status_code == 404
    assert oms.tenant.clear_orders() == 0


def test_all_of_the_tenant_can_be_made_as_new(oms: Caller) -> None:
    tenant = oms.tenant
    tenant.settings(canceled_order_status=409)
    tenant.add_fault("gzip")
    oms.get(1010101)
    tenant.clear()
    assert (tenant.orders(), tenant.requests(), tenant.faults()) == ({}, [], [])
    assert tenant.settings()["canceled_order_status"] == 200


def test_the_log_has_every_request_as_it_came(oms: Caller) -> None:
    oms.tenant.clear_requests()
    oms.cancel()
    oms.get(1010101)
    oms.get(5)
    oms.search("orderID=1010101")
    posted, read, unknown, searched = oms.tenant.requests()
    assert (posted["method"], posted["path"]) == ("POST", CANCEL_PATH)
    assert posted["body"].startswith('{"orderID": 1010101')
    assert ["x-vol-tenant", "10001"] in posted["headers"]
    assert (posted["order_id"], read["order_id"], unknown["order_id"]) == (1010101, 1010101, 5)
    assert [one["status"] for one in (posted, read, unknown)] == [200, 200, 404]
    assert (searched["query"], searched["order_id"]) == ("orderID=1010101", None)
    assert [one["fault"] for one in oms.tenant.requests()] == [None] * 4


def test_the_log_can_be_asked_for_a_part(oms: Caller) -> None:
    oms.cancel()
    oms.get(5)
    tenant = oms.tenant
    assert [one["method"] for one in tenant.requests(order_id=1010101)] == ["POST"]
    assert len(tenant.requests(path=TOKEN_PATH)) == 1
    assert len(tenant.requests(method="post")) == 2
    assert tenant.requests(since=tenant.requests()[-1]["seq"]) == []
    assert tenant.cancel_posts(1010101) == 1
    tenant.clear_requests()
    assert tenant.requests() == []
    assert tenant.cancel_posts(1010101) == 0


def test_what_a_cancel_was_about_is_logged_even_when_it_is_refused(oms: Caller) -> None:
    oms.cancel(orderID="1010101")
    oms.cancel(orderID=-7)
    oms.cancel(orderID="x")
    oms.cancel([])
    logged = [one["order_id"] for one in oms.tenant.requests(path=CANCEL_PATH)]
    assert logged == [1010101, -7, None, None]
    assert oms.tenant.cancel_posts(1010101) == 1


def test_the_control_api_is_not_part_of_the_log(tenant: EmulatorProcess) -> None:
    tenant.orders()
    control(tenant, "GET", "no-such-thing")
    assert tenant.requests() == []


def test_a_number_beyond_what_sqlite_holds_finds_nothing(oms: Caller) -> None:
    for name in ("order_id", "since"):
        found = control(oms.tenant, "GET", f"requests?{name}={'9' * 25}")
        assert (found.status_code, found.json()) == (200, [])
    assert control(oms.tenant, "GET", f"requests?order_id=-{'9' * 25}").json() == []
    assert control(oms.tenant, "GET", f"orders/{'9' * 25}").status_code == 404
