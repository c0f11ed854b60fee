"""A wrong address of the platform ends a task soon; a failure that may pass is tried again."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from raw_server import RawServer, Script, answer
from wire import CORRELATION, document

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.errors import OmsError, OmsNotSentError, OmsServerError
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.tenant_host import TenantHost
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome
from airflow_provider_oms.cancellation.policy import policy_for
from airflow_provider_oms.cancellation.runner import Runtime, cancel_order

ID = "137a94b6402be0000137196800002711"
GRANTED = {"access_token": "a-token", "expires_in": 3600}
NOWHERE = "https://nowhere.example"
PAGE = b"<html>Welcome</html>"


def settings(*, with_secret: bool = True, **extra: Any) -> TenantSettings:
    fields = {"api": "native", "tenant_id": "10001", "environment": "production", **extra}
    fields = {"discover_host": True, "settle_seconds": 1, "deadline": 60, **fields}
    login = {"login": "an-app", "password": "its-secret"} if with_secret else {}
    return TenantSettings.from_connection(name="native", extra=json.dumps(fields), **login)


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let no name resolve, for the reason that is added last."""
    reasons = [socket.EAI_NONAME]

    def resolve(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(reasons[-1], "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return reasons


class World:
    """A clock that goes on only while something waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def cancel(
    found: TenantSettings, monkeypatch: pytest.MonkeyPatch
) -> tuple[CancellationResult, float]:
    """Cancel an order in virtual time, and return how long it took."""
    world = World()
    around = Runtime(world.clock, world.sleep, lambda: False, lambda: 0.0)
    with OmsClient(found) as client:
        monkeypatch.setattr(client._host, "_clock", world.clock)
        request = client.dialect.cancel_request(ID, "Fraud")
        result = cancel_order(client, request, policy_for(found), surroundings=around)
    return result, world.now


class TestANameThatDoesNotExist:
    @pytest.mark.parametrize("with_secret", [False, True])
    @pytest.mark.usefixtures("resolver")
    def test_it_is_the_connections_fault_after_fifteen_seconds(
        self, monkeypatch: pytest.MonkeyPatch, *, with_secret: bool
    ) -> None:
        found = settings(auth_url=NOWHERE, with_secret=with_secret)
        result, took = cancel(found, monkeypatch)
        assert (result.outcome, result.posts) == (Outcome.FORBIDDEN, 0)
        assert 15 <= took < 20
        assert "auth_url names a host that does not exist; correct it" in result.reason

    @pytest.mark.usefixtures("resolver")
    def test_kibos_own_address_is_never_what_is_wrong(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        result, took = cancel(settings(), monkeypatch)
        assert (result.outcome, result.posts) == (Outcome.NOT_ATTEMPTED, 0)
        assert took >= 45
        assert "auth_url" not in result.reason

    def test_a_resolver_that_is_away_proves_nothing(
        self, monkeypatch: pytest.MonkeyPatch, resolver: list[int]
    ) -> None:
        resolver.append(socket.EAI_AGAIN)
        result, took = cancel(settings(auth_url=NOWHERE), monkeypatch)
        assert (result.outcome, result.posts) == (Outcome.NOT_ATTEMPTED, 0)
        assert took >= 45


def unsent(*, is_unknown: bool) -> OmsNotSentError:
    return OmsNotSentError("not sent", unresolved=True, is_unknown=is_unknown)


class TestHowLong:
    def judge(self, times: list[tuple[float, bool]], **extra: Any) -> list[Evidence]:
        world = World()
        found = settings(auth_url=NOWHERE, **extra)
        host = TenantHost(found, lambda: None, lambda _: "https://t10001.tp1.mozu.com", world.clock)
        seen = []
        for at, is_unknown in times:
            world.now = at
            seen.append(host.judged(unsent(is_unknown=is_unknown)).evidence)
        return seen

    def test_it_counts_from_the_first_of_those_that_follow_each_other(self) -> None:
        times = [(0.0, True), (14.9, True), (15.0, True)]
        assert self.judge(times) == [Evidence.NEVER_SENT] * 2 + [Evidence.WRONG_SERVER]

    def test_any_other_failure_in_between_lets_it_count_again(self) -> None:
        times = [(0.0, True), (10.0, False), (20.0, True), (34.0, True), (35.0, True)]
        assert self.judge(times) == [Evidence.NEVER_SENT] * 4 + [Evidence.WRONG_SERVER]

    def test_without_a_look_up_of_the_host_it_is_tried_until_the_deadline(self) -> None:
        times = [(0.0, True), (99.0, True)]
        assert self.judge(times, discover_host=False, api="translated") == [Evidence.NEVER_SENT] * 2

    def test_an_address_that_was_right_once_stays_so(self) -> None:
        world = World()
        found = settings(auth_url=NOWHERE)
        host = TenantHost(found, lambda: None, lambda _: "https://t10001.tp1.mozu.com", world.clock)
        assert host.url == "https://t10001.tp1.mozu.com"
        for world.now in (0.0, 99.0):
            assert host.judged(unsent(is_unknown=True)).evidence is Evidence.NEVER_SENT


class TestAnAnswerThatIsNoPlatforms:
    @pytest.mark.parametrize("with_secret", [False, True])
    @pytest.mark.parametrize(
        "script",
        [
            answer("404 Not Found"),
            answer("404 Not Found", PAGE),
            answer("405 Method Not Allowed", PAGE),
            answer("404 Not Found", b'{"error": "no such page"}'),
            answer("200 OK", PAGE),
            answer("200 OK", b"[]"),
            answer("204 No Content"),
        ],
    )
    def test_it_is_the_connections_fault_at_once(
        self, monkeypatch: pytest.MonkeyPatch, script: Script, *, with_secret: bool
    ) -> None:
        with RawServer([document(GRANTED), script] if with_secret else [script]) as platform:
            found = settings(auth_url=platform.url, with_secret=with_secret)
            result, took = cancel(found, monkeypatch)
            assert len(platform.requests) == 1 + with_secret
        assert (result.outcome, result.posts, took) == (Outcome.FORBIDDEN, 0, 0)
        assert "The tenant's host could not be looked up: No OMS answered" in result.reason
        assert "Check auth_url and tenant_id" in result.reason

    @pytest.mark.parametrize(
        "script",
        [
            answer("503 Unavailable", PAGE),
            answer("429 Too Many", b""),
            answer("404 Not Found", b"{}", (CORRELATION,)),
            answer("200 OK", b"{}"),
            answer("200 OK", PAGE, (CORRELATION,)),
        ],
    )
    def test_one_that_may_pass_or_is_the_platforms_is_tried_again(
        self, monkeypatch: pytest.MonkeyPatch, script: Script
    ) -> None:
        with RawServer([script]) as platform:
            found = settings(auth_url=platform.url, with_secret=False)
            result, took = cancel(found, monkeypatch)
        assert (result.outcome, result.posts) == (Outcome.NOT_ATTEMPTED, 0)
        assert took >= 45

    def test_what_it_proves_is_that_nothing_was_sent(self) -> None:
        def ask(_: str | None) -> str:
            raise OmsServerError("The OMS failed", http_status=503)

        host = TenantHost(settings(), lambda: None, ask)
        with pytest.raises(OmsError) as failure:
            assert host.url
        assert failure.value.evidence is Evidence.NEVER_SENT
        assert failure.value.was_sent is False
        assert failure.value.is_of_look_up
