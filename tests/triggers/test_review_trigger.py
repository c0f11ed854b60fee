"""The trigger for orders in review: it watches without an end, and no trouble ends it."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowNotFoundException,
    AirflowOptionalProviderFeatureException,
)
from features import IS_AIRFLOW_2
from virtual_loop import VirtualLoop

from airflow_provider_oms.api.errors import OmsNotFoundError, OmsServerError
from airflow_provider_oms.api.review import Event, OrderInReview
from airflow_provider_oms.triggers import review
from airflow_provider_oms.triggers.review import OmsOrdersInReviewTrigger

SECRET = "a secret of forty characters or so"
UNKNOWN = OmsNotFoundError("The OMS knows no such order", http_status=404)
BROKEN = OmsServerError("It failed", http_status=500)

EXTRA = [""]

needs_event_triggers = pytest.mark.needs("asset watchers")


@pytest.mark.needs("no asset watchers")
def test_airflow_2_is_told_what_to_use_instead() -> None:
    assert IS_AIRFLOW_2
    with pytest.raises(AirflowOptionalProviderFeatureException, match="list the orders"):
        OmsOrdersInReviewTrigger()


@needs_event_triggers
class TestArguments:
    def test_it_comes_back_from_what_it_is_stored_as_without_a_secret(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = {"conn_type": "oms", "login": "KIBO.1", "password": SECRET}
        monkeypatch.setenv("AIRFLOW_CONN_OMS_DEFAULT", json.dumps(connection))
        path, stored = OmsOrdersInReviewTrigger(poll_interval=5, filter_events=False).serialize()
        assert path == "airflow_provider_oms.triggers.review.OmsOrdersInReviewTrigger"
        assert SECRET not in json.dumps(stored)
        again = OmsOrdersInReviewTrigger(**json.loads(json.dumps(stored)))
        assert again.serialize() == (path, stored)
        assert stored == {
            "oms_conn_id": "oms_default",
            "poll_interval": 5,
            "overlap": 600,
            "search_interval": 900,
            "max_orders": 10_000,
            "filter_events": False,
        }

    @pytest.mark.parametrize("name", ["poll_interval", "overlap", "search_interval", "max_orders"])
    @pytest.mark.parametrize("value", [0, -1, True, "soon", None, float("nan"), float("inf")])
    def test_what_is_no_such_value_is_refused(self, name: str, value: Any) -> None:
        with pytest.raises(ValueError, match=name):
            OmsOrdersInReviewTrigger(**{name: value})


class Tenant:
    """Play a tenant in virtual time, by the action at each question.

    :param play: returns or raises the answer, given the question and the time.
    """

    def __init__(self, play: Callable[[str, float], Any]) -> None:
        self._play = play
        self.asked: list[tuple[float, str]] = []
        self.rest = 0.0
        self.connections = 0
        #: Until when its connection cannot be looked up or used, and the error raised instead.
        self.lost: dict[str, tuple[float, Exception]] = {}
        self.looked_up: list[float] = []

    def lose(self, step: str) -> None:
        until, error = self.lost.get(step, (0.0, ValueError()))
        if asyncio.get_running_loop().time() < until:
            raise error

    def _answer(self, question: str) -> Any:
        now = asyncio.get_running_loop().time()
        self.asked.append((now, question))
        answer = self._play(question, now)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def __call__(self, _: object) -> Tenant:
        return self

    def orders(self, at_most: int) -> Any:
        assert at_most == 10_000
        return self._answer("search")

    def events(self, since: Any, *, is_filtered: bool) -> Any:
        assert since
        assert is_filtered
        return self._answer("events")

    def order(self, order_id: str) -> Any:
        return self._answer(order_id)

    async def ask(self, read: Callable[[Any], Any]) -> Any:
        return read(self)

    @contextmanager
    def shared(self, _: object) -> Iterator[Tenant]:
        self.lose("client")
        self.connections += 1
        yield self

    def times(self, question: str) -> list[float]:
        return [now for now, asked in self.asked if asked == question]


def order(order_id: str, status: str = "PendingReview") -> OrderInReview:
    return OrderInReview(order_id, status, {"id": order_id, "validationResults": [{}]})


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[float, str]]]:
    """Run a trigger over a tenant for some virtual seconds."""

    tenants: list[Tenant] = []

    async def connection(_: str) -> Any:
        tenants[-1].looked_up.append(asyncio.get_running_loop().time())
        tenants[-1].lose("connection")
        fields = dict.fromkeys(("port", "login", "password", "schema"))
        return SimpleNamespace(**fields, host="http://127.0.0.1:1", extra=EXTRA[0])

    # By itself it would leave the loop, whose time goes on without it.
    monkeypatch.setattr(review, "get_async_connection", connection)
    monkeypatch.setattr(sys.modules[__name__], "EXTRA", ['{"tenant_id": "1"}'])

    def run(tenant: Tenant, seconds: float, **arguments: Any) -> list[tuple[float, str]]:
        tenants.append(tenant)
        monkeypatch.setattr(review, "shared_client", tenant.shared)
        monkeypatch.setattr(review, "Reviews", tenant)
        # The slowest that it may be.
        monkeypatch.setattr(random, "uniform", lambda _, most: most)
        emitted: list[tuple[float, str]] = []

        async def collect() -> None:
            async for event in OmsOrdersInReviewTrigger(**arguments).run():
                now = asyncio.get_running_loop().time()
                emitted.append((now, event.payload["id"]))

        async def until() -> None:
            await asyncio.wait([asyncio.ensure_future(collect())], timeout=seconds)
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(until())
        return emitted

    return run


@needs_event_triggers
class TestPaces:
    def test_it_asks_for_events_and_now_and_then_for_all(self, watch: Any) -> None:
        tenant = Tenant(lambda *_: [])
        assert watch(tenant, 1000) == []
        assert tenant.times("search") == [0, pytest.approx(900, abs=100)]
        assert len(tenant.times("events")) == pytest.approx(1000 / 33, abs=2)
        assert tenant.connections == 1

    def test_an_order_that_an_event_names_is_read_and_emitted_once(self, watch: Any) -> None:
        def play(question: str, now: float) -> Any:
            if question == "events":
                return [Event("1", "a")] if now > 100 else []
            return [] if question == "search" else order("a")

        tenant = Tenant(play)
        ((at, order_id),) = watch(tenant, 800)
        assert (order_id, at) == ("a", tenant.times("a")[0])
        assert 100 < at < 134

    def test_what_a_search_shows_is_read_before_it_is_emitted(self, watch: Any) -> None:
        states = {"a": "PendingReview", "b": "Accepted"}

        def play(question: str, _: float) -> Any:
            if question == "search":
                return [order("a"), order("b")]
            return [] if question == "events" else order(question, states[question])

        assert watch(Tenant(play), 10) == [(0, "a")]

    def test_many_orders_at_once_are_emitted_while_the_others_are_read(self, watch: Any) -> None:
        orders = [order(str(number)) for number in range(50)]

        def play(question: str, _: float) -> Any:
            return {"search": orders, "events": []}.get(question) or (
                order(question) if question.isdecimal() else []
            )

        tenant = Tenant(play)
        assert [one for _, one in watch(tenant, 10)] == [str(number) for number in range(50)]
        assert tenant.times("events") == [0]

    def test_an_order_that_is_not_there_yet_is_read_again_but_not_at_once(self, watch: Any) -> None:
        def play(question: str, now: float) -> Any:
            if question == "events":
                return [Event("1", "a")]
            return [] if question == "search" else (order("a") if now > 90 else UNKNOWN)

        tenant = Tenant(play)
        assert [one for _, one in watch(tenant, 500)] == ["a"]
        assert tenant.times("a") == pytest.approx([0, 33, 66, 99])

    def test_an_order_that_is_never_there_is_given_up_with_a_warning(
        self, watch: Any, logged: Callable[[], str]
    ) -> None:
        def play(question: str, _: float) -> Any:
            return {"search": [], "events": [Event("1", "a")]}.get(question, UNKNOWN)

        tenant = Tenant(play)
        # The clock of the calendar stands still in virtual time.
        assert watch(tenant, 300, overlap=1e-6) == []
        assert "names an order that cannot be read" in logged()
        assert tenant.times("a") == [0]


@needs_event_triggers
class TestTroubles:
    def test_the_search_goes_on_where_events_fail(self, watch: Any) -> None:
        def play(question: str, _: float) -> Any:
            return {"search": [order("a")], "events": BROKEN}.get(question) or order("a")

        tenant = Tenant(play)
        assert [one for _, one in watch(tenant, 4000)] == ["a"]
        assert len(tenant.times("search")) >= 4
        gaps = [after - before for before, after in pairwise(tenant.times("events"))]
        assert gaps[0] < 40
        assert max(gaps) <= 661

    def test_events_go_on_where_the_search_fails(self, watch: Any) -> None:
        def play(question: str, now: float) -> Any:
            if question == "events":
                return [Event("1", "a")] if now > 300 else []
            return BROKEN if question == "search" else order("a")

        tenant = Tenant(play)
        assert [one for _, one in watch(tenant, 600)] == ["a"]
        assert max(after - before for before, after in pairwise(tenant.times("events"))) < 40

    def test_what_was_read_before_a_read_fails_is_emitted(self, watch: Any) -> None:
        def play(question: str, now: float) -> Any:
            if question == "search":
                return [order("a"), order("b")]
            if question == "b" and now < 60:
                return BROKEN
            return [] if question == "events" else order(question)

        emitted = watch(Tenant(play), 200)
        assert emitted[0] == (0, "a")
        assert [one for _, one in emitted] == ["a", "b"]

    def test_an_order_that_can_never_be_read_holds_up_no_other(self, watch: Any) -> None:
        def play(question: str, now: float) -> Any:
            if question == "events":
                return [Event(str(at), str(at)) for at in (0, 500, 1000, 1500) if at <= now]
            if question == "search":
                return []
            return BROKEN if question == "0" else order(question)

        emitted = watch(Tenant(play), 3000)
        assert [one for _, one in emitted] == ["500", "1000", "1500"]
        assert all(at - int(one) < 80 for at, one in emitted)

    def test_the_others_of_a_batch_are_read_where_one_fails(self, watch: Any) -> None:
        def play(question: str, _: float) -> Any:
            if question == "search":
                return [order(one) for one in "abc"]
            return {"events": [], "a": BROKEN}.get(question, order(question))

        tenant = Tenant(play)
        assert watch(tenant, 10) == [(0, "b"), (0, "c")]

    def test_an_oms_that_asks_for_a_rest_is_not_asked_for_the_others(self, watch: Any) -> None:
        def play(question: str, now: float) -> Any:
            if question == "search":
                return [order(one) for one in "abc"]
            if question != "events" and now < 5:
                resting.rest = 60.0
                return BROKEN
            resting.rest = 0.0
            return [] if question == "events" else order(question)

        resting = Tenant(play)
        assert sorted(one for _, one in watch(resting, 200)) == ["a", "b", "c"]
        assert [asked for now, asked in resting.asked if now < 5] == ["events", "search", "a"]

    def test_trouble_is_told_once_and_its_end_too(
        self, watch: Any, logged: Callable[[], str]
    ) -> None:
        def play(question: str, now: float) -> Any:
            return BROKEN if question == "events" and now < 100 else []

        watch(Tenant(play), 500)
        said = logged()
        assert said.count("not watched as they should be") == 1
        assert said.count("watched again") == 1

    def test_after_a_failure_the_connection_is_read_again(self, watch: Any) -> None:
        def play(question: str, now: float) -> Any:
            return BROKEN if question == "events" and now < 100 else []

        tenant = Tenant(play)
        watch(tenant, 500)
        assert tenant.connections == 1 + len([one for one in tenant.times("events") if one < 100])

    def test_a_pause_that_the_oms_asks_for_is_kept(self, watch: Any) -> None:
        def play(_: str, now: float) -> Any:
            resting.rest = max(0.0, 400 - now)
            return []

        resting = Tenant(play)
        watch(resting, 500)
        assert resting.times("events")[:2] == [0, 400]

    def test_a_connection_that_is_wrong_is_read_again_until_it_is_right(
        self, watch: Any, logged: Callable[[], str]
    ) -> None:
        EXTRA[0] = "{}"
        tenant = Tenant(lambda *_: [])
        assert watch(tenant, 500) == []
        assert tenant.asked == []
        assert "tenant_id: is required" in logged()

    @pytest.mark.parametrize("step", ["connection", "client"])
    def test_a_connection_that_cannot_be_looked_up_or_used_ends_nothing(
        self, watch: Any, logged: Callable[[], str], step: str
    ) -> None:
        tenant = Tenant(lambda *_: [])
        tenant.lost = {step: (3000, AirflowNotFoundException(SECRET))}
        watch(tenant, 5000)
        assert tenant.times("events")[0] >= 3000
        pauses = [after - before for before, after in pairwise(tenant.looked_up)]
        assert pauses[:6] == [30, 60, 120, 240, 480, 600]
        said = logged()
        assert said.count("AirflowNotFoundException") == 1
        assert "oms_default" in said
        assert SECRET not in said
        assert said.count("watched again") == 1

    @pytest.mark.parametrize("lost", ["events", "search", "a"])
    def test_an_error_that_nobody_expected_ends_nothing(
        self, watch: Any, logged: Callable[[], str], lost: str
    ) -> None:
        def play(question: str, now: float) -> Any:
            if question == lost and now < 100:
                return KeyError(SECRET)
            listed = {"search": [order("a"), order("b")], "events": [Event("1", "b")]}
            return listed.get(question, order(question))

        emitted = watch(Tenant(play), 1200)
        assert {one for _, one in emitted} == {"a", "b"}
        assert emitted[0][0] == 0
        said = logged()
        assert said.count("KeyError while connection oms_default was looked up or used") == 1
        assert SECRET not in said

    def test_a_trigger_that_airflow_ends_is_not_kept_alive(self, watch: Any) -> None:
        def play(*_: Any) -> Any:
            raise asyncio.CancelledError

        tenant = Tenant(play)
        assert watch(tenant, 1000) == []
        assert tenant.times("events") == [0]
