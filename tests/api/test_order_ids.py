"""Looking up ids: each order once, several by one search, and those left out by themselves."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from airflow_provider_oms.api.errors import (
    OmsError,
    OmsNamedTwiceError,
    OmsNotFoundError,
    OmsSearchError,
)
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.order_ids import OrderIds, OrderNames
from airflow_provider_oms.api.values import OrderId


class Tenant:
    """Find orders, all but those named."""

    def __init__(self, *, gone: Sequence[OrderId] = (), failure: OmsError | None = None) -> None:
        self._gone, self._failure = gone, failure
        self.singles: list[OrderId] = []
        self.searches: list[tuple[OrderId, ...]] = []

    def one(self, order_id: OrderId) -> Order:
        self.singles.append(order_id)
        if order_id in self._gone:
            raise OmsNotFoundError("none", http_status=200)
        return Order(f"id of {order_id}", "Accepted", "Accepted", {})

    def several(self, order_ids: Sequence[OrderId]) -> Mapping[OrderId, Order]:
        self.searches.append(tuple(order_ids))
        if self._failure is not None:
            raise self._failure
        found = (one for one in order_ids if one not in self._gone)
        return {one: Order(f"id of {one}", "Accepted", "Accepted", {}) for one in found}

    def ids(self, most: int) -> OrderIds:
        return OrderIds(self.one, self.several, most)


NAMES = [f"number:{n}" for n in range(1, 8)]


def test_each_order_is_looked_up_once() -> None:
    tenant = Tenant()
    ids = tenant.ids(0)
    assert {ids.get("number:1") for _ in range(3)} == {"id of number:1"}
    assert tenant.singles == ["number:1"]
    assert tenant.searches == []


def test_those_that_are_expected_are_looked_up_together_in_their_sequence() -> None:
    tenant = Tenant()
    ids = tenant.ids(3)
    ids.expect(NAMES)
    assert [ids.get(name) for name in NAMES] == [f"id of {name}" for name in NAMES]
    assert tenant.searches == [tuple(NAMES[:3]), tuple(NAMES[3:6]), tuple(NAMES[6:])]
    assert tenant.singles == []


def test_the_one_that_is_asked_for_is_always_among_them() -> None:
    tenant = Tenant()
    ids = tenant.ids(3)
    ids.expect(NAMES)
    assert ids.get(NAMES[-1]) == f"id of {NAMES[-1]}"
    assert tenant.searches == [(NAMES[-1], *NAMES[:2])]


def test_what_a_search_leaves_out_is_asked_for_by_itself() -> None:
    tenant = Tenant(gone=[NAMES[1]])
    ids = tenant.ids(5)
    ids.expect(NAMES[:3])
    assert ids.get(NAMES[0]) == f"id of {NAMES[0]}"
    with pytest.raises(OmsNotFoundError):
        ids.get(NAMES[1])
    assert tenant.singles == [NAMES[1]]
    assert len(tenant.searches) == 1


def test_after_a_search_that_fails_each_is_asked_for_by_itself() -> None:
    tenant = Tenant(failure=OmsSearchError("no or", http_status=400))
    ids = tenant.ids(5)
    ids.expect(NAMES)
    for name in NAMES:
        ids.get(name)
    assert len(tenant.searches) == 1
    assert tenant.singles == NAMES


def test_a_failure_is_one_of_the_look_up() -> None:
    with pytest.raises(OmsNotFoundError) as error:
        Tenant(gone=NAMES).ids(5).get(NAMES[0])
    assert error.value.is_of_look_up


def test_one_that_is_not_expected_is_asked_for_by_itself() -> None:
    tenant = Tenant()
    ids = tenant.ids(5)
    ids.expect(NAMES[:2])
    ids.get("external_id:SO-1")
    assert tenant.singles == ["external_id:SO-1"]
    assert tenant.searches == []


def test_threads_that_ask_at_a_time_share_a_search() -> None:
    tenant = Tenant()
    ids = tenant.ids(100)
    ids.expect(NAMES)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(ids.get, NAMES))
    assert found == [f"id of {name}" for name in NAMES]
    assert len(tenant.searches) == 1
    assert tenant.singles == []


def test_each_that_is_found_by_itself_has_a_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    ids = Tenant().ids(0)
    ids.expect([])
    ids.get("number:1")
    assert caplog.messages == ["Order number:1 has the id id of number:1"]
    ids.expect(NAMES)
    ids.get("number:2")
    assert len(caplog.messages) == 1


def test_an_order_is_canceled_under_the_first_of_its_names_alone() -> None:
    names = OrderNames()
    for _ in range(2):
        names.claim("ab12", "number:1")
    with pytest.raises(OmsNamedTwiceError, match="the same order as number:1") as refusal:
        names.claim("ab12", "ab12")
    assert (refusal.value.order_id, refusal.value.was_sent) == ("ab12", False)
    names.claim("cd34", "cd34")
