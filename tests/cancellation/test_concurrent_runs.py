"""Two runs that cancel overlapping sets at the same time, over real sockets against the emulator.

They know nothing of each other. Their requests are told apart by their tokens.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from shared_orders import cancels_of_those_who_knew
from spoken import BY_NUMBER, NATIVE, TRANSLATED, Spoken

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.values import CancelRequest, OrderId
from airflow_provider_oms.cancellation.bulk.driver import BulkRun
from airflow_provider_oms.cancellation.bulk.journal import Journal
from airflow_provider_oms.cancellation.bulk.limits import Limits
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet
from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.cancellation.policy import policy_for
from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.slow

log = logging.getLogger(__name__)

FIRST_SET = range(9_000_001, 9_000_041)
SECOND_SET = range(9_000_021, 9_000_061)
BOTH = range(FIRST_SET.start, SECOND_SET.stop)
OVERLAP = range(SECOND_SET.start, FIRST_SET.stop)
WORKERS = 6
SHOWN_AFTER = 0.4
# The mark of each in the record, and whether it nevertheless cancels the order.
ACTED_ON: dict[str, dict[str, Any]] = {
    "drop": {},
    "late": {"seconds": SHOWN_AFTER, "answer": "error"},
    "answer": {"body": "empty"},
}
NOT_ACTED_ON: dict[str, dict[str, Any]] = {
    "hang": {"seconds": 0, "acts": False},
    "status": {"status": 502},
    "throttle": {"retry_after": 0},
}


@pytest.fixture
def tenant(emulator: EmulatorProcess) -> EmulatorProcess:
    emulator.clear()
    emulator.load_orders([{"orderID": order_id} for order_id in BOTH])
    return emulator


def cancel(
    tenant: EmulatorProcess,
    spoken: Spoken,
    order_ids: Iterable[int],
    *,
    states: frozenset[str] | None = None,
) -> dict[int, Outcome]:
    """Cancel a set as one task does, and return how each order ended."""
    found = spoken.settings(tenant, settle_seconds=1, deadline=20)
    with OmsClient(found, pool_size=WORKERS) as client:
        numbers: dict[OrderId, int] = {}
        requests: dict[OrderId, CancelRequest] = {}
        for number in order_ids:
            request = spoken.request(client, tenant, number)
            numbers[request.order_id], requests[request.order_id] = number, request
        policy = policy_for(found, only_if_states=states)
        run = BulkRun(
            client,
            OrderSet(requests, 0, frozenset()),
            policy,
            Journal(None, now=time.time()),
            Limits(WORKERS),
            leeway=found.connect_timeout,
            attempt=1,
            log=log,
            is_stopping=lambda: False,
        )
        run.run()
    return {numbers[order_id]: end.result.outcome for order_id, end in run.ends.items()}


def cancel_both(
    tenant: EmulatorProcess, spoken: Spoken
) -> tuple[dict[int, Outcome], dict[int, Outcome]]:
    """Cancel both sets at the same time, the second from its end, so that they meet."""
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(cancel, tenant, spoken, FIRST_SET)
        second = threads.submit(cancel, tenant, spoken, reversed(SECOND_SET))
        return first.result(), second.result()


def assert_true(tenant: EmulatorProcess, *runs: dict[int, Outcome]) -> None:
    at_the_oms = tenant.orders()
    for order_id in BOTH:
        assert at_the_oms[order_id]["orderState"] == "CANCELED"
        assert at_the_oms[order_id]["times_canceled"] == 1
    for outcomes in runs:
        assert set(outcomes.values()) <= {Outcome.CANCELED, Outcome.ALREADY_CANCELED}
    assert set(runs[0]) == set(FIRST_SET)
    assert set(runs[1]) == set(SECOND_SET)


# A tenant's response to the second cancel of an order, in either API.
STATUSES = {False: "canceled_order_status", True: "native_canceled_order_status"}


@pytest.mark.parametrize("second_cancel", [200, 409])
@pytest.mark.parametrize("spoken", [TRANSLATED, NATIVE, BY_NUMBER], ids=str)
def test_both_are_true_and_each_sends_one_cancel_for_an_order_and_no_more(
    second_cancel: int, spoken: Spoken, tenant: EmulatorProcess
) -> None:
    tenant.settings(**{STATUSES[spoken.is_native]: second_cancel})
    runs = cancel_both(tenant, spoken)
    assert_true(tenant, *runs)
    assert cancels_of_those_who_knew(tenant.requests(), NOT_ACTED_ON) == []
    for order_id in BOTH:
        assert tenant.cancels(order_id) == (2 if order_id in OVERLAP else 1)
    both_canceled = sum(runs[0][id_] is runs[1][id_] is Outcome.CANCELED for id_ in OVERLAP)
    # A tenant that answers a second cancel with the canceled order does not say whose it was.
    assert both_canceled == (len(OVERLAP) if second_cancel == 200 else 0)


@pytest.mark.parametrize(
    ("spoken", "second_cancel"),
    [(TRANSLATED, 200), (TRANSLATED, 409), (NATIVE, 409), (BY_NUMBER, 200)],
    ids=str,
)
def test_so_they_are_when_cancels_of_both_go_wrong(
    second_cancel: int, spoken: Spoken, tenant: EmulatorProcess
) -> None:
    tenant.settings(**{STATUSES[spoken.is_native]: second_cancel})
    for seed, (kind, parameters) in enumerate((ACTED_ON | NOT_ACTED_ON).items()):
        tenant.add_fault(kind, share=0.1, seed=seed, **parameters)
    assert_true(tenant, *cancel_both(tenant, spoken))
    late = {"late": SHOWN_AFTER}
    assert cancels_of_those_who_knew(tenant.requests(), NOT_ACTED_ON, late) == []


def test_a_cancel_after_such_an_answer_would_be_found() -> None:
    def request(run: str, method: str = "POST", **more: Any) -> dict[str, Any]:
        at = {"time": "2026-11-25T08:00:00.000+00:00", "order_id": 1}
        return {**at, "fault": None, "status": 200, "method": method, **more} | {
            "headers": [["authorization", run]]
        }

    soon = {"time": "2026-11-25T08:00:01.500+00:00"}
    first, second, read = request("a"), request("b", **soon), request("b", "GET", **soon)
    assert cancels_of_those_who_knew([first, second]) == []
    assert cancels_of_those_who_knew([first, second, second]) == [second]
    assert cancels_of_those_who_knew([first, read, second]) == [second]
    assert cancels_of_those_who_knew([read, first, second]) == []
    # It came in with the cancel, and may have been answered before that was acted on.
    assert cancels_of_those_who_knew([first, request("b", "GET"), second]) == []
    # One without an answer, which was acted on or was not.
    lost = request("a", fault="drop")
    own_read = request("a", "GET", **soon)
    assert cancels_of_those_who_knew([lost, first]) == []
    assert cancels_of_those_who_knew([lost, own_read, first]) == [first]
    assert cancels_of_those_who_knew([lost, own_read, first], ["drop"]) == []
    # One that shows after a second: too late for the first read, and early enough for the second.
    later = request("a", "GET", time="2026-11-25T08:00:03.000+00:00")
    assert cancels_of_those_who_knew([lost, own_read, first], shown_after={"drop": 1}) == []
    assert cancels_of_those_who_knew([lost, later, first], shown_after={"drop": 1}) == [first]


@pytest.mark.parametrize("spoken", [TRANSLATED, NATIVE, BY_NUMBER], ids=str)
def test_a_run_that_reads_first_sends_nothing_for_what_another_has_canceled(
    spoken: Spoken, tenant: EmulatorProcess
) -> None:
    states = frozenset({"Accepted" if spoken.is_native else "READY"})
    first = cancel(tenant, spoken, FIRST_SET, states=states)
    second = cancel(tenant, spoken, SECOND_SET, states=states)
    assert_true(tenant, first, second)
    assert {second[order_id] for order_id in OVERLAP} == {Outcome.ALREADY_CANCELED}
    assert {tenant.cancels(order_id) for order_id in BOTH} == {1}
