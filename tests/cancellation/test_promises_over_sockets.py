"""The promises, held under any sequence of faults, over real sockets against the emulator.

`test_promises.py` asks the decision alone, and far more often; here the client, its connections
and its tokens take part.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slept_time import surroundings_for
from spoken import BY_NUMBER, NATIVE, TRANSLATED, Spoken

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome
from airflow_provider_oms.cancellation.policy import policy_for
from airflow_provider_oms.cancellation.runner import cancel_order
from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.slow

ORDER_IDS = itertools.count(8000001)

# Not permanently: the next call with a revoked token would not be acted on either.
UNAUTHORIZED = {"kind": "unauthorized", "revokes": False}
NOT_ACTED_ON = st.sampled_from(
    [
        {"kind": "drop", "when": "before"},
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 500, "body": "empty"},
        {"kind": "throttle"},
        {"kind": "throttle", "retry_after": 1},
        UNAUTHORIZED,
        {"kind": "over_limit"},
        {"kind": "answer", "body": "empty", "acts": False},
    ]
)
ACTED_ON = st.sampled_from(
    [
        {"kind": "drop"},
        {"kind": "drop", "when": "mid_answer"},
        {"kind": "status", "status": 502, "acts": True, "body": "html"},
        {"kind": "status", "status": 408, "acts": True},
        {"kind": "answer", "body": "empty"},
        {"kind": "answer", "body": "other_order"},
        {"kind": "gzip"},
        {"kind": "close_after"},
        {"kind": "late", "seconds": 0.5},
        {"kind": "late", "seconds": 0.5, "answer": "drop"},
        {"kind": "late", "seconds": 0.5, "answer": "error"},
    ]
)
FOR_READS = st.sampled_from(
    [
        {"kind": "drop"},
        {"kind": "status", "status": 502, "body": "html"},
        {"kind": "throttle", "retry_after": 1},
        UNAUTHORIZED,
        {"kind": "answer", "body": "other_order"},
        {"kind": "answer", "body": "cut_off"},
    ]
)
SCRIPTS = st.tuples(
    st.lists(NOT_ACTED_ON, max_size=3),
    st.lists(ACTED_ON, max_size=1),
    st.lists(FOR_READS, max_size=3),
    st.sampled_from([1, 1, 2]),
)


@pytest.fixture(scope="module")
def tenant(emulator: EmulatorProcess) -> EmulatorProcess:
    return emulator


def play(
    spoken: Spoken,
    tenant: EmulatorProcess,
    order_id: int,
    script: tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]], int],
) -> CancellationResult:
    not_acted_on, acted_on, for_reads, attempt = script
    for fault in (*not_acted_on, *acted_on):
        tenant.add_fault(**fault, order_id=order_id, times=1)
    for fault in for_reads:
        tenant.add_fault(**fault, order_id=order_id, times=1, call="get")
        if spoken.order_key:
            # A search is about no order: the next one meets it, whichever order it is for.
            tenant.add_fault(**fault, times=1, call="search")
    found = spoken.settings(tenant, settle_seconds=1, deadline=8)
    with OmsClient(found) as client:
        request = spoken.request(client, tenant, order_id)
        return cancel_order(
            client,
            request,
            policy_for(found),
            attempt=attempt,
            surroundings=surroundings_for(*acted_on),
        )


@pytest.mark.parametrize("spoken", [TRANSLATED, NATIVE, BY_NUMBER], ids=str)
@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(scripts=st.lists(SCRIPTS, min_size=16, max_size=16))
def test_no_sequence_of_faults_cancels_twice_or_lets_us_say_what_is_not_so(
    tenant: EmulatorProcess, spoken: Spoken, scripts: list[Any]
) -> None:
    orders = {next(ORDER_IDS): script for script in scripts}
    tenant.load_orders([{"orderID": order_id} for order_id in orders])
    with ThreadPoolExecutor(len(orders)) as threads:
        results = list(threads.map(lambda pair: play(spoken, tenant, *pair), orders.items()))
    at_the_oms = tenant.orders()
    for order_id, result in zip(orders, results, strict=True):
        order, script = at_the_oms[order_id], orders[order_id]
        posted = tenant.cancels(order_id)
        assert order["times_canceled"] <= 1, script
        assert posted == result.posts, script
        is_canceled = order["orderState"] == "CANCELED"
        if result.outcome is not Outcome.UNKNOWN:
            assert result.outcome.is_success == is_canceled, (script, result)
        # Nothing follows a cancel that was acted on. A token that was refused once is tried again
        # for a while, so that more cancels than those with a fault may get a 401.
        sent = tenant.requests(call="cancel", order_id=order_id)
        with_token = [request for request in sent if request["status"] != HTTPStatus.UNAUTHORIZED]
        faults = [fault for fault in script[0] if fault["kind"] != "unauthorized"]
        if is_canceled and posted:
            assert len(with_token) <= len(faults) + 1, (script, result)
    tenant.clear_faults()
