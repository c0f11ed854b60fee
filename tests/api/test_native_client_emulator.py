"""The client against a native tenant that was written from the contract and not from the client."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spoken import BY_EXTERNAL_ID, BY_NUMBER, NATIVE, Spoken

from airflow_provider_oms.api.client import TOKEN_PATH, OmsClient
from airflow_provider_oms.api.errors import (
    OmsError,
    OmsInputError,
    OmsSearchError,
    OmsServerError,
    OmsUnauthorizedError,
)
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.emulator.testing import EmulatorProcess

THREADS = 16
FIRST = 2000001
IDS = range(FIRST, FIRST + THREADS)
EACH = pytest.mark.parametrize("spoken", [NATIVE, BY_NUMBER, BY_EXTERNAL_ID], ids=str)


@pytest.fixture
def tenant(emulator: EmulatorProcess) -> EmulatorProcess:
    emulator.load_orders([{"orderID": number} for number in IDS])
    emulator.clear_requests()
    emulator.reset_settings()
    emulator.settings(native_filter_or=True)
    return emulator


@pytest.fixture
def client(tenant: EmulatorProcess) -> Iterator[OmsClient]:
    with client_of(tenant) as one:
        yield one


def client_of(tenant: EmulatorProcess, **extra: Any) -> OmsClient:
    return OmsClient(NATIVE.settings(tenant, search_with_or=True, **extra), pool_size=THREADS)


def names(tenant: EmulatorProcess, client: OmsClient, spoken: Spoken) -> dict[Any, int]:
    """Return what names each order."""
    return {spoken.request(client, tenant, number).order_id: number for number in IDS}


@EACH
def test_threads_that_share_a_client_share_its_token(
    spoken: Spoken, tenant: EmulatorProcess, client: OmsClient
) -> None:
    requests = [spoken.request(client, tenant, number) for number in IDS]
    with ThreadPoolExecutor(THREADS) as threads:
        assert all(order.is_canceled for order in threads.map(client.post_cancel, requests))
    assert len(tenant.requests(path=TOKEN_PATH)) == 1
    assert [tenant.cancels(number) for number in IDS] == [1] * THREADS


@EACH
def test_threads_that_meet_a_revoked_token_share_the_new_one(
    spoken: Spoken, tenant: EmulatorProcess, client: OmsClient
) -> None:
    named = names(tenant, client, spoken)
    client.get_order(next(iter(named)))
    tenant.revoke_tokens()
    tenant.clear_requests()

    def read(name: Any) -> bool:
        try:
            return client.get_order(name).is_canceled
        except OmsUnauthorizedError:
            return client.get_order(name).is_canceled

    with ThreadPoolExecutor(THREADS) as threads:
        assert not any(threads.map(read, named))
    assert len(tenant.requests(path=TOKEN_PATH)) == 1


@settings(max_examples=100)
@given(
    reason=st.one_of(st.sampled_from(["Fraud", "Other"]), st.text(max_size=40)),
    explanation=st.one_of(st.none(), st.text(max_size=300), st.text("é€\u00ad😀 \t", max_size=260)),
)
def test_whatever_passes_validation_is_what_the_tenant_gets(
    emulator: EmulatorProcess, reason: str, explanation: str | None
) -> None:
    emulator.reset_settings()
    emulator.load_orders([{"orderID": FIRST}])
    with client_of(emulator) as client:
        try:
            request = client.dialect.cancel_request(emulator.native_id(FIRST), reason, explanation)
        except OmsInputError:
            return
        assert client.post_cancel(request).is_canceled
    stored = emulator.order(FIRST)
    assert stored["dispositionReason"] == request.disposition_reason
    assert stored["dispositionOtherReason"] == request.disposition_other_reason


class TestASearch:
    @EACH
    def test_it_finds_what_is_there(
        self, spoken: Spoken, tenant: EmulatorProcess, client: OmsClient
    ) -> None:
        named = names(tenant, client, spoken)
        client.post_cancel(spoken.request(client, tenant, FIRST))
        found = client.find_orders([*named, client.dialect.unknown_order_id, "number:5"])
        assert {named[name] for name in found} == set(IDS)
        canceled = [named[name] for name, order in found.items() if order.is_canceled]
        assert canceled == [FIRST]
        assert {order.order_id for order in found.values()} == {
            tenant.native_id(number) for number in IDS
        }

    @pytest.mark.parametrize(
        ("switch", "error"),
        [
            ({"native_filter_or": False}, OmsSearchError),
            ({"native_filter_or": False, "native_error_body": "html"}, OmsSearchError),
            ({"search_status": 404}, OmsSearchError),
            ({"search_status": 500}, OmsServerError),
        ],
    )
    def test_one_that_a_tenant_does_not_take_is_an_error(
        self, tenant: EmulatorProcess, client: OmsClient, switch: dict[str, Any], error: Any
    ) -> None:
        tenant.settings(**switch)
        with pytest.raises(error):
            client.find_orders(["number:1", "number:2"])

    def test_what_it_leaves_out_or_does_not_show_yet_is_no_error(
        self, tenant: EmulatorProcess, client: OmsClient
    ) -> None:
        tenant.settings(search_leaves_out=2, search_lag=300)
        named = names(tenant, client, BY_NUMBER)
        client.post_cancel(NATIVE.request(client, tenant, FIRST))
        found = client.find_orders(named)
        assert {named[name] for name in found} == {number for number in IDS if number % 2}
        assert found[f"number:{FIRST}"].evidence is Evidence.OPEN
        assert client.get_order(f"number:{FIRST}").evidence is Evidence.CANCELED

    def test_one_order_is_found_where_a_tenant_understands_no_or(
        self, tenant: EmulatorProcess, client: OmsClient
    ) -> None:
        tenant.settings(native_filter_or=False)
        assert client.get_order(f"number:{FIRST}").order_id == tenant.native_id(FIRST)


class TestAValueOfAFilter:
    @pytest.mark.parametrize(
        "name", ["and", "or", "eq", "null", "-1", "#", "a#b", "A.B_C-d", "x" * 200]
    )
    def test_it_is_no_word_of_the_filters_own(
        self, tenant: EmulatorProcess, client: OmsClient, name: str
    ) -> None:
        tenant.load_orders([{"orderID": FIRST, "native": {"externalId": name}}])
        assert client.get_order(f"external_id:{name}").order_id == tenant.native_id(FIRST)


class TestASite:
    def test_a_tenant_may_require_it(self, tenant: EmulatorProcess) -> None:
        tenant.settings(native_site="require")
        name = tenant.native_id(FIRST)
        with client_of(tenant) as client, pytest.raises(OmsError):
            client.get_order(name)
        with client_of(tenant, site_id=1) as client:
            assert client.get_order(name).order_id == name

    def test_a_tenant_may_show_its_orders_only(self, tenant: EmulatorProcess) -> None:
        tenant.settings(native_site="scope")
        name = tenant.native_id(FIRST)
        with client_of(tenant, site_id=9) as client, pytest.raises(OmsError) as refusal:
            client.get_order(name)
        assert refusal.value.evidence is Evidence.NOT_FOUND


class TestANote:
    def test_it_is_left_once(self, tenant: EmulatorProcess, client: OmsClient) -> None:
        client.post_note(f"number:{FIRST}", "By the fraud job")
        notes = tenant.order(FIRST)["native"]["notes"]
        assert [note["text"] for note in notes] == ["By the fraud job"]

    def test_a_canceled_order_may_take_none(
        self, tenant: EmulatorProcess, client: OmsClient
    ) -> None:
        tenant.settings(native_note_on_canceled=409)
        client.post_cancel(NATIVE.request(client, tenant, FIRST))
        with pytest.raises(OmsError):
            client.post_note(tenant.native_id(FIRST), "By the fraud job")


def test_the_reasons_are_those_of_a_category(tenant: EmulatorProcess) -> None:
    tenant.settings(native_reason_categories=["CSR"])
    with client_of(tenant) as client:
        assert client.list_reasons() == {}
    with client_of(tenant, reason_category="CSR") as client:
        assert client.list_reasons() == {
            "CustomerChangedMind": False,
            "NoInventory": False,
            "Fraud": False,
            "Other": True,
        }
