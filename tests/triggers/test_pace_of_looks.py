"""How many triggers can keep to their interval on one tenant, in virtual time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from looking import trigger
from tenants import settings
from virtual_loop import VirtualLoop

from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.errors import OmsSearchError
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.translated import Translated
from airflow_provider_oms.triggers import clients
from airflow_provider_oms.triggers.oms import OmsOrderStateTrigger

LATENCY = 0.5
INTERVAL = 60.0
# Of an interval: how late a look may be.
LATEST = 1.2


class Tenant:
    """Show every order as it is asked for, and note when.

    :param has_search: whether it has a search.
    """

    dialect = Translated()

    def __init__(self, *, has_search: bool) -> None:
        self._has_search = has_search
        self.looks: dict[int, list[float]] = {}
        self.requests = 0

    def get_order(self, order_id: int) -> Order:
        self.requests += 1
        return self._show(order_id)

    def find_orders(self, order_ids: Iterable[int]) -> Mapping[int, Order]:
        self.requests += 1
        if not self._has_search:
            raise OmsSearchError("no search", http_status=404)
        return {order_id: self._show(order_id) for order_id in order_ids}

    def _show(self, order_id: int) -> Order:
        self.looks.setdefault(order_id, []).append(asyncio.get_running_loop().time())
        return Order(order_id, "READY", None, {})

    def close(self) -> None:
        """Do as a client does."""

    @property
    def longest_pause(self) -> float:
        """Return the longest time between two looks at the same order, in intervals."""
        pauses = (b - a for looks in self.looks.values() for a, b in pairwise(looks))
        return max(pauses) / INTERVAL


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Tenant]:
    def run(triggers: int, *, has_search: bool, intervals: int = 8) -> Tenant:
        tenant = Tenant(has_search=has_search)
        turns: dict[ThreadPoolExecutor, asyncio.Semaphore] = {}

        async def in_thread(threads: ThreadPoolExecutor, call: Any, *arguments: Any) -> Any:
            free = turns.setdefault(threads, asyncio.Semaphore(threads._max_workers))
            async with free:
                await asyncio.sleep(LATENCY)
                return call(*arguments)

        async def find_settings(_: object) -> TenantSettings:
            return settings()

        monkeypatch.setattr(clients, "_in_thread", in_thread)
        monkeypatch.setattr(clients, "client_of", lambda *_, **__: tenant)
        monkeypatch.setattr(OmsOrderStateTrigger, "_settings", find_settings)

        async def all_of_them() -> None:
            waiting = [
                asyncio.create_task(
                    trigger(order_id, poll_interval=INTERVAL, give_up_at=None)._wait()
                )
                for order_id in range(1, triggers + 1)
            ]
            await asyncio.sleep(intervals * INTERVAL)
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(all_of_them())
        assert len(tenant.looks) == triggers
        return tenant

    return run


@pytest.mark.slow
@pytest.mark.parametrize("triggers", [2000, 5000])
def test_thousands_on_one_tenant_look_in_time(watch: Callable[..., Tenant], triggers: int) -> None:
    tenant = watch(triggers, has_search=True)
    assert tenant.longest_pause < LATEST
    looks = sum(map(len, tenant.looks.values()))
    # A tenth of the looks is made by Get Order.
    assert tenant.requests < 0.2 * looks
    # They stay spread: no second has a multiple of the looks of an average one.
    per_second = Counter(int(at) for times in tenant.looks.values() for at in times)
    assert max(per_second.values()) < 5 * looks / len(per_second)


@pytest.mark.slow
def test_without_a_search_some_hundred_do(watch: Callable[..., Tenant]) -> None:
    tenant = watch(800, has_search=False)
    assert tenant.longest_pause < LATEST


@pytest.mark.slow
def test_without_a_search_two_thousand_do_not(watch: Callable[..., Tenant]) -> None:
    # So that the law is one that can be broken.
    tenant = watch(2000, has_search=False)
    assert tenant.longest_pause > LATEST
