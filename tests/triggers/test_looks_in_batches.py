"""Many triggers on one tenant: they look in batches, and trust a batch only where that is safe."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from looking import Connect, Tenant, ending, trigger
from raw_server import answer

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.waiting import Match, validate_state_criteria
from airflow_provider_oms.triggers import clients, oms

MANY = 40
WISH = validate_state_criteria(["SHIPPED"], ["CANCELED"])


@pytest.fixture(autouse=True)
def _no_look_is_a_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oms, "_LOOKS_PER_READ", 10**9)


@pytest.fixture(autouse=True)
def _time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    # A quarter of the interval, so that a busy machine still gathers some.
    monkeypatch.setattr(oms, "_WAIT_FOR_OTHERS", 0.25)


def all_of(number: int = MANY, **changes: Any) -> list[dict[str, Any]]:
    async def wait() -> list[dict[str, Any]]:
        waiting = [trigger(order_id, **changes) for order_id in range(1, number + 1)]
        return await asyncio.gather(*map(ending, waiting))

    return asyncio.run(wait())


class TestManyTriggers:
    @pytest.mark.slow
    def test_they_look_in_batches_and_confirm_what_ends_the_waiting(self, connect: Connect) -> None:
        tenant = Tenant(lambda _, looks: "SHIPPED" if looks >= 2 else "READY", search=True)
        with tenant.server:
            connect(tenant.server)
            ended = all_of(poll_interval=0.5)
        assert [one["order_id"] for one in ended] == list(range(1, MANY + 1))
        assert {one["status"] for one in ended} == {"reached"}
        # Each order ends with a separate read.
        assert set(tenant.reads) == set(range(1, MANY + 1))
        looks, requests = sum(tenant.looks.values()), len(tenant.searches)
        requests += sum(map(len, tenant.reads.values()))
        assert looks - requests > MANY
        assert tenant.tokens == 1
        assert tenant.server.connections <= 11

    @pytest.mark.slow
    def test_canceled_is_believed(self, connect: Connect) -> None:
        def state_of(_: int, looks: int) -> str:
            return "CANCELED" if looks else "READY"

        tenant = Tenant(state_of, search=True)
        with tenant.server:
            connect(tenant.server)
            ended = all_of(poll_interval=0.5)
        assert {one["status"] for one in ended} == {"failed"}
        assert {one["order_state"] for one in ended} == {"CANCELED"}
        # But for a few that fell due when few others did.
        assert sum(map(len, tenant.reads.values())) < MANY

    def test_what_get_order_does_not_confirm_ends_nothing(self, connect: Connect) -> None:
        tenant = Tenant(lambda *_: "READY", search_shows=lambda _: "SHIPPED")
        looks = look_together(connect, tenant)
        assert {look.stand for look in looks} == {Match.OPEN}
        assert {look.order_state for look in looks} == {"READY"}
        assert sorted(tenant.reads) == [1, 2, 3, 4, 5]

    @pytest.mark.slow
    @pytest.mark.parametrize("number", [1, 2, 4])
    def test_a_few_look_alone(self, connect: Connect, number: int) -> None:
        tenant = Tenant(lambda _, looks: "SHIPPED" if looks >= 2 else "READY", search=True)
        with tenant.server:
            connect(tenant.server)
            ended = all_of(number)
        assert {one["status"] for one in ended} == {"reached"}
        assert tenant.searches == []
        assert {len(reads) for reads in tenant.reads.values()} == {3}


def look_together(
    connect: Connect, tenant: Tenant, number: int = 5, rounds: int = 1, *, due: int | None = None
) -> list[Any]:
    """Let some of the users of one client look at the same time, some times in a row."""

    async def look() -> list[Any]:
        settings = await trigger()._settings()
        with clients.shared_client(settings) as client:
            client.users += number
            looks = []
            for _ in range(rounds):
                looks = await asyncio.gather(
                    *(
                        client.observe(order_id, WISH, within=0.05)
                        for order_id in range(1, (due or number) + 1)
                    ),
                    return_exceptions=True,
                )
            client.users -= number
            return looks

    with tenant.server:
        connect(tenant.server)
        return asyncio.run(look())


class TestOneBatch:
    def test_few_that_fall_due_look_alone_though_there_are_many(self, connect: Connect) -> None:
        tenant = Tenant(lambda *_: "READY", search=True)
        look_together(connect, tenant, number=100, due=4)
        assert tenant.searches == []
        assert sorted(tenant.reads) == [1, 2, 3, 4]

    def test_a_hundred_leave_at_once_and_the_rest_in_another(self, connect: Connect) -> None:
        tenant = Tenant(lambda *_: "READY", search=True)
        look_together(connect, tenant, number=110)
        assert sorted(map(len, tenant.searches)) == [10, 100]
        assert tenant.reads == {}

    def test_an_order_that_is_left_out_is_read_and_may_be_unknown(self, connect: Connect) -> None:
        unknown = answer("404 Not Found", b'{"code": 5002}')
        tenant = Tenant(
            lambda order_id, _: unknown if order_id == 1 else "READY",
            search_shows=lambda order_id: "READY" if order_id == 3 else None,
        )
        looks = look_together(connect, tenant)
        assert "knows no such order" in str(looks[0])
        assert [look.stand for look in looks[1:]] == [Match.OPEN] * 4
        assert sorted(tenant.reads) == [1, 2, 4, 5]

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("search", "searches"),
        [
            (answer("404 Not Found", b'{"code": 5002}'), 1),
            (answer("200 OK", b'[{"orderID": 1, "orderState": "READY"}]'), 1),
            (answer("500 Internal Server Error"), 3),
        ],
    )
    def test_a_search_that_is_no_good_is_noticed_said_once_and_not_asked_again(
        self, connect: Connect, caplog: pytest.LogCaptureFixture, search: Any, searches: int
    ) -> None:
        tenant = Tenant(lambda *_: "READY", search=search)
        looks = look_together(connect, tenant, rounds=9)
        assert [look.stand for look in looks] == [Match.OPEN] * 5
        assert {len(reads) for reads in tenant.reads.values()} == {9}
        assert len(tenant.searches) == searches
        assert caplog.text.count("are read one by one from now on") == 1

    @pytest.mark.parametrize("retry_after", [("Retry-After: 60",), ()])
    def test_a_limit_on_searches_lets_all_rest_and_none_read_by_itself(
        self, connect: Connect, retry_after: tuple[str, ...]
    ) -> None:
        search = answer("429 Too Many Requests", b"", retry_after)
        tenant = Tenant(lambda *_: "READY", search=search)
        looks = look_together(connect, tenant)
        assert all("limits the rate" in look.trouble for look in looks)
        assert {look.retry_after for look in looks} == {60 if retry_after else None}
        assert tenant.reads == {}
        assert len(tenant.searches) == 1

    def test_a_batch_does_not_leave_while_the_oms_is_to_be_left_alone(
        self, connect: Connect
    ) -> None:
        throttled = answer("429 Too Many Requests", b"", ("Retry-After: 60",))
        tenant = Tenant(lambda *_: throttled, search=True)

        async def look() -> list[Any]:
            settings = await trigger()._settings()
            with clients.shared_client(settings) as client:
                client.users += 10
                waiting = [
                    asyncio.create_task(client.observe(each, WISH, within=60))
                    for each in range(2, 8)
                ]
                first = await client.observe(1, WISH)
                # It takes those along that may still wait.
                last = await client.observe(8, WISH, within=0.01)
                looks = [first, *await asyncio.gather(*waiting), last]
                client.users -= 10
                return looks

        with tenant.server:
            connect(tenant.server)
            looks = asyncio.run(look())
        assert {look.retry_after for look in looks} == {60}
        assert tenant.searches == []
        assert list(tenant.reads) == [1]

    def test_a_trigger_that_is_canceled_while_it_waits_is_left_out(self, connect: Connect) -> None:
        tenant = Tenant(lambda *_: "READY", search=True)

        async def look() -> None:
            settings = await trigger()._settings()
            with clients.shared_client(settings) as client:
                client.users += 10
                waiting = [
                    asyncio.create_task(client.observe(each, WISH, within=0.2))
                    for each in range(1, 8)
                ]
                await asyncio.sleep(0)
                waiting[0].cancel()
                await asyncio.gather(*waiting, return_exceptions=True)
                client.users -= 10

        with tenant.server:
            connect(tenant.server)
            asyncio.run(look())
        assert [sorted(page) for page in tenant.searches] == [[2, 3, 4, 5, 6, 7]]

    def test_a_fault_of_the_program_leaves_no_trigger_waiting(
        self, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError

        monkeypatch.setattr(OmsClient, "find_orders", fail)
        tenant = Tenant(lambda *_: "READY", search=True)
        looks = look_together(connect, tenant)
        assert [look.stand for look in looks] == [Match.OPEN] * 5


class TestLooksByGetOrder:
    """A search that never shows a change delays the end, and does not prevent it."""

    @pytest.fixture
    def tenant(self) -> Tenant:
        return Tenant(lambda *_: "SHIPPED", search_shows=lambda _: "READY")

    @pytest.mark.slow
    def test_each_tenth_is_one(
        self, connect: Connect, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(oms, "_LOOKS_PER_READ", 3)
        with tenant.server:
            connect(tenant.server)
            ended = all_of(poll_interval=0.3)
        assert {one["status"] for one in ended} == {"reached"}
        assert tenant.searches

    @pytest.mark.slow
    def test_so_is_the_last_one(self, connect: Connect, tenant: Tenant) -> None:
        with tenant.server:
            connect(tenant.server)
            ended = all_of(poll_interval=60, give_up_at=time.time() + 0.5)
        assert {one["status"] for one in ended} == {"reached"}
