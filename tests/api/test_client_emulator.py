"""The client against a tenant that was written from the contract and not from the client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_oms.api.client import TOKEN_PATH, OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.errors import (
    OmsForbiddenError,
    OmsInputError,
    OmsSearchError,
    OmsServerError,
    OmsUnauthorizedError,
)
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.validation import validate_cancel_request
from airflow_provider_oms.emulator.testing import EmulatorProcess

THREADS = 32
FIRST = 2000001


@pytest.fixture(scope="module")
def tenant(emulator: EmulatorProcess) -> EmulatorProcess:
    return emulator


def client_of(tenant: EmulatorProcess) -> OmsClient:
    found = TenantSettings.from_connection(
        name="emulator",
        host=tenant.url,
        login=tenant.client_id,
        password=tenant.client_secret,
        extra=json.dumps({"tenant_id": tenant.tenant}),
    )
    return OmsClient(found, pool_size=THREADS)


@pytest.fixture
def client(tenant: EmulatorProcess) -> Iterator[OmsClient]:
    tenant.load_orders([{"orderID": FIRST + number} for number in range(THREADS)])
    tenant.clear_requests()
    tenant.reset_settings()
    with client_of(tenant) as one:
        yield one


def cancel(client: OmsClient, order_id: int) -> bool:
    return client.post_cancel(validate_cancel_request(order_id, "created_by_mistake")).is_canceled


def test_threads_that_share_a_client_share_its_token(
    tenant: EmulatorProcess, client: OmsClient
) -> None:
    ids = range(FIRST, FIRST + THREADS)
    with ThreadPoolExecutor(THREADS) as threads:
        canceled = list(threads.map(lambda order_id: cancel(client, order_id), ids))
    assert canceled == [True] * THREADS
    assert len(tenant.requests(path=TOKEN_PATH)) == 1
    assert [tenant.cancel_posts(order_id) for order_id in ids] == [1] * THREADS


def test_threads_that_meet_a_revoked_token_share_the_new_one(
    tenant: EmulatorProcess, client: OmsClient
) -> None:
    client.get_order(FIRST)
    tenant.revoke_tokens()
    tenant.clear_requests()

    def read(order_id: int) -> bool:
        try:
            return client.get_order(order_id).is_canceled
        except OmsUnauthorizedError:
            return client.get_order(order_id).is_canceled

    with ThreadPoolExecutor(THREADS) as threads:
        assert not any(threads.map(read, range(FIRST, FIRST + THREADS)))
    assert len(tenant.requests(path=TOKEN_PATH)) == 1


def test_a_classic_tenant_that_calls_an_expired_token_forbidden_gets_a_new_one(
    tenant: EmulatorProcess, client: OmsClient
) -> None:
    tenant.settings(expired_token_status=403)
    client.get_order(FIRST)
    tenant.revoke_tokens()
    with pytest.raises(OmsForbiddenError) as error:
        client.get_order(FIRST)
    assert error.value.evidence is Evidence.DENIED
    assert client.get_order(FIRST).order_id == FIRST


KNOWN_REASONS = ["customer_changed_mind", "created_by_mistake", "other"]


@settings(max_examples=150)
@given(
    reason=st.sampled_from([*KNOWN_REASONS, "fraud", "Other"]),
    explanation=st.one_of(st.none(), st.text(max_size=300), st.text("é€\u00ad😀 \t", max_size=260)),
)
def test_whatever_passes_validation_keeps_the_rules_of_the_tenant(
    tenant: EmulatorProcess, reason: str, explanation: Any
) -> None:
    tenant.load_orders([{"orderID": FIRST}])
    try:
        request = validate_cancel_request(FIRST, reason, explanation)
    except OmsInputError:
        return
    tenant.settings(explanation_without_other="refuse")
    with client_of(tenant) as client:
        assert client.post_cancel(request).is_canceled
    stored = tenant.order(FIRST)
    assert stored["dispositionReason"] == reason
    assert stored["dispositionOtherReason"] == request.disposition_other_reason


class TestASearch:
    IDS = range(FIRST, FIRST + THREADS)

    def test_it_finds_what_is_there(self, client: OmsClient) -> None:
        cancel(client, FIRST)
        found = client.find_orders([*self.IDS, 5])
        assert set(found) == set(self.IDS)
        assert [each for each, order in found.items() if order.is_canceled] == [FIRST]

    @pytest.mark.parametrize(
        ("switch", "error"),
        [
            ({"search_status": 404}, OmsSearchError),
            ({"search_status": 404, "error_body": "html"}, OmsSearchError),
            ({"search_status": 500}, OmsServerError),
            ({"search_shape": "list"}, OmsSearchError),
            ({"search_shape": "items"}, OmsSearchError),
            ({"search_ignores_ids": True}, OmsSearchError),
        ],
    )
    def test_one_that_is_not_as_documented_is_an_error(
        self, tenant: EmulatorProcess, client: OmsClient, switch: dict[str, Any], error: Any
    ) -> None:
        tenant.settings(**switch)
        with pytest.raises(error):
            client.find_orders([FIRST])

    def test_what_it_leaves_out_or_does_not_show_yet_is_no_error(
        self, tenant: EmulatorProcess, client: OmsClient
    ) -> None:
        tenant.settings(search_leaves_out=2, search_lag=300)
        cancel(client, FIRST)
        found = client.find_orders(self.IDS)
        assert set(found) == {order_id for order_id in self.IDS if order_id % 2}
        assert found[FIRST].evidence is Evidence.OPEN
        assert client.get_order(FIRST).evidence is Evidence.CANCELED
