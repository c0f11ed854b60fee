"""The trigger for orders in review, against a native tenant over sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from spoken import NATIVE, TRANSLATED, Spoken

from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.triggers.review import OmsOrdersInReviewTrigger
from airflow_provider_oms.verdicts.adapters import Kibo
from airflow_provider_oms.verdicts.verdict import Decision

pytestmark = pytest.mark.needs("asset watchers")

FAILED = {"status": "PendingReview", "validationResults": [{"status": "Fail"}]}


@pytest.fixture
def tenant(emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> EmulatorProcess:
    emulator.clear()
    connect(monkeypatch, emulator, NATIVE)
    return emulator


def connect(monkeypatch: pytest.MonkeyPatch, oms: EmulatorProcess, spoken: Spoken) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OMS_DEFAULT", spoken.connection(oms))


async def take(events: AsyncIterator[Any], number: int) -> list[dict[str, Any]]:
    return [(await anext(events)).payload for _ in range(number)]


class TestOverSockets:
    def run(self, *steps: Any, **arguments: Any) -> list[dict[str, Any]]:
        """Take as many events as each step demands, after its action."""

        async def play() -> list[dict[str, Any]]:
            settings = {"poll_interval": 0.02, "search_interval": 60, **arguments}
            events = OmsOrdersInReviewTrigger(**settings).run()
            payloads = []
            for number, act in steps:
                await asyncio.to_thread(act)
                payloads += await asyncio.wait_for(take(events, number), 30)
            await events.aclose()  # type: ignore[attr-defined]  # it is a generator
            return payloads

        return asyncio.run(play())

    def test_an_order_that_comes_under_review_is_emitted_as_the_adapter_takes_it(
        self, tenant: EmulatorProcess
    ) -> None:
        def load(number: int) -> Callable[[], Any]:
            return lambda: tenant.load_orders([{"orderID": number, "native": FAILED}])

        payloads = self.run((1, load(1)), (1, load(2)))
        assert [one["orderNumber"] for one in payloads] == [1, 2]
        verdicts = [Kibo()(json.loads(json.dumps(one))) for one in payloads]
        assert [one.decision for one in verdicts] == [Decision.CANCEL] * 2
        assert "email" not in json.dumps(payloads)
        assert {one["method"] for one in tenant.requests(path="/api/commerce")} == {"GET"}

    def test_what_no_event_announces_is_found_by_the_search(self, tenant: EmulatorProcess) -> None:
        tenant.settings(native_event_loses=1)
        tenant.load_orders([{"orderID": 1, "native": FAILED}])

        def load() -> None:
            tenant.load_orders([{"orderID": 2, "native": FAILED}])

        payloads = self.run((1, lambda: None), (1, load), search_interval=0.05)
        assert [one["orderNumber"] for one in payloads] == [1, 2]

    def test_a_restart_emits_what_is_still_in_review(self, tenant: EmulatorProcess) -> None:
        tenant.load_orders([{"orderID": number, "native": FAILED} for number in (1, 2)])
        assert len(self.run((2, lambda: None))) == 2
        tenant.load_orders([{"orderID": 1, "native": {"status": "Accepted"}}])
        assert [one["orderNumber"] for one in self.run((1, lambda: None))] == [2]

    def test_a_revoked_token_is_replaced(self, tenant: EmulatorProcess) -> None:
        def load() -> None:
            tenant.revoke_tokens()
            tenant.load_orders([{"orderID": 1, "native": FAILED}])

        tenant.load_orders([{"orderID": 2, "native": FAILED}])
        assert len(self.run((1, lambda: None), (1, load))) == 2

    def test_nothing_but_tokens_is_asked_of_a_translated_tenant(
        self,
        tenant: EmulatorProcess,
        monkeypatch: pytest.MonkeyPatch,
        logged: Callable[[], str],
    ) -> None:
        connect(monkeypatch, tenant, TRANSLATED)

        async def play() -> None:
            events = OmsOrdersInReviewTrigger().run()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(events), 0.3)

        asyncio.run(play())
        assert tenant.requests() == []
        assert "the connection's api must be native" in logged()
