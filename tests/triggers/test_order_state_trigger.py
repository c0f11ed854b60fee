"""The trigger: it only reads, shares its client, and reports its end in one event."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from looking import SECRET, TOKEN, Connect, Tenant, ending, run, trigger
from raw_server import RawServer, Script, answer

from airflow_provider_oms.api.patience import TokenPatience
from airflow_provider_oms.api.waiting import validate_state_criteria
from airflow_provider_oms.triggers import clients, oms
from airflow_provider_oms.triggers.oms import OmsOrderStateTrigger


class TestEndings:
    def test_it_waits_until_the_order_is_there(self, connect: Connect) -> None:
        tenant = Tenant(lambda _, reads: "SHIPPED" if reads >= 2 else "READY")
        with tenant.server:
            connect(tenant.server)
            assert run(trigger()) == {
                "status": "reached",
                "order_id": 7,
                "order_state": "SHIPPED",
                "order_status": None,
                "message": "is SHIPPED (state), - (status)",
            }
        assert len(tenant.reads[7]) == 3
        assert all(r.split()[0] == b"GET" for r in tenant.server.requests[1:])

    def test_it_ends_at_a_failure_state(self, connect: Connect) -> None:
        tenant = Tenant(lambda *_: "CANCELED")
        with tenant.server:
            connect(tenant.server)
            assert run(trigger())["status"] == "failed"

    def test_it_ends_when_the_time_is_up(self, connect: Connect) -> None:
        tenant = Tenant(lambda *_: "READY")
        with tenant.server:
            connect(tenant.server)
            ended = run(trigger(give_up_at=time.time() + 0.3))
        assert ended["status"] == "timed_out"
        assert ended["message"] == "the time is up; it is READY (state), - (status)"
        assert ended["order_state"] == "READY"

    def test_it_looks_once_also_when_the_time_was_up_before_it_began(
        self, connect: Connect
    ) -> None:
        # As after a triggerer that was away for long.
        tenant = Tenant(lambda *_: "SHIPPED")
        with tenant.server:
            connect(tenant.server)
            assert run(trigger(give_up_at=time.time() - 60))["status"] == "reached"

    @pytest.mark.parametrize(
        ("script", "said"),
        [
            (answer("404 Not Found", b'{"code": 5002}'), "knows no such order"),
            (answer("403 Forbidden", b'{"code": 5004}'), "forbids"),
        ],
    )
    def test_it_gives_up_where_waiting_does_not_help(
        self, connect: Connect, script: Script, said: str
    ) -> None:
        tenant = Tenant(lambda *_: script)
        with tenant.server:
            connect(tenant.server)
            ended = run(trigger())
        assert ended["status"] == "given_up"
        assert said in ended["message"]

    def test_it_gives_up_at_a_connection_that_is_wrong(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_OMS_DEFAULT", '{"conn_type": "oms"}')
        ended = run(trigger())
        assert ended["status"] == "given_up"
        assert "tenant_id: is required" in ended["message"]


REFUSED_TOKEN = answer("401 Unauthorized", b'{"errorCode": "INVALID_ACCESS_TOKEN"}')


class TestRefusedTokens:
    def test_another_one_is_tried(self, connect: Connect) -> None:
        tenant = Tenant(lambda _, reads: "SHIPPED" if reads else REFUSED_TOKEN)
        with tenant.server:
            connect(tenant.server)
            assert run(trigger(poll_interval=0.05))["status"] == "reached"
        assert tenant.tokens == 2

    def test_it_gives_up_when_their_time_is_over(
        self, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(oms, "TokenPatience", partial(TokenPatience, 0.05))
        tenant = Tenant(lambda *_: REFUSED_TOKEN)
        with tenant.server:
            connect(tenant.server)
            ended = run(trigger())
        assert ended["status"] == "given_up"
        assert "did not accept the access token" in ended["message"]

    def test_a_time_that_is_up_before_is_no_refusal(self, connect: Connect) -> None:
        tenant = Tenant(lambda *_: REFUSED_TOKEN)
        with tenant.server:
            connect(tenant.server)
            ended = run(trigger(give_up_at=time.time() + 0.3))
        assert ended["status"] == "timed_out"
        assert "did not accept the access token" in ended["message"]

    def test_one_that_is_accepted_ends_the_row(
        self, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        resets: list[None] = []

        class Patience(TokenPatience):
            def reset(self) -> None:
                super().reset()
                resets.append(None)

        monkeypatch.setattr(oms, "TokenPatience", Patience)
        tenant = Tenant(lambda _, reads: "SHIPPED" if reads >= 2 else "READY")
        with tenant.server:
            connect(tenant.server)
            run(trigger())
        # Once when it was made, and once for each look that got through.
        assert len(resets) == 1 + 3


def test_a_retry_after_of_one_look_is_kept_to_by_every_trigger(connect: Connect) -> None:
    later = iter([b"60", b"1"])

    def throttle(connection: socket.socket, request: bytes) -> None:
        header = f"Retry-After: {next(later).decode()}"
        answer("429 Too Many Requests", b"", (header,))(connection, request)

    tenant = Tenant(lambda *_: throttle)

    async def look_and_wait() -> tuple[list[float], dict[str, Any]]:
        settings = await trigger()._settings()
        with clients.shared_client(settings) as client:
            rests = []
            for _ in range(2):
                await client.observe(7, validate_state_criteria(["SHIPPED"]))
                rests.append(client.rest)
            return rests, await ending(trigger(8, give_up_at=time.time() + 0.2))

    with tenant.server:
        connect(tenant.server)
        rests, ended = asyncio.run(look_and_wait())
    # A shorter one does not shorten it.
    assert all(50 < rest <= 60 for rest in rests)
    assert ended["status"] == "timed_out"
    assert 8 not in tenant.reads


@pytest.mark.slow
def test_its_first_look_leaves_the_scheduler_time_to_see_the_task_stop(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda shortest, _: shortest)
    tenant = Tenant(lambda *_: "SHIPPED")
    with tenant.server:
        connect(tenant.server)
        began_at = time.monotonic()
        assert run(trigger(poll_interval=0.6))["status"] == "reached"
    assert tenant.reads[7][0] - began_at > 0.44


@pytest.mark.slow
class TestTroubles:
    def test_it_goes_on_with_longer_pauses(self, connect: Connect) -> None:
        failing = answer("503 Service Unavailable")
        tenant = Tenant(lambda _, reads: "SHIPPED" if reads >= 3 else failing)
        with tenant.server:
            connect(tenant.server)
            assert run(trigger(poll_interval=0.1))["status"] == "reached"
        at = tenant.reads[7]
        pauses = [later - earlier for earlier, later in pairwise(at)]
        assert pauses[0] > 0.17
        assert pauses[1] > 0.35
        assert pauses[2] > 0.7

    def test_a_retry_after_lets_all_triggers_of_the_tenant_rest(self, connect: Connect) -> None:
        throttled = answer("429 Too Many Requests", b"", ("Retry-After: 2",))

        def state_of(order_id: int, reads: int) -> str | Script:
            return throttled if order_id == 7 and not reads else "SHIPPED" if reads else "READY"

        tenant = Tenant(state_of)

        async def all_of_them() -> list[dict[str, Any]]:
            # The second one looks for the first time when the first has long been told to rest.
            begin = (trigger(7, poll_interval=0.02), trigger(8, poll_interval=1.5))
            return await asyncio.gather(*(ending(one) for one in begin))

        with tenant.server:
            connect(tenant.server)
            ended = asyncio.run(all_of_them())
        assert [one["status"] for one in ended] == ["reached", "reached"]
        began = tenant.reads[7][0]
        later = [at - began for reads in tenant.reads.values() for at in reads if at > began]
        assert min(later) > 1.95

    def test_a_retry_after_beyond_its_time_is_kept_to(self, connect: Connect) -> None:
        throttled = answer("429 Too Many Requests", b"", ("Retry-After: 60",))
        tenant = Tenant(lambda *_: throttled)
        with tenant.server:
            connect(tenant.server)
            ended = run(trigger(give_up_at=time.time() + 0.5))
        assert ended["status"] == "timed_out"
        assert "limits the rate of calls" in ended["message"]
        assert len(tenant.reads[7]) == 1

    def test_a_secret_that_was_replaced_meanwhile_is_looked_up(self, connect: Connect) -> None:
        def play(connection: socket.socket, request: bytes) -> None:
            if b'"new secret"' in request:
                answer("200 OK", TOKEN)(connection, request)
            elif request.startswith(b"POST"):
                connect(server, "new secret")
                answer("401 Unauthorized", b'{"errorCode": "INVALID_CREDENTIALS"}')(
                    connection, request
                )
            else:
                body = b'{"orderID": 7, "orderState": "SHIPPED"}'
                answer("200 OK", body)(connection, request)

        server = RawServer([play])
        with server:
            connect(server, "old secret")
            assert run(trigger())["status"] == "reached"


def test_it_is_recreated_from_what_is_stored_which_holds_no_secret(connect: Connect) -> None:
    tenant = Tenant(lambda *_: "SHIPPED")
    with tenant.server:
        connect(tenant.server)
        path, arguments = trigger(give_up_at=time.time() + 30).serialize()
        stored = json.dumps(arguments)
        assert path == "airflow_provider_oms.triggers.oms.OmsOrderStateTrigger"
        assert SECRET not in stored
        assert "KIBO.1" not in stored
        again = OmsOrderStateTrigger(**json.loads(stored))
        assert again.serialize() == (path, arguments)
        assert run(again)["status"] == "reached"


@pytest.mark.slow
def test_a_hundred_share_one_token_and_a_few_connections_and_leave_the_event_loop_free(
    connect: Connect,
) -> None:
    tenant = Tenant(lambda _, reads: "SHIPPED" if reads >= 2 else "READY")
    reads_at_a_beat: list[int] = []

    async def beat() -> None:
        while True:
            await asyncio.sleep(0.01)
            reads_at_a_beat.append(tenant.under_way)

    async def all_of_them() -> list[dict[str, Any]]:
        heart = asyncio.create_task(beat())
        waiting = [trigger(order_id, poll_interval=0.5) for order_id in range(1, 101)]
        ended = await asyncio.gather(*(ending(one) for one in waiting))
        heart.cancel()
        return ended

    with tenant.server:
        connect(tenant.server)
        ended = asyncio.run(all_of_them())
    assert [one["order_id"] for one in ended] == list(range(1, 101))
    assert {one["status"] for one in ended} == {"reached"}
    assert sum(len(reads) for reads in tenant.reads.values()) == 300
    assert tenant.tokens == 1
    assert tenant.most_under_way <= 8
    assert tenant.server.connections <= 9
    # An event loop that waited for a read itself would never see one under way.
    assert any(reads_at_a_beat)


@pytest.mark.slow
def test_a_trigger_that_is_canceled_leaves_the_client_to_the_others(connect: Connect) -> None:
    tenant = Tenant(lambda order_id, reads: "SHIPPED" if order_id == 2 and reads >= 2 else "READY")

    async def cancel_one() -> dict[str, Any]:
        first = asyncio.create_task(ending(trigger(1, poll_interval=0.2)))
        while not tenant.reads.get(1):
            await asyncio.sleep(0.01)
        second = asyncio.create_task(ending(trigger(2, poll_interval=0.2)))
        # One more than before the second began: by now it has the client, too.
        seen = len(tenant.reads[1])
        while len(tenant.reads[1]) == seen:
            await asyncio.sleep(0.01)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        return await second

    with tenant.server:
        connect(tenant.server)
        assert asyncio.run(cancel_one())["status"] == "reached"
    assert tenant.tokens == 1
